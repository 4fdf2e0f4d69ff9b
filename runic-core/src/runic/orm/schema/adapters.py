"""The two faces of a schema engine: what users hold, sync and async."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runic.orm.core.blocking import run_blocking
from runic.orm.exceptions import MetadataError
from runic.orm.schema.index_manager import IndexSpec

if TYPE_CHECKING:
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
    from runic.orm.schema.engine import SchemaEngine
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["BaseAsyncIndexAdapter", "BaseIndexAdapter"]


class BaseIndexAdapter:
    """An :class:`~runic.orm.schema.index_manager.IndexAdapter` over an engine.

    Args:
        driver: a sync driver; :meth:`close` closes it.
        engine: the backend's engine, made for ``driver`` with ``blocking=True``.

    Example:
        >>> class MyIndexAdapter(BaseIndexAdapter):  # doctest: +SKIP
        ...     def __init__(self, driver):
        ...         super().__init__(driver, MyEngine(driver, blocking=True))
    """

    def __init__(self, driver: GraphDriver, engine: SchemaEngine) -> None:
        self._driver = driver
        self._engine = engine

    @property
    def driver(self) -> GraphDriver:
        """The driver."""
        return self._driver

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_range_index`."""
        self.create(_spec("RANGE", label, properties, entity), if_not_exists=if_not_exists)

    def create_point_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_point_index`."""
        self.create(_spec("POINT", label, (name,), entity), if_not_exists=if_not_exists)

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_unique_constraint`."""
        self.create(_spec("UNIQUE", label, properties, entity), if_not_exists=if_not_exists)

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_mandatory_constraint`."""
        self.create(_spec("MANDATORY", label, properties, entity), if_not_exists=if_not_exists)

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """See :meth:`IndexAdapter.create_fulltext_index`."""
        spec = _spec("FULLTEXT", label, properties, entity, language=language, stopwords=stopwords)
        self.create(spec, if_not_exists=if_not_exists)

    def create_vector_index(
        self,
        label: str,
        name: str,
        *,
        dimension: int | None = None,
        similarity: str | None = None,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        **options: Any,
    ) -> None:
        """See :meth:`IndexAdapter.create_vector_index`."""
        spec = _spec("VECTOR", label, (name,), entity, dimension=dimension, similarity=similarity, **options)
        self.create(spec, if_not_exists=if_not_exists)

    def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.create`."""
        run_blocking(self._engine.create(_given(spec), if_not_exists=if_not_exists))

    def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.drop`."""
        run_blocking(self._engine.drop(spec, if_exists=if_exists))

    def list_indexes(self) -> list[IndexSpec]:
        """See :meth:`IndexAdapter.list_indexes`."""
        return run_blocking(self._engine.listed())

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """See :meth:`IndexAdapter.expand`."""
        return self._engine.expand(spec)

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """See :meth:`IndexAdapter.ensure_entity_types`."""
        run_blocking(self._engine.ensure_types(entity_classes))

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()


class BaseAsyncIndexAdapter:
    """The async twin of :class:`BaseIndexAdapter`.

    Args:
        driver: an async driver; :meth:`aclose` closes it.
        engine: the backend's engine, made for ``driver`` with ``blocking=False``.
    """

    def __init__(self, driver: AsyncGraphDriver, engine: SchemaEngine) -> None:
        self._driver = driver
        self._engine = engine

    @property
    def driver(self) -> AsyncGraphDriver:
        """The driver."""
        return self._driver

    async def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_range_index`."""
        await self.create(_spec("RANGE", label, properties, entity), if_not_exists=if_not_exists)

    async def create_point_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_point_index`."""
        await self.create(_spec("POINT", label, (name,), entity), if_not_exists=if_not_exists)

    async def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_unique_constraint`."""
        await self.create(_spec("UNIQUE", label, properties, entity), if_not_exists=if_not_exists)

    async def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """See :meth:`IndexAdapter.create_mandatory_constraint`."""
        await self.create(_spec("MANDATORY", label, properties, entity), if_not_exists=if_not_exists)

    async def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """See :meth:`IndexAdapter.create_fulltext_index`."""
        spec = _spec("FULLTEXT", label, properties, entity, language=language, stopwords=stopwords)
        await self.create(spec, if_not_exists=if_not_exists)

    async def create_vector_index(
        self,
        label: str,
        name: str,
        *,
        dimension: int | None = None,
        similarity: str | None = None,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        **options: Any,
    ) -> None:
        """See :meth:`IndexAdapter.create_vector_index`."""
        spec = _spec("VECTOR", label, (name,), entity, dimension=dimension, similarity=similarity, **options)
        await self.create(spec, if_not_exists=if_not_exists)

    async def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.create`."""
        await self._engine.create(_given(spec), if_not_exists=if_not_exists)

    async def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.drop`."""
        await self._engine.drop(spec, if_exists=if_exists)

    async def list_indexes(self) -> list[IndexSpec]:
        """See :meth:`IndexAdapter.list_indexes`."""
        return await self._engine.listed()

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """See :meth:`IndexAdapter.expand`."""
        return self._engine.expand(spec)

    async def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """See :meth:`IndexAdapter.ensure_entity_types`."""
        await self._engine.ensure_types(entity_classes)

    async def aclose(self) -> None:
        """Close the driver."""
        await self._driver.aclose()


def _spec(
    kind: str, label: str, properties: tuple[str, ...], entity: EntityKind, **options: Any
) -> IndexSpec:
    if not properties:
        raise MetadataError("an index takes one or more different properties, not ()")
    return IndexSpec(label, properties[0], kind, entity, properties, options)


def _given(spec: IndexSpec) -> IndexSpec:
    """``spec`` with the options that say something."""
    told = {name: value for name, value in spec.options.items() if value is not None}
    return IndexSpec(
        spec.label, spec.property, spec.index_type, spec.entity, spec.properties, MappingProxyType(told)
    )
