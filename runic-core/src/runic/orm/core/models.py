"""The bases of all models: :class:`Node` and :class:`Edge`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, cast, dataclass_transform

from runic.orm.core.annotations import is_class_variable, local_names, own_annotations
from runic.orm.core.construct import prepare_init
from runic.orm.core.declare import collect_fields, suggest
from runic.orm.core.descriptors import Field
from runic.orm.core.entity import Entity
from runic.orm.core.indexes import Index
from runic.orm.core.metadata import EdgeMeta, MetaData, NodeMeta
from runic.orm.core.metadata import metadata as default_metadata
from runic.orm.core.names import check_name
from runic.orm.core.resolution import check_now
from runic.orm.exceptions import MetadataError

__all__ = ["Edge", "Node"]


# Relation is no field specifier on purpose: for these a type checker demands an argument wherever no
# default is written, and a relation always has one (None, or an empty list).
@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class Node(Entity):
    """Base class of graph nodes. Annotated attributes of subclasses are fields.

    Example::

        class Person(Node, labels=["Person"]):
            id: str = Field(primary_key=True)
            name: str
            age: int | None = None
            friends: list["Person"] = Relation(
                relationship="KNOWS", direction="BOTH", target="Person"
            )


        ann = Person(id="ann", name="Ann", age=42)

    ``__init__`` is generated from the fields, ``__post_init__`` is called after it if there is one. A
    subclass of a model inherits its fields and its labels, so that a query for the base finds it too.

    Class keywords:
        labels: labels of the nodes, besides inherited ones; by default the name of the class.
        primary_label: the one that queries match; by default the last.
        indexes: :class:`~runic.orm.core.indexes.Index` objects, for indexes over several properties.
        metadata: the registry of this class and its subclasses, instead of the default one. A class
            that only names a registry, without labels or fields, is abstract.
        abstract: whether the class is only a base for others and has no nodes of its own.
    """

    if TYPE_CHECKING:
        _runic_meta: NodeMeta

    def __init_subclass__(
        cls,
        *,
        labels: Sequence[str] | None = None,
        primary_label: str | None = None,
        indexes: Sequence[Index] = (),
        metadata: MetaData | None = None,
        abstract: bool | None = None,
        **options: Any,
    ) -> None:
        _pass_on(super().__init_subclass__, cls, options, ("labels", "primary_label", *_KEYWORDS))
        annotations = own_annotations(cls)
        bases = [base.__dict__["_runic_meta"] for base in cls.__mro__[1:] if "_runic_meta" in base.__dict__]
        if abstract is None:
            abstract = metadata is not None and labels is None and primary_label is None and not annotations
        all_labels = _labels(cls, bases, labels, abstract)
        if primary_label is None:
            primary_label = all_labels[-1] if all_labels else ""
        elif primary_label not in all_labels:
            raise MetadataError(
                f"{cls.__name__}: primary_label={primary_label!r} is none of its labels {list(all_labels)}"
            )
        fields = collect_fields(cls, annotations, is_edge=False)
        meta = NodeMeta(
            cls,
            all_labels,
            primary_label,
            fields,
            next((name for name, field in fields.items() if field.primary_key), None),
            _indexes(cls, bases, indexes),
            _registry(cls, bases, metadata),
            abstract,
        )
        frame = inspect.currentframe()
        _complete(cls, meta, annotations, frame and frame.f_back)
        if not abstract:
            meta.metadata.register_node(cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
class Edge(Entity):
    """Base class of relationships with properties.

    Example::

        class Rated(Edge, type="RATED"):
            score: float
            since: date | None = None

    Class keywords:
        type: the relationship type. A class without one is abstract.
        indexes: :class:`~runic.orm.core.indexes.Index` objects, for indexes over several properties.
        metadata: the registry of this class and its subclasses, instead of the default one.
        abstract: whether the class is only a base for others.
    """

    if TYPE_CHECKING:
        _runic_meta: EdgeMeta

    def __init_subclass__(
        cls,
        *,
        type: str | None = None,  # noqa: A002
        indexes: Sequence[Index] = (),
        metadata: MetaData | None = None,
        abstract: bool | None = None,
        **options: Any,
    ) -> None:
        _pass_on(super().__init_subclass__, cls, options, ("type", *_KEYWORDS))
        if type is not None:
            check_name(type, "relationship type", cls.__name__)
        elif abstract is False:
            raise MetadataError(
                f'{cls.__name__} has no relationship type: write class {cls.__name__}(..., type="...")'
            )
        annotations = own_annotations(cls)
        bases = [base.__dict__["_runic_meta"] for base in cls.__mro__[1:] if "_runic_meta" in base.__dict__]
        meta = EdgeMeta(
            cls,
            type or "",
            collect_fields(cls, annotations, is_edge=True),
            _indexes(cls, bases, indexes),
            _registry(cls, bases, metadata),
            type is None or bool(abstract),
        )
        frame = inspect.currentframe()
        _complete(cls, meta, annotations, frame and frame.f_back)
        if not meta.abstract:
            meta.metadata.register_edge(cls)


_KEYWORDS = ("indexes", "metadata", "abstract")


def _pass_on(
    function: Callable[..., None], cls: type[Any], options: dict[str, Any], known: Sequence[str]
) -> None:
    """Give class keywords of the program's own to other bases; nobody takes a misspelt one of ours."""
    try:
        function(**options)
    except TypeError as error:
        if "takes no keyword arguments" not in str(error):
            raise
        name = next(iter(options))
        raise TypeError(f"{cls.__name__}: unknown class keyword {name!r}{suggest(name, known)}") from None


def _complete(
    cls: type[Any], meta: NodeMeta | EdgeMeta, annotations: dict[str, Any], frame: FrameType | None
) -> None:
    """Attach what is known of ``cls`` to it."""
    if "__slots__" in cls.__dict__:
        raise MetadataError(f"{cls.__name__}: a model keeps its values in __dict__ and cannot have __slots__")
    meta.local = local_names(cls, annotations, frame)
    own_names = {name for name, each in annotations.items() if is_class_variable(each)}
    bases = [base.__dict__["_runic_meta"] for base in cls.__mro__[1:] if "_runic_meta" in base.__dict__]
    meta.class_names = frozenset(own_names.union(*(base.class_names for base in bases)))
    cls._runic_meta = meta
    cls._runic_fields = meta.fields
    prepare_init(cls)
    check_now(meta)


def _labels(
    cls: type[Any], bases: list[NodeMeta], labels: Sequence[str] | None, abstract: bool
) -> tuple[str, ...]:
    if isinstance(labels, str) or (labels is not None and not isinstance(labels, (list, tuple))):
        raise MetadataError(f"{cls.__name__}: labels is a list of names, not {labels!r}: write labels=[...]")
    if labels is None:
        labels = () if abstract else (cls.__name__,)
    elif not labels and not abstract:
        raise MetadataError(f"{cls.__name__}: labels is empty: a node needs a label")
    for label in labels:
        check_name(label, "label", cls.__name__)
    inherited = [label for base in reversed(bases) for label in base.labels]
    return tuple(dict.fromkeys((*inherited, *labels)))


def _indexes(
    cls: type[Any], bases: Sequence[NodeMeta | EdgeMeta], indexes: Sequence[Index]
) -> tuple[Index, ...]:
    for each in indexes:
        if not isinstance(cast("object", each), Index):
            raise MetadataError(
                f'{cls.__name__}: indexes takes Index objects, not {each!r}: write Index("...")'
            )
    inherited = [index for base in reversed(bases) for index in base.indexes]
    return tuple(dict.fromkeys((*inherited, *indexes)))


def _registry(cls: type[Any], bases: Sequence[NodeMeta | EdgeMeta], metadata: MetaData | None) -> MetaData:
    if not isinstance(cast("object", metadata), MetaData | None):
        raise MetadataError(f"{cls.__name__}: metadata is a MetaData object, not {metadata!r}")
    if metadata is not None:
        return metadata
    return bases[0].metadata if bases else default_metadata
