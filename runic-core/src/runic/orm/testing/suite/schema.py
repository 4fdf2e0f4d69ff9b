"""The base of the schema tier: an index adapter of either colour, and nothing that stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from runic.orm.exceptions import ConstraintViolation, ServerError
from runic.orm.schema.index_manager import AsyncIndexAdapter, IndexSpec, adapter_of
from runic.orm.testing.kit import Kit
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["SchemaSuite"]


class SchemaSuite(LiveSuite):
    """Base of checks of indexes and constraints.

    Labels and types are those of one check each: some servers remember of a property what values it had.
    """

    area: ClassVar[str] = "indexes"

    @pytest.fixture
    def schema(self, kit: Kit) -> Iterator[AsyncIndexAdapter]:
        """The index adapter; what a check creates is dropped after it."""
        keeper = adapter_of(kit.drivers.sync)
        before = set(keeper.list_indexes())
        yield kit.schema
        for spec in keeper.list_indexes():
            if spec not in before:
                keeper.drop(spec)

    async def there_and_back(self, schema: AsyncIndexAdapter, spec: IndexSpec) -> None:
        """Create it, again, list it; drop it, again, and it is gone."""
        before = set(await schema.list_indexes())
        await schema.create(spec)
        listed = await schema.list_indexes()
        assert set(listed) == before | set(schema.expand(spec))
        assert len(listed) == len(set(listed)), "something is listed twice"
        for each in listed:
            if each in schema.expand(spec):
                told = {name: each.options.get(name) for name in spec.options}
                assert told == dict(spec.options), f"{each} is listed with {dict(each.options)}"
        await schema.create(spec)
        assert set(await schema.list_indexes()) == set(listed)
        with pytest.raises(ServerError, match="already"):
            await schema.create(spec, if_not_exists=False)
        await schema.drop(spec)
        assert set(await schema.list_indexes()) == before
        await schema.drop(spec)
        with pytest.raises(ServerError, match="there is no"):
            await schema.drop(spec, if_exists=False)
        await schema.create(spec, if_not_exists=False)
        assert set(await schema.list_indexes()) == set(listed)

    async def refused(self, kit: Kit, cypher: str) -> None:
        """See that the server refuses a write, by its end at the latest, and keeps nothing of it."""
        async with kit.session() as s:
            with pytest.raises(ConstraintViolation):
                await s.execute(cypher, write=True)
                await s.commit()
            await s.rollback()
