"""RETURN in both forms: as users see it, and as columns that hydrators read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runic.orm.compile.codec import Codec
from runic.orm.compile.layout import edge_layout, node_layout
from runic.orm.compile.operators import check_operator
from runic.orm.compile.paging import in_pages, row_by_row
from runic.orm.compile.shape import Item, Shape
from runic.orm.core.kinds import Kind
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.query import ir
from runic.orm.query.ir import ItemKind

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.compile.emit import Emitter
    from runic.orm.compile.layout import EdgeLayout, NodeLayout

__all__ = ["Columns", "displayed", "laid_out", "packed"]

_ENTITIES = frozenset({ItemKind.NODE, ItemKind.EDGE})
_ENTITY_LISTS = frozenset({ItemKind.NODES, ItemKind.EDGES})
#: The variable of one element of a collected list.
_ELEMENT = "__x"


@dataclass(frozen=True, slots=True)
class Columns:
    """The lines of a RETURN and what its columns mean."""

    lines: list[str]
    shape: Shape


def displayed(emitter: Emitter, result: ir.Return) -> Columns:
    """The form for display."""
    texts: list[str] = []
    items: list[Item] = []
    for position, item in enumerate(result.items):
        text = emitter.read(item.expression)
        texts.append(text if item.alias is None else f"{text} AS {emitter.name(item.alias)}")
        items.append(_item(item, _codec(item, emitter.dialect), position, 1, None))
    lines = [f"RETURN {'DISTINCT ' if result.distinct else ''}{', '.join(texts)}"]
    names = [
        emitter.name(item.alias) if item.alias is not None else emitter.visit(item.expression)
        for item in result.items
    ]
    return Columns([*lines, *_tail(emitter, result, names)], _shape(items))


def laid_out(emitter: Emitter, result: ir.Return) -> Columns:
    """The form for execution.

    Under DISTINCT and aggregation, whole nodes are what is compared and grouped, so a WITH does that
    before their columns are taken apart.
    """
    staged = _is_staged(emitter, result)
    lines: list[str] = []
    if staged:
        lines.append(_stage(emitter, result))
    texts: list[str] = []
    names: list[str] = []
    items: list[Item] = []
    start = 0
    for position, item in enumerate(result.items):
        stage = emitter.name(f"__s{position}") if staged else None
        columns, layout = _columns(emitter, item, stage)
        if item.kind in _ENTITIES:
            name = emitter.visit(item.expression)
        else:
            listed = _is_listed_sum(item, emitter.dialect)
            name = emitter.name(f"c{start}") if stage is None or listed else stage
            columns = (f"{columns[0]} AS {emitter.name(f'c{start}')}",)
        texts += columns
        names.append(name)
        items.append(_item(item, _codec(item, emitter.dialect), start, len(columns), layout))
        start += len(columns)
    distinct = "DISTINCT " if result.distinct and not staged else ""
    lines.append(f"RETURN {distinct}{', '.join(texts)}")
    return Columns([*lines, *_tail(emitter, result, names)], _shape(items))


def packed(emitter: Emitter, result: ir.Return, *, stream: bool) -> Columns:
    """The form for execution with rows in pages: sorting and cutting come before nodes are taken apart.

    Args:
        emitter: makes the text.
        result: what to return.
        stream: a page is a row, so that the server need not hold them all.
    """
    staged = _is_staged(emitter, result)
    carried: list[str] = []
    cells: list[str] = []
    names: list[str] = []
    items: list[Item] = []
    for position, item in enumerate(result.items):
        start = len(cells)
        stage = emitter.name(f"__s{position}") if staged else None
        columns, layout = _columns(emitter, item, stage)
        if item.kind in _ENTITIES:
            name = emitter.visit(item.expression)
            carried.append(name)
        elif stage is not None:
            name = stage
        else:
            # No alias of a user begins so: what is sorted by may be named like a column.
            name = emitter.name(f"__c{start}")
            carried.append(f"{columns[0]} AS {name}")
            columns = (name,)
        cells += columns
        names.append(name)
        items.append(_item(item, _codec(item, emitter.dialect), start, len(columns), layout))
    tail = _tail(emitter, result, names)
    lines: list[str] = []
    if staged:
        lines.append(_stage(emitter, result))
    elif tail or result.distinct or any(item.kind not in _ENTITIES for item in result.items):
        distinct = "DISTINCT " if result.distinct else ""
        lines.append(f"WITH {distinct}{', '.join(dict.fromkeys(carried))}")
    pages = row_by_row(cells) if stream else in_pages(cells, emitter.dialect)
    return Columns([*lines, *tail, pages], _shape(items))


def _is_staged(emitter: Emitter, result: ir.Return) -> bool:
    if not result.distinct and not result.aggregated:
        return False
    if not emitter.dialect.order_by_alias and any(term.item is not None for term in result.order):
        return True
    return any(
        item.kind in _ENTITIES or item.kind in _ENTITY_LISTS or _needs_stage(item, emitter.dialect)
        for item in result.items
    )


def _stage(emitter: Emitter, result: ir.Return) -> str:
    parts = [
        emitter.visit(item.expression)
        if item.kind in _ENTITIES
        else f"{_staged_value(emitter, item)} AS {emitter.name(f'__s{position}')}"
        for position, item in enumerate(result.items)
    ]
    return f"WITH {'DISTINCT ' if result.distinct else ''}{', '.join(parts)}"


def _staged_value(emitter: Emitter, item: ir.ReturnItem) -> str:
    value = item.expression
    layout = None if emitter.dialect.list_comprehension else _layout(item, emitter.dialect)
    if item.kind in _ENTITY_LISTS and layout and isinstance(value, ir.Aggregate) and value.argument:
        element = emitter.visit(value.argument)
        columns = ", ".join([column.replace("{v}", element) for column in layout.columns])
        distinct = "DISTINCT " if value.distinct else ""
        return f"{value.function}({distinct}CASE WHEN {element} IS NULL THEN null ELSE [{columns}] END)"
    if _is_listed_sum(item, emitter.dialect) and isinstance(value, ir.Aggregate):
        emitter.visit(value)  # refuses what cannot be summed
        return emitter.visit(ir.Aggregate("collect", value.argument, value.distinct))
    return emitter.visit(value) if _is_read_whole(item, emitter.dialect) else emitter.read(value)


def _needs_stage(item: ir.ReturnItem, dialect: Dialect) -> bool:
    return _is_read_whole(item, dialect) or _is_listed_sum(item, dialect)


def _is_read_whole(item: ir.ReturnItem, dialect: Dialect) -> bool:
    """Whether an aggregate's value is read by an expression over it (a float to its last bit)."""
    value = item.expression
    if not isinstance(value, ir.Aggregate) or value.function not in ("min", "max", "sum"):
        return False
    if not isinstance(value.argument, ir.Property):
        return False
    codec = dialect.codec(value.argument.type)
    return codec.read != "{p}" and len(codec.writes) == 1


def _is_listed_sum(item: ir.ReturnItem, dialect: Dialect) -> bool:
    """Whether it is a sum of ints that the server would round: then it is made over their list."""
    value = item.expression
    return (
        dialect.integer_sum is not None
        and isinstance(value, ir.Aggregate)
        and value.function == "sum"
        and isinstance(value.argument, ir.Property)
        and value.argument.type.kind in (Kind.INTEGER, Kind.TIMEDELTA)
    )


def _columns(
    emitter: Emitter, item: ir.ReturnItem, stage: str | None
) -> tuple[tuple[str, ...], NodeLayout | EdgeLayout | None]:
    dialect = emitter.dialect
    layout = _layout(item, dialect)
    if item.kind in _ENTITIES:
        assert layout is not None
        variable = emitter.visit(item.expression)
        return tuple([column.replace("{v}", variable) for column in layout.columns]), layout
    if item.kind in _ENTITY_LISTS and layout is not None and dialect.list_comprehension:
        element = emitter.name(_ELEMENT)
        columns = ", ".join([column.replace("{v}", element) for column in layout.columns])
        return (f"[{element} IN {stage} | [{columns}]]",), layout
    if stage is None:
        return (emitter.read(item.expression),), None
    if layout is not None:
        return (stage,), layout
    if _is_listed_sum(item, dialect) and dialect.integer_sum is not None:
        return (dialect.integer_sum.format(v=stage),), None
    if _is_read_whole(item, dialect) and item.type is not None:
        return (dialect.codec(item.type).read.format(p=stage),), None
    return (stage,), None


def _layout(item: ir.ReturnItem, dialect: Dialect) -> NodeLayout | EdgeLayout | None:
    """How an entity, or one of a list, is taken apart."""
    if item.model is None:
        return None
    if item.kind in (ItemKind.NODE, ItemKind.NODES):
        return node_layout(node_meta(item.model), dialect)
    return edge_layout(edge_meta(item.model), dialect)


def _tail(emitter: Emitter, result: ir.Return, names: list[str]) -> list[str]:
    lines: list[str] = []
    restricted = result.distinct or result.aggregated
    if result.order:
        terms: list[str] = []
        for term in result.order:
            value = term.expression
            if isinstance(value, ir.Property):
                check_operator(value, "ORDER BY", emitter.dialect)
            # Once rows were merged, only what is returned has a value; before that, the stored
            # form orders, which a column that is read from it need not.
            named = term.item is not None and (restricted or emitter.display)
            text = names[term.item] if named and term.item is not None else emitter.visit(value)
            terms.append(f"{text}{_direction(emitter, term)}")
        lines.append(f"ORDER BY {', '.join(terms)}")
    if result.skip is not None:
        lines.append(f"SKIP {emitter.visit(result.skip)}")
    if result.limit is not None:
        lines.append(f"LIMIT {emitter.visit(result.limit)}")
    return lines


def _direction(emitter: Emitter, term: ir.OrderItem) -> str:
    if term.descending:
        return " DESC"
    return " ASC" if emitter.display else ""


def _codec(item: ir.ReturnItem, dialect: Dialect) -> Codec | None:
    if isinstance(item.expression, ir.Identity):
        return Codec(exact=(dialect.identity_type,), cell=dialect.identity_cell)
    if item.type is None:
        return None
    codec = dialect.codec(item.type)
    value = item.expression
    if isinstance(value, ir.Aggregate) and value.function == "sum" and item.type.kind is Kind.INTEGER:
        # A server may sum ints as doubles (FalkorDB 4.22).
        return replace(codec, decode=int)
    return codec


def _item(
    item: ir.ReturnItem, codec: Codec | None, start: int, width: int, layout: NodeLayout | EdgeLayout | None
) -> Item:
    alias = item.expression.name if isinstance(item.expression, ir.Variable) else None
    return Item(item.kind, item.name, alias, item.model, codec, start, width, item.nullable, layout)


def _shape(items: list[Item]) -> Shape:
    total = items[-1].start + items[-1].width
    return Shape(tuple(items), tuple([f"c{position}" for position in range(total)]))
