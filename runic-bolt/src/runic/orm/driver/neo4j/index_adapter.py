"""The index adapters of a Neo4j database; what they do is in :mod:`.schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runic.orm.schema.adapters import BaseAsyncIndexAdapter, BaseIndexAdapter
from runic.orm.schema.index_manager import IndexSpec

from .schema import Neo4jSchema

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from ..bolt.driver import AsyncBoltDriver, BoltDriver

__all__ = ["AsyncNeo4jIndexAdapter", "Neo4jIndexAdapter"]


class Neo4jIndexAdapter(BaseIndexAdapter):
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    A label has one fulltext index over all its properties, listed as one each. Beside what every
    backend has, ``create_text_index``.

    Args:
        driver: a blocking driver.
        timeout: longest time in seconds until an index must be online.

    Example:
        >>> adapter = Neo4jIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: BoltDriver, *, timeout: float = 300.0) -> None:
        super().__init__(driver, Neo4jSchema(driver, blocking=True, timeout=timeout))

    def create_text_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a text index, which serves ``contains`` and ``endswith``."""
        self.create(IndexSpec(label, name, "TEXT", entity), if_not_exists=if_not_exists)


class AsyncNeo4jIndexAdapter(BaseAsyncIndexAdapter):
    """The async twin of :class:`Neo4jIndexAdapter`."""

    def __init__(self, driver: AsyncBoltDriver, *, timeout: float = 300.0) -> None:
        super().__init__(driver, Neo4jSchema(driver, blocking=False, timeout=timeout))

    async def create_text_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`Neo4jIndexAdapter.create_text_index`."""
        await self.create(IndexSpec(label, name, "TEXT", entity), if_not_exists=if_not_exists)
