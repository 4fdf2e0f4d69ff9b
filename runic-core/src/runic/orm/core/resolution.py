"""What is resolved on first use: types from annotations, targets from names; and the checks they allow."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ForwardRef

from runic.orm.core.access import settle
from runic.orm.core.annotations import Scope
from runic.orm.core.fieldtypes import UnresolvedAnnotation, converter_type, elements_of, field_type
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import MetadataError

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, MetaData, NodeMeta

__all__ = [
    "check_now",
    "check_types",
    "finalize_relation",
    "make_scope",
    "resolve_edge_class",
    "resolve_target_class",
    "resolve_type",
    "resolve_uselist",
]

# Threads may use a model for the first time at once. Evaluating twice would be harmless, except that
# Python's own deferred annotations are not meant to be evaluated by two threads.
_lock = threading.RLock()


def make_scope(
    cls: type[Any], fields: Mapping[str, Any], local: Mapping[str, Any], metadata: MetaData
) -> Scope:
    """The scope of the annotations in the body of ``cls``."""
    return Scope(cls, fields, local, lambda name: metadata.find(name, near=cls))


def _scope(field: FieldDescriptor) -> Scope:
    meta = field.declared_in.__dict__.get("_runic_meta")
    if meta is None:  # declared in a mixin
        owner = field.owner.__dict__["_runic_meta"]
        return make_scope(field.declared_in, owner.fields, {}, owner.metadata)
    scope: Scope = meta.scope
    return scope


def _label(field: FieldDescriptor) -> str:
    return f"{field.owner.__name__}.{field.name}"


def resolve_type(field: FieldDescriptor) -> FieldType:
    """The type of a property.

    Raises:
        MetadataError: names class, field and reason.
    """
    if field.is_relation:
        raise MetadataError(f"{_label(field)} is a relation and has no value type")
    with _lock:
        found = _resolve_type(field)
    for fault in _type_faults(field, found):
        raise MetadataError(f"{_label(field)}: {fault}")
    return replace(
        found,
        kind=Kind.EXACT_FLOAT if field.exact else found.kind,
        interned=field.interned,
        dimension=field.dimension,
    )


def _resolve_type(field: FieldDescriptor) -> FieldType:
    scope = _scope(field)
    if field.converter is not None:
        return converter_type(field.converter, field.annotation, scope)
    try:
        return field_type(field.annotation, scope)
    except MetadataError as error:
        raise type(error)(f"{_label(field)}: {error}") from None
    except Exception as error:
        raise UnresolvedAnnotation(
            f"{_label(field)}: the annotation {field.annotation!r} cannot be evaluated: "
            f"{type(error).__name__}: {error}"
        ) from error


def _type_faults(field: FieldDescriptor, found: FieldType) -> list[str]:
    faults: list[str] = []
    kind = found.kind
    if field.version and kind is not Kind.INTEGER:
        faults.append(f"version=True needs an int field, not {_kind(kind)}")
    if field.exact and kind is not Kind.FLOAT:
        faults.append(f"exact=True needs a float field, not {_kind(kind)}")
    if field.interned and kind not in (Kind.STRING, Kind.ENUM, Kind.CUSTOM):
        faults.append(f"interned=True is for text, not {_kind(kind)}")
    vector_like = kind in (Kind.VECTOR, Kind.CUSTOM)
    if field.index_type == "VECTOR" and not vector_like:
        faults.append(f'index_type="VECTOR" needs a Vector field, not {_kind(kind)}')
    if field.index_type == "POINT" and kind not in (Kind.POINT, Kind.CUSTOM):
        faults.append(f'index_type="POINT" needs a GeoLocation field, not {_kind(kind)}')
    if field.dimension is not None and not vector_like:
        faults.append(f"dimension needs a Vector field, not {_kind(kind)}")
    if field.primary_key and kind in (Kind.JSON, Kind.LIST, Kind.VECTOR, Kind.POINT):
        faults.append(f"{_kind(kind)} cannot be a primary key")
    return faults


def _kind(kind: Kind) -> str:
    return kind.name.lower().replace("_", " ")


def resolve_uselist(field: FieldDescriptor) -> bool:
    """Whether a relation's annotation is a list."""
    if not field.is_relation:
        return False
    with _lock:
        return _elements(field)[0]


def _elements(field: FieldDescriptor) -> tuple[bool, tuple[Any, ...]]:
    try:
        return elements_of(field.annotation, _scope(field))
    except MetadataError as error:
        raise type(error)(f"{_label(field)}: {error}") from None
    except Exception as error:
        raise UnresolvedAnnotation(
            f"{_label(field)}: the annotation {field.annotation!r} cannot be evaluated: "
            f"{type(error).__name__}: {error}"
        ) from error


def resolve_target_class(field: FieldDescriptor) -> type[Any]:
    """The Node class at the other end of a relation; see ``FieldDescriptor.target_cls``."""
    return _model(field, "target", "Node")


def resolve_edge_class(field: FieldDescriptor) -> type[Any]:
    """The Edge class of a relation; see ``FieldDescriptor.edge_cls``."""
    found = _model(field, "edge_model", "Edge")
    edge: EdgeMeta = found.__dict__["_runic_meta"]
    if edge.type != field.relationship:
        raise MetadataError(
            f"{_label(field)}: the relationship is {field.relationship!r}, but the type of its edge_model "
            f"{found.__name__} is {edge.type!r}"
        )
    return found


def _model(field: FieldDescriptor, parameter: str, kind: str) -> type[Any]:
    metadata: MetaData = field.owner.__dict__["_runic_meta"].metadata
    # A redefined class takes the place of the old one, so what was found is good for one version only.
    cached = field.found.get(parameter)
    if cached is not None and cached[0] == metadata.version:
        return cached[1]
    version, value = metadata.version, field.declared[parameter]
    if value is None:
        raise MetadataError(f"{_label(field)} is no relation and has no {parameter}")
    try:
        found = metadata.resolve_target(value, near=field.declared_in)
    except MetadataError as error:
        raise MetadataError(f"{_label(field)}: {parameter}: {error}") from None
    meta = found.__dict__.get("_runic_meta")
    is_edge = hasattr(meta, "type")
    if meta is None or is_edge != (kind == "Edge"):
        wanted = "an Edge" if kind == "Edge" else "a Node"
        what = "no model" if meta is None else ("an Edge" if is_edge else "a Node")
        raise MetadataError(f"{_label(field)}: {parameter}={found.__name__} is {what}, not {wanted} model")
    if meta.abstract:
        needs = "labels" if kind == "Node" else "a type"
        raise MetadataError(f"{_label(field)}: {parameter}={found.__name__} is abstract: give it {needs}")
    field.found[parameter] = (version, found)
    return found


def check_types(meta: NodeMeta | EdgeMeta | Any) -> None:
    """Resolve the types of all properties of a model, and check its indexes against them."""
    for field in meta.fields.values():
        settle(field)
    for index in meta.indexes:
        where = f"{meta.cls.__name__}: {index!r}"
        for name in index.fields:
            field = meta.fields.get(name)
            if field is None:
                from runic.orm.core.declare import suggest

                raise MetadataError(
                    f"{where} names no field of the class: {name!r}{suggest(name, meta.fields)}"
                )
            if field.is_relation:
                raise MetadataError(f"{where}: {name!r} is a relation, only properties have indexes")
            if field.generated:
                raise MetadataError(f"{where}: {name!r} is a generated key and no property")
            if index.type == "VECTOR" and field.type.kind not in (Kind.VECTOR, Kind.CUSTOM):
                raise MetadataError(f"{where}: {name!r} is no Vector field")
            if index.type == "POINT" and field.type.kind not in (Kind.POINT, Kind.CUSTOM):
                raise MetadataError(f"{where}: {name!r} is no GeoLocation field")


def check_now(meta: NodeMeta | EdgeMeta) -> None:
    """Check, when a class is made, the types whose annotations can be evaluated already."""
    for field in meta.properties:
        try:
            field.type  # noqa: B018  # resolves and checks
        except UnresolvedAnnotation:
            continue


def finalize_relation(field: FieldDescriptor) -> None:
    """Put classes in place of the names of a relation's ends, and check its annotation against its target.

    Raises:
        MetadataError: names class, field and reason.
    """
    target = field.target = field.target_cls
    field.edge_model = field.edge_cls
    for element in _elements(field)[1]:
        if isinstance(element, ForwardRef) or not isinstance(element, type):
            continue  # a name for type checkers only; the target says what is meant
        if not (issubclass(element, target) or issubclass(target, element)):
            raise MetadataError(
                f"{_label(field)}: the annotation says {element.__name__}, the target is {target.__name__}"
            )
