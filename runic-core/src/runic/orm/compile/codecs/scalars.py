"""Codecs of numbers, text and bytes."""

from __future__ import annotations

import base64
import math
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import ORDER, TEXT, Codec
from runic.orm.compile.codecs.cells import PLAIN, Cells

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = [
    "ARITHMETIC",
    "INT64",
    "base64_bytes",
    "boolean",
    "clean",
    "decimal",
    "exactly",
    "float_",
    "integer",
    "native_bytes",
    "string",
    "to_float",
    "uuid_",
]

INT64 = 2**63
"""One more than the largest integer that a database keeps."""
ARITHMETIC = ORDER | {"sum", "avg"}


def exactly[T](type_: type[T], value: Any) -> T:
    """``value`` if it is exactly of ``type_``: a subclass would not come back as itself.

    Raises:
        TypeError: it is of another type.
    """
    if type(value) is not type_:
        raise TypeError(f"expected {type_.__name__}, not {type(value).__name__}")
    return value


def clean(value: Any) -> Any:
    """``value``, if servers keep it unchanged; the mapper checks this of values outside of lists.

    Raises:
        ValueError: text with a NUL or a lone surrogate, an integer beyond 64 bits, NaN or infinity.
    """
    given: object = value
    kind = type(given)
    if kind is str:
        if "\0" in value:
            raise ValueError(f"text with a NUL character at offset {value.index(chr(0))} cannot be stored")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text with a lone surrogate at offset {error.start} cannot be stored"
            ) from error
    elif kind is int and not -INT64 <= value < INT64:
        raise ValueError("an integer outside of 64 bits")
    elif kind is float and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value


def string(cells: Cells) -> Codec:
    """Text as it is."""
    return Codec(exact=(str,), cell=cells.text, operators=ORDER | TEXT, stored="text")


def integer(cells: Cells) -> Codec:
    """Integers of 64 bits."""
    return Codec(exact=(int,), cell=cells.integer, operators=ARITHMETIC, stored="64-bit integer")


def float_(cells: Cells) -> Codec:
    """Doubles; an integer becomes one if it is one exactly."""
    return Codec(exact=(float,), encode=to_float, cell=cells.double, operators=ARITHMETIC, stored="double")


def to_float(value: Any) -> float:
    """An integer as the double that is equal to it.

    Raises:
        TypeError: it is no integer.
        ValueError: no double is equal to it.
    """
    if type(value) is not int:
        raise TypeError(f"expected a float, not {type(value).__name__}")
    converted = float(value)
    if int(converted) != value:
        raise ValueError(f"the integer {value} is no exact double")
    return converted


def boolean(cells: Cells) -> Codec:
    """Booleans."""
    return Codec(exact=(bool,), cell=cells.boolean, operators=ORDER, stored="boolean")


def base64_bytes(cells: Cells) -> Codec:
    """Bytes as base64 text."""

    def encode(value: Any) -> str:
        return base64.b64encode(exactly(bytes, value)).decode("ascii")

    def decode(text: str) -> bytes:
        return base64.b64decode(text, validate=True)

    return Codec(encode=encode, decode=decode, cell=cells.text, stored="base64 text")


def native_bytes(_: FieldType) -> Codec:
    """Bytes as the server's own bytes, for clients that deliver them as ``bytes``."""
    return Codec(exact=(bytes,), cell=PLAIN.text, stored="bytes")


def decimal(cells: Cells) -> Codec:
    """Decimals as they are written."""

    def encode(value: Any) -> str:
        if not exactly(Decimal, value).is_finite():
            raise ValueError(f"{value} is not a finite number")
        return str(value)

    return Codec(encode=encode, decode=Decimal, cell=cells.text, stored="decimal text")


def uuid_(cells: Cells) -> Codec:
    """UUIDs as text."""

    def encode(value: Any) -> str:
        return str(exactly(uuid.UUID, value))

    trusted = frozenset({uuid.UUID})
    return Codec(encode=encode, trusted=trusted, decode=uuid.UUID, cell=cells.text, stored="text")
