"""How ArcadeDB stores each kind of value (tried on 26.10).

A datetime is text: the server drops the zone of an aware one. Dates, times of day and bytes are native,
as it keeps them exactly. Places go through ``point()``: one that is sent as a point of the client's own is
stored in another form, and the two are never equal.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, cast

from runic.orm.compile.codec import EQUALITY, ORDER, Codec
from runic.orm.compile.codecs import Cells, Codecs, exactly, native_bytes
from runic.orm.compile.codecs.times import naive_time
from runic.orm.compile.codecs.vectors import degrees_of
from runic.orm.core.kinds import Kind

from ..bolt.values import plain

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType
    from runic.orm.core.types import GeoLocation

__all__ = ["CODECS"]

#: What ``cypher_fn`` of a user's converter may name; ``vecf32`` and ``intern`` are other servers'.
_FUNCTIONS = frozenset(
    {"point", "date", "localtime", "localdatetime", "toString", "toInteger", "toFloat", "toLower", "toUpper"}
)


def _date(_: FieldType) -> Codec:
    def encode(value: Any) -> dt.date:
        return exactly(dt.date, value)

    def decode(cell: Any) -> dt.date:
        # Text, where another client wrote it.
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

    def decode(cell: Any) -> GeoLocation:
        from runic.orm.core.types import GeoLocation

        if isinstance(cell, dict):
            place = cast("dict[str, float]", cell)
            return GeoLocation(place["latitude"], place["longitude"])
        return GeoLocation(cell.latitude, cell.longitude)

    return Codec(
        encode=encode,
        decode=decode,
        writes=(("", "point({v})"),),
        compare=("", "point({v})"),
        operators=EQUALITY,
        stored="point",
    )


CODECS: Final = Codecs(
    Cells(plain=plain),
    overrides={Kind.DATE: _date, Kind.TIME: _time, Kind.BYTES: native_bytes, Kind.POINT: _point},
    functions=_FUNCTIONS,
)
"""Field type -> codec."""
