"""How Neo4j stores each kind of value: times, places and bytes natively, the rest as everywhere.

Times travel as text and are made and read by the server: the client takes several times as long to
build one (6.4). The Cypher templates are ``str.format`` templates.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import EQUALITY, ORDER, Codec
from runic.orm.compile.codecs import Cells, Codecs, exactly, native_bytes
from runic.orm.compile.codecs.containers import list_
from runic.orm.compile.codecs.times import naive_time, utc
from runic.orm.compile.codecs.vectors import degrees_of
from runic.orm.core.kinds import FieldType, Kind

from ..bolt.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CODECS"]

_CELLS = Cells(plain=plain)
#: What a converter may name in ``cypher_fn``: the constructors that the server has.
_FUNCTIONS = frozenset(
    {"point", "date", "datetime", "localdatetime", "time", "localtime", "duration", "toString", "toInteger"}
    | {"toFloat", "toLower", "toUpper", "trim"}
)


def _datetime(_: FieldType) -> Codec:
    """An instant as a zoned datetime in UTC, a naive one as a local datetime.

    Always UTC: two equal instants of different zones are not equal to the server (5.26, 2026.08).
    """

    def encode(value: Any) -> str:
        moment = utc(value)
        if moment.tzinfo is None:
            return moment.isoformat()
        return f"{moment.replace(tzinfo=None).isoformat()}Z"

    def decode(stored: Any) -> dt.datetime:
        if type(stored) is str:
            # Another client may have stored a named zone: 2026-01-01T00:00+01:00[Europe/Berlin]
            stored = dt.datetime.fromisoformat(stored.partition("[")[0])
        return utc(stored)

    return Codec(
        encode=encode,
        trusted=frozenset({dt.datetime}),
        decode=decode,
        writes=(("", "CASE WHEN {v} ENDS WITH 'Z' THEN datetime({v}) ELSE localdatetime({v}) END"),),
        read="toString({p})",
        compare_encode=utc,
        operators=ORDER,
        stored="datetime",
    )


def _native(
    function: str,
    check: Callable[[Any], Any],
    kind: type[Any],
    read: Callable[[str], Any],
) -> Codec:
    def decode(stored: Any) -> Any:
        return read(stored) if type(stored) is str else check(stored)

    return Codec(
        encode=lambda value: check(value).isoformat(),
        trusted=frozenset({kind}) if kind is dt.date else frozenset(),
        decode=decode,
        writes=(("", f"{function}({{v}})"),),
        read="toString({p})",
        compare_encode=check,
        operators=ORDER,
        stored=function,
    )


def _date(_: FieldType) -> Codec:
    return _native("date", lambda value: exactly(dt.date, value), dt.date, dt.date.fromisoformat)


def _time(_: FieldType) -> Codec:
    return _native("localtime", naive_time, dt.time, dt.time.fromisoformat)


def _point(_: FieldType) -> Codec:
    """A place as a native point, which keeps doubles."""
    from runic.orm.core.types import GeoLocation

    def encode(value: Any) -> dict[str, float]:
        latitude, longitude = degrees_of(value)
        return {"latitude": latitude, "longitude": longitude}

    def decode(stored: Any) -> Any:
        return stored if isinstance(stored, GeoLocation) else GeoLocation(stored[0], stored[1])

    return Codec(
        encode=encode,
        decode=decode,
        cell="(None if {c}[0] is None else {c})",
        writes=(("", "point({v})"),),
        read="[{p}.latitude, {p}.longitude]",
        compare=("", "point({v})"),
        operators=EQUALITY,
        stored="point",
    )


#: Items of lists have no Cypher of their own, and the server takes no list of byte arrays.
_ITEMS = Codecs(_CELLS, uniform_lists=True, functions=_FUNCTIONS)


def _list(type_: FieldType) -> Codec:
    return list_(type_, _CELLS, _ITEMS, uniform=True)


CODECS = Codecs(
    _CELLS,
    overrides={
        Kind.BYTES: native_bytes,
        Kind.DATETIME: _datetime,
        Kind.DATE: _date,
        Kind.TIME: _time,
        Kind.POINT: _point,
        Kind.LIST: _list,
    },
    uniform_lists=True,
    functions=_FUNCTIONS,
)
"""The codec of a field type; each is made once."""
