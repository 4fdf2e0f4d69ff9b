"""Cells of the compact reply: ``[type, value]``.

The numbers are those of FalkorDB's ``resultset_formatter`` (``ValueType``), seen on 4.22.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

__all__ = ["EDGE", "ENTITIES", "NODE", "NULL", "PATH", "scalar"]

NULL = 1
STRING = 2
INTEGER = 3
BOOLEAN = 4
DOUBLE = 5
ARRAY = 6
EDGE = 7
NODE = 8
PATH = 9
MAP = 10
POINT = 11
VECTOR = 12
DATETIME = 13
DATE = 14
TIME = 15
DURATION = 16

ENTITIES = frozenset({EDGE, NODE, PATH})

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def scalar(cell: Any) -> Any:
    """The Python value of a cell that is no node, edge or path, at any depth.

    Raises:
        ValueError: a cell of an unknown type, or a graph entity, whose names are not in the cell.
    """
    try:
        decode = decoders[cell[0]]
    except (KeyError, TypeError, IndexError):
        raise ValueError(f"a reply cell that cannot be read here: {str(cell)[:80]}") from None
    return decode(cell[1])


def _map(items: Any) -> dict[str, Any]:
    return {items[at]: scalar(items[at + 1]) for at in range(0, len(items), 2)}


def _point(items: Any) -> Any:
    from runic.orm.core.types import GeoLocation

    return GeoLocation(float(items[0]), float(items[1]))


def _vector(items: Any) -> Any:
    from runic.orm.core.types import Vector

    return Vector(map(float, items))


def _time(seconds: int) -> dt.time:
    # Seconds since 1970 of that time on 1900-01-01.
    return (dt.datetime(1900, 1, 1) + dt.timedelta(seconds=seconds + 2208988800)).time()  # noqa: DTZ001


decoders: dict[int, Callable[[Any], Any]] = {
    NULL: lambda _: None,
    STRING: lambda value: value,
    INTEGER: lambda value: value,
    BOOLEAN: lambda value: value == "true",
    DOUBLE: float,
    ARRAY: lambda items: [scalar(item) for item in items],
    MAP: _map,
    POINT: _point,
    VECTOR: _vector,
    DATETIME: lambda seconds: (_EPOCH + dt.timedelta(seconds=seconds)).replace(tzinfo=None),
    DATE: lambda seconds: (_EPOCH + dt.timedelta(seconds=seconds)).date(),
    TIME: _time,
    DURATION: lambda seconds: dt.timedelta(seconds=seconds),
}
