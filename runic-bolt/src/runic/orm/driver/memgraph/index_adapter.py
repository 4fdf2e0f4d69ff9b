"""The index adapters of a Memgraph database; what they do is in :mod:`.schema`."""

from __future__ import annotations

from typing import Any

from runic.orm.schema.adapters import BaseAsyncIndexAdapter, BaseIndexAdapter

from ..bolt.driver import AsyncBoltDriver, BoltDriver
from .dialect import DIALECT
from .schema import MemgraphSchema

__all__ = ["AsyncMemgraphIndexAdapter", "MemgraphIndexAdapter"]


class MemgraphIndexAdapter(BaseIndexAdapter):
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    Args:
        driver: a driver made by ``create_memgraph_driver`` or ``create_driver("memgraph", ...)``.

    Example:
        >>> adapter = MemgraphIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, BoltDriver) or driver.dialect.name != DIALECT.name:
            raise TypeError(f"indexes of Memgraph need its sync driver, not {type(driver).__name__}")
        super().__init__(driver, MemgraphSchema(driver, blocking=True))


class AsyncMemgraphIndexAdapter(BaseAsyncIndexAdapter):
    """The async twin of :class:`MemgraphIndexAdapter`."""

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, AsyncBoltDriver) or driver.dialect.name != DIALECT.name:
            raise TypeError(f"indexes of Memgraph need its async driver, not {type(driver).__name__}")
        super().__init__(driver, MemgraphSchema(driver, blocking=False))
