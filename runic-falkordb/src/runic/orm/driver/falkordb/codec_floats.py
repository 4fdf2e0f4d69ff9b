"""The codec of doubles that come back to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import Codec
from runic.orm.compile.codecs.scalars import ARITHMETIC, to_float

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["exact_float"]

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
        encode=to_float,
        decode=_join_halves,
        cell=cell,
        read=read,
        operators=ARITHMETIC,
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
