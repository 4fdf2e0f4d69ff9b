"""From annotations to :class:`~runic.orm.core.kinds.FieldType`: what a field can hold."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, ForwardRef, Literal, NewType, TypeVar, Union, cast
from uuid import UUID

from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.mapped import Mapped
from runic.orm.core.types import (
    DatetimeConverter,
    EnumConverter,
    GeoLocation,
    GeoLocationConverter,
    TypeConverter,
    Vector,
    VectorConverter,
)
from runic.orm.exceptions import MetadataError

if typing.TYPE_CHECKING:
    from typing_extensions import TypeIs

    from runic.orm.core.annotations import Scope

__all__ = ["UnresolvedAnnotation", "converter_type", "elements_of", "field_type"]

_KINDS: Final[Mapping[Any, Kind]] = {
    str: Kind.STRING,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    bool: Kind.BOOLEAN,
    bytes: Kind.BYTES,
    datetime: Kind.DATETIME,
    date: Kind.DATE,
    time: Kind.TIME,
    timedelta: Kind.TIMEDELTA,
    Decimal: Kind.DECIMAL,
    UUID: Kind.UUID,
    Vector: Kind.VECTOR,
    GeoLocation: Kind.POINT,
}
_PLAIN = (str, int, float, bool)
# Elements that a JSON text cannot hold without becoming something else.
_NOT_JSON = (bytes, datetime, date, time, timedelta, Decimal, UUID, Enum, GeoLocation, tuple, set, frozenset)
_COLLECTIONS = (Sequence, AbstractSet)
_NO_ITEM = frozenset({Kind.JSON, Kind.LIST, Kind.VECTOR, Kind.POINT, Kind.CUSTOM})


class UnresolvedAnnotation(MetadataError):
    """A name in the annotation is not known, perhaps not yet."""


def field_type(annotation: Any, scope: Scope) -> FieldType:
    """The type of a field without a converter.

    Raises:
        MetadataError: the reason only; the caller knows class and field.
    """
    annotation, nullable = _unwrap(annotation, scope)
    if annotation is None or annotation is types.NoneType:
        raise MetadataError("None alone is no type")
    if annotation is Any or annotation is object:
        return FieldType(Kind.ANY, object, nullable=True)
    if _is_union(annotation):
        if all(member in _PLAIN for member in annotation):
            return FieldType(Kind.ANY, object, nullable)
        raise MetadataError(f"a union of {_names(annotation)} cannot be told apart on loading; {_HINT}")
    origin = typing.get_origin(annotation)
    if annotation is list or origin is list:
        return _list_type(typing.get_args(annotation), nullable, scope)
    if annotation is dict or origin is dict:
        _check_json(annotation, scope)
        return FieldType(Kind.JSON, dict, nullable)
    if isinstance(annotation, type):
        if annotation in _KINDS:
            return FieldType(_KINDS[annotation], annotation, nullable)
        if issubclass(annotation, Enum):
            return FieldType(Kind.ENUM, annotation, nullable)
        if typing.is_typeddict(cast("object", annotation)):
            return FieldType(Kind.JSON, dict, nullable)
    if isinstance(annotation, ForwardRef):
        raise UnresolvedAnnotation(
            f"the name {annotation.__forward_arg__!r} is not known: define or import it at module level "
            "(not only under TYPE_CHECKING), or give the field a converter"
        )
    raise MetadataError(_unknown(annotation))


_HINT = "give it a converter: Field(converter=...)"


def converter_type(converter: TypeConverter, annotation: Any, scope: Scope) -> FieldType:
    """The type of a field with a converter: built-in ones mean the same as the annotation would."""
    try:
        annotation, nullable = _unwrap(annotation, scope)
    except Exception:  # noqa: BLE001  # the converter decides what is stored, the annotation need not be resolvable
        annotation, nullable = object, True
    known = type(converter)
    if known is DatetimeConverter:
        return FieldType(Kind.DATETIME, datetime, nullable)
    if isinstance(converter, EnumConverter) and known is EnumConverter:
        return FieldType(Kind.ENUM, converter.enum_class, nullable)
    if known is VectorConverter:
        return FieldType(Kind.VECTOR, Vector, nullable)
    if known is GeoLocationConverter:
        return FieldType(Kind.POINT, GeoLocation, nullable)
    python = typing.get_origin(annotation) or annotation
    return FieldType(
        Kind.CUSTOM, python if isinstance(python, type) else object, nullable, converter=converter
    )


def elements_of(annotation: Any, scope: Scope) -> tuple[bool, tuple[Any, ...]]:
    """(whether a relation's annotation is a list, the annotations of its entities).

    Raises:
        MetadataError: a collection other than a list.
    """
    annotation, _ = _unwrap(annotation, scope)
    origin = typing.get_origin(annotation) or annotation
    if origin is list:
        args = typing.get_args(annotation)
        return True, _members(_unwrap(args[0], scope)[0]) if args else ()
    if isinstance(origin, type) and issubclass(origin, (tuple, set, frozenset, dict, Sequence, Mapping)):
        raise MetadataError(f"a relation to many is annotated list[...], not {_name(annotation)}")
    return False, _members(annotation)


def _is_union(annotation: object) -> TypeIs[tuple[Any, ...]]:
    """Whether this is what :func:`_unwrap` makes of a union."""
    return isinstance(annotation, tuple)


def _members(annotation: Any) -> tuple[Any, ...]:
    return annotation if _is_union(annotation) else (annotation,)


def _unwrap(annotation: Any, scope: Scope) -> tuple[Any, bool]:
    """(the annotation without quotes, Mapped, Optional, ..., whether ``None`` is one of its values).

    A union of several others comes as a tuple.
    """
    nullable = False
    while True:
        annotation = scope.evaluate(annotation)
        origin = typing.get_origin(annotation)
        args = typing.get_args(annotation)
        if origin is Mapped or origin is Annotated or origin is typing.Final:
            annotation = args[0]
        elif origin is typing.ClassVar or annotation is Mapped:
            raise MetadataError(f"{_name(annotation)} is no type of a field")
        elif origin is Union or origin is types.UnionType:
            members: dict[Any, None] = {}
            for each in args:
                member, optional = (None, True) if each is types.NoneType else _unwrap(each, scope)
                nullable = nullable or optional
                if member is not None:
                    members.update(dict.fromkeys(_members(member)))
            if len(members) != 1:
                return tuple(members), nullable
            (annotation,) = members
        elif origin is Literal:
            kinds: dict[Any, None] = dict.fromkeys(each.__class__ for each in args if each is not None)
            nullable = nullable or None in args
            if len(kinds) != 1:
                return tuple(kinds), nullable
            (annotation,) = kinds
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar) and annotation.__bound__ is not None:
            annotation = annotation.__bound__
        elif isinstance(origin, typing.TypeAliasType):
            annotation = origin.__value__[args]
        else:
            return annotation, nullable


def _list_type(args: tuple[Any, ...], nullable: bool, scope: Scope) -> FieldType:
    if not args:
        return FieldType(Kind.LIST, list, nullable, FieldType(Kind.ANY, object))
    if _unwrap(args[0], scope)[0] in (Any, object):
        return FieldType(Kind.LIST, list, nullable, FieldType(Kind.ANY, object))
    item = field_type(args[0], scope)
    if item.nullable or item.kind in _NO_ITEM:
        # Servers keep neither nulls nor containers inside a list.
        _check_json(args[0], scope)
        return FieldType(Kind.JSON, list, nullable)
    return FieldType(Kind.LIST, list, nullable, item)


def _check_json(annotation: Any, scope: Scope) -> None:
    """Refuse contents that JSON would turn into something else."""
    annotation, _ = _unwrap(annotation, scope)
    for member in _members(annotation):
        origin = typing.get_origin(member)
        args = typing.get_args(member)
        if origin is dict:
            key, _ = _unwrap(args[0], scope)
            if key not in (str, Any, object):
                raise MetadataError(f"a dict is stored as JSON, whose keys are str, not {_name(key)}")
            _check_json(args[1], scope)
        elif origin is list:
            _check_json(args[0], scope)
        elif isinstance(base := origin or member, type) and issubclass(base, _NOT_JSON):
            raise MetadataError(f"JSON, as which it is stored, cannot hold {_name(member)}; {_HINT}")


def _unknown(annotation: Any) -> str:
    if isinstance(annotation, type) and hasattr(annotation, "_runic_meta"):
        return f"{annotation.__name__} is a model: declare the field with Relation(...)"
    origin = typing.get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, _COLLECTIONS) and not issubclass(origin, (str, bytes)):
        return f"{_name(annotation)} is not stored as such: use list[...], or {_HINT}"
    return f"{_name(annotation)} is no type that runic can store: {_HINT}"


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return annotation.__name__
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return str(annotation)


def _names(annotations: tuple[Any, ...]) -> str:
    return " and ".join(map(_name, annotations))
