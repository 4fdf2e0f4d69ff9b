"""Constraints: what is claimed is enforced, told when stored data is in the way, and can be dropped."""

from __future__ import annotations

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import ConstraintViolation
from runic.orm.schema.index_manager import AsyncIndexAdapter, IndexSpec
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.suite.schema import SchemaSuite

__all__ = ["BaseConstraints", "TestConstraints"]


class BaseConstraints(SchemaSuite):
    """Constraints: what is claimed is enforced, told when stored data is in the way, and can be dropped."""

    async def dirty(self, schema: AsyncIndexAdapter, spec: IndexSpec, *told: str) -> str:
        """See that stored data is in the way of a constraint, which leaves nothing behind."""
        before = set(await schema.list_indexes())
        message = ""
        for _ in range(2):
            with pytest.raises(ConstraintViolation) as caught:
                await schema.create(spec)
            message = str(caught.value)
            for text in (spec.label, *spec.properties, *told):
                assert text in message
            assert set(await schema.list_indexes()) == before
        return message

    # -- unique values --------------------------------------------------------------------------

    @requires(Capability.UNIQUE)
    async def test_a_unique_constraint(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("UniqueOne", "u", "UNIQUE"))

    @requires(Capability.UNIQUE)
    async def test_a_unique_constraint_over_several_properties(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        # A server may keep the properties in the order in which it saw them first.
        await kit.write("CREATE (:UniquePair {a: 1, b: 1})")
        await self.there_and_back(schema, IndexSpec("UniquePair", "b", "UNIQUE", "NODE", ("b", "a")))

    @requires(Capability.EDGE_UNIQUE)
    async def test_a_unique_constraint_of_relationships(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("UNIQUE_EDGE", "u", "UNIQUE", "EDGE"))

    @requires(Capability.UNIQUE)
    async def test_a_unique_value_is_refused_a_second_time(self, kit: Kit, schema: AsyncIndexAdapter) -> None:
        await kit.write("UNWIND range(1, 2000) AS i CREATE (:UniqueValue {u: i})")
        await schema.create(IndexSpec("UniqueValue", "u", "UNIQUE"))
        await self.refused(kit, "CREATE (:UniqueValue {u: 777})")
        await self.refused(kit, "MATCH (n:UniqueValue) WHERE n.u = 5 SET n.u = 6")
        await kit.write("CREATE (:UniqueValue), (:UniqueValue)")  # what is absent may repeat
        assert await kit.rows("MATCH (n:UniqueValue) RETURN count(n)") == [[2002]]
        await schema.drop(IndexSpec("UniqueValue", "u", "UNIQUE"))
        await kit.write("CREATE (:UniqueValue {u: 777})")

    @requires(Capability.UNIQUE)
    async def test_only_the_whole_of_several_unique_properties_is_refused(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await schema.create(IndexSpec("UniqueBoth", "a", "UNIQUE", "NODE", ("a", "b")))
        await kit.write("CREATE (:UniqueBoth {a: 1, b: 1})")
        await kit.write("CREATE (:UniqueBoth {a: 1, b: 2}), (:UniqueBoth {a: 2, b: 1})")
        await self.refused(kit, "CREATE (:UniqueBoth {b: 1, a: 1})")

    @requires(Capability.EDGE_UNIQUE)
    async def test_a_unique_value_of_a_relationship_is_refused_a_second_time(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await schema.create(IndexSpec("UNIQUE_VALUE", "u", "UNIQUE", "EDGE"))
        await kit.write("CREATE (:UniqueEnd)-[:UNIQUE_VALUE {u: 'x'}]->(:UniqueEnd)")
        await self.refused(kit, "CREATE (:UniqueEnd)-[:UNIQUE_VALUE {u: 'x'}]->(:UniqueEnd)")
        await kit.write(
            "CREATE (:UniqueEnd)-[:UNIQUE_VALUE {u: 'y'}]->(:UniqueEnd)-[:UNIQUE_VALUE]->(:UniqueEnd)"
        )

    @requires(Capability.UNIQUE)
    async def test_values_that_repeat_are_shown_and_nothing_is_left_behind(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        for value in ("twice", "twice", "once"):
            await kit.write("CREATE (:UniqueDirty {u: $v})", {"v": value})
        await kit.write("CREATE (:UniqueDirty), (:UniqueDirty)")
        spec = IndexSpec("UniqueDirty", "u", "UNIQUE")
        assert "once" not in await self.dirty(schema, spec, "twice", "x 2")
        await kit.write("MATCH (n:UniqueDirty) WHERE n.u = 'twice' DELETE n")
        await schema.create(spec)
        await self.refused(kit, "CREATE (:UniqueDirty {u: 'once'})")

    @requires(Capability.UNIQUE)
    async def test_pairs_that_repeat_are_shown(self, kit: Kit, schema: AsyncIndexAdapter) -> None:
        for pair in (("left", "same"), ("left", "same"), ("left", "else"), ("right", "same")):
            await kit.write("CREATE (:UniquePairs {a: $a, b: $b})", dict(zip("ab", pair, strict=True)))
        spec = IndexSpec("UniquePairs", "a", "UNIQUE", "NODE", ("a", "b"))
        told = await self.dirty(schema, spec, "left", "same", "x 2")
        assert "right" not in told
        assert "else" not in told

    @requires(Capability.EDGE_UNIQUE)
    async def test_values_of_relationships_that_repeat_are_shown(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        for value in ("twice", "twice", "once"):
            await kit.write("CREATE (:UniqueEnd)-[:UNIQUE_DIRTY {u: $v}]->(:UniqueEnd)", {"v": value})
        told = await self.dirty(schema, IndexSpec("UNIQUE_DIRTY", "u", "UNIQUE", "EDGE"), "twice", "x 2")
        assert "once" not in told

    @requires(Capability.UNIQUE, Capability.RANGE_INDEX)
    async def test_a_plain_index_gives_way_to_a_unique_constraint(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        plain, unique = (IndexSpec("UniqueLater", "u", kind) for kind in ("RANGE", "UNIQUE"))
        await kit.write("UNWIND range(1, 50) AS i CREATE (:UniqueLater {u: i})")
        await schema.create(plain)
        await schema.create(unique)
        assert unique in await schema.list_indexes()
        await self.refused(kit, "CREATE (:UniqueLater {u: 7})")
        await schema.create(plain)  # the constraint's own index serves as one
        assert unique in await schema.list_indexes()

    @requires(Capability.UNIQUE, Capability.RANGE_INDEX)
    async def test_a_plain_index_stays_where_a_unique_constraint_cannot_be(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        plain = IndexSpec("UniqueNever", "u", "RANGE")
        await kit.write("CREATE (:UniqueNever {u: 7}), (:UniqueNever {u: 7})")
        await schema.create(plain)
        await self.dirty(schema, IndexSpec("UniqueNever", "u", "UNIQUE"), "7 x 2")
        assert plain in await schema.list_indexes()

    @requires(Capability.UNIQUE)
    async def test_constraints_of_one_label_do_not_disturb_each_other(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        one, both = (
            IndexSpec("UniqueMany", "a", "UNIQUE"),
            IndexSpec("UniqueMany", "a", "UNIQUE", "NODE", ("a", "b")),
        )
        before = set(await schema.list_indexes())
        await schema.create(one)
        await schema.create(both)
        assert set(await schema.list_indexes()) == before | {one, both}
        await schema.drop(one)
        assert set(await schema.list_indexes()) == before | {both}
        await kit.write("CREATE (:UniqueMany {a: 1, b: 1})")
        await self.refused(kit, "CREATE (:UniqueMany {a: 1, b: 1})")
        await kit.write("CREATE (:UniqueMany {a: 1, b: 2})")

    @requires(Capability.UNIQUE)
    async def test_several_programs_that_start_at_once_create_the_same_constraint(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        spec = IndexSpec("UniqueTogether", "u", "UNIQUE")
        await kit.write("UNWIND range(1, 500) AS i CREATE (:UniqueTogether {u: i})")
        assert await kit.together(*[lambda: schema.create(spec)] * 4) == [None] * 4
        assert (await schema.list_indexes()).count(spec) == 1
        await self.refused(kit, "CREATE (:UniqueTogether {u: 7})")

    # -- required properties --------------------------------------------------------------------

    @requires(Capability.MANDATORY)
    async def test_a_mandatory_constraint(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("RequiredOne", "m", "MANDATORY"))

    @requires(Capability.EDGE_MANDATORY)
    async def test_a_mandatory_constraint_of_relationships(self, schema: AsyncIndexAdapter) -> None:
        await self.there_and_back(schema, IndexSpec("REQUIRED_EDGE", "m", "MANDATORY", "EDGE"))

    @requires(Capability.MANDATORY)
    async def test_a_mandatory_constraint_is_enforced(self, kit: Kit, schema: AsyncIndexAdapter) -> None:
        spec = IndexSpec("Strict", "name", "MANDATORY")
        await schema.create(spec)
        await kit.write("CREATE (:Strict {name: 'a'})")
        await self.refused(kit, "CREATE (:Strict {other: 1})")
        await self.refused(kit, "MATCH (n:Strict) REMOVE n.name")
        await schema.drop(spec)
        await kit.write("CREATE (:Strict {other: 1})")

    @requires(Capability.EDGE_MANDATORY)
    async def test_a_mandatory_constraint_of_relationships_is_enforced(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await schema.create(IndexSpec("STRICT", "name", "MANDATORY", "EDGE"))
        await kit.write("CREATE (:StrictEnd)-[:STRICT {name: 'a'}]->(:StrictEnd)")
        await self.refused(kit, "CREATE (:StrictEnd)-[:STRICT {other: 1}]->(:StrictEnd)")

    @requires(Capability.MANDATORY)
    async def test_nodes_without_a_required_property_are_counted(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await kit.write("CREATE (:RequiredDirty {m: 1}), (:RequiredDirty), (:RequiredDirty {other: 1})")
        await self.dirty(schema, IndexSpec("RequiredDirty", "m", "MANDATORY"), "2 without")

    @requires(Capability.EDGE_MANDATORY)
    async def test_relationships_without_a_required_property_are_counted(
        self, kit: Kit, schema: AsyncIndexAdapter
    ) -> None:
        await kit.write(
            "CREATE (:StrictEnd)-[:REQUIRED_DIRTY {m: 1}]->(:StrictEnd)-[:REQUIRED_DIRTY]->(:StrictEnd)"
        )
        await self.dirty(schema, IndexSpec("REQUIRED_DIRTY", "m", "MANDATORY", "EDGE"), "1 without")


TestConstraints = BaseConstraints
