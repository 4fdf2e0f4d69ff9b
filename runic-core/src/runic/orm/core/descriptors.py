"""Fields of models: ``Field()``, ``Relation()``, and the descriptor behind both.

The descriptor records changes in the entity's state and asks the entity's owner for what was not
loaded; it knows nothing else of sessions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NoReturn, overload

from runic.orm.core import access
from runic.orm.core.mapped import Attr
from runic.orm.core.state import NOT_LOADED
from runic.orm.exceptions import MetadataError

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType
    from runic.orm.core.types import TypeConverter

__all__ = ["MISSING", "Direction", "Field", "FieldDescriptor", "IndexKind", "Loading", "Relation"]

_Class = type[Any]  # "type" is an attribute below
IndexKind = Literal["RANGE", "FULLTEXT", "VECTOR", "POINT"]
Direction = Literal["OUTGOING", "INCOMING", "BOTH"]
Loading = Literal["select", "raise", "batch"]


class _Missing(Enum):
    MISSING = 1

    def __repr__(self) -> str:
        return "MISSING"


#: No default was given.
MISSING: Final = _Missing.MISSING


class FieldDescriptor(Attr[Any]):
    """One field of a model; made by :func:`Field` and :func:`Relation`, not by hand.

    On the class, ``User.name`` is the descriptor, whose operators build predicates. On an entity it
    reads and writes the value, and records what has to be written. Every model owns its
    descriptors, inherited ones too, so that ``Dog.name`` belongs to ``Dog``.

    The parameters of :func:`Field` and :func:`Relation` are attributes of the same names.

    Attributes:
        name: the field's name, which is the property's name in the database.
        owner: the model that this descriptor belongs to.
        declared_in: the class whose body declares the field.
        is_relation: whether it was made by ``Relation()``.
        loading: how a relation that was not loaded is: ``"batch"``, ``"select"`` or ``"raise"``.
    """

    # What every access reads is a slot: the many other attributes make for a slow dictionary.
    __slots__ = ("__dict__", "__weakref__", "name", "owner", "plain")

    # Attr's declarations of these are for type checkers only.
    name: str  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    owner: _Class  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    is_relation: bool  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    plain: bool

    _LOADING: ClassVar[dict[Any, Loading]] = {
        True: "batch",
        False: "raise",
        "select": "select",
        "raise": "raise",
        "batch": "batch",
    }

    def __init__(
        self,
        *,
        default: Any = MISSING,
        default_factory: Callable[[], Any] | None = None,
        init: bool = True,
        kw_only: bool = True,
        index: bool = False,
        index_type: IndexKind | None = None,
        unique: bool = False,
        required: bool = False,
        primary_key: bool = False,
        relationship: str | None = None,
        direction: Direction | None = None,
        target: str | _Class | None = None,
        edge_model: str | _Class | None = None,
        cascade: bool = False,
        lazy: bool | Loading = True,
        converter: TypeConverter | None = None,
        generated: bool = False,
        interned: bool = False,
        version: bool = False,
        exact: bool = False,
        dimension: int | None = None,
        similarity: str | None = None,
    ) -> None:
        self.name = ""  # pyright: ignore[reportIncompatibleMethodOverride]
        self.owner = object  # pyright: ignore[reportIncompatibleMethodOverride]
        self.declared_in: _Class = object
        self.annotation: Any = MISSING  # as written; resolved on first use
        #: True once it is known that a read needs no more than the entity's __dict__.
        self.plain = False
        self.default = default
        self.default_factory = default_factory
        self.init: bool = init and not generated
        self.kw_only = kw_only
        self.index = index
        self.index_type = index_type
        self.unique = unique
        self.required = required
        self.primary_key = primary_key
        self.relationship = relationship
        self.direction: Direction | None = direction
        self.target = target
        self.edge_model = edge_model
        #: What the two are looked up by, also when they have been resolved: a class may be redefined.
        self.declared: dict[str, str | _Class | None] = {"target": target, "edge_model": edge_model}
        self.cascade = cascade
        self.lazy = lazy
        self.converter = converter
        self.generated = generated
        self.interned = interned
        self.version = version
        self.exact = exact
        self.dimension = dimension
        self.similarity = similarity
        #: Whether writing to an entity without a session needs no check.
        self.unchecked: bool = relationship is None and not generated
        self.is_relation = relationship is not None  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            self.loading: Loading = self._LOADING[lazy]
        except (KeyError, TypeError):
            raise MetadataError(
                f'lazy={lazy!r}: use True (the same as "batch"), False (the same as "raise"), '
                '"batch", "select" or "raise"'
            ) from None
        self._type: FieldType | None = None
        self._uselist: bool | None = None
        #: "target" and "edge_model" -> (version of the registry, class found in it)
        self.found: dict[str, tuple[int, _Class]] = {}

    def bind(self, owner: _Class, name: str, annotation: Any, declared_in: _Class) -> FieldDescriptor:
        """A copy of this field that belongs to ``owner``."""
        bound = copy.copy(self)
        bound.owner = owner
        bound.name = name
        bound.annotation = annotation
        bound.declared_in = declared_in
        bound.plain = False
        bound._type = bound._uselist = None
        bound.found = {}
        return bound

    @property
    def has_no_default(self) -> bool:
        """Whether neither ``default`` nor ``default_factory`` was given."""
        return self.default is MISSING and self.default_factory is None

    # -- what the annotation says ------------------------------------------------------------------

    @property
    def type(self) -> FieldType:
        """What the field holds.

        Raises:
            MetadataError: the annotation cannot be resolved, or is of no type that can be stored.
        """
        if self._type is None:
            from runic.orm.core.resolution import resolve_type

            self._type = resolve_type(self)
        return self._type

    @property
    def uselist(self) -> bool:
        """Whether a relation is to many entities: its annotation is a list."""
        if self._uselist is None:
            from runic.orm.core.resolution import resolve_uselist

            self._uselist = resolve_uselist(self)
        return self._uselist

    @property
    def target_cls(self) -> _Class:
        """The model at the other end of a relation.

        Raises:
            MetadataError: no such model, or no node model.
        """
        from runic.orm.core.resolution import resolve_target_class

        return resolve_target_class(self)

    @property
    def edge_cls(self) -> _Class | None:
        """The model of a relation's edges, if it has one.

        Raises:
            MetadataError: no such model, or no edge model.
        """
        if self.edge_model is None:
            return None
        from runic.orm.core.resolution import resolve_edge_class

        return resolve_edge_class(self)

    # -- access on entities ------------------------------------------------------------------------

    @overload
    def __get__(self, instance: None, owner: Any = None) -> FieldDescriptor: ...
    @overload
    def __get__(self, instance: object, owner: Any = None) -> Any: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # The hottest function of the library: one dictionary look-up for ordinary fields.
        if instance is None:
            return self
        try:
            value = instance.__dict__[self.name]
        except KeyError:
            value = NOT_LOADED
        if value is NOT_LOADED or not self.plain:
            return access.read(self, instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        access.write(self, instance, value)

    def __delete__(self, instance: Any) -> NoReturn:
        raise AttributeError(
            f"{type(instance).__name__}.{self.name} is a field and cannot be deleted: "
            f"assign {'[]' if self.is_relation and self.uselist else 'None'} to clear it"
        )

    def __repr__(self) -> str:
        what = "Relation" if self.is_relation else "Field"
        return f"<{what} {self.owner.__name__}.{self.name}>" if self.name else f"<{what}>"


@overload
def Field(
    *,
    primary_key: Literal[True],
    generated: Literal[True],
    default: Any = ...,
    init: Literal[False] = False,
    index: bool = ...,
    unique: bool = ...,
) -> Any: ...
@overload
def Field(
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    kw_only: bool = True,
    index: bool = False,
    index_type: IndexKind | None = None,
    unique: bool = False,
    required: bool = False,
    primary_key: bool = False,
    converter: TypeConverter | None = None,
    generated: bool = False,
    interned: bool = False,
    version: bool = False,
    exact: bool = False,
    dimension: int | None = None,
    similarity: str | None = None,
) -> Any: ...
def Field(  # noqa: N802  # the API's name
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    kw_only: bool = True,
    index: bool = False,
    index_type: IndexKind | None = None,
    unique: bool = False,
    required: bool = False,
    primary_key: bool = False,
    converter: TypeConverter | None = None,
    generated: bool = False,
    interned: bool = False,
    version: bool = False,
    exact: bool = False,
    dimension: int | None = None,
    similarity: str | None = None,
) -> Any:
    """Declare a property of a Node or Edge.

    Example::

        class Person(Node, labels=["Person"]):
            id: str = Field(primary_key=True)
            name: str = Field(required=True)
            age: int | None = Field(default=None, index=True)
            tags: list[str] = Field(default_factory=list)

    Args:
        default: value of a new entity for which none is given. Without a default it is ``None``.
        default_factory: makes that value, for lists, ids and the like.
        init: whether the field is a parameter of ``__init__``.
        kw_only: whether that parameter is by keyword only.
        index: make a range index (or one of ``index_type``).
        index_type: ``"RANGE"``, ``"FULLTEXT"``, ``"VECTOR"`` or ``"POINT"``; implies ``index``.
        unique: make a unique constraint.
        required: refuse ``None`` and absence.
        primary_key: the field that identifies the entity.
        converter: stores values of a type that runic does not know.
        generated: the primary key is the server's own identity: it is no property, no parameter of
            ``__init__``, and ``None`` until the entity is flushed.
        interned: let the server keep one copy of equal texts, where it can.
        version: an ``int`` that counts the writes of the entity; two sessions that change the same
            version collide with :class:`~runic.orm.exceptions.StaleObjectError`.
        exact: a ``float`` that must come back to the last bit on servers that round.
        dimension: the number of items of a vector.
        similarity: the measure of a vector index: ``"cosine"`` or ``"euclidean"``.

    Returns:
        A :class:`FieldDescriptor`, typed ``Any`` so that it can be assigned to any annotation.
    """
    return FieldDescriptor(
        default=default,
        default_factory=default_factory,
        init=init,
        kw_only=kw_only,
        index=index,
        index_type=index_type,
        unique=unique,
        required=required,
        primary_key=primary_key,
        converter=converter,
        generated=generated,
        interned=interned,
        version=version,
        exact=exact,
        dimension=dimension,
        similarity=similarity,
    )


def Relation(  # noqa: N802  # the API's name
    *,
    relationship: str,
    direction: Direction,
    target: str | type[Any],
    edge_model: str | type[Any] | None = None,
    cascade: bool = False,
    lazy: bool | Loading = True,
    default: Any = None,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
) -> Any:
    """Declare a relation of a Node to one or many others.

    Example::

        class Person(Node, labels=["Person"]):
            id: str = Field(primary_key=True)
            company: Company | None = Relation(
                relationship="WORKS_FOR", direction="OUTGOING", target="Company"
            )
            friends: list["Person"] = Relation(
                relationship="KNOWS", direction="BOTH", target="Person"
            )

    The annotation decides between one (``Company | None``) and many (``list[...]``).

    Args:
        relationship: the relationship's type in the database.
        direction: ``"OUTGOING"``, ``"INCOMING"`` or ``"BOTH"``, as seen from this class.
        target: the model at the other end, or its name, which may be defined later or elsewhere.
        edge_model: the :class:`~runic.orm.core.models.Edge` with the relationship's properties, or its name.
        cascade: delete the related entities together with this one.
        lazy: what reading does when the relation was not loaded. ``"batch"`` (``True``): load it, for
            all entities of the same result at once; ``"select"``: load it for this entity; ``"raise"``
            (``False``): :class:`~runic.orm.exceptions.LazyLoadError`.
        default: value of a new entity for which none is given; of a list it is an empty list.
        default_factory: makes that value.
        init: whether the relation is a parameter of ``__init__``.
    """
    return FieldDescriptor(
        relationship=relationship,
        direction=direction,
        target=target,
        edge_model=edge_model,
        cascade=cascade,
        lazy=lazy,
        default=default,
        default_factory=default_factory,
        init=init,
    )
