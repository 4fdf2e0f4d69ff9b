"""Codecs of servers that take and give the client's own values."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import ORDER, Codec
from runic.orm.compile.codecs import exactly
from runic.orm.compile.codecs.times import naive_time
from runic.orm.compile.codecs.vectors import degrees_of

from .values import plain

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["native_date", "native_time", "place"]


def native_date(_: FieldType) -> Codec:
    """A day as the server's own date."""

    def encode(value: Any) -> dt.date:
        return exactly(dt.date, value)

    def decode(cell: Any) -> dt.date:
        # Text, where another client wrote it.
        return dt.date.fromisoformat(cell) if type(cell) is str else exactly(dt.date, plain(cell))

    trusted = frozenset({dt.date})
    return Codec(encode=encode, trusted=trusted, decode=decode, operators=ORDER, stored="date")


def native_time(_: FieldType) -> Codec:
    """A time of day, without zone, as the server's own."""

    def decode(cell: Any) -> dt.time:
        return dt.time.fromisoformat(cell) if type(cell) is str else exactly(dt.time, plain(cell))

    return Codec(encode=naive_time, decode=decode, operators=ORDER, stored="time of day")


def place(value: Any) -> dict[str, float]:
    """What ``point()`` makes a place of."""
    latitude, longitude = degrees_of(value)
    return {"latitude": latitude, "longitude": longitude}
