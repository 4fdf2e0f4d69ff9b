"""Standard openCypher: what statements are shown in when no backend is named. No server speaks it.

Every capability is there, and values have the stored forms that most backends share.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from runic.orm.compile.codec import ALL_OPERATORS, EQUALITY, NULL_TESTS, ORDER, TEXT, Codec
from runic.orm.compile.dialect import Capability, Dialect
from runic.orm.core.kinds import FieldType, Kind

if TYPE_CHECKING:
    from enum import Enum

    from runic.orm.core.types import TypeConverter

__all__ = ["STANDARD", "StandardDialect"]

_ARITHMETIC = ORDER | {"sum", "avg"}
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardDialect(Dialect):
    """Standard openCypher; see the module."""

    name: str = "openCypher"
    capabilities: frozenset[Capability] = frozenset(Capability)
    fulltext: str | None = "CALL db.idx.fulltext.queryNodes({label}, {query}) YIELD node AS {v}"
    vector: str | None = (
        "CALL db.idx.vector.queryNodes({label}, {property}, {k}, {vector}) YIELD node AS {v}, score AS {s}"
    )
    vector_exact: Mapping[str, str] = field(
        default_factory=lambda: {
            "cosine": "vector.similarity.cosine({p}, {vector})",
            "euclidean": "vector.similarity.euclidean({p}, {vector})",
        }
    )

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type."""
        return _codec(type_)


@lru_cache(maxsize=1024)
def _codec(type_: FieldType) -> Codec:
    if type_.kind is Kind.ENUM:
        return _enum(type_.python)
    if type_.kind is Kind.LIST and type_.item is not None:
        return _list(_codec(type_.item))
    if type_.kind is Kind.CUSTOM and type_.converter is not None:
        return _custom(type_.converter)
    return _CODECS[type_.kind]


def _of[T](kind: type[T], convert: Callable[[T], Any]) -> Callable[[Any], Any]:
    def encode(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, not {type(value).__name__}")
        return convert(value)

    return encode


def _datetime(value: Any) -> str:
    if type(value) is not dt.datetime:
        raise TypeError(f"expected datetime, not {type(value).__name__}")
    return (value if value.tzinfo is None else value.astimezone(dt.UTC)).isoformat()


def _text(value: Any) -> str:
    """A Decimal or a UUID as text; their own types only, whose ``str()`` is known."""
    from decimal import Decimal
    from uuid import UUID

    if type(value) is not Decimal and type(value) is not UUID:
        raise TypeError(f"expected Decimal or UUID, not {type(value).__name__}")
    return str(value)


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list):
        raise TypeError(f"expected Vector, not {type(value).__name__}")
    return [float(number) for number in cast("list[float]", value)]


def _place(value: Any) -> dict[str, float]:
    return {"latitude": value.latitude, "longitude": value.longitude}


def _enum(members: type[Enum]) -> Codec:
    def encode(value: Any) -> Any:
        if not isinstance(value, members):
            raise TypeError(f"expected a member of {members.__name__}, not {type(value).__name__}")
        return value.value

    textual = all(type(member.value) is str for member in members)
    return Codec(
        encode=encode, decode=members, operators=ORDER | TEXT if textual else ORDER, stored="its value"
    )


def _list(item: Codec) -> Codec:
    def encode(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple | set | frozenset):
            raise TypeError(f"expected list, not {type(value).__name__}")
        members = cast("Iterable[object]", value)
        convert = item.encode
        return [each if type(each) in item.exact or convert is None else convert(each) for each in members]

    return Codec(encode=encode, operators=EQUALITY, stored="list")


def _custom(converter: TypeConverter) -> Codec:
    template = f"{converter.cypher_fn}({{v}})" if converter.cypher_fn else "{v}"
    return Codec(
        encode=converter.to_graph,
        decode=converter.from_graph,
        writes=(("", template),),
        compare=("", template),
        operators=ALL_OPERATORS,
        stored=f"what {type(converter).__name__} makes of it",
    )


_FLOAT = Codec(exact=(float,), operators=_ARITHMETIC, stored="double")
_CODECS: dict[Kind, Codec] = {
    Kind.STRING: Codec(exact=(str,), operators=ORDER | TEXT, stored="text"),
    Kind.INTEGER: Codec(exact=(int,), operators=_ARITHMETIC, stored="64-bit integer"),
    Kind.FLOAT: _FLOAT,
    Kind.EXACT_FLOAT: _FLOAT,
    Kind.BOOLEAN: Codec(exact=(bool,), operators=ORDER, stored="boolean"),
    Kind.BYTES: Codec(
        encode=_of(bytes, lambda value: base64.b64encode(value).decode("ascii")),
        decode=base64.b64decode,
        stored="base64 text",
    ),
    Kind.DATETIME: Codec(
        encode=_datetime, decode=dt.datetime.fromisoformat, operators=ORDER, stored="ISO 8601 text"
    ),
    Kind.DATE: Codec(
        encode=_of(dt.date, dt.date.isoformat),
        decode=dt.date.fromisoformat,
        operators=ORDER,
        stored="ISO 8601 text",
    ),
    Kind.TIME: Codec(
        encode=_of(dt.time, dt.time.isoformat),
        decode=dt.time.fromisoformat,
        operators=ORDER,
        stored="ISO 8601 text",
    ),
    Kind.TIMEDELTA: Codec(
        encode=_of(dt.timedelta, lambda value: value // _MICROSECOND),
        decode=lambda value: dt.timedelta(microseconds=value),
        operators=_ARITHMETIC,
        stored="microseconds",
    ),
    Kind.DECIMAL: Codec(encode=_text, stored="decimal text"),
    Kind.UUID: Codec(encode=_text, stored="text"),
    Kind.JSON: Codec(encode=json.dumps, decode=json.loads, stored="JSON text"),
    Kind.VECTOR: Codec(
        encode=_numbers,
        writes=(("", "vecf32({v})"),),
        compare=("", "vecf32({v})"),
        operators=NULL_TESTS,
        stored="vector",
    ),
    Kind.POINT: Codec(
        encode=_place, writes=(("", "point({v})"),), compare=("", "point({v})"), stored="point"
    ),
    Kind.ANY: Codec(exact=(str, int, float, bool, list), operators=ALL_OPERATORS, stored="as it is"),
}

#: The one that statements are shown in.
STANDARD: Final = StandardDialect()
