"""The index adapters of a graph of Apache AGE; what they do is in :mod:`.schema`."""

from __future__ import annotations

from typing import Any

from runic.orm.schema.adapters import BaseAsyncIndexAdapter, BaseIndexAdapter

from .driver import AGEDriver, AsyncAGEDriver
from .schema import AGESchema

__all__ = ["AGEIndexAdapter", "AsyncAGEIndexAdapter"]


class AGEIndexAdapter(BaseIndexAdapter):
    """The index adapter of a graph; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    Indexes and unique constraints are those of one table: the label of a subclass has its own, which the
    subclass declares as well. A fulltext index is one per property. 1 and 1.0 are one unique value.

    Args:
        handle: a driver.

    Example:
        >>> adapter = AGEIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, handle: Any) -> None:
        if not isinstance(handle, AGEDriver):
            raise TypeError(f"expected an AGEDriver, not {type(handle).__name__}")
        super().__init__(handle, AGESchema(handle, blocking=True))


class AsyncAGEIndexAdapter(BaseAsyncIndexAdapter):
    """The async twin of :class:`AGEIndexAdapter`."""

    def __init__(self, handle: Any) -> None:
        if not isinstance(handle, AsyncAGEDriver):
            raise TypeError(f"expected an AsyncAGEDriver, not {type(handle).__name__}")
        super().__init__(handle, AGESchema(handle, blocking=False))
