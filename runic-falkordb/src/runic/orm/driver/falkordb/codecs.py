"""How FalkorDB stores each kind of value, and how the compact reply gives it back.

A cell of the compact reply is ``[type, value]``; the types are numbered in :mod:`.cells`. The
Cypher templates are ``str.format`` templates, so literal braces are doubled.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
import struct
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import ALL_OPERATORS, EQUALITY, NULL_TESTS, ORDER, TEXT, Codec
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import MetadataError

from .cells import scalar

if TYPE_CHECKING:
    from runic.orm.core.types import TypeConverter

__all__ = ["EXACT_SUFFIX", "make_codec"]

EXACT_SUFFIX = "__exact"
"""Suffix of the companion property that keeps what a native point loses."""

_INT64 = 2**63
_ARITHMETIC = ORDER | {"sum", "avg"}
_NULLABLE_CELL = "(None if {c}[0] == 1 else {c})"
_NULLABLE_VALUE = "(None if {c}[0] == 1 else {c}[1])"


def make_codec(type_: FieldType, interned: bool = False) -> Codec:
    """The codec of ``type_``.

    Args:
        type_: what the field holds.
        interned: store text through ``intern()``, which keeps one copy of equal strings.
    """
    codec = _makers[type_.kind](type_)
    if interned:
        if type_.kind not in _TEXTUAL:
            raise MetadataError(f"interned=True needs a field that is stored as text, not {type_.kind.name}")
        codec = Codec(
            exact=codec.exact,
            encode=codec.encode,
            decode=codec.decode,
            cell=codec.cell,
            writes=(("", "intern({v})"),),
            operators=codec.operators,
            stored=codec.stored,
        )
    return codec


# -- scalars ------------------------------------------------------------------------------------


def _string(_: FieldType) -> Codec:
    return Codec(exact=(str,), cell="{c}[1]", operators=ORDER | TEXT, stored="text")


def _integer(_: FieldType) -> Codec:
    # sum() of integers answers with a double (4.22), hence the second case.
    cell = "({c}[1] if {c}[0] != 5 else float({c}[1]))"
    return Codec(exact=(int,), cell=cell, operators=_ARITHMETIC, stored="64-bit integer")


def _float(_: FieldType) -> Codec:
    cell = "(None if {c}[0] == 1 else float({c}[1]))"
    return Codec(exact=(float,), encode=_to_float, cell=cell, operators=_ARITHMETIC, stored="double")


def _to_float(value: Any) -> float:
    if type(value) is not int:
        raise TypeError(f"expected a float, not {type(value).__name__}")
    converted = float(value)
    if int(converted) != value:
        raise ValueError(f"the integer {value} is no exact double")
    return converted


def _boolean(_: FieldType) -> Codec:
    cell = '({c}[1] == "true" if {c}[0] == 4 else {c}[1])'
    return Codec(exact=(bool,), cell=cell, operators=ORDER, stored="boolean")


# The server replies with 15 significant digits of a double (4.22), but computes in IEEE 754. Veltkamp's
# splitting (G. W. Veltkamp, 1968; T. J. Dekker, "A floating-point technique for extending the available
# precision", Numerische Mathematik 18, 1971) takes a double apart into two halves of at most 26 bits,
# each of which 15 digits give back exactly. The high half would need no more than its own text; but
# x itself rounded to 15 digits minus the low half is near enough to recover it, and costs less text.
_SPLITTER = "134217729.0"  # 2**27 + 1
_SCALE = "6.223015277861142e-61"  # 2**-200: keeps the product below the largest double
_RESCALE = 2.0**200


def _exact_float(_: FieldType) -> Codec:
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


def _bytes(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        return base64.b64encode(_of(bytes, value)).decode("ascii")

    def decode(text: str) -> bytes:
        return base64.b64decode(text, validate=True)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", stored="base64 text")


def _decimal(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        if not _of(Decimal, value).is_finite():
            raise ValueError(f"{value} is not a finite number")
        return str(value)

    return Codec(encode=encode, decode=Decimal, cell="{c}[1]", stored="decimal text")


def _uuid(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        return str(_of(uuid.UUID, value))

    return Codec(encode=encode, decode=uuid.UUID, cell="{c}[1]", stored="text")


def _of[T](type_: type[T], value: Any) -> T:
    """``value`` if it is exactly of ``type_``: a subclass would not come back as itself."""
    if type(value) is not type_:
        raise TypeError(f"expected {type_.__name__}, not {type(value).__name__}")
    return value


# -- time ---------------------------------------------------------------------------------------


def _datetime(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        moment = _of(dt.datetime, value)
        return (moment if moment.tzinfo is None else moment.astimezone(dt.UTC)).isoformat()

    def decode(stored: Any) -> dt.datetime:
        if type(stored) is int:  # a native localdatetime(): whole seconds, no zone
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=stored)  # noqa: DTZ001 - it has none
        value = dt.datetime.fromisoformat(stored)
        if value.tzinfo is None or value.tzinfo is dt.UTC:
            return value
        return value.astimezone(dt.UTC)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", operators=ORDER, stored="ISO 8601 text")


def _date(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        return _of(dt.date, value).isoformat()

    def decode(stored: Any) -> dt.date:
        if type(stored) is int:  # a native date()
            return dt.date(1970, 1, 1) + dt.timedelta(seconds=stored)
        return dt.date.fromisoformat(stored)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", operators=ORDER, stored="ISO 8601 text")


def _time(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        naive = _of(dt.time, value)
        if naive.tzinfo is not None:
            raise ValueError("a time with a zone has no order as text; store a datetime, or a naive time")
        return naive.isoformat()

    def decode(stored: Any) -> dt.time:
        if type(stored) is int:  # a native localtime(): seconds since 1900-01-01
            return (dt.datetime(1900, 1, 1) + dt.timedelta(seconds=stored + 2208988800)).time()  # noqa: DTZ001
        return dt.time.fromisoformat(stored)

    return Codec(encode=encode, decode=decode, cell="{c}[1]", operators=ORDER, stored="ISO 8601 text")


_MICROSECOND = dt.timedelta(microseconds=1)


def _timedelta(_: FieldType) -> Codec:
    def encode(value: Any) -> int:
        count = _of(dt.timedelta, value) // _MICROSECOND
        if not -_INT64 <= count < _INT64:
            raise ValueError(f"{value} has more microseconds than fit into 64 bits")
        return count

    def decode(stored: Any) -> dt.timedelta:
        return dt.timedelta(microseconds=stored)

    # sum() and avg() answer with a double.
    cell = "({c}[1] if {c}[0] != 5 else float({c}[1]))"
    return Codec(encode=encode, decode=decode, cell=cell, operators=_ARITHMETIC, stored="microseconds")


# -- enums, documents, lists --------------------------------------------------------------------


def _enum(type_: FieldType) -> Codec:
    members: type[Enum] = type_.python
    by_value: dict[Any, Enum] = {}
    for member in members:
        if type(member.value) not in (str, int, float, bool):
            raise MetadataError(
                f"{members.__name__}.{member.name} has a value of type {type(member.value).__name__}: only"
                " text, numbers and booleans can be stored; give the field a converter"
            )
        by_value[_enum_key(member.value)] = member

    def encode(value: Any) -> Any:
        if not isinstance(value, members):
            raise TypeError(f"expected a member of {members.__name__}, not {type(value).__name__}")
        return value.value

    def decode(cell: Any) -> Enum:
        value = scalar(cell)
        try:
            return by_value[_enum_key(value)]
        except (KeyError, TypeError):
            pass
        try:
            return members(value)  # a combined flag, or an enum's own _missing_
        except ValueError:
            raise ValueError(f"the database has {value!r}, which is no value of {members.__name__}") from None

    textual = all(type(member.value) is str for member in members)
    operators = ORDER | TEXT if textual else ORDER
    return Codec(encode=encode, decode=decode, cell=_NULLABLE_CELL, operators=operators, stored="its value")


def _enum_key(value: Any) -> Any:
    # 1, 1.0 and True are one key to a dict; a double comes back with 15 digits.
    return (type(value), float(f"{value:.15g}") if type(value) is float else value)


def _json(_: FieldType) -> Codec:
    def encode(value: Any) -> str:
        _check_json(value, "$", 0)
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate survives as an escape
            text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        return text

    return Codec(encode=encode, decode=json.loads, cell="{c}[1]", operators=EQUALITY, stored="JSON text")


_JSON_DEPTH = 100


def _check_json(value: Any, path: str, depth: int) -> None:
    kind = type(value)
    if kind in (str, int, bool, type(None)):
        return
    if depth > _JSON_DEPTH:
        raise ValueError(f"nested deeper than {_JSON_DEPTH} levels")
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} at {path} is not a finite number")
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"the key {key!r} at {path} is not text: JSON would change it")
            _check_json(item, f"{path}.{key}", depth + 1)
    elif kind is list:
        for number, item in enumerate(value):
            _check_json(item, f"{path}[{number}]", depth + 1)
    else:
        raise TypeError(f"a {kind.__name__} at {path} does not come back from JSON as it is")


_CONTAINERS: tuple[type, ...] = (tuple, set, frozenset)


def _list(type_: FieldType) -> Codec:
    if type_.item is None:
        raise MetadataError("a list field needs the type of its items")
    item = make_codec(type_.item)
    container: type = type_.python if type_.python in _CONTAINERS else list

    def encode(value: Any) -> list[Any]:
        items: Iterable[Any] = _of(container, value)
        return [encode_item(number, each) for number, each in enumerate(items)]

    def encode_item(number: int, each: Any) -> Any:
        if each is None:
            raise ValueError(f"item {number} is None, which FalkorDB does not store in a list")
        try:
            if type(each) in item.exact:
                return _clean(each)
            if item.encode is None:
                raise TypeError(f"expected {_title(type_.item)}, not {type(each).__name__}")
            return _clean(item.encode(each))
        except TypeError as error:
            raise TypeError(f"item {number}: {error}") from error
        except ValueError as error:
            raise ValueError(f"item {number}: {error}") from error

    namespace: dict[str, Any] = {"decode": item.decode, "container": container}
    each = item.cell.format(c="x")
    if item.decode is not None:
        each = f"decode({each})"
    items = f"[{each} for x in cells]"
    if container is not list:
        items = f"container({items})"
    # Made of the templates of this module alone.
    source = compile(f"lambda cells: {items}", "<decoder of a list>", "eval")
    decode: Callable[[Any], Any] = eval(source, namespace)  # noqa: S307
    return Codec(encode=encode, decode=decode, cell=_NULLABLE_VALUE, operators=EQUALITY, stored="list")


def _title(type_: FieldType | None) -> str:
    python = None if type_ is None else type_.python
    return getattr(python, "__name__", "another type")


def _clean(value: Any) -> Any:
    """``value``, if the server keeps it unchanged; the mapper checks this of values outside of lists."""
    kind = type(value)
    if kind is str:
        if "\0" in value:
            raise ValueError(f"text with a NUL character at offset {value.index(chr(0))} cannot be stored")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text with a lone surrogate at offset {error.start} cannot be stored"
            ) from error
    elif kind is int and not -_INT64 <= value < _INT64:
        raise ValueError("an integer outside of 64 bits")
    elif kind is float and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value


# -- vectors and points -------------------------------------------------------------------------


def _vector(_: FieldType) -> Codec:
    def encode(value: Any) -> list[float]:
        if not isinstance(value, list):
            raise TypeError(f"expected a Vector or a list of floats, not {type(value).__name__}")
        numbers: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return [_float32(number, each) for number, each in enumerate(numbers)]

    def decode(items: Any) -> Any:
        from runic.orm.core.types import Vector

        return Vector(map(float, items))

    return Codec(
        encode=encode,
        decode=decode,
        cell=_NULLABLE_VALUE,
        writes=(("", "vecf32({v})"),),
        compare=("", "vecf32({v})"),
        operators=NULL_TESTS,
        stored="vector of 32-bit floats",
    )


def _float32(number: int, value: Any) -> float:
    if type(value) not in (float, int):
        raise TypeError(f"item {number} is of type {type(value).__name__}, not a float")
    try:
        struct.pack("<f", value)
    except (OverflowError, struct.error):
        raise ValueError(f"item {number} ({value}) is beyond the 32-bit floats of a vector") from None
    if not math.isfinite(value):
        raise ValueError(f"item {number} ({value}) is not a finite number")
    return float(value)


def _point(_: FieldType) -> Codec:
    """A native point keeps 32-bit floats only, so a companion property has the exact text.

    The companion counts only while it agrees with the point at that precision: when another client
    moves the point, the point is right.
    """

    def encode(value: Any) -> list[Any]:
        latitude, longitude = _coordinates(value)
        return [{"latitude": latitude, "longitude": longitude}, f"{latitude!r} {longitude!r}"]

    def compared(value: Any) -> str:
        latitude, longitude = _coordinates(value)
        return f"{latitude!r} {longitude!r}"

    def decode(cells: Any) -> Any:
        from runic.orm.core.types import GeoLocation

        latitude, longitude = map(float, cells[0][1])
        exact = cells[1][1]
        if exact is not None:
            words = str(exact).split(" ")
            if len(words) == 2:
                first, second = map(float, words)
                if _pack32(first) == _pack32(latitude) and _pack32(second) == _pack32(longitude):
                    latitude, longitude = first, second
        return GeoLocation(latitude, longitude)

    return Codec(
        encode=encode,
        decode=decode,
        cell="(None if {c}[1][0][0] == 1 else {c}[1])",
        # point(null) is null, but nulls inside of its map are refused, in an untaken CASE branch too.
        writes=(("", "point({v}[0])"), (EXACT_SUFFIX, "{v}[1]")),
        read="[{p}, {p1}]",
        compare=(EXACT_SUFFIX, "{v}"),
        compare_encode=compared,
        operators=EQUALITY,
        stored="point, and its exact text beside it",
    )


def _coordinates(value: Any) -> tuple[float, float]:
    try:
        latitude, longitude = value.latitude, value.longitude
    except AttributeError:
        raise TypeError(f"expected a GeoLocation, not {type(value).__name__}") from None
    for name, number, limit in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if type(number) not in (float, int):
            raise TypeError(f"the {name} is of type {type(number).__name__}, not a float")
        if not -limit <= number <= limit:
            raise ValueError(f"the {name} {number} is outside of -{limit} to {limit}")
    return float(latitude), float(longitude)


def _pack32(value: float) -> bytes:
    return struct.pack("<f", value + 0.0)  # -0.0 and 0.0 are one place


# -- the rest -----------------------------------------------------------------------------------

_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def _custom(type_: FieldType) -> Codec:
    converter: TypeConverter | None = type_.converter
    if converter is None:
        raise MetadataError("a custom field needs its converter")
    template = "{v}"
    function = getattr(converter, "cypher_fn", None)
    if function is not None:
        if not _FUNCTION.fullmatch(function):
            raise MetadataError(f"cypher_fn {function!r} of {type(converter).__name__} is no function name")
        template = f"{function}({{v}})"

    def decode(cell: Any) -> Any:
        return converter.from_graph(scalar(cell))

    return Codec(
        encode=converter.to_graph,
        decode=decode,
        cell=_NULLABLE_CELL,
        writes=(("", template),),
        compare=("", template),
        operators=ALL_OPERATORS,
        stored=f"what {type(converter).__name__} makes of it",
    )


def _any(_: FieldType) -> Codec:
    return Codec(
        exact=(str, int, float, bool),
        encode=_storable_list,
        decode=scalar,
        cell=_NULLABLE_CELL,
        operators=ALL_OPERATORS,
        stored="as it is",
    )


def _storable_list(value: Any, depth: int = 0) -> Any:
    if type(value) in (str, int, float, bool):
        return _clean(value)
    if type(value) is not list:
        raise TypeError(f"a value of type {type(value).__name__} cannot be stored as it is; declare its type")
    if depth > 50:
        raise ValueError("lists are nested deeper than 50 levels")
    items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    if None in items:
        raise ValueError(f"item {items.index(None)} is None, which FalkorDB does not store in a list")
    return [_storable_list(item, depth + 1) for item in items]


_TEXTUAL = frozenset({Kind.STRING, Kind.ENUM, Kind.UUID, Kind.DECIMAL, Kind.BYTES, Kind.DATE, Kind.CUSTOM})

_makers: dict[Kind, Callable[[FieldType], Codec]] = {
    Kind.STRING: _string,
    Kind.INTEGER: _integer,
    Kind.FLOAT: _float,
    Kind.EXACT_FLOAT: _exact_float,
    Kind.BOOLEAN: _boolean,
    Kind.BYTES: _bytes,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMEDELTA: _timedelta,
    Kind.DECIMAL: _decimal,
    Kind.UUID: _uuid,
    Kind.ENUM: _enum,
    Kind.JSON: _json,
    Kind.LIST: _list,
    Kind.VECTOR: _vector,
    Kind.POINT: _point,
    Kind.CUSTOM: _custom,
    Kind.ANY: _any,
}
