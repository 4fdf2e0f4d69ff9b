"""Known gaps: what a backend is known not to pass, each with its reason, as strict expected failures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import cast

__all__ = ["Gap", "GapKind", "parse_version"]

_TEST_ID = re.compile(r"\w+::\w+(\[[^\]]+\])?")


class GapKind(Enum):
    """Whose move it is."""

    NOTIMPL = "the backend's plugin could do it, and does not yet"
    NOTYET = "the server cannot do it yet"
    NEVER = "the server will never do it"


@dataclass(frozen=True, slots=True)
class Gap:
    """One test that is known to fail. A gap that passes fails the run.

    Attributes:
        test_id: ``"TestClass::test_name"``, with ``"[...]"`` after it for one parameter only.
        kind: whose move it is.
        reason: why, for the report.
        raises: the error that the test fails with; ``AssertionError`` for a wrong answer.
        until: the first version of the server without the gap; ``None``: not known.

    Raises:
        ValueError: no reason, or no such form of test id.
        TypeError: ``raises`` is no class of exceptions.

    Example:
        >>> Gap(
        ...     "TestOrder::test_nulls_come_last", GapKind.NOTYET, "nulls come first", AssertionError, "5.2"
        ... ).until
        '5.2'
    """

    test_id: str
    kind: GapKind
    reason: str
    raises: type[BaseException]
    until: str | None = None

    def __post_init__(self) -> None:
        if not _TEST_ID.fullmatch(self.test_id):
            raise ValueError(f"{self.test_id!r} is no test id: write 'TestClass::test_name'")
        if not self.reason.strip():
            raise ValueError(f"the gap {self.test_id} has no reason")
        kind = cast("object", self.kind)
        if not isinstance(kind, GapKind):
            raise TypeError(f"the gap {self.test_id} has the kind {kind!r}, which is no GapKind")
        raises = cast("object", self.raises)
        if not (isinstance(raises, type) and issubclass(raises, BaseException)):
            raise TypeError(f"the gap {self.test_id} must say which error it raises, not {raises!r}")
        if self.until is not None:
            parse_version(self.until)

    @property
    def base_id(self) -> str:
        """The test id without its parameter."""
        return self.test_id.partition("[")[0]

    def covers(self, test_id: str, parameters: str) -> bool:
        """Whether it is about this test with these parameters (``"sync-uuid"``)."""
        base, _, own = self.test_id.partition("[")
        return base == test_id and (not own or own.rstrip("]") in (parameters, *parameters.split("-")))

    def open_at(self, version: str) -> bool:
        """Whether a server of that version still has it."""
        return self.until is None or parse_version(version) < parse_version(self.until)


def parse_version(text: str) -> tuple[int, ...]:
    """The numbers of a version: ``"4.22.1-beta"`` is (4, 22, 1).

    Raises:
        ValueError: it has none.
    """
    found = re.match(r"\D*(\d+(?:\.\d+)*)", text)
    if found is None:
        raise ValueError(f"{text!r} is no version")
    return tuple(int(part) for part in found[1].split("."))
