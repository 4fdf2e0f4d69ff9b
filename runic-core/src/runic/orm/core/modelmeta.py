"""What is known of one model: labels, fields, keys, indexes. Completed on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runic.orm.core import resolution

if TYPE_CHECKING:
    from runic.orm.core.annotations import Scope
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.indexes import Index
    from runic.orm.core.metadata import MetaData

__all__ = ["EdgeMeta", "NodeMeta"]


def _default_registry() -> MetaData:
    from runic.orm.core.metadata import metadata

    return metadata


class _Meta:
    """What nodes and edges have in common."""

    cls: type[Any]
    fields: Mapping[str, FieldDescriptor]
    indexes: tuple[Index, ...]
    metadata: MetaData
    abstract: bool
    local: Mapping[str, Any]
    #: The generated ``__init__``, once it was needed.
    init: Callable[..., None] | None = None
    #: Whether a subclass has an ``__init__`` of its own, which may call this one.
    wrapped: bool = False
    #: Whether all types are resolved and checked.
    ready: bool = False
    #: Names annotated ClassVar.
    class_names: frozenset[str] = frozenset()

    @cached_property
    def properties(self) -> tuple[FieldDescriptor, ...]:
        """The fields that are properties, in the order of declaration."""
        return tuple(each for each in self.fields.values() if not each.is_relation)

    @cached_property
    def version_field(self) -> FieldDescriptor | None:
        """The field that counts writes, if there is one."""
        return next((each for each in self.fields.values() if each.version), None)

    @cached_property
    def scope(self) -> Scope:
        """What names mean in the annotations of the class's own body."""
        return resolution.make_scope(self.cls, self.fields, self.local, self.metadata)

    def finalize(self) -> None:
        """Resolve and check the types of the class's properties, and its indexes.

        Raises:
            MetadataError: names class, field and reason.
        """
        resolution.check_types(self)
        self.ready = not self.abstract


@dataclass(eq=False)
class NodeMeta(_Meta):
    """What is known of a Node class.

    Attributes:
        cls: the class.
        labels: the labels of its nodes, inherited ones first.
        primary_label: the label that queries match, and that every subclass carries too.
        fields: all fields by name, inherited ones first.
        pk_field_name: the name of the primary key's field.
        indexes: indexes over several properties, inherited ones first.
        metadata: the registry it belongs to.
        abstract: whether it is only a base for other classes and has no nodes of its own.
        local: names of the function around the class, that its annotations use.
    """

    cls: type[Any]
    labels: tuple[str, ...]
    primary_label: str
    fields: Mapping[str, FieldDescriptor]
    pk_field_name: str | None = None
    indexes: tuple[Index, ...] = ()
    metadata: MetaData = field(default_factory=_default_registry)
    abstract: bool = False
    local: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self._version = -1
        self._subclasses: tuple[NodeMeta, ...] = ()
        self._resolved: dict[Any, NodeMeta] = {}

    @cached_property
    def relations(self) -> tuple[FieldDescriptor, ...]:
        """The fields that are relations, in the order of declaration."""
        return tuple(each for each in self.fields.values() if each.is_relation)

    @cached_property
    def primary_key(self) -> FieldDescriptor | None:
        """The primary key's field, if there is one."""
        return None if self.pk_field_name is None else self.fields[self.pk_field_name]

    @property
    def root(self) -> type[Any]:
        """The top-most class of the hierarchy: within it, a key belongs to one entity."""
        return self.metadata.root_of(self.cls)

    @property
    def subclasses(self) -> tuple[NodeMeta, ...]:
        """All registered descendants, in the order of their definition."""
        self._refresh()
        return self._subclasses

    @property
    def match_labels(self) -> tuple[str, ...]:
        """The labels that a query for this class has to match.

        The primary label alone, as every instance of the class and of its subclasses carries it;
        all labels where a base class has the same primary label and so would be found as well.
        """
        shared = any(
            self.primary_label in base.__dict__["_runic_meta"].labels
            for base in self.cls.__mro__[1:]
            if "_runic_meta" in base.__dict__
        )
        return self.labels if shared else (self.primary_label,)

    @property
    def searched(self) -> tuple[str, ...]:
        """The properties that a fulltext index is declared for."""
        names = [field.name for field in self.properties if field.index_type == "FULLTEXT"]
        names += [name for index in self.indexes if index.type == "FULLTEXT" for name in index.fields]
        return tuple(dict.fromkeys(names))

    @property
    def own_label(self) -> str:
        """The label that alone tells its nodes from those of base classes, as far as one does."""
        return self.match_labels[-1]

    @property
    def lineage(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Own label and own labels of the direct bases, of each class from the root to this one."""
        metas = [found for base in self.cls.__mro__ if (found := _model_of(base)) is not None]
        lines: dict[str, tuple[str, ...]] = {}
        for meta in reversed(metas):
            bases = [found for base in meta.cls.__mro__[1:] if (found := _model_of(base)) is not None]
            nearest = [
                base
                for base in bases
                if not any(other is not base and issubclass(other.cls, base.cls) for other in bases)
            ]
            above = tuple(base.own_label for base in nearest if base.own_label != meta.own_label)
            lines[meta.own_label] = lines.get(meta.own_label, ()) or above
        return tuple(lines.items())

    def resolve(self, labels: Iterable[str]) -> NodeMeta:
        """The most specific of this class and its descendants whose labels are all among ``labels``."""
        if self._version != self.metadata.version:
            self._refresh()
        key: Any = labels if labels.__class__ is tuple else frozenset(labels)
        found = self._resolved.get(key)
        if found is None:
            present = frozenset(key)
            fitting = [meta for meta in (self, *self._subclasses) if present.issuperset(meta.labels)]
            # Of equally specific ones the first defined; the order of labels in a reply means nothing.
            if not fitting:
                # Where a node has one label, it stands for those of the base classes.
                fitting = [meta for meta in (self, *self._subclasses) if meta.own_label in present]
            found = max(fitting, key=lambda meta: (len(meta.labels), len(meta.cls.__mro__)), default=self)
            self._resolved[key] = found
        return found

    def _refresh(self) -> None:
        version = self.metadata.version
        if self._version != version:
            self._subclasses = tuple(
                meta
                for meta in self.metadata.nodes
                if meta.cls is not self.cls and issubclass(meta.cls, self.cls)
            )
            self._resolved = {}
            self._version = version


def _model_of(cls: type[Any]) -> NodeMeta | None:
    """What is known of a class that has nodes of its own."""
    meta = cls.__dict__.get("_runic_meta")
    return meta if isinstance(meta, NodeMeta) and not meta.abstract else None


@dataclass(eq=False)
class EdgeMeta(_Meta):
    """What is known of an Edge class.

    Attributes:
        cls: the class.
        type: the relationship type of its edges.
        fields: all fields by name, inherited ones first.
        indexes: indexes over several properties, inherited ones first.
        metadata: the registry it belongs to.
        abstract: whether it is only a base for other classes.
        local: names of the function around the class, that its annotations use.
    """

    cls: type[Any]
    type: str
    fields: Mapping[str, FieldDescriptor]
    indexes: tuple[Index, ...] = ()
    metadata: MetaData = field(default_factory=_default_registry)
    abstract: bool = False
    local: Mapping[str, Any] = field(default_factory=dict[str, Any])
