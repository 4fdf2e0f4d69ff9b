"""The people that checks of queries are about, in the database and in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from runic.orm.testing.suite.base import LiveSuite

if TYPE_CHECKING:
    from runic.orm.testing.kit import Kit

__all__ = ["NAMES", "PEOPLE", "PeopleSuite", "keys"]

NAMES = ("Ann", "ann", "Bob", "it's", "Zoë", "", "Ann-Marie", "back\\slash", "[x]", "per%cent", "Bo")

PEOPLE: tuple[dict[str, Any], ...] = tuple(
    {
        "id": f"{number:02}",
        "name": NAMES[number % len(NAMES)],
        "years": None if number % 5 == 4 else (number * 7) % 40,
        "score": None if number % 7 == 3 else (number % 9) / 4,
        "active": number % 3 != 0,
        "email": f"{number}@x" if number % 2 else None,
        "tags": [],
    }
    for number in range(44)
)


def keys(rows: Any) -> list[str]:
    """Sorted keys of entities or of dicts."""
    return sorted(cast("dict[str, str]", row)["id"] if isinstance(row, dict) else row.id for row in rows)


class PeopleSuite(LiveSuite):
    """Base of checks over the same people."""

    async def _load(self, kit: Kit) -> None:
        # Written raw: what is tested here is reading.
        await kit.write(
            "UNWIND $rows AS r CREATE (n:Person) SET n.id = r.id, n.name = r.name, n.years = r.years,"
            " n.score = r.score, n.active = r.active, n.email = r.email, n.tags = r.tags",
            {"rows": list(PEOPLE)},
        )
