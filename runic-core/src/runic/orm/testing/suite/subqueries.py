"""``exists()`` and ``count_of()``, against Python's own evaluation of the same graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.types import Vector
from runic.orm.exceptions import DriverError, QueryError, ValueNotStorableError
from runic.orm.query.builder import select
from runic.orm.query.expressions import avg, max_, score
from runic.orm.query.subqueries import count_of, exists
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Company, Document, Film, Person, Rated
from runic.orm.testing.people import keys
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseSubqueries", "TestSubqueries"]

YEARS: dict[str, int | None] = {"a": 10, "b": 20, "c": None, "d": 40, "e": 50, "f": None, "g": 70}
KNOWS = [tuple(pair) for pair in ("ab", "ac", "bd", "cd", "dd", "ea", "ef", "fe")]
PEERS = [tuple(pair) for pair in ("ab", "bc", "gg")]
RATED = [("a", "x", 5), ("a", "y", 2), ("b", "x", 4), ("c", "y", 1), ("e", "z", 5), ("e", "z", 3)]
FILMS: dict[str, int | None] = {"x": 15, "y": 30, "z": None}
"""By key, the year: small, so that it compares with the years of people."""


def friends(key: str) -> list[str]:
    """Whom a person knows."""
    return [pair[1] for pair in KNOWS if pair[0] == key]


def known_by(key: str) -> list[str]:
    """Who knows a person."""
    return [pair[0] for pair in KNOWS if pair[1] == key]


def peers(key: str) -> list[str]:
    """Peers either way; an edge to oneself counts once."""
    return [pair[1] if pair[0] == key else pair[0] for pair in PEERS if key in pair]


def rated(key: str) -> list[tuple[str, int]]:
    """Films and stars."""
    return [(film, stars) for who, film, stars in RATED if who == key]


def more(left: int | None, right: int | None) -> bool:
    """``left > right``, which nothing is with a missing value."""
    return left is not None and right is not None and left > right


CASES: dict[str, tuple[Callable[[], Any], Callable[[str], bool | None]]] = {
    "any": (lambda: exists(Person.friends), lambda p: bool(friends(p))),
    "none": (lambda: ~exists(Person.friends), lambda p: not friends(p)),
    "any or a property": (
        lambda: exists(Person.rated) | (Person.years > 60),
        lambda p: bool(rated(p)) or (None if YEARS[p] is None else more(YEARS[p], 60)),
    ),
    "incoming": (lambda: exists(Person.known_by), lambda p: bool(known_by(p))),
    "undirected": (
        lambda: exists(Person.peers, Person.years > 15),
        lambda p: any(more(YEARS[q], 15) for q in peers(p)),
    ),
    "a property of the other end": (
        lambda: exists(Person.friends, Person.years > 30),
        lambda p: any(more(YEARS[q], 30) for q in friends(p)),
    ),
    "none with a property": (
        lambda: ~exists(Person.friends, Person.years > 30),
        lambda p: not any(more(YEARS[q], 30) for q in friends(p)),
    ),
    "a missing value at the other end": (
        lambda: exists(Person.friends, Person.years.is_null()),
        lambda p: any(YEARS[q] is None for q in friends(p)),
    ),
    "the relationship and the other end": (
        lambda: exists(Person.rated, Rated.stars >= 4, Film.year < 20),
        lambda p: any(stars >= 4 and more(20, FILMS[f]) for f, stars in rated(p)),
    ),
    "a property of the node itself": (
        lambda: exists(Person.rated, Film.year > Person.years),
        lambda p: any(more(FILMS[f], YEARS[p]) for f, _ in rated(p)),
    ),
    "alternatives inside": (
        lambda: exists(Person.rated, (Rated.stars == 1) | (Film.year == 15)),
        lambda p: any(stars == 1 or FILMS[f] == 15 for f, stars in rated(p)),
    ),
    "text and lists inside": (
        lambda: exists(Person.friends, Person.name.startswith("P") & Person.id.in_(["d", "f"])),
        lambda p: any(q in "df" for q in friends(p)),
    ),
    "to one": (lambda: exists(Person.company, Company.name == "Acme"), lambda p: p in "ab"),
    "not to one": (lambda: ~exists(Person.company), lambda p: p not in "abc"),
    "nested": (
        lambda: exists(Person.friends, exists(Person.rated, Rated.stars >= 4)),
        lambda p: any(any(stars >= 4 for _, stars in rated(q)) for q in friends(p)),
    ),
    "nested, none": (
        lambda: exists(Person.friends, ~exists(Person.rated)),
        lambda p: any(not rated(q) for q in friends(p)),
    ),
    "nested three deep": (
        lambda: exists(Person.friends, exists(Person.friends, exists(Person.rated, Film.year > 20))),
        lambda p: any(
            any(any(more(FILMS[f], 20) for f, _ in rated(r)) for r in friends(q)) for q in friends(p)
        ),
    ),
    "counted": (lambda: count_of(Person.friends) >= 2, lambda p: len(friends(p)) >= 2),
    "counted none": (lambda: count_of(Person.friends) == 0, lambda p: not friends(p)),
    "counted with a property": (
        lambda: count_of(Person.rated, Rated.stars > 2) == 1,
        lambda p: sum(stars > 2 for _, stars in rated(p)) == 1,
    ),
    "parallel relationships": (
        lambda: count_of(Person.rated, Film.id == "z") == 2,
        lambda p: sum(f == "z" for f, _ in rated(p)) == 2,
    ),
    "counted undirected": (lambda: count_of(Person.peers) == 1, lambda p: len(peers(p)) == 1),
    "two counts": (
        lambda: (count_of(Person.friends) > 0) & (count_of(Person.rated) == 0),
        lambda p: len(friends(p)) > 0 and not rated(p),
    ),
    "two counts compared": (
        lambda: count_of(Person.friends) > count_of(Person.rated),
        lambda p: len(friends(p)) > len(rated(p)),
    ),
    "nested count": (
        lambda: exists(Person.friends, count_of(Person.rated) >= 1),
        lambda p: any(rated(q) for q in friends(p)),
    ),
    "count of nested": (
        lambda: count_of(Person.friends, exists(Person.rated)) == 2,
        lambda p: sum(bool(rated(q)) for q in friends(p)) == 2,
    ),
    "many at once": (
        lambda: (exists(Person.rated) & ~exists(Person.company)) | (count_of(Person.known_by) > 2),
        lambda p: (bool(rated(p)) and p not in "abc") or len(known_by(p)) > 2,
    ),
}


@requires(Capability.EXISTS_SUBQUERY)
class BaseSubqueries(LiveSuite):
    """Questions about related nodes that join nothing."""

    area: ClassVar[str] = "subqueries"

    async def _graph(self, kit: Kit) -> None:
        async with kit.session() as s:
            people = {key: Person(id=key, name=f"P{key}", years=years) for key, years in YEARS.items()}
            films = {key: Film(id=key, year=year) for key, year in FILMS.items()}
            s.add_all([*people.values(), *films.values()])
            for left, right in KNOWS:
                await s.relate(people[left], "friends", people[right])
            for left, right in PEERS:
                await s.relate(people[left], "peers", people[right])
            for who, film, stars in RATED:
                await s.relate(people[who], "rated", films[film], Rated(stars=stars), parallel=True)
            acme, other = Company(id="1", name="Acme"), Company(id="2", name="Other")
            s.add_all([acme, other])
            people["a"].company, people["b"].company, people["c"].company = acme, acme, other

    async def test_it_finds_what_python_finds(self, kit: Kit) -> None:
        await self._graph(kit)
        wanted: dict[str, Any] = {}
        found: dict[str, Any] = {}
        async with kit.session() as s:
            for case, (make, oracle) in CASES.items():
                matching = [key for key in YEARS if oracle(key)]
                wanted[case] = matching, [key for key in YEARS if oracle(key) is False], len(matching)
                stmt, negated = select(Person).where(make()), select(Person).where(~make())
                try:
                    found[case] = (
                        [person.id for person in await s.scalars(stmt.order_by(Person.id))],
                        keys(await s.scalars(negated)),
                        await s.count(stmt),
                    )
                except DriverError as error:
                    found[case] = error
        assert found == wanted

    async def test_a_property_narrows_it_down(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            stmt = select(Person).where(Person.years > 15).where(exists(Person.friends, Person.years > 30))
            assert keys(await s.scalars(stmt.where(Person.name != "Pd"))) == ["b"]

    async def test_of_what_was_reached(self, kit: Kit) -> None:
        await self._graph(kit)
        base = select(Person).alias("p")
        async with kit.session() as s:
            strict = base.traverse(Person.friends, optional=False).alias("f")
            strict = strict.where(exists(Person.rated, Rated.stars >= 4), on="f").project("p.id", "f.id")
            rows = await s.all_rows(strict)
            assert sorted((row["p.id"], row["f.id"]) for row in rows) == [("a", "b"), ("e", "a"), ("f", "e")]
            older = base.traverse(Person.friends, optional=False).alias("f")
            older = older.where(exists(Person.rated, Film.year > Person.years), on="p").project(
                "p.id", "f.id"
            )
            rows = await s.all_rows(older)
            assert sorted((row["p.id"], row["f.id"]) for row in rows) == [("a", "b"), ("a", "c")]
            both = base.traverse(Person.friends, optional=False).alias("f")
            both = both.where(~exists(Person.rated), on="f").where(exists(Person.rated), on="p")
            rows = await s.all_rows(both.project("p.id", "f.id"))
            assert sorted((row["p.id"], row["f.id"]) for row in rows) == [("b", "d"), ("c", "d"), ("e", "f")]

    async def test_in_an_optional_hop_it_says_what_is_joined(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = select(Person).alias("p").traverse(Person.friends).alias("f")
        async with kit.session() as s:
            bare = stmt.where(~exists(Person.rated), on="f").project("p.id", "f.id")
            rows = [(row["p.id"], row["f.id"]) for row in await s.all_rows(bare)]
            expected: list[Any] = []
            for p in YEARS:
                expected += [(p, q) for q in friends(p) if not rated(q)] or [(p, None)]
            assert sorted(rows, key=str) == sorted(expected, key=str)
            filtered = stmt.where(exists(Person.rated, Rated.stars >= 4), on="f").project("p.id", "f.id")
            rows = [(row["p.id"], row["f.id"]) for row in await s.all_rows(filtered)]
            expected = []
            for p in YEARS:
                liking = [q for q in friends(p) if any(stars >= 4 for _, stars in rated(q))]
                expected += [(p, q) for q in liking] or [(p, None)]
            assert sorted(rows, key=str) == sorted(expected, key=str)

    async def test_with_edges_of_an_optional_hop(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").traverse(Person.rated, edge_alias="r").alias("m")
            .where((Rated.stars > 2) & (count_of(Film.raters) >= 2), on=None)
            .return_nodes("p", "m").return_edge("r")
        )  # fmt: skip
        async with kit.session() as s:
            rows = await s.all_with_edges(stmt)
            raters = {film: sum(f == film for _, f, _ in RATED) for film in FILMS}
            expected: list[Any] = []
            for key in YEARS:
                wanted = [(stars, f) for f, stars in rated(key) if stars > 2 and raters[f] >= 2]
                expected += [(key, *each) for each in wanted] or [(key, None, None)]
            found = [(p.id, r and r.stars, m and m.id) for p, r, m in rows]
            assert sorted(found, key=str) == sorted(expected, key=str)
            assert {type(r) for _, r, _ in rows} == {Rated, type(None)}

    async def test_after_a_stage(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(exists(Person.friends), on="p").with_("p")
            .where(count_of(Person.known_by) >= 2, on="p")
            .traverse(Person.known_by, optional=False).alias("q")
        )  # fmt: skip
        async with kit.session() as s:
            assert keys(await s.scalars(stmt)) == ["b", "c", "d"]

    async def test_counts_are_returned_and_order(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            stmt = select(Person).project(
                Person.id,
                count_of(Person.friends).as_("friends"),
                count_of(Person.rated, Rated.stars > 2).as_("liked"),
            )
            rows = {row["id"]: (row["friends"], row["liked"]) for row in await s.all_rows(stmt)}
            assert rows == {p: (len(friends(p)), sum(s > 2 for _, s in rated(p))) for p in YEARS}
            ordered = select(Person).order_by(count_of(Person.friends), desc=True).order_by(Person.id)
            by_count = sorted(YEARS, key=lambda p: (-len(friends(p)), p))
            assert [p.id for p in await s.scalars(ordered)] == by_count
            assert [p.id for p in await s.scalars(ordered.skip(1).limit(2))] == by_count[1:3]
            filtered = ordered.where(count_of(Person.friends) > 0)
            wanted = [p for p in by_count if friends(p)]
            assert [p.id for p in await s.scalars(filtered)] == wanted
            assert await s.column(select(Person).project(count_of(Person.rated)).order_by(Person.id)) == [
                len(rated(p)) for p in YEARS
            ]

    async def test_counts_are_aggregated(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            counts = [len(friends(p)) for p in YEARS]
            stmt = select(Person).aggregate(
                avg(count_of(Person.friends)).as_("mean"), max_(count_of(Person.friends)).as_("most")
            )
            (row,) = await s.all_rows(stmt)
            assert row["mean"] == pytest.approx(sum(counts) / len(counts))
            assert row["most"] == max(counts)
            distinct = select(Person).project(count_of(Person.friends).as_("n")).distinct().order_by("n")
            assert await s.column(distinct) == sorted(set(counts))
            assert await s.count(distinct) == len(set(counts))

    @requires(Capability.VECTOR)
    async def test_a_search_finds_k_that_satisfy_it(self, kit: Kit) -> None:
        async with kit.session() as s:
            documents = [Document(id=str(n), title="word", embedding=Vector([n, 0, 0])) for n in range(8)]
            s.add_all(documents)
            for n in (2, 4, 5, 7):
                await s.relate(documents[n], "cites", documents[0])
        async with kit.session() as s:
            search = s.vector_search(Document, field=Document.embedding, vector=[0, 0, 0], k=3)
            search = search.where(exists(Document.cites, Document.title == "word"))
            assert [each.id for each in await search.all()] == ["2", "4", "5"]
            scored = s.vector_search(Document, field=Document.embedding, vector=[0, 0, 0], k=8)
            scored = scored.where((score() > 0.05) & (count_of(Document.cites) == 1)).where(
                Document.id != "2"
            )
            assert [each.id for each in await scored.all()] == ["4"]

    async def test_a_streamed_result(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            stmt = select(Person).where(count_of(Person.friends) > 0)
            found = [person async for person in s.stream(stmt, page=2)]
            assert keys(found) == [p for p in YEARS if friends(p)]

    async def test_mistakes_are_told_before_anything_is_sent(self, kit: Kit) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                mistakes: list[Callable[[], Any]] = [
                    lambda: select(Person).where(exists(Person.name)),
                    lambda: select(Person).where(exists(Film.raters)),
                    lambda: select(Person).where(exists(Person.rated, Company.name == "x")),
                    lambda: select(Person).where(exists(Person.rated, True)),
                    lambda: select(Person).where(count_of(Person.rated) > "3"),
                    lambda: select(Person).where(count_of(Person.rated)),  # type: ignore[arg-type]
                ]
                for stmt in mistakes:
                    with pytest.raises((QueryError, TypeError, ValueNotStorableError)):
                        await s.scalars(stmt())
            assert sent == []


TestSubqueries = BaseSubqueries
