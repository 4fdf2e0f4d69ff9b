"""Codecs of vectors and points, which the server keeps as 32-bit floats."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import EQUALITY, NULL_TESTS, Codec

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["EXACT_SUFFIX", "point", "vector"]

EXACT_SUFFIX = "__exact"
"""Suffix of the companion property that keeps what a native point loses."""

_NULLABLE_VALUE = "(None if {c}[0] == 1 else {c}[1])"


def vector(type_: FieldType) -> Codec:
    """Vectors in the server's own type."""
    dimension = type_.dimension

    def encode(value: Any) -> list[float]:
        if not isinstance(value, list):
            raise TypeError(f"expected a Vector or a list of floats, not {type(value).__name__}")
        numbers: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        if dimension is not None and len(numbers) != dimension:
            # The server takes it, and does not index it (4.22).
            raise ValueError(
                f"the vector has {len(numbers)} numbers, and the field's dimension is {dimension}"
            )
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


def point(_: FieldType) -> Codec:
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


def _rounded(value: float) -> float:
    """``value`` as a 32-bit float. -0.0 and 0.0 are equal: they are one place."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded
