"""How ArcadeDB stores each kind of value (tried on 26.10).

A datetime is text: the server drops the zone of an aware one. Dates, times of day and bytes are native,
as it keeps them exactly. Places go through ``point()``: one that is sent as a point of the client's own is
stored in another form, and the two are never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from runic.orm.compile.codec import EQUALITY, Codec
from runic.orm.compile.codecs import Cells, Codecs, native_bytes
from runic.orm.core.kinds import Kind

from ..bolt.codecs import native_date, native_time, place
from ..bolt.values import plain

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType
    from runic.orm.core.types import GeoLocation

__all__ = ["CODECS"]

#: What ``cypher_fn`` of a user's converter may name; ``vecf32`` and ``intern`` are other servers'.
_FUNCTIONS = frozenset(
    {"point", "date", "localtime", "localdatetime", "toString", "toInteger", "toFloat", "toLower", "toUpper"}
)


def _point(_: FieldType) -> Codec:
    def decode(cell: Any) -> GeoLocation:
        from runic.orm.core.types import GeoLocation

        if isinstance(cell, dict):
            place = cast("dict[str, float]", cell)
            return GeoLocation(place["latitude"], place["longitude"])
        return GeoLocation(cell.latitude, cell.longitude)

    return Codec(
        encode=place,
        decode=decode,
        writes=(("", "point({v})"),),
        compare=("", "point({v})"),
        operators=EQUALITY,
        stored="point",
    )


CODECS: Final = Codecs(
    Cells(plain=plain),
    overrides={Kind.DATE: native_date, Kind.TIME: native_time, Kind.BYTES: native_bytes, Kind.POINT: _point},
    functions=_FUNCTIONS,
)
"""Field type -> codec."""
