"""The mapper: entities to stored properties and back, for values that do not come as columns.

Statements of runic's own are read by generated hydrators; this is for raw Cypher, which returns
whole nodes and edges, and for whoever wants to see what an entity is stored as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import Codec
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.state import EntityState, Status
from runic.orm.exceptions import FieldValidationError
from runic.orm.mapper.encode import encode_value

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, NodeMeta
    from runic.orm.core.models import Edge
    from runic.orm.core.values import RawEdge, RawNode

__all__ = ["Mapper"]

_PLAIN = Codec()


class Mapper:
    """Encode and decode whole entities on one dialect.

    Args:
        dialect: decides the stored forms.

    Example:
        >>> mapper = session.mapper                                          # doctest: +SKIP
        >>> mapper.encode_node(User(id="u1", name="Ann"))                    # doctest: +SKIP
        {'id': 'u1', 'name': 'Ann'}
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def encode_node(self, entity: Any) -> dict[str, Any]:
        """The stored value of every property of a node; a value kept in two properties is a list.

        Raises:
            ValueNotStorableError: a value that the backend cannot keep.
        """
        return self._encode(entity, node_meta(entity.__class__))

    def encode_edge(self, entity: Any) -> dict[str, Any]:
        """The same for an edge."""
        return self._encode(entity, edge_meta(entity.__class__))

    def _encode(self, entity: Any, meta: NodeMeta | EdgeMeta) -> dict[str, Any]:
        return {
            field.name: encode_value(field, entity.__dict__.get(field.name), self.dialect)
            for field in meta.properties
            if not (field.generated and field.primary_key)
        }

    def exact_from_raw(self, cls: type) -> bool:
        """Whether whole nodes of ``cls`` carry everything; else they must be read as columns."""
        metas = (node_meta(cls), *node_meta(cls).subclasses)
        codecs = [self.dialect.codec(field.type) for each in metas for field in each.properties]
        return all(codec.read == _PLAIN.read and len(codec.writes) == 1 for codec in codecs)

    def decode_node(self, raw: RawNode, cls: type) -> Any:
        """A detached entity of ``cls``, or of the subclass that the labels name.

        Raises:
            FieldValidationError: a stored value that does not fit its field.
        """
        meta = self.node_class(raw, cls)
        return self._decode(raw.properties, raw.id, meta)

    def node_class(self, raw: RawNode, cls: type) -> NodeMeta:
        """``cls``, or the subclass that the labels of a node name.

        Raises:
            FieldValidationError: the node is of another class.
        """
        meta = node_meta(cls)
        if not any(each.primary_label in raw.labels for each in (meta, *meta.subclasses)):
            raise FieldValidationError(
                f"a node with labels {list(raw.labels)} is no {cls.__name__} (label {meta.primary_label!r})"
            )
        return meta.resolve(raw.labels)

    def decode_edge(self, raw: RawEdge, cls: type[Edge]) -> Any:
        """A detached edge of ``cls``."""
        meta = edge_meta(cls)
        if raw.type != meta.type:
            raise FieldValidationError(f"a relationship of type {raw.type!r} is not a {cls.__name__}")
        edge = self._decode(raw.properties, raw.id, meta)
        edge._runic_state.ends = (raw.source, raw.target)
        return edge

    def _decode(self, properties: Any, identity: Any, meta: NodeMeta | EdgeMeta) -> Any:
        entity = object.__new__(meta.cls)
        state = entity._runic_state = EntityState()
        state.status, state.id = Status.DETACHED, identity
        for field in meta.properties:
            if field.generated and field.primary_key:
                entity.__dict__[field.name] = identity
            else:
                entity.__dict__[field.name] = self._value(field, properties.get(field.name))
        return entity

    def _value(self, field: FieldDescriptor, stored: Any) -> Any:
        decode = self.dialect.codec(field.type).decode
        if stored is None or decode is None:
            return stored
        try:
            return decode(stored)
        except (ValueError, TypeError, KeyError, LookupError, ArithmeticError) as error:
            raise FieldValidationError(
                f"{field.owner.__name__}.{field.name}: the stored value {stored!r} does not fit the field"
                f" ({error})"
            ) from error
