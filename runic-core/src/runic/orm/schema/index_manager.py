"""Index declarations: what the models ask for, and the protocol of what creates it.

Core knows declarations only. Each backend brings an :class:`IndexAdapter` that truly creates, lists
and drops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from runic.orm.core.metadata import EdgeMeta, NodeMeta, edge_meta, node_meta
from runic.orm.exceptions import MetadataError, UnsupportedByBackendError

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.plugin.backend import Backend

__all__ = [
    "AsyncIndexAdapter",
    "EntityKind",
    "IndexAdapter",
    "IndexSpec",
    "IndexType",
    "adapter_of",
    "async_adapter_of",
    "extract_declared_specs",
]

IndexType = Literal["RANGE", "FULLTEXT", "VECTOR", "POINT", "UNIQUE", "MANDATORY"]
EntityKind = Literal["NODE", "EDGE"]

_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class IndexSpec:
    """One declared or existing index or constraint, in a form that can be compared.

    ``options`` do not take part in comparisons: servers fill in defaults of their own. Nor does the order of
    a constraint's properties, which means nothing, and which some servers do not keep.

    Attributes:
        label: label of the nodes, or type of the edges.
        property: the property; the first one of several.
        index_type: ``"RANGE"``, ``"FULLTEXT"``, ``"VECTOR"``, ``"POINT"``, ``"UNIQUE"`` or ``"MANDATORY"``.
        entity: ``"NODE"`` or ``"EDGE"``.
        properties: all properties; one unless the index is over several.
        options: ``dimension`` and ``similarity`` of a vector index; ``language`` and ``stopwords`` of
            a fulltext index; what else a backend takes.

    Example:
        >>> IndexSpec("Person", "email", "UNIQUE").properties
        ('email',)
    """

    label: str
    property: str
    index_type: str
    entity: EntityKind = "NODE"
    properties: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: _NO_OPTIONS)

    def __post_init__(self) -> None:
        # A frozen class sets attributes through object.
        if not self.properties:
            object.__setattr__(self, "properties", (self.property,))
        elif self.properties[0] != self.property:
            raise ValueError(f"{self.property!r} is not the first of {self.properties!r}")

    def _key(self) -> tuple[object, ...]:
        constraint = self.index_type in ("UNIQUE", "MANDATORY")
        names = tuple(sorted(self.properties)) if constraint else self.properties
        return self.label, self.index_type, self.entity, names

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, IndexSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        pattern = f":{self.label}" if self.entity == "NODE" else f"[:{self.label}]"
        return f"{self.index_type} {pattern}({', '.join(self.properties)})"


@runtime_checkable
class IndexAdapter(Protocol):
    """What a backend's index adapter does; :class:`~.adapters.BaseIndexAdapter` brings most of it.

    Every creation returns when the index is really usable, or raises; what the backend cannot do raises
    ``UnsupportedByBackendError`` before anything is sent. With ``if_not_exists``, what
    exists already is left as it is; without, it is an error. ``entity="EDGE"`` takes the type of
    relationships as ``label``.
    """

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create an index over one property, or over several."""
        ...

    def create_point_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create an index of places, which serves ``distance(...) < r``."""
        ...

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Make the server refuse two entities with the same values; nulls may repeat.

        Raises:
            ConstraintViolation: there are duplicates already; the message lists some.
        """
        ...

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Make the server refuse entities without the properties.

        Raises:
            ConstraintViolation: there are such entities already.
        """
        ...

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """Create a fulltext index over all ``properties``."""
        ...

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
        """Create a vector index.

        Args:
            label: label of the nodes, or type of the edges.
            name: the property that holds the vectors.
            dimension: how many numbers a vector has.
            similarity: ``"cosine"`` (default) or ``"euclidean"``.
            entity: nodes or edges.
            if_not_exists: leave an existing one.
            **options: what else the backend takes.

        Raises:
            MetadataError: the backend needs the dimension, and none is given.
        """
        ...

    def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """Create what ``spec`` describes."""
        ...

    def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """Drop what ``spec`` describes."""
        ...

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints of the graph, without those that only serve a constraint."""
        ...

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """How :meth:`list_indexes` shows ``spec``: some servers keep one index per property."""
        ...

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """Create vertex and edge types on servers that need them; nothing elsewhere."""
        ...

    def close(self) -> None:
        """Close the adapter's connection, if it opened one itself."""
        ...


@runtime_checkable
class AsyncIndexAdapter(Protocol):
    """The async twin of :class:`IndexAdapter`, as far as the managers need it.

    :class:`~.adapters.BaseAsyncIndexAdapter` has the other ``create_...`` methods too.
    """

    async def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.create`."""
        ...

    async def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """See :meth:`IndexAdapter.drop`."""
        ...

    async def list_indexes(self) -> list[IndexSpec]:
        """See :meth:`IndexAdapter.list_indexes`."""
        ...

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """See :meth:`IndexAdapter.expand`."""
        ...

    async def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """See :meth:`IndexAdapter.ensure_entity_types`."""
        ...

    async def aclose(self) -> None:
        """See :meth:`IndexAdapter.close`."""
        ...


def extract_declared_specs(entity_class: type[Any]) -> list[IndexSpec]:
    """The indexes that a model declares, inherited ones included.

    - ``unique=True``: a UNIQUE constraint, whose own index serves ``index=True`` as well.
    - ``index=True`` or ``index_type="RANGE"`` without ``unique``: a RANGE index.
    - ``index_type="FULLTEXT"``, ``"VECTOR"`` and ``"POINT"``: that index.
    - ``indexes=[Index(...)]`` of the class: an index over several properties.
    - Relations, and a primary key that the server makes, have none.

    Args:
        entity_class: a Node or Edge class.

    Raises:
        MetadataError: it is no model, or its declaration is wrong.

    Example:
        >>> extract_declared_specs(Person)  # doctest: +SKIP
        [IndexSpec(label='Person', property='email', index_type='UNIQUE', ...)]
    """
    meta, label, entity = _target(entity_class)
    specs: list[IndexSpec] = []
    for each in meta.properties:
        if not (each.generated and each.primary_key):
            specs += [
                IndexSpec(label, each.name, kind, entity, options=_options(each, kind))
                for kind in _kinds(each)
            ]
    for index in meta.indexes:
        names = tuple(index.fields)
        only = meta.fields[names[0]] if len(names) == 1 else None
        options = _options(only, index.type) if only is not None else _NO_OPTIONS
        specs.append(IndexSpec(label, names[0], index.type, entity, names, options))
    return list(dict.fromkeys(specs))


def _target(entity_class: type[Any]) -> tuple[NodeMeta | EdgeMeta, str, EntityKind]:
    if isinstance(getattr(entity_class, "_runic_meta", None), EdgeMeta):
        edge = edge_meta(entity_class)
        return edge, edge.type, "EDGE"
    node = node_meta(entity_class)
    return node, node.primary_label, "NODE"


def _kinds(each: FieldDescriptor) -> Iterable[str]:
    if each.unique:
        yield "UNIQUE"
    elif each.index_type == "RANGE" or (each.index and each.index_type is None):
        yield "RANGE"
    if each.index_type in ("FULLTEXT", "VECTOR", "POINT"):
        yield each.index_type


def _options(each: FieldDescriptor, kind: str) -> Mapping[str, Any]:
    if kind != "VECTOR":
        return _NO_OPTIONS
    options: dict[str, Any] = {}
    if each.dimension is not None:
        options["dimension"] = each.dimension
    if each.similarity is not None:
        options["similarity"] = each.similarity
    return MappingProxyType(options)


def adapter_of(handle: object) -> IndexAdapter:
    """The index adapter of whatever the managers accept.

    Args:
        handle: an index adapter, a sync driver, or a raw handle of a client library.

    Raises:
        TypeError: an async driver.
        UnsupportedByBackendError: the backend has no index adapter.
        UnknownHandleError: no installed backend knows such an object.
    """
    if isinstance(handle, IndexAdapter):
        return handle
    from runic.orm.driver.port import GraphDriver

    backend, driver = _backend_of(handle)
    if not isinstance(driver, GraphDriver):
        raise TypeError(
            "this index manager needs a sync driver: make one with create_driver(), or use the async managers"
        )
    if backend.index_adapter is None:
        raise UnsupportedByBackendError(backend.name, "managing indexes")
    adapter = backend.index_adapter(driver)
    if not isinstance(adapter, IndexAdapter):
        raise MetadataError(f"the index adapter of {backend.name} does not implement IndexAdapter")
    return adapter


def async_adapter_of(handle: object) -> AsyncIndexAdapter:
    """The async index adapter of whatever the async managers accept.

    Args:
        handle: an async index adapter, an async driver, or a raw async handle of a client library.

    Raises:
        TypeError: a sync driver.
        UnsupportedByBackendError: the backend has no async index adapter.
        UnknownHandleError: no installed backend knows such an object.
    """
    if isinstance(handle, AsyncIndexAdapter):
        return handle
    from runic.orm.driver.port import GraphDriver

    backend, driver = _backend_of(handle)
    if isinstance(driver, GraphDriver):
        raise TypeError(
            "this index manager needs an async driver: make one with create_async_driver(), or use the sync"
            " managers"
        )
    if backend.async_index_adapter is None:
        raise UnsupportedByBackendError(backend.name, "managing indexes through an async driver")
    adapter = backend.async_index_adapter(driver)
    if not isinstance(adapter, AsyncIndexAdapter):
        raise MetadataError(f"the async index adapter of {backend.name} does not implement AsyncIndexAdapter")
    return adapter


def _backend_of(handle: object) -> tuple[Backend, object]:
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
    from runic.orm.plugin import manager

    driver = handle if isinstance(handle, GraphDriver | AsyncGraphDriver) else manager.adopt(handle)
    return manager.load(driver.dialect.name), driver
