"""How FalkorDB stores each kind of value, and how the compact reply gives it back.

A cell of the compact reply is ``[type, value]``; the types are numbered in :mod:`.cells`. The
Cypher templates are ``str.format`` templates, so literal braces are doubled.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from runic.orm.compile.codecs import Cells, Codecs, times, vectors
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import MetadataError

from .cells import scalar
from .codec_floats import exact_float
from .codec_points import point

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec

__all__ = ["CELLS", "make_codec"]

# sum() of integers answers with a double (4.22), hence the second case.
_NUMBER = "({c}[1] if {c}[0] != 5 else float({c}[1]))"

CELLS: Final = Cells(
    text="{c}[1]",
    integer=_NUMBER,
    double="(None if {c}[0] == 1 else float({c}[1]))",
    boolean='({c}[1] == "true" if {c}[0] == 4 else {c}[1])',
    items="(None if {c}[0] == 1 else {c}[1])",
    whole="(None if {c}[0] == 1 else {c})",
    plain=scalar,
    digits=15,
)
"""How the compact reply is read."""


def make_codec(type_: FieldType, interned: bool = False) -> Codec:
    """The codec of ``type_``.

    Args:
        type_: what the field holds.
        interned: store text through ``intern()``, which keeps one copy of equal strings.
    """
    codec = _CODECS(type_)
    if interned:
        if type_.kind not in _TEXTUAL:
            raise MetadataError(f"interned=True needs a field that is stored as text, not {type_.kind.name}")
        codec = replace(codec, writes=(("", "intern({v})"),))
    return codec


_TEXTUAL = frozenset({Kind.STRING, Kind.ENUM, Kind.UUID, Kind.DECIMAL, Kind.BYTES, Kind.DATE, Kind.CUSTOM})


# Other clients of the graph may have stored times natively: whole seconds, and no zone (4.22).


def _native_datetime(seconds: Any) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)  # noqa: DTZ001 - it has none


def _native_date(seconds: Any) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(seconds=seconds)


def _native_time(seconds: Any) -> dt.time:
    """From the seconds since 1970 of that time on 1900-01-01."""
    return (dt.datetime(1900, 1, 1) + dt.timedelta(seconds=seconds + 2208988800)).time()  # noqa: DTZ001


def _datetime(_: FieldType) -> Codec:
    return times.datetime(CELLS, _native_datetime)


def _date(_: FieldType) -> Codec:
    return times.date(CELLS, _native_date)


def _time(_: FieldType) -> Codec:
    return times.time(CELLS, _native_time)


def _vector(type_: FieldType) -> Codec:
    # The server takes a vector of another length, and does not index it (4.22).
    return vectors.vector(CELLS, "vecf32({v})", dimension=type_.dimension)


_CODECS = Codecs(
    CELLS,
    overrides={
        Kind.EXACT_FLOAT: exact_float,
        Kind.DATETIME: _datetime,
        Kind.DATE: _date,
        Kind.TIME: _time,
        Kind.VECTOR: _vector,
        Kind.POINT: point,
    },
)
