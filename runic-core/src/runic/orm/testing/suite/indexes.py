"""Indexes and constraints: what is claimed can be made, is listed, and can be dropped."""

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import ConstraintViolation
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseIndexes", "TestIndexes"]


class BaseIndexes(LiveSuite):
    """Indexes and constraints: what is claimed can be made, is listed, and can be dropped."""

    area: ClassVar[str] = "indexes"

    def _there_and_back(self, kit: Kit, spec: IndexSpec) -> None:
        if not kit.blocking:
            pytest.skip("indexes are managed through a sync driver")
        adapter = adapter_of(kit.drivers.sync)
        adapter.drop(spec)
        before = set(adapter.list_indexes())
        adapter.create(spec)
        adapter.create(spec)
        assert set(adapter.list_indexes()) == before | set(adapter.expand(spec))
        adapter.drop(spec)
        adapter.drop(spec)
        assert set(adapter.list_indexes()) == before

    @requires(Capability.RANGE_INDEX)
    def test_a_range_index(self, kit: Kit) -> None:
        self._there_and_back(kit, IndexSpec("Indexed", "a", "RANGE"))

    @requires(Capability.COMPOSITE_INDEX)
    def test_an_index_over_several_properties(self, kit: Kit) -> None:
        self._there_and_back(kit, IndexSpec("Indexed", "a", "RANGE", "NODE", ("a", "b")))

    @requires(Capability.EDGE_INDEX)
    def test_an_index_of_relationships(self, kit: Kit) -> None:
        self._there_and_back(kit, IndexSpec("INDEXED_EDGE", "a", "RANGE", "EDGE"))

    @requires(Capability.FULLTEXT_INDEX)
    def test_a_fulltext_index(self, kit: Kit) -> None:
        self._there_and_back(kit, IndexSpec("Indexed", "a", "FULLTEXT"))

    @requires(Capability.VECTOR_INDEX)
    def test_a_vector_index(self, kit: Kit) -> None:
        spec = IndexSpec("Indexed", "v", "VECTOR", options={"dimension": 3, "similarity": "cosine"})
        self._there_and_back(kit, spec)

    @requires(Capability.UNIQUE)
    def test_a_unique_constraint(self, kit: Kit) -> None:
        self._there_and_back(kit, IndexSpec("Indexed", "u", "UNIQUE"))

    @requires(Capability.MANDATORY)
    async def test_a_mandatory_constraint_is_enforced(self, kit: Kit) -> None:
        if not kit.blocking:
            pytest.skip("indexes are managed through a sync driver")
        adapter = adapter_of(kit.drivers.sync)
        spec = IndexSpec("Strict", "name", "MANDATORY")
        adapter.create(spec)
        try:
            async with kit.session() as s:
                with pytest.raises(ConstraintViolation):
                    await s.execute("CREATE (:Strict {other: 1})", write=True)
                await s.rollback()
        finally:
            adapter.drop(spec)
        await kit.write("CREATE (:Strict {other: 1})")


TestIndexes = BaseIndexes
