"""From the body of a model class to its fields: collecting, inheriting, checking.

Everything that can be known from the declaration alone is refused here, when the class is made.
What needs other classes or evaluated annotations is checked on first use, in ``resolution``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from inspect import isroutine
from typing import Any, get_origin

from runic.orm.core.annotations import is_class_variable, own_annotations
from runic.orm.core.descriptors import MISSING, FieldDescriptor
from runic.orm.core.mapped import Mapped
from runic.orm.core.names import check_name
from runic.orm.core.types import TypeConverter
from runic.orm.exceptions import InvalidNameError, MetadataError

__all__ = ["collect_fields", "suggest"]

_SIMILARITIES = ("cosine", "euclidean")
_DIRECTIONS = ("OUTGOING", "INCOMING", "BOTH")
_INDEX_KINDS = ("RANGE", "FULLTEXT", "VECTOR", "POINT")
# Suffixes of properties that runic itself stores beside a field.
_RESERVED_SUFFIXES = ("__exact",)


def suggest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` if one of ``known`` is close to ``name``, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def collect_fields(
    cls: type[Any], annotations: Mapping[str, Any], *, is_edge: bool
) -> dict[str, FieldDescriptor]:
    """The fields of ``cls``, base classes first; each is bound to ``cls`` and set on it.

    Args:
        cls: the model that is being made.
        annotations: those of its own body, as written.
        is_edge: whether it is an Edge, which has neither relations nor a primary key.

    Raises:
        MetadataError: a declaration is wrong; names class and field.
    """
    where = cls.__name__
    fields: dict[str, FieldDescriptor] = {}
    for base in reversed(cls.__mro__[1:]):
        if "_runic_meta" in base.__dict__:
            inherited: Iterable[FieldDescriptor] = base.__dict__["_runic_meta"].fields.values()
        else:
            inherited = _mixin_fields(base)
        for field in inherited:
            fields[field.name] = field.bind(cls, field.name, field.annotation, field.declared_in)
    own = dict(_own_fields(cls, annotations))
    for name, value in cls.__dict__.items():
        if name in fields and name not in own:
            raise MetadataError(
                f"{where}.{name} hides the field {name!r} of {fields[name].declared_in.__name__} "
                f"by {_article(value)}: give it another name, or annotate it to declare the field anew"
            )
    for name, (field, annotation) in own.items():
        fields[name] = field.bind(cls, name, annotation, cls)
    for name, field in fields.items():
        _check(field, f"{where}.{name}", is_edge=is_edge)
        setattr(cls, name, field)
    _check_single(where, fields, "primary_key", "primary keys")
    _check_single(where, fields, "version", "version fields")
    return fields


def _mixin_fields(base: type[Any]) -> Iterable[FieldDescriptor]:
    """Fields of an ordinary class among the bases: those that it declares by Field()."""
    declared = {name: value for name, value in base.__dict__.items() if isinstance(value, FieldDescriptor)}
    annotations = own_annotations(base) if declared else {}
    for name, field in declared.items():
        if name not in annotations:
            raise MetadataError(f"{base.__name__}.{name} has no annotation")
        yield field.bind(base, name, annotations[name], base)


def _own_fields(
    cls: type[Any], annotations: Mapping[str, Any]
) -> Iterable[tuple[str, tuple[FieldDescriptor, Any]]]:
    body = cls.__dict__
    for name, value in body.items():
        if isinstance(value, FieldDescriptor) and name not in annotations:
            raise MetadataError(
                f"{cls.__name__}.{name} has no annotation: write `{name}: <type> = "
                f"{'Relation' if value.is_relation else 'Field'}(...)`"
            )
    for name, annotation in annotations.items():
        value = body.get(name, MISSING)
        if isinstance(value, FieldDescriptor):
            yield name, (value, annotation)
        elif is_class_variable(annotation):
            continue
        elif name.startswith("_") and not _is_mapped(annotation):
            continue  # private attributes are the program's own
        elif type(value) in (property, classmethod, staticmethod):
            raise MetadataError(
                f"{cls.__name__}.{name} is annotated as a field and defined as {_article(value)}"
            )
        else:
            yield name, (FieldDescriptor(default=value), annotation)


def _is_mapped(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else ""
    return get_origin(annotation) is Mapped or "Mapped[" in text


def _check_single(where: str, fields: Mapping[str, FieldDescriptor], flag: str, what: str) -> None:
    names = [name for name, field in fields.items() if getattr(field, flag)]
    if len(names) > 1:
        raise MetadataError(f"{where} has {len(names)} {what}: {', '.join(names)}; a class has one at most")


def _check(field: FieldDescriptor, where: str, *, is_edge: bool) -> None:
    name = field.name
    check_name(name, "property name", where.rpartition(".")[0])
    if name.startswith(("__", "_runic")) or name in ("_new", "_dirty"):
        raise InvalidNameError(f"{where}: the name {name!r} is reserved")
    if name.endswith(_RESERVED_SUFFIXES):
        raise InvalidNameError(
            f"{where}: names ending in '__exact' are reserved for what runic stores itself"
        )
    _check_default(field, where)
    for fault in _relation_faults(field, is_edge) if field.is_relation else _property_faults(field, is_edge):
        raise MetadataError(f"{where}: {fault}")


def _check_default(field: FieldDescriptor, where: str) -> None:
    default, factory = field.default, field.default_factory
    if isroutine(default) or isinstance(default, type):
        raise MetadataError(
            f"{where}: the default is {default.__name__} itself, not what it returns: call it, or name it as"
            " default_factory"
        )
    if factory is not None:
        if not callable(factory):
            raise MetadataError(
                f"{where}: default_factory is called without arguments, {factory!r} cannot be"
            )
        if default is not MISSING and not (field.is_relation and default is None):
            raise MetadataError(f"{where} has both default and default_factory: use one")
    # As dataclasses: one list would be shared by all entities.
    elif default is not MISSING and type(default).__hash__ is None:
        kind = type(default).__name__
        raise MetadataError(
            f"{where}: the default {default!r} would be shared by all entities: use default_factory"
            + (f"={kind}" if not default else f"=lambda: {default!r}")
        )


def _property_faults(field: FieldDescriptor, is_edge: bool) -> Iterable[str]:
    if field.target is not None or field.edge_model is not None or field.direction is not None:
        yield "target, direction and edge_model belong to Relation(), with a relationship"
    if field.cascade:
        yield "cascade belongs to Relation()"
    if field.lazy is not True:
        yield "lazy belongs to Relation()"
    if field.index_type is not None and field.index_type not in _INDEX_KINDS:
        yield f"unknown index_type {field.index_type!r}: one of {', '.join(_INDEX_KINDS)}"
    converter = _anything(field.converter)
    if not isinstance(converter, TypeConverter | None):
        if isinstance(converter, type):
            yield f"converter takes an object, not the class {converter.__name__}: call it"
        yield f"converter takes a TypeConverter, not {converter!r}"
    if field.primary_key and is_edge:
        yield "an edge is identified by its ends and has no primary key; use unique=True for a constraint"
    if field.generated:
        yield from _generated_faults(field)
    if field.version and field.primary_key:
        yield "the primary key cannot be the version too"
    if field.version and field.default_factory is not None:
        yield "a version is counted by the session and takes no default_factory"
    yield from _vector_faults(field)


def _generated_faults(field: FieldDescriptor) -> Iterable[str]:
    if not field.primary_key:
        yield "generated belongs to the primary key: add primary_key=True"
    if field.default_factory is not None or not (field.default is MISSING or field.default is None):
        yield "a generated key has no default: the database makes it"
    for flag in ("required", "index", "unique", "index_type", "interned", "converter"):
        if getattr(field, flag):
            yield f"a generated key is no property, so that {flag} means nothing"


def _vector_faults(field: FieldDescriptor) -> Iterable[str]:
    dimension = _anything(field.dimension)
    if dimension is not None and (type(dimension) is not int or dimension < 1):
        yield f"dimension is a positive int, not {dimension!r}"
    if field.similarity is not None:
        if field.similarity not in _SIMILARITIES:
            yield f"unknown similarity {field.similarity!r}: one of {', '.join(_SIMILARITIES)}"
        if field.index_type != "VECTOR":
            yield 'similarity belongs to index_type="VECTOR"'
    if field.unique and field.index_type in ("VECTOR", "POINT"):
        yield f"a {field.index_type} index cannot be unique"


def _relation_faults(field: FieldDescriptor, is_edge: bool) -> Iterable[str]:
    if is_edge:
        yield "relations belong to nodes; an edge's ends are given by relate()"
    try:
        check_name(field.relationship, "relationship type", f"{field.owner.__name__}.{field.name}")
    except InvalidNameError as error:
        raise error from None
    if field.direction not in _DIRECTIONS:
        yield f"direction is one of {', '.join(_DIRECTIONS)}, not {field.direction!r}"
    target = _anything(field.target)
    if not isinstance(target, str | type) or not target:
        yield f"target is a Node class or its name, not {target!r}"
    edge = _anything(field.edge_model)
    if edge is not None and not (isinstance(edge, (str, type)) and edge):
        yield f"edge_model is an Edge class or its name, not {edge!r}"
    flags: Mapping[str, Callable[[FieldDescriptor], bool]] = {
        "index": lambda f: f.index or f.index_type is not None,
        "unique": lambda f: f.unique,
        "required": lambda f: f.required,
        "primary_key": lambda f: f.primary_key,
        "generated": lambda f: f.generated,
        "interned": lambda f: f.interned,
        "version": lambda f: f.version,
        "exact": lambda f: f.exact,
        "converter": lambda f: f.converter is not None,
        "dimension": lambda f: f.dimension is not None,
        "similarity": lambda f: f.similarity is not None,
    }
    for flag, given in flags.items():
        if given(field):
            yield f"{flag} belongs to Field(), a relation has no value of its own"


def _anything(value: object) -> object:
    """What a caller without a type checker may have given."""
    return value


def _article(value: object) -> str:
    return {"property": "a property", "function": "a method"}.get(
        type(value).__name__, f"the {type(value).__name__} {value!r}"
    )
