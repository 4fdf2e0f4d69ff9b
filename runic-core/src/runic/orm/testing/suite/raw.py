"""Raw statements: equal values on every backend, nodes and edges detached from models."""

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.exceptions import MissingParameterError, OrmError
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Film, Manager, Person, Rated
from runic.orm.testing.suite.base import LiveSuite
from runic.orm.testing.values import TEXTS

__all__ = ["BaseRaw", "TestRaw"]


class BaseRaw(LiveSuite):
    """Raw statements: equal values on every backend, nodes and edges detached from models."""

    area: ClassVar[str] = "raw statements"

    async def _rating(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Manager(id="a", name="Ann"), "rated", Film(id="f", title="T"), Rated(stars=5))

    async def test_scalars_come_back_with_their_types(self, kit: Kit) -> None:
        async with kit.session() as s:
            result = await s.execute(
                "RETURN $text AS t, $whole AS w, $real AS r, $yes AS y, $none AS n, $many AS m",
                {"text": "x", "whole": 7, "real": 1.5, "yes": True, "none": None, "many": [1, "a", [True]]},
            )
            assert result.columns == ("t", "w", "r", "y", "n", "m")
            assert result.rows == [["x", 7, 1.5, True, None, [1, "a", [True]]]]
            assert [type(cell) for cell in result.rows[0]] == [str, int, float, bool, type(None), list]

    async def test_hostile_text_is_a_value(self, kit: Kit) -> None:
        async with kit.session() as s:
            for text in TEXTS:
                assert (await s.execute("RETURN $value AS v", {"value": text})).rows == [[text]]

    async def test_nodes_edges_and_paths(self, kit: Kit) -> None:
        await self._rating(kit)
        async with kit.session() as s:
            ((node, edge, path),) = (
                await s.execute("MATCH p = (n:Person)-[r:RATED]->(f:Film) RETURN n, r, p")
            ).rows
            assert isinstance(node, RawNode)
            assert isinstance(edge, RawEdge)
            assert isinstance(path, RawPath)
            assert set(node.labels) == {"Person", "Employee", "Manager"}
            assert (node.properties["id"], node.properties["name"]) == ("a", "Ann")
            assert (edge.type, edge.properties["stars"]) == ("RATED", 5)
            assert edge.source == node.id
            assert edge.target == path.nodes[1].id
            assert [n.properties["id"] for n in path.nodes] == ["a", "f"]
            assert [e.id for e in path.edges] == [edge.id]

    async def test_the_direction_of_an_edge_is_that_of_the_database(self, kit: Kit) -> None:
        await self._rating(kit)
        async with kit.session() as s:
            ((edge, film),) = (await s.execute("MATCH (f:Film)<-[r:RATED]-() RETURN r, f")).rows
            assert edge.target == film.id

    async def test_collections_of_nodes(self, kit: Kit) -> None:
        await self._rating(kit)
        async with kit.session() as s:
            ((nodes,),) = (await s.execute("MATCH (n) RETURN collect(n)")).rows
            assert sorted(node.properties["id"] for node in nodes) == ["a", "f"]

    async def test_an_empty_result_has_columns(self, kit: Kit) -> None:
        async with kit.session() as s:
            result = await s.execute("MATCH (n:Person) RETURN n.id AS key, n")
            assert (result.rows, result.columns) == ([], ("key", "n"))

    async def test_counters_tell_what_a_write_did(self, kit: Kit) -> None:
        async with kit.session() as s:
            result = await s.execute("CREATE (:Person {id: 'a'})-[:KNOWS]->(:Person {id: 'b'})", write=True)
            if result.counters:
                assert result.counters["nodes_created"] == 2
                assert result.counters["relationships_created"] == 1
            await s.commit()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[2]]

    async def test_a_missing_parameter_is_named_before_anything_is_done(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(MissingParameterError, match="nobody"):
                await s.execute("CREATE (:Person {id: $nobody})", {}, write=True)
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]

    async def test_raw_and_mapped_see_the_same_unit(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann"))
            assert (await s.execute("MATCH (n:Person) RETURN n.name")).rows == [["Ann"]]
            await s.execute("MATCH (n:Person) SET n.name = $name", {"name": "raw"}, write=True)
            found = await s.get(Person, "a")
            assert found is not None
            await s.refresh(found)
            assert found.name == "raw"

    async def test_several_statements_in_one_text_are_refused(self, kit: Kit) -> None:
        await kit.write("CREATE (:Person {id: 'a'})")
        async with kit.session() as s:
            with pytest.raises(OrmError):
                await s.execute("RETURN 1; MATCH (n) DETACH DELETE n", write=True)
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[1]]


TestRaw = BaseRaw
