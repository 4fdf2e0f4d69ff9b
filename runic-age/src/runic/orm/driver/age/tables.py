"""Nodes and edges written into the tables of their labels, which are what a graph of AGE is made of.

``cypher()`` makes 10,000 nodes in 120 ms and as many edges between them in 150, an INSERT in 90 and 45 (1.8).
It fires the triggers by which AGE learns of writes to these tables.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runic.orm.compile.dialect import LABELS_PROPERTY
from runic.orm.compile.steps import CreateEdges, CreateNodes

from .search import GRAPH_SCHEMA
from .sql import SQL, identifier

if TYPE_CHECKING:
    from runic.orm.compile.steps import End, Shape, Write

__all__ = ["insert_text"]

_PAIRS = 50
"""A function of PostgreSQL takes 100 arguments."""

_ROWS = "($1::ag_catalog.agtype -> '\"rows\"'::ag_catalog.agtype)"
_EACH = f"ag_catalog.age_unnest({_ROWS}) AS each (r)"
# The planner counts on a thousand rows, and without the LIMIT it reads a whole label even for one (1.8).
_COUNTED = f"(SELECT r FROM {_EACH} LIMIT ag_catalog.age_size({_ROWS})::pg_catalog.int8) AS each"  # noqa: S608


def insert_text(shape: Shape) -> str | None:
    """The SQL of a step that creates, in place of the Cypher of the same rows; ``None``: there is none.

    Args:
        shape: the step. Its labels and types have their tables already.
    """
    match shape:
        case CreateNodes():
            label = shape.stores[-1].name
            properties = _properties(shape.writes, 1, shape.labels)
            return properties and _insert(label, {}, _EACH, properties)
        case CreateEdges():
            second = 1 + shape.source.width
            ends = [_end("a", shape.source, 1), _end("b", shape.target, second)]
            properties = _properties(shape.writes, second + shape.target.width)
            if properties is None or None in ends:
                return None
            start, end = [end for end in ends if end is not None]
            joins = "".join([join for _, join in (start, end)])
            source = f"{_COUNTED}{joins}" if joins else _EACH
            return _insert(shape.type, {"start_id": start[0], "end_id": end[0]}, source, properties)
        case _:
            return None


def _insert(name: str, ends: dict[str, str], source: str, properties: str) -> str:
    """The statement. Identities are taken first: nothing tells to which row each of RETURNING belongs."""
    table = _table(name)
    label = f"(SELECT ag_catalog._label_id({_literal(GRAPH_SCHEMA)}, {_literal(name)}))"
    sequence = f"(SELECT pg_catalog.pg_get_serial_sequence({_literal(table)}, 'id')::pg_catalog.regclass)"
    taken = "".join([f", {expression} AS {column}" for column, expression in ends.items()])
    columns = ", ".join(["id", *ends])
    identity = f"ag_catalog._graphid({label}, pg_catalog.nextval({sequence})) AS id"
    # Every name was validated and is quoted; values are bound.
    made = f"SELECT {identity}{taken}, r FROM {source}"  # noqa: S608
    stored = f"INSERT INTO {table} ({columns}, properties) SELECT {columns}, {properties} FROM made"  # noqa: S608
    return f"{SQL}WITH made AS MATERIALIZED ({made}),\nstored AS ({stored})\nSELECT r -> 0, id FROM made"


def _properties(writes: tuple[Write, ...], column: int, labels: tuple[str, ...] = ()) -> str | None:
    """The map of a row's properties; null ones are left out, as Cypher leaves them out."""
    pairs: list[str] = []
    for position, write in enumerate(writes, start=column):
        for name, template in write.targets:
            if template != "{v}":
                return None
            pairs.append(f"{_literal(name)}::text, r -> {position}")
    if len(labels) > 1:
        listed = json.dumps(labels, ensure_ascii=False)
        pairs.append(f"{_literal(LABELS_PROPERTY)}::text, {_literal(listed)}::ag_catalog.agtype")
    maps = [
        f"ag_catalog.agtype_build_map_nonull({', '.join(pairs[at : at + _PAIRS])})"
        for at in range(0, len(pairs), _PAIRS)
    ]
    return " || ".join(maps) or "'{}'::ag_catalog.agtype"


def _end(alias: str, end: End, column: int) -> tuple[str, str] | None:
    """The identity of an end, and the join that makes sure it is there. What the unit has made is there."""
    identity = f"(r -> {column})::ag_catalog.graphid"
    if end.step is not None:
        return identity, ""
    if end.match.label is None or end.width > 1:
        return None
    return f"{alias}.id", f" JOIN {_table(end.match.label)} AS {alias} ON {alias}.id = {identity}"


def _table(name: str) -> str:
    return f'"{GRAPH_SCHEMA}".{identifier(name)}'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
