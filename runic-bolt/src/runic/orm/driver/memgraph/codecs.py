"""How Memgraph stores each kind of value, by its documentation: times and places natively.

An aware datetime is a ZonedDateTime in UTC, a naive one a LocalDateTime; both keep microseconds, as do
Date and LocalTime. There is no type for bytes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from runic.orm.compile.codec import EQUALITY, ORDER, Codec
from runic.orm.compile.codecs import Cells, Codecs, exactly
from runic.orm.compile.codecs.times import naive_time, utc
from runic.orm.compile.codecs.vectors import degrees_of
from runic.orm.core.kinds import Kind

from ..bolt.values import plain

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["CODECS"]

#: What ``cypher_fn`` of a user's converter may name; ``vecf32`` and ``intern`` are other servers'.
_FUNCTIONS = frozenset(
    {"point", "date", "localTime", "localDateTime", "datetime", "duration", "toString", "toInteger"}
    | {"toFloat", "toLower", "toUpper", "trim"}
)


def _datetime(_: FieldType) -> Codec:
    def decode(cell: Any) -> dt.datetime:
        # Text, where another client wrote it.
        return utc(dt.datetime.fromisoformat(cell) if type(cell) is str else plain(cell))

    trusted = frozenset({dt.datetime})
    return Codec(encode=utc, trusted=trusted, decode=decode, operators=ORDER, stored="datetime")


def _date(_: FieldType) -> Codec:
    def encode(value: Any) -> dt.date:
        return exactly(dt.date, value)

    def decode(cell: Any) -> dt.date:
        return dt.date.fromisoformat(cell) if type(cell) is str else exactly(dt.date, plain(cell))

    trusted = frozenset({dt.date})
    return Codec(encode=encode, trusted=trusted, decode=decode, operators=ORDER, stored="date")


def _time(_: FieldType) -> Codec:
    def decode(cell: Any) -> dt.time:
        return dt.time.fromisoformat(cell) if type(cell) is str else exactly(dt.time, plain(cell))

    return Codec(encode=naive_time, decode=decode, operators=ORDER, stored="time of day")


def _point(_: FieldType) -> Codec:
    def encode(value: Any) -> dict[str, float]:
        latitude, longitude = degrees_of(value)
        return {"latitude": latitude, "longitude": longitude}

    return Codec(
        encode=encode,
        decode=plain,
        writes=(("", "point({v})"),),
        compare=("", "point({v})"),
        operators=EQUALITY,
        stored="point",
    )


CODECS: Final = Codecs(
    Cells(plain=plain),
    overrides={Kind.DATETIME: _datetime, Kind.DATE: _date, Kind.TIME: _time, Kind.POINT: _point},
    functions=_FUNCTIONS,
)
"""Field type -> codec."""
