"""How Memgraph stores each kind of value, by its documentation: times and places natively.

An aware datetime is a ZonedDateTime in UTC, a naive one a LocalDateTime; both keep microseconds, as do
Date and LocalTime. There is no type for bytes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from runic.orm.compile.codec import EQUALITY, ORDER, Codec
from runic.orm.compile.codecs import Cells, Codecs
from runic.orm.compile.codecs.times import utc
from runic.orm.core.kinds import Kind

from ..bolt.codecs import native_date, native_time, place
from ..bolt.values import plain

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["CODECS"]

#: What ``cypher_fn`` of a user's converter may name; ``vecf32`` and ``intern`` are other servers'.
_FUNCTIONS = frozenset(
    {"point", "date", "localTime", "localDateTime", "datetime", "duration", "toString", "toInteger"}
    | {"toFloat", "toLower", "toUpper", "trim"}
)


def _datetime(_: FieldType) -> Codec:
    def decode(cell: Any) -> dt.datetime:
        # Text, where another client wrote it.
        return utc(dt.datetime.fromisoformat(cell) if type(cell) is str else plain(cell))

    trusted = frozenset({dt.datetime})
    return Codec(encode=utc, trusted=trusted, decode=decode, operators=ORDER, stored="datetime")


def _point(_: FieldType) -> Codec:
    return Codec(
        encode=place,
        decode=plain,
        writes=(("", "point({v})"),),
        compare=("", "point({v})"),
        operators=EQUALITY,
        stored="point",
    )


CODECS: Final = Codecs(
    Cells(plain=plain),
    overrides={Kind.DATETIME: _datetime, Kind.DATE: native_date, Kind.TIME: native_time, Kind.POINT: _point},
    functions=_FUNCTIONS,
)
"""Field type -> codec."""
