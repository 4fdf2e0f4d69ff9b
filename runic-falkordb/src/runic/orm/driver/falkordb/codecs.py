"""How FalkorDB stores each kind of value, and how the compact reply gives it back.

A cell of the compact reply is ``[type, value]``; the types are numbered in :mod:`.cells`. The
Cypher templates are ``str.format`` templates, so literal braces are doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import MetadataError

from . import codec_containers as containers
from . import codec_scalars as scalars
from . import codec_spatial as spatial

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec

__all__ = ["make_codec"]


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
        codec = replace(codec, writes=(("", "intern({v})"),))
    return codec


_TEXTUAL = frozenset({Kind.STRING, Kind.ENUM, Kind.UUID, Kind.DECIMAL, Kind.BYTES, Kind.DATE, Kind.CUSTOM})

_makers: dict[Kind, Callable[[FieldType], Codec]] = {
    Kind.STRING: scalars.string,
    Kind.INTEGER: scalars.integer,
    Kind.FLOAT: scalars.float_,
    Kind.EXACT_FLOAT: scalars.exact_float,
    Kind.BOOLEAN: scalars.boolean,
    Kind.BYTES: scalars.bytes_,
    Kind.DATETIME: scalars.datetime,
    Kind.DATE: scalars.date,
    Kind.TIME: scalars.time,
    Kind.TIMEDELTA: scalars.timedelta,
    Kind.DECIMAL: scalars.decimal,
    Kind.UUID: scalars.uuid_,
    Kind.ENUM: containers.enum,
    Kind.JSON: containers.json_,
    Kind.LIST: lambda type_: containers.list_(type_, make_codec),
    Kind.VECTOR: spatial.vector,
    Kind.POINT: spatial.point,
    Kind.CUSTOM: containers.custom,
    Kind.ANY: containers.any_,
}
