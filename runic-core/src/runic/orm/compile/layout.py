"""Layouts: the columns in which a node or an edge comes back, for one class on one dialect.

Explicit columns instead of whole entities: cheaper to send, cheaper to read, and the codecs of the
fields take part (a second property of a value, arithmetic that keeps a float exact).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, NodeMeta

__all__ = ["EdgeLayout", "NodeLayout", "edge_layout", "node_layout", "read_expression"]


@dataclass(frozen=True, slots=True, eq=False)
class NodeLayout:
    """The columns of a node.

    Attributes:
        meta: the class asked for.
        columns: Cypher templates over ``{v}``, the variable: identity, then the labels if
            ``polymorphic``, then one per property of the class and its subclasses, or one for them all.
        polymorphic: whether rows may be of a subclass, told by their labels.
        positions: for each class that a row may have, property name -> column.
    """

    meta: NodeMeta
    columns: tuple[str, ...]
    polymorphic: bool
    positions: dict[type, dict[str, int]]


@dataclass(frozen=True, slots=True, eq=False)
class EdgeLayout:
    """The columns of an edge: identity, identities of start and end, one per property or one for them all."""

    meta: EdgeMeta
    columns: tuple[str, ...]
    positions: dict[str, int]


_nodes: WeakKeyDictionary[type, dict[tuple[Any, int], NodeLayout]] = WeakKeyDictionary()
_edges: WeakKeyDictionary[type, dict[Any, EdgeLayout]] = WeakKeyDictionary()


def node_layout(meta: NodeMeta, dialect: Dialect) -> NodeLayout:
    """The layout of a node class on ``dialect``; made once."""
    cache = _nodes.setdefault(meta.cls, {})
    # A subclass may be declared after the first query for its base.
    key = (dialect, len(meta.subclasses))
    found = cache.get(key)
    if found is None:
        found = cache[key] = _make_node_layout(meta, dialect)
    return found


def edge_layout(meta: EdgeMeta, dialect: Dialect) -> EdgeLayout:
    """The layout of an edge class on ``dialect``; made once."""
    cache = _edges.setdefault(meta.cls, {})
    found = cache.get(dialect)
    if found is None:
        found = cache[dialect] = _make_edge_layout(meta, dialect)
    return found


def read_expression(field: FieldDescriptor, codec: Codec, dialect: Dialect, variable: str = "{v}") -> str:
    """The Cypher that reads one field of ``variable`` (a template, unless a variable is given)."""
    names = {
        "p" if position == 0 else f"p{position}": f"{variable}.{dialect.quote(field.name + suffix)}"
        for position, (suffix, _) in enumerate(codec.writes)
    }
    return codec.read.format(**names)


def _make_node_layout(meta: NodeMeta, dialect: Dialect) -> NodeLayout:
    dialect.check_model(meta)
    polymorphic = bool(meta.subclasses)
    columns = [dialect.identity]
    if polymorphic:
        columns.append(dialect.labels)
    # Subclasses may give one property name different types: a column is a name and how it is read.
    index: dict[str, int] = {}
    metas = (meta, *meta.subclasses)
    positions: dict[type, dict[str, int]] = {each.cls: {} for each in metas}
    # The version is read before what it stands for. Where another transaction may commit between two reads
    # of one row (Neo4j 5.26, 2026.08), it is then too old at worst, and the check finds that.
    fields = sorted(
        [(each, field) for each in metas for field in each.properties], key=lambda pair: not pair[1].version
    )
    for each, field in fields:
        own = positions[each.cls]
        if field.generated and field.primary_key:
            own[field.name] = 0
            continue
        text = dialect.properties or read_expression(field, dialect.codec(field.type), dialect)
        if text not in index:
            index[text] = len(columns)
            columns.append(text)
        own[field.name] = index[text]
    return NodeLayout(meta, tuple(columns), polymorphic, positions)


def _make_edge_layout(meta: EdgeMeta, dialect: Dialect) -> EdgeLayout:
    dialect.check_model(meta)
    columns = [
        dialect.identity,
        dialect.source or dialect.identity.replace("{v}", "startNode({v})"),
        dialect.target or dialect.identity.replace("{v}", "endNode({v})"),
    ]
    positions: dict[str, int] = {}
    for field in sorted(meta.properties, key=lambda field: not field.version):
        positions[field.name] = len(columns)
        if dialect.properties is None:
            columns.append(read_expression(field, dialect.codec(field.type), dialect))
    if dialect.properties is not None:
        columns.append(dialect.properties)
    return EdgeLayout(meta, tuple(columns), positions)
