"""The index adapters of an ArcadeDB database; what they do is in :mod:`.schema`."""

from __future__ import annotations

from typing import Any

from runic.orm.schema.adapters import BaseAsyncIndexAdapter, BaseIndexAdapter

from .driver import ArcadeDBDriver, AsyncArcadeDBDriver
from .schema import ArcadeDBSchema

__all__ = ["ArcadeDBIndexAdapter", "AsyncArcadeDBIndexAdapter"]


class ArcadeDBIndexAdapter(BaseIndexAdapter):
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    The server gives an index of a base label to every combination of labels below it, so that a unique
    value is unique among all of them. Making an index on properties that hold values already fixes their
    type: values of another one are refused from then on.

    Args:
        driver: a driver made by ``create_arcadedb_driver`` or ``create_driver("arcadedb", ...)``.

    Example:
        >>> adapter = ArcadeDBIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, ArcadeDBDriver):
            raise TypeError(f"indexes of ArcadeDB need its sync driver, not {type(driver).__name__}")
        super().__init__(driver, ArcadeDBSchema(driver, blocking=True))


class AsyncArcadeDBIndexAdapter(BaseAsyncIndexAdapter):
    """The async twin of :class:`ArcadeDBIndexAdapter`."""

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, AsyncArcadeDBDriver):
            raise TypeError(f"indexes of ArcadeDB need its async driver, not {type(driver).__name__}")
        super().__init__(driver, ArcadeDBSchema(driver, blocking=False))
