"""Traversal: following relations in queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import QueryError
from runic.orm.query.builder import select
from runic.orm.query.expressions import collect, count
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Company, Film, Person, Rated
from runic.orm.testing.people import keys
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseTraversal", "TestTraversal"]


class BaseTraversal(LiveSuite):
    """Following relations in queries."""

    area: ClassVar[str] = "traversal"

    async def _graph(self, kit: Kit) -> None:
        # a -> b -> c -> d -> a (KNOWS), e alone; a, b at x, c at y; a rated f (5) and g (2), b rated f (3)
        async with kit.session() as s:
            people = {key: Person(id=key, name=key.upper(), years=ord(key)) for key in "abcde"}
            for left, right in ("ab", "bc", "cd", "da"):
                people[left].friends = [people[right]]
            x, y = Company(id="x"), Company(id="y")
            people["a"].company, people["b"].company, people["c"].company = x, x, y
            f, g = Film(id="f", year=2000), Film(id="g", year=1990)
            s.add_all([*people.values(), x, y, f, g])
            await s.relate(people["a"], "rated", f, Rated(stars=5))
            await s.relate(people["a"], "rated", g, Rated(stars=2))
            await s.relate(people["b"], "rated", f, Rated(stars=3))

    async def test_a_hop(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            stmt = (
                select(Person).alias("p").where(Person.id == "a", on="p").traverse(Person.friends).alias("q")
            )
            assert keys(await s.scalars(stmt)) == ["b"]

    async def test_direction(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            for relation, wanted in ((Person.friends, ["b"]), (Person.known_by, ["d"])):
                stmt = (
                    select(Person).alias("p").where(Person.id == "a", on="p")
                    .traverse(relation, optional=False).alias("q")
                )  # fmt: skip
                assert keys(await s.scalars(stmt)) == wanted

    async def test_optional_keeps_what_has_no_neighbour(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = select(Person).alias("p")
        async with kit.session() as s:
            loose = stmt.traverse(Person.company).alias("c").return_target("p")
            strict = stmt.traverse(Person.company, optional=False).alias("c").return_target("p")
            assert keys(await s.scalars(loose)) == list("abcde")
            assert keys(await s.scalars(strict)) == list("abc")

    async def test_edges_filter_and_come_back(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p")
            .traverse(Person.rated, edge_alias="r", optional=False).alias("f")
            .where(Rated.stars >= 3, on="r")
            .return_nodes("p", "f").return_edge("r")
        )  # fmt: skip
        async with kit.session() as s:
            rows = await s.all_with_edges(stmt)
            found = sorted((p.id, r.stars, f.id) for p, r, f in rows)
            assert found == [("a", 5, "f"), ("b", 3, "f")]
            assert {type(cell) for row in rows for cell in row} == {Person, Rated, Film}

    async def test_an_edge_is_one_object_in_a_session(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(Person.id == "b", on="p")
            .traverse(Person.rated, edge_alias="r", optional=False).alias("f")
            .return_nodes("p", "f").return_edge("r")
        )  # fmt: skip
        async with kit.session() as s:
            ((_, first, _),) = await s.all_with_edges(stmt)
            ((_, second, _),) = await s.all_with_edges(stmt)
            assert first is second

    async def test_an_incoming_edge_comes_back(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Film).alias("f").where(Film.id == "g", on="f")
            .traverse(Film.raters, edge_alias="r", optional=False).alias("p")
            .return_nodes("f", "p").return_edge("r")
        )  # fmt: skip
        async with kit.session() as s:
            ((film, edge, person),) = await s.all_with_edges(stmt)
            assert (film.id, edge.stars, person.id) == ("g", 2, "a")

    @requires(Capability.VARIABLE_LENGTH)
    @pytest.mark.parametrize(
        ("least", "most", "wanted"),
        [(1, 1, "b"), (1, 2, "bc"), (2, 3, "cd"), (1, 4, "abcd"), (3, None, "ad")],
    )
    async def test_repeated_hops(self, kit: Kit, least: int, most: int | None, wanted: str) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(Person.id == "a", on="p")
            .repeat(Person.friends, min_hops=least, max_hops=most).alias("q").distinct()
        )  # fmt: skip
        async with kit.session() as s:
            assert keys(await s.scalars(stmt)) == list(wanted)

    @requires(Capability.VARIABLE_LENGTH)
    @pytest.mark.parametrize("relation", ["friends", "known_by"])
    @pytest.mark.parametrize("optional", [True, False])
    async def test_paths_of_one_length_between_two_predicates(
        self, kit: Kit, relation: str, optional: bool
    ) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(Person.id.in_(["a", "b"]), on="p")
            .repeat(getattr(Person, relation), min_hops=2, max_hops=2, optional=optional).alias("q")
            .where(Person.years >= ord("d"), on="q")
        )  # fmt: skip
        async with kit.session() as s:
            assert keys(await s.scalars(stmt)) == ["d"]

    async def test_what_is_required_after_what_is_optional(self, kit: Kit) -> None:
        await self._graph(kit)
        start = select(Person).alias("p").traverse(Person.rated, edge_alias="r").alias("f")
        stmt = start.traverse(Person.company, optional=False).alias("c")
        async with kit.session() as s:
            rows = await s.all_rows(stmt.return_nodes("p", "f", "c").return_edge("r"))
            found = sorted((r["p"].id, r["f"].id, r["c"].id) for r in rows if r["f"])
            assert found == [("a", "f", "x"), ("a", "g", "x"), ("b", "f", "x")]
            assert [r["p"].id for r in rows if r["f"] is None] == ["c"]
            # From what may be missing: those without it are dropped.
            raters = start.traverse(Film.raters, optional=False).alias("q").return_target("p")
            assert keys(await s.scalars(raters)) == ["a", "a", "a", "b", "b"]

    async def test_two_hops_to_another_class(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(Person.id == "a", on="p")
            .traverse(Person.friends, optional=False).alias("q")
            .traverse(Person.company, optional=False).alias("c")
        )  # fmt: skip
        async with kit.session() as s:
            assert [type(c) for c in await s.scalars(stmt)] == [Company]
            assert keys(await s.scalars(stmt)) == ["x"]

    async def test_grouping_by_a_node(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Company).alias("c").traverse(Company.staff, optional=False).alias("p")
            .aggregate(count("p").as_("n"), collect("p").as_("people"), group_by="c")
        )  # fmt: skip
        async with kit.session() as s:
            rows = await s.all_rows(stmt)
            assert {row["c"].id: row["n"] for row in rows} == {"x": 2, "y": 1}
            assert {row["c"].id: keys(row["people"]) for row in rows} == {"x": ["a", "b"], "y": ["c"]}
            for row in rows:
                assert row["c"] is await s.get(Company, row["c"].id)

    async def test_a_stage_filters_what_goes_on(self, kit: Kit) -> None:
        await self._graph(kit)
        stmt = (
            select(Person).alias("p").where(Person.years > ord("b"), on="p").with_("p")
            .traverse(Person.friends, optional=False).alias("q")
        )  # fmt: skip
        async with kit.session() as s:
            assert keys(await s.scalars(stmt)) == ["a", "d"]

    async def test_what_is_returned_is_the_session_s(self, kit: Kit) -> None:
        await self._graph(kit)
        async with kit.session() as s:
            a = await s.get(Person, "a")
            stmt = select(Person).alias("p").traverse(Person.friends, optional=False).alias("q")
            found = {p.id: p for p in await s.scalars(stmt)}
            assert found["a"] is a
            found["b"].name = "changed"
        assert await kit.rows("MATCH (n:Person {id: 'b'}) RETURN n.name") == [["changed"]]

    async def test_contradictions_are_told_before_anything_is_sent(self, kit: Kit) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                mistakes: list[Callable[[], Any]] = [
                    lambda: select(Person).where(Film.title == "x"),
                    lambda: select(Person).return_target("nobody"),
                    lambda: select(Person).where(Person.name == "x", on="nobody"),
                    lambda: select(Person).traverse(Person.name).alias("x"),
                    lambda: select(Person).order_by("n.name) RETURN 1 //"),
                ]
                for stmt in mistakes:
                    with pytest.raises((QueryError, TypeError)):
                        await s.scalars(stmt())
            assert sent == []


TestTraversal = BaseTraversal
