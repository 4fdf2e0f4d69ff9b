"""The codec of points, which the server keeps as 32-bit floats."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import EQUALITY, Codec
from runic.orm.compile.codecs.vectors import degrees_of

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["EXACT_SUFFIX", "point"]

EXACT_SUFFIX = "__exact"
"""Suffix of the companion property that keeps what a native point loses."""


def point(_: FieldType) -> Codec:
    """A native point keeps 32-bit floats only, so a companion property has the exact text.

    The companion counts only while it agrees with the point at that precision: when another client
    moves the point, the point is right.
    """

    def encode(value: Any) -> list[Any]:
        latitude, longitude = degrees_of(value)
        return [{"latitude": latitude, "longitude": longitude}, f"{latitude!r} {longitude!r}"]

    def compared(value: Any) -> str:
        latitude, longitude = degrees_of(value)
        return f"{latitude!r} {longitude!r}"

    def decode(cells: Any) -> Any:
        from runic.orm.core.types import GeoLocation

        latitude, longitude = map(float, cells[0][1])
        exact = cells[1][1]
        if exact is not None:
            words = str(exact).split(" ")
            if len(words) == 2:
                first, second = map(float, words)
                if _rounded(first) == _rounded(latitude) and _rounded(second) == _rounded(longitude):
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


def _rounded(value: float) -> float:
    """``value`` as a 32-bit float. -0.0 and 0.0 are equal: they are one place."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded
