"""Codecs of numbers, text and times."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import ORDER, TEXT, Codec

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = [
    "boolean",
    "bytes_",
    "date",
    "datetime",
    "decimal",
    "exact_float",
    "exactly",
    "float_",
    "integer",
    "string",
    "time",
    "timedelta",
    "uuid_",
]

_INT64 = 2**63
_ARITHMETIC = ORDER | {"sum", "avg"}


def string(_: FieldType) -> Codec:
    """Text as it is."""
    return Codec(exact=(str,), cell="{c}[1]", operators=ORDER | TEXT, stored="text")


def integer(_: FieldType) -> Codec:
    """Integers of 64 bits."""
    # sum() of integers answers with a double (4.22), hence the second case.
    cell = "({c}[1] if {c}[0] != 5 else float({c}[1]))"
    return Codec(exact=(int,), cell=cell, operators=_ARITHMETIC, stored="64-bit integer")


def float_(_: FieldType) -> Codec:
    """Doubles; replies have 15 significant digits of them."""
    cell = "(None if {c}[0] == 1 else float({c}[1]))"
    return Codec(exact=(float,), encode=_to_float, cell=cell, operators=_ARITHMETIC, stored="double")


def _to_float(value: Any) -> float:
    if type(value) is not int:
        raise TypeError(f"expected a float, not {type(value).__name__}")
    converted = float(value)
    if int(converted) != value:
        raise ValueError(f"the integer {value} is no exact double")
    return converted


def boolean(_: FieldType) -> Codec:
    """Booleans."""
    cell = '({c}[1] == "true" if {c}[0] == 4 else {c}[1])'
    return Codec(exact=(bool,), cell=cell, operators=ORDER, stored="boolean")


# The server replies with 15 significant digits of a double (4.22), but computes in IEEE 754. Veltkamp's
# splitting (G. W. Veltkamp, 1968; T. J. Dekker, "A floating-point technique for extending the available
# precision", Numerische Mathematik 18, 1971) takes x apart into halves of at most 26 bits. The reply has
# x and its low half, 15 digits each: x less the low half, rounded to 26 bits, is the high half exactly,
# and what the low half's text lost is far below the last bit of the sum.
_SPLITTER = "134217729.0"  # 2**27 + 1
_SCALE = "6.223015277861142e-61"  # 2**-200: keeps the product below the largest double
_RESCALE = 2.0**200


def exact_float(_: FieldType) -> Codec:
    """Doubles that come back to the last bit; see the comment above."""

    def halves(x: str) -> str:
        return f"{x}, {x} - ({_SPLITTER} * {x} - ({_SPLITTER} * {x} - {x}))"

    scaled = f"({{p}} * {_SCALE})"
    read = f"CASE WHEN abs({{p}}) > 1e270 THEN [{halves(scaled)}, 1] ELSE [{halves('{p}')}] END"
    cell = "(None if {c}[1][0][1] is None else {c}[1])"
    return Codec(
        exact=(float,),
        encode=_to_float,
        decode=_join_halves,
        cell=cell,
        read=read,
        operators=_ARITHMETIC,
        stored="double",
    )


def _join_halves(cells: Any) -> float:
    value = float(cells[0][1])
    if cells[0][0] == 3 or value == 0.0:  # a stored integer; zero keeps its sign
        return value
    low = float(cells[1][1])
    product = 134217729.0 * (value - low)
    high = product - (product - (value - low))
    return high + low if len(cells) == 2 else (high + low) * _RESCALE


def bytes_(_: FieldType) -> Codec:
    """Bytes as base64 text."""

    def encode(value: Any) -> str:
        return base64.b64encode(exactly(bytes, value)).decode("ascii")

    def decode(text: str) -> bytes:
        return base64.b64decode(text, validate=True)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", stored="base64 text")


def decimal(_: FieldType) -> Codec:
    """Decimals as they are written."""

    def encode(value: Any) -> str:
        if not exactly(Decimal, value).is_finite():
            raise ValueError(f"{value} is not a finite number")
        return str(value)

    return Codec(encode=encode, decode=Decimal, cell="{c}[1]", stored="decimal text")


def uuid_(_: FieldType) -> Codec:
    """UUIDs as text."""

    def encode(value: Any) -> str:
        return str(exactly(uuid.UUID, value))

    trusted = frozenset({uuid.UUID})
    return Codec(encode=encode, trusted=trusted, decode=uuid.UUID, cell="{c}[1]", stored="text")


def exactly[T](type_: type[T], value: Any) -> T:
    """``value`` if it is exactly of ``type_``: a subclass would not come back as itself."""
    if type(value) is not type_:
        raise TypeError(f"expected {type_.__name__}, not {type(value).__name__}")
    return value


# -- time ---------------------------------------------------------------------------------------------


def datetime(_: FieldType) -> Codec:
    """Instants as ISO 8601 text in UTC; naive ones as they are."""

    def encode(value: Any) -> str:
        moment = exactly(dt.datetime, value)
        if moment.tzinfo is None or moment.tzinfo is dt.UTC:
            return moment.isoformat()
        return moment.astimezone(dt.UTC).isoformat()

    def decode(stored: Any) -> dt.datetime:
        if type(stored) is int:  # a native localdatetime(): whole seconds, no zone
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=stored)  # noqa: DTZ001 - it has none
        value = dt.datetime.fromisoformat(stored)
        if value.tzinfo is None or value.tzinfo is dt.UTC:
            return value
        return value.astimezone(dt.UTC)

    return Codec(
        encode=encode,
        trusted=frozenset({dt.datetime}),
        decode=decode,
        cell="{c}[1]",
        operators=ORDER,
        stored="ISO 8601 text",
    )


def date(_: FieldType) -> Codec:
    """Dates as ISO 8601 text."""

    def encode(value: Any) -> str:
        return exactly(dt.date, value).isoformat()

    def decode(stored: Any) -> dt.date:
        if type(stored) is int:  # a native date()
            return dt.date(1970, 1, 1) + dt.timedelta(seconds=stored)
        return dt.date.fromisoformat(stored)

    return Codec(
        encode=encode,
        trusted=frozenset({dt.date}),
        decode=decode,
        cell="{c}[1]",
        operators=ORDER,
        stored="ISO 8601 text",
    )


def time(_: FieldType) -> Codec:
    """Times of day, without a zone, as ISO 8601 text."""

    def encode(value: Any) -> str:
        naive = exactly(dt.time, value)
        if naive.tzinfo is not None:
            raise ValueError("a time with a zone has no order as text; store a datetime, or a naive time")
        return naive.isoformat()

    def decode(stored: Any) -> dt.time:
        if type(stored) is int:  # a native localtime(): seconds since 1900-01-01
            return (dt.datetime(1900, 1, 1) + dt.timedelta(seconds=stored + 2208988800)).time()  # noqa: DTZ001
        return dt.time.fromisoformat(stored)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", operators=ORDER, stored="ISO 8601 text")


_MICROSECOND = dt.timedelta(microseconds=1)


def timedelta(_: FieldType) -> Codec:
    """Time spans as whole microseconds."""

    def encode(value: Any) -> int:
        count = exactly(dt.timedelta, value) // _MICROSECOND
        if not -_INT64 <= count < _INT64:
            raise ValueError(f"{value} has more microseconds than fit into 64 bits")
        return count

    def decode(stored: Any) -> dt.timedelta:
        return dt.timedelta(microseconds=stored)

    # sum() and avg() answer with a double.
    cell = "({c}[1] if {c}[0] != 5 else float({c}[1]))"
    return Codec(encode=encode, decode=decode, cell=cell, operators=_ARITHMETIC, stored="microseconds")
