"""The async twins of the managers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runic.migrate.compare import ValidationResult, compare, declared_by, reraise, to_create
from runic.orm.driver.factory import create_async_driver
from runic.orm.exceptions import OrmError
from runic.orm.schema.index_manager import async_adapter_of

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import AsyncIndexAdapter

__all__ = ["AsyncIndexManager", "AsyncSchemaManager", "create_async_adapter"]


def create_async_adapter(name: str, **options: Any) -> AsyncIndexAdapter:
    """The async twin of :func:`~runic.migrate.schema.create_adapter`: ``await adapter.aclose()``.

    Args:
        name: a backend's name, or a URL.
        **options: as for :func:`~runic.orm.driver.factory.create_async_driver`.

    Raises:
        UnknownBackendError: no such backend is installed.
        UnsupportedByBackendError: it has no async index adapter.

    Example:
        >>> adapter = create_async_adapter("falkordb", host="localhost", graph="social")  # doctest: +SKIP
    """
    return async_adapter_of(create_async_driver(name, **options))


class AsyncIndexManager:
    """The async twin of :class:`IndexManager`.

    Args:
        adapter_or_graph: an async index adapter, an async driver, or a raw async graph handle of a client
            library that a backend knows.

    Example:
        >>> await AsyncIndexManager(driver).create_indexes(Person)  # doctest: +SKIP
    """

    def __init__(self, adapter_or_graph: Any) -> None:
        self._adapter = async_adapter_of(adapter_or_graph)

    @property
    def adapter(self) -> AsyncIndexAdapter:
        """The adapter."""
        return self._adapter

    async def create_indexes(self, entity_class: type, *, if_not_exists: bool = True) -> None:
        """See :meth:`IndexManager.create_indexes`."""
        existing = await self._adapter.list_indexes() if if_not_exists else []
        for spec in to_create(entity_class, existing, self._adapter.expand):
            await self._adapter.create(spec, if_not_exists=if_not_exists)

    async def ensure_indexes(self, entity_class: type) -> None:
        """See :meth:`IndexManager.ensure_indexes`."""
        await self.create_indexes(entity_class, if_not_exists=True)


class AsyncSchemaManager:
    """The async twin of :class:`SchemaManager`.

    Args:
        adapter_or_graph: as for :class:`AsyncIndexManager`.

    Example:
        >>> await AsyncSchemaManager(driver).sync_schema([Person, Knows])  # doctest: +SKIP
    """

    def __init__(self, adapter_or_graph: Any) -> None:
        self._adapter = async_adapter_of(adapter_or_graph)

    @property
    def adapter(self) -> AsyncIndexAdapter:
        """The adapter."""
        return self._adapter

    async def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """See :meth:`SchemaManager.ensure_entity_types`."""
        await self._adapter.ensure_entity_types(entity_classes)

    async def validate_schema(self, entity_classes: Sequence[type]) -> ValidationResult:
        """See :meth:`SchemaManager.validate_schema`."""
        errors: list[str] = []
        declared = declared_by(entity_classes, lambda error: errors.append(str(error)))
        try:
            existing = await self._adapter.list_indexes()
        except OrmError as error:
            return ValidationResult(is_valid=False, errors=[*errors, str(error)])
        return compare(entity_classes, declared, existing, self._adapter.expand, errors)

    async def sync_schema(self, entity_classes: Sequence[type], *, drop_extra: bool = False) -> None:
        """See :meth:`SchemaManager.sync_schema`."""
        declared = declared_by(entity_classes, reraise)
        await self.ensure_entity_types(entity_classes)
        if drop_extra:
            existing = await self._adapter.list_indexes()
            found = compare(entity_classes, declared, existing, self._adapter.expand)
            for each in found.changed_indexes:
                await self._adapter.drop(each.existing)
        manager = AsyncIndexManager(self._adapter)
        for cls in entity_classes:
            await manager.create_indexes(cls)
        if drop_extra:
            # Only now: an index that has to go may be all there is until its successor is made.
            existing = await self._adapter.list_indexes()
            for spec in compare(entity_classes, declared, existing, self._adapter.expand).extra_indexes:
                await self._adapter.drop(spec)
