"""Codecs of times: text that sorts as time does, and whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import ORDER, Codec
from runic.orm.compile.codecs.scalars import ARITHMETIC, INT64, exactly

if TYPE_CHECKING:
    from runic.orm.compile.codecs.cells import Cells

__all__ = ["date", "datetime", "microseconds_of", "naive_time", "time", "timedelta", "utc"]

type Other[T] = Callable[[Any], T]
"""Decodes a stored value that is no text: what other clients of the database stored natively."""

_STORED = "ISO 8601 text"
_MICROSECOND = dt.timedelta(microseconds=1)


def utc(value: Any) -> dt.datetime:
    """A datetime as every backend gives it back: aware ones in ``datetime.UTC``, naive ones as they are.

    Raises:
        TypeError: it is no datetime.
        OverflowError: the instant is before year 1 or after 9999 in UTC.
    """
    moment = exactly(dt.datetime, value)
    if moment.tzinfo is None or moment.tzinfo is dt.UTC:
        return moment
    return moment.astimezone(dt.UTC)


def naive_time(value: Any) -> dt.time:
    """A time of day without a zone.

    Raises:
        TypeError: it is no time.
        ValueError: it has a zone.
    """
    naive = exactly(dt.time, value)
    if naive.tzinfo is not None:
        raise ValueError("a time with a zone has no order as text; store a datetime, or a naive time")
    return naive


def microseconds_of(value: Any) -> int:
    """A time span in whole microseconds.

    Raises:
        TypeError: it is no timedelta.
        ValueError: they do not fit into 64 bits.
    """
    count = exactly(dt.timedelta, value) // _MICROSECOND
    if not -INT64 <= count < INT64:
        raise ValueError(f"{value} has more microseconds than fit into 64 bits")
    return count


def datetime(cells: Cells, other: Other[dt.datetime] | None = None) -> Codec:
    """Instants as ISO 8601 text in UTC; naive datetimes as they are."""

    def encode(value: Any) -> str:
        moment = exactly(dt.datetime, value)
        if moment.tzinfo is None or moment.tzinfo is dt.UTC:
            return moment.isoformat()
        return moment.astimezone(dt.UTC).isoformat()

    def decode(stored: Any) -> dt.datetime:
        if other is not None and type(stored) is not str:
            return other(stored)
        value = dt.datetime.fromisoformat(stored)
        if value.tzinfo is None or value.tzinfo is dt.UTC:
            return value
        return value.astimezone(dt.UTC)

    return Codec(
        encode=encode,
        trusted=frozenset({dt.datetime}),
        decode=decode,
        cell=cells.text,
        operators=ORDER,
        stored=_STORED,
    )


def date(cells: Cells, other: Other[dt.date] | None = None) -> Codec:
    """Dates as ISO 8601 text."""

    def encode(value: Any) -> str:
        return exactly(dt.date, value).isoformat()

    def decode(stored: Any) -> dt.date:
        if other is not None and type(stored) is not str:
            return other(stored)
        return dt.date.fromisoformat(stored)

    return Codec(
        encode=encode,
        trusted=frozenset({dt.date}),
        decode=decode,
        cell=cells.text,
        operators=ORDER,
        stored=_STORED,
    )


def time(cells: Cells, other: Other[dt.time] | None = None) -> Codec:
    """Times of day, without a zone, as ISO 8601 text."""

    def encode(value: Any) -> str:
        return naive_time(value).isoformat()

    def decode(stored: Any) -> dt.time:
        if other is not None and type(stored) is not str:
            return other(stored)
        return dt.time.fromisoformat(stored)

    return Codec(encode=encode, decode=decode, cell=cells.text, operators=ORDER, stored=_STORED)


def timedelta(cells: Cells) -> Codec:
    """Time spans as whole microseconds."""

    def decode(stored: Any) -> dt.timedelta:
        return dt.timedelta(microseconds=stored)

    return Codec(
        encode=microseconds_of,
        decode=decode,
        cell=cells.integer,
        operators=ARITHMETIC,
        stored="microseconds",
    )
