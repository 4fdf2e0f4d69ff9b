"""After a refused flush: find out which object it was, to name it in the error.

Only reads, and only on the way to an exception: the flush itself pays nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import CreateNodes, DeleteNodes, MergeNodes, Step, UpdateNodes
from runic.orm.compile.write import must_match, probe_text
from runic.orm.core.metadata import NodeMeta, node_meta
from runic.orm.driver.port import Request
from runic.orm.exceptions import DriverError, OrmError
from runic.orm.mapper.encode import encode_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.driver.port import QueryResult

__all__ = ["find_stale", "find_violation"]

type Send = Callable[[Request], Awaitable[QueryResult]]


async def find_stale(steps: Sequence[Step], dialect: Dialect, send: Send) -> list[tuple[Step, list[int]]]:
    """For each step, the rows whose object is not in the database as it was loaded."""
    found: list[tuple[Step, list[int]]] = []
    for step in steps:
        if not must_match(step.shape):
            continue
        for text, width in probe_text(step.shape, dialect):
            rows = [[row[0], *(row[column] for column in width)] for row in step.rows]
            try:
                result = await send(Request(text, {"rows": rows}, write=False))
            except DriverError:
                return found
            present = {row[0] for row in result.rows}
            missing = [row[0] for row in rows if row[0] not in present]
            if missing:
                found.append((step, missing))
    return found


async def find_violation(steps: Sequence[Step], dialect: Dialect, send: Send) -> tuple[Any, str] | None:
    """The object that broke a constraint and why, or ``None`` if it cannot be told.

    Args:
        steps: what was sent.
        dialect: how to talk to the server.
        send: how to ask the server.
    """
    written = [
        (entity, step)
        for step in steps
        if isinstance(step.shape, CreateNodes | MergeNodes | UpdateNodes)
        for entity in step.objects
    ]
    leaving = {id(entity) for step in steps if isinstance(step.shape, DeleteNodes) for entity in step.objects}
    seen: dict[tuple[str, str, str], Any] = {}
    for entity, _ in written:
        meta = node_meta(entity.__class__)
        for field in meta.properties:
            value = entity.__dict__.get(field.name)
            if field.required and value is None:
                return entity, f"{meta.cls.__name__}.{field.name} is required and was None"
            if not (field.unique or field.primary_key) or value is None or field.generated:
                continue
            label = _declaring(meta.cls, field.name).primary_label
            key = (label, field.name, repr(_comparable(field, value, dialect)))
            other = seen.setdefault(key, entity)
            if other is not entity:
                return entity, f"{field.name}={value!r} is that of {other!r} as well"
    return await _in_the_database(written, leaving, dialect, send)


async def _in_the_database(
    written: list[tuple[Any, Step]], leaving: set[int], dialect: Dialect, send: Send
) -> tuple[Any, str] | None:
    groups: dict[FieldDescriptor, list[Any]] = {}
    for entity, step in written:
        for field in node_meta(entity.__class__).properties:
            if isinstance(step.shape, MergeNodes) and field.primary_key:
                continue
            if (field.unique or field.primary_key) and not field.generated:
                groups.setdefault(field, []).append(entity)
    for field, entities in groups.items():
        label = _declaring(entities[0].__class__, field.name).own_label
        codec = dialect.codec(field.type)
        suffix, template = codec.compare
        text = (
            f"{dialect.rows()} MATCH (n:{dialect.quote(label)})"
            f" WHERE n.{dialect.quote(field.name + suffix)} = {template.format(v='row[1]')}"
            f" RETURN row[0], {dialect.identity.format(v='n')}"
        )
        rows = [
            [number, _comparable(field, entity.__dict__.get(field.name), dialect)]
            for number, entity in enumerate(entities)
        ]
        try:
            result = await send(Request(text, {"rows": rows}, write=False))
        except OrmError:
            return None
        gone = {e._runic_state.id for e in entities if id(e) in leaving}
        for number, identity in result.rows:
            entity = entities[number]
            if entity._runic_state.id != identity and identity not in gone:
                value = entity.__dict__.get(field.name)
                return entity, f"another {label} with {field.name}={value!r} is in the database"
    return None


def _declaring(cls: type[Any], name: str) -> NodeMeta:
    """The top-most class with that field: its label is what the constraint belongs to."""
    for base in reversed(cls.__mro__):
        meta = base.__dict__.get("_runic_meta")
        if isinstance(meta, NodeMeta) and not meta.abstract and name in meta.fields:
            return meta
    return node_meta(cls)


def _comparable(field: FieldDescriptor, value: Any, dialect: Dialect) -> Any:
    codec = dialect.codec(field.type)
    if codec.compare_encode is not None and value is not None:
        return codec.compare_encode(value)
    return encode_value(field, value, dialect)
