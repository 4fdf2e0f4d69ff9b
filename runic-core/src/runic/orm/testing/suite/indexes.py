"""Indexes: what is claimed can be made, is listed as it was declared, and can be dropped."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import InvalidNameError, MetadataError
from runic.orm.schema.index_manager import AsyncIndexAdapter, IndexSpec
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import MODELS
from runic.orm.testing.schema import declared_for
from runic.orm.testing.suite.schema import SchemaSuite

__all__ = ["BaseIndexes", "TestIndexes"]

COSINE: dict[str, Any] = {"dimension": 3, "similarity": "cosine"}
EUCLIDEAN: dict[str, Any] = {"dimension": 3, "similarity": "euclidean"}


class BaseIndexes(SchemaSuite):
    """Indexes: what is claimed can be made, is listed as it was declared, and can be dropped."""

    @requires(Capability.RANGE_INDEX)
    async def test_a_range_index(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedRange", "a", "RANGE"))

    @requires(Capability.RANGE_INDEX, Capability.COMPOSITE_INDEX)
    async def test_an_index_over_several_properties(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedPair", "b", "RANGE", "NODE", ("b", "a")))

    @requires(Capability.EDGE_INDEX)
    async def test_an_index_of_relationships(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("INDEXED_EDGE", "a", "RANGE", "EDGE"))

    @requires(Capability.FULLTEXT_INDEX)
    async def test_a_fulltext_index(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedText", "a", "FULLTEXT"))

    @requires(Capability.FULLTEXT_INDEX)
    async def test_a_fulltext_index_over_several_properties(self, schema: AsyncIndexAdapter) -> None:
        spec = IndexSpec("IndexedTexts", "b", "FULLTEXT", "NODE", ("b", "a"))
        await self.there_and_back(schema, spec)

    @requires(Capability.FULLTEXT_INDEX)
    async def test_properties_come_to_a_fulltext_index_and_go(self, schema: AsyncIndexAdapter) -> None:
        one, other = (IndexSpec("IndexedMore", name, "FULLTEXT") for name in ("a", "b"))
        before = set(await schema.list_indexes())
        await schema.create(one)
        await schema.create(other)
        assert set(await schema.list_indexes()) == before | {one, other}
        await schema.drop(one)
        assert set(await schema.list_indexes()) == before | {other}

    @requires(Capability.FULLTEXT_INDEX, Capability.UNIQUE)
    async def test_one_property_may_be_unique_and_searched(self, kit: Kit, schema: AsyncIndexAdapter) -> None:
        unique, searched = (IndexSpec("IndexedBoth", "a", kind) for kind in ("UNIQUE", "FULLTEXT"))
        before = set(await schema.list_indexes())
        # In the order of the managers: ArcadeDB takes no other.
        await schema.create(unique)
        await schema.create(searched)
        assert set(await schema.list_indexes()) == before | {unique, searched}
        await self.refused(kit, "CREATE (:IndexedBoth {a: 'x y'}), (:IndexedBoth {a: 'x y'})")
        await schema.drop(searched)
        assert set(await schema.list_indexes()) == before | {unique}
        await self.refused(kit, "CREATE (:IndexedBoth {a: 'x y'}), (:IndexedBoth {a: 'x y'})")

    @requires(Capability.FULLTEXT_INDEX)
    async def test_a_language_of_a_fulltext_index_stays(self, schema: AsyncIndexAdapter) -> None:
        german = {"language": "german"}
        await schema.create(IndexSpec("IndexedGerman", "a", "FULLTEXT", options=german))
        await schema.create(IndexSpec("IndexedGerman", "b", "FULLTEXT", options=german))
        await schema.drop(IndexSpec("IndexedGerman", "a", "FULLTEXT"))
        (left,) = [spec for spec in await schema.list_indexes() if spec.label == "IndexedGerman"]
        assert (left.property, left.options["language"]) == ("b", "german")

    @requires(Capability.EDGE_FULLTEXT_INDEX)
    async def test_a_fulltext_index_of_relationships(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("INDEXED_TEXT", "a", "FULLTEXT", "EDGE"))

    @requires(Capability.VECTOR_INDEX)
    async def test_a_vector_index_by_cosine(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedCosine", "v", "VECTOR", options=COSINE))

    @requires(Capability.VECTOR_INDEX)
    async def test_a_vector_index_by_distance(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedEuclid", "v", "VECTOR", options=EUCLIDEAN))

    @requires(Capability.EDGE_VECTOR_INDEX)
    async def test_a_vector_index_of_relationships(self, schema: AsyncIndexAdapter) -> None:
        spec = IndexSpec("INDEXED_VECTOR", "v", "VECTOR", "EDGE", options=COSINE)
        await self.there_and_back(schema, spec)

    @requires(Capability.POINT_INDEX)
    async def test_a_point_index(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("IndexedPlace", "at", "POINT"))

    @requires(Capability.VECTOR_INDEX)
    async def test_the_dimension_that_the_server_has_is_listed(self, schema: AsyncIndexAdapter) -> None:
        spec = IndexSpec("IndexedChange", "v", "VECTOR", options=COSINE)
        await schema.create(spec)
        # What exists is left as it is: only a comparison of the options can tell.
        await schema.create(IndexSpec("IndexedChange", "v", "VECTOR", options=EUCLIDEAN | {"dimension": 4}))
        (listed,) = [each for each in await schema.list_indexes() if each == spec]
        assert {name: listed.options[name] for name in COSINE} == COSINE
        await schema.drop(spec)
        await schema.create(IndexSpec("IndexedChange", "v", "VECTOR", options=EUCLIDEAN | {"dimension": 4}))
        (listed,) = [each for each in await schema.list_indexes() if each == spec]
        assert {name: listed.options[name] for name in COSINE} == EUCLIDEAN | {"dimension": 4}

    @requires(Capability.RANGE_INDEX)
    async def test_indexes_of_others_are_left_alone(self, schema: AsyncIndexAdapter) -> None:
        kept = [IndexSpec("IndexedMine", "b", "RANGE"), IndexSpec("IndexedOther", "a", "RANGE")]
        before = set(await schema.list_indexes())
        for spec in (*kept, IndexSpec("IndexedMine", "a", "RANGE")):
            await schema.create(spec)
        await schema.drop(IndexSpec("IndexedMine", "a", "RANGE"))
        await schema.drop(IndexSpec("IndexedMine", "c", "RANGE"))
        assert set(await schema.list_indexes()) == before | set(kept)

    @requires(Capability.RANGE_INDEX)
    async def test_an_index_over_stored_data_is_usable_when_the_call_returns(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await kit.write("UNWIND range(1, 5000) AS i CREATE (:IndexedData {a: i})")
        await schema.create(IndexSpec("IndexedData", "a", "RANGE"))
        assert await kit.rows("MATCH (n:IndexedData) WHERE n.a > 4990 RETURN count(n)") == [[10]]
        assert await kit.rows("MATCH (n:IndexedData) WHERE n.a = 77 RETURN n.a") == [[77]]
        await kit.write("MATCH (n:IndexedData) WHERE n.a = 77 SET n.a = 9077")
        await schema.drop(IndexSpec("IndexedData", "a", "RANGE"))
        assert await kit.rows("MATCH (n:IndexedData) WHERE n.a > 4990 RETURN count(n)") == [[11]]

    @requires(Capability.RANGE_INDEX)
    async def test_several_programs_that_start_at_once_create_the_same_index(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        spec = IndexSpec("IndexedTogether", "a", "RANGE")
        await kit.write("UNWIND range(1, 500) AS i CREATE (:IndexedTogether {a: i})")
        assert await kit.together(*[lambda: schema.create(spec)] * 4) == [None] * 4
        assert (await schema.list_indexes()).count(spec) == 1

    async def test_what_the_kit_s_models_declare_is_there(self, kit: Kit, schema: AsyncIndexAdapter) -> None:
        declared = declared_for(kit.dialect, MODELS)
        listed = await schema.list_indexes()
        assert {part for spec in declared for part in schema.expand(spec)} <= set(listed)

    @requires(Capability.RANGE_INDEX)
    @pytest.mark.parametrize("name", ["", "a`b", "a\0b"], ids=["empty", "backtick", "nul"])
    async def test_a_name_that_cannot_be_quoted_is_refused_before_anything_is_sent(
        self, kit: Kit, schema: AsyncIndexAdapter, name: str
    ) -> None:
        specs = [
            IndexSpec("IndexedName" if at else name, name if at else "a", kind, options=options)
            for at in (0, 1)
            for kind, options in (("RANGE", {}), ("UNIQUE", {}), ("FULLTEXT", {}), ("VECTOR", COSINE))
        ]
        with kit.connections() as sent:
            for spec in specs:
                for work in (schema.create, schema.drop):
                    with pytest.raises((InvalidNameError, NotImplementedError)):
                        await work(spec)
        assert sent == []

    @requires(Capability.RANGE_INDEX)
    async def test_what_makes_no_index_is_refused_before_anything_is_sent(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        wrong: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
            ("BTREE", ("a",), {}),
            ("RANGE", ("a", "a"), {}),
            ("VECTOR", ("v", "w"), COSINE),
            ("VECTOR", ("v",), COSINE | {"dimension": 0}),
            ("VECTOR", ("v",), COSINE | {"similarity": "hamming"}),
            ("VECTOR", ("v",), COSINE | {"colour": 3}),
            ("FULLTEXT", ("a",), {"colour": "red"}),
        ]
        with kit.connections() as sent:
            for kind, names, options in wrong:
                with pytest.raises((MetadataError, NotImplementedError)):
                    await schema.create(IndexSpec("IndexedWrong", names[0], kind, "NODE", names, options))
        assert sent == []


TestIndexes = BaseIndexes
