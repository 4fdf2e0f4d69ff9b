"""Values of the neo4j client as plain Python ones, and back: for raw statements."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from typing import Any

from runic.orm.compile.parameter_names import check_parameters
from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.exceptions import QueryError, ValueNotStorableError

__all__ = ["checked", "plain", "plain_rows"]

_PLAIN = frozenset({str, int, float, bool, type(None), bytes})
_INT64 = 2**63
_MAX_DEPTH = 100


def plain_rows(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows of a reply with every value as a Python one."""
    return [[cell if type(cell) in _PLAIN else plain(cell) for cell in row] for row in rows]


def plain(cell: Any) -> Any:
    """One value of a reply: graph entities detached from the client, times as Python's, aware ones in UTC."""
    given: object = cell
    kind = type(given)
    if kind in _PLAIN:
        return cell
    if kind is list:
        return [plain(item) for item in cell]
    if kind is dict:
        return {key: plain(item) for key, item in cell.items()}
    convert = _converters().get(kind)
    if convert is not None:
        return convert(cell)
    for base, found in _converters().items():
        if isinstance(cell, base):
            return found(cell)
    return cell


_known: dict[type[Any], Callable[[Any], Any]] = {}


def _converters() -> dict[type[Any], Callable[[Any], Any]]:
    if not _known:
        from neo4j import graph, spatial, time

        _known.update(
            {
                graph.Node: _node,
                graph.Relationship: _edge,
                graph.Path: _path,
                time.DateTime: _datetime,
                time.Date: _native,
                time.Time: _native,
                time.Duration: _duration,
                spatial.WGS84Point: _place,
                dt.datetime: _utc,
            }
        )
    return _known


def _native(value: Any) -> Any:
    return value.to_native()


def _properties(entity: Any) -> dict[str, Any]:
    return {key: value if type(value) in _PLAIN else plain(value) for key, value in entity.items()}


def _node(node: Any) -> RawNode:
    return RawNode(node.element_id, tuple(sorted(node.labels)), _properties(node))


def _edge(edge: Any) -> RawEdge:
    source, target = edge.nodes
    return RawEdge(edge.element_id, edge.type, source.element_id, target.element_id, _properties(edge))


def _path(path: Any) -> RawPath:
    return RawPath(tuple(map(_node, path.nodes)), tuple(map(_edge, path.relationships)))


def _utc(value: dt.datetime) -> dt.datetime:
    return value if value.tzinfo is None else value.astimezone(dt.UTC)


def _datetime(value: Any) -> dt.datetime:
    return _utc(value.to_native())


def _duration(value: Any) -> Any:
    """A span of fixed length as a timedelta; one with months has no length, and stays the client's."""
    if value.months:
        return value
    return dt.timedelta(days=value.days, seconds=value.seconds, microseconds=value.nanoseconds // 1000)


def _place(point: Any) -> Any:
    from runic.orm.core.types import GeoLocation

    return GeoLocation(point.latitude, point.longitude) if len(point) == 2 else point


# -- parameters of raw statements ---------------------------------------------------------------


_HINTS = {
    "Decimal": "write it as text, or declare the field as Decimal",
    "timedelta": "pass its microseconds, which is how a timedelta field is stored",
    "UUID": "pass str(value), or declare the field as UUID",
    "tuple": "pass a list",
    "set": "pass a list",
    "frozenset": "pass a list",
}


def checked(text: str, parameters: Mapping[str, Any], backend: str) -> dict[str, Any]:
    """Parameters of a raw statement as the client may have them: exact types, aware datetimes in UTC.

    The client crashes the interpreter on some time zones of ``zoneinfo`` (6.4 on CPython 3.13.0), and
    the server tells equal instants of different zones apart (Neo4j 5.26, 2026.08).

    Raises:
        ValueNotStorableError: a type that would not come back, or a value that the server would change.
        MissingParameterError: the text names others.
        QueryError: the text or a name cannot be sent.
    """
    if any(type(name) is not str for name in parameters):
        raise QueryError("names of parameters are text", backend=backend)
    problem = _bad_text(text)
    if problem is not None:
        raise QueryError(f"the statement cannot be sent: {problem}", backend=backend)
    check_parameters(text, parameters, backend)
    return {name: _checked(value, f"${name}", 0, backend) for name, value in parameters.items()}


def _checked(value: Any, path: str, depth: int, backend: str) -> Any:
    given: object = value
    kind = type(given)
    if kind is list or kind is dict:
        if depth >= _MAX_DEPTH:
            raise ValueNotStorableError(f"{path}: nested deeper than {_MAX_DEPTH} levels", backend=backend)
        if kind is dict:
            return _checked_map(value, path, depth, backend)
        return [_checked(item, f"{path}[{at}]", depth + 1, backend) for at, item in enumerate(value)]
    if kind is dt.datetime:
        return _utc(value)
    problem = _problem(value)
    if problem is not None:
        raise ValueNotStorableError(f"{path}: {problem}", backend=backend)
    return value


def _problem(value: Any) -> str | None:
    """Why a scalar is not sent, or ``None``."""
    given: object = value
    kind = type(given)
    if kind is bool or kind is bytes or value is None or kind is dt.date:
        return None
    if kind is str:
        return _bad_text(value)
    if kind is int:
        return None if -_INT64 <= value < _INT64 else "an integer outside of 64 bits"
    if kind is float:
        return None if math.isfinite(value) else f"{value} is not a finite number"
    if kind is dt.time:
        return None if value.tzinfo is None else "a time with a zone; pass a datetime, or a naive time"
    hint = _HINTS.get(kind.__name__)
    if hint is None and issubclass(kind, str | int | float | list | dict):
        hint = "pass a plain value, not one of a subclass"
    hint = hint or "convert it, or declare a field with a converter"
    return f"a value of type {kind.__module__}.{kind.__qualname__} is not sent; {hint}"


def _checked_map(value: dict[Any, Any], path: str, depth: int, backend: str) -> dict[str, Any]:
    for key in value:
        problem = "is not text" if type(key) is not str else _bad_text(key)
        if problem is not None:
            raise ValueNotStorableError(f"{path}: the map key {key!r:.60}: {problem}", backend=backend)
    return {key: _checked(item, f"{path}.{key}", depth + 1, backend) for key, item in value.items()}


def _bad_text(value: str) -> str | None:
    if "\0" in value:
        return f"text with a NUL character at offset {value.index(chr(0))} cannot be stored"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"text with a lone surrogate at offset {error.start} cannot be stored"
    return None
