"""Codecs of vectors and places."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import NULL_TESTS, Codec

if TYPE_CHECKING:
    from runic.orm.compile.codecs.cells import Cells

__all__ = ["degrees_of", "numbers_of", "vector"]


def vector(cells: Cells, template: str = "{v}", *, dimension: int | None = None) -> Codec:
    """Vectors as lists of numbers of 32 bits.

    Args:
        cells: how the reply's cells are read.
        template: Cypher template over ``{v}``, the list, for servers with a type of their own.
        dimension: how many numbers a vector has; one of another length is refused.
    """

    def encode(value: Any) -> list[float]:
        numbers = numbers_of(value)
        if dimension is not None and len(numbers) != dimension:
            raise ValueError(f"a vector of {len(numbers)} numbers, where the field has {dimension}")
        return numbers

    def decode(items: Any) -> Any:
        from runic.orm.core.types import Vector

        return Vector(map(float, items))

    return Codec(
        encode=encode,
        decode=decode,
        cell=cells.items,
        writes=(("", template),),
        compare=("", template),
        operators=NULL_TESTS,
        stored="vector of 32-bit floats",
    )


def numbers_of(value: Any) -> list[float]:
    """The numbers of a vector.

    Raises:
        TypeError: it is no list of numbers.
        ValueError: a number is not finite, or beyond 32-bit floats.
    """
    if not isinstance(value, list):
        raise TypeError(f"expected a Vector or a list of floats, not {type(value).__name__}")
    numbers: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    return [_float32(number, each) for number, each in enumerate(numbers)]


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


def degrees_of(value: Any) -> tuple[float, float]:
    """Latitude and longitude of a place.

    Raises:
        TypeError: it is no place.
        ValueError: a coordinate is out of range.
    """
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
