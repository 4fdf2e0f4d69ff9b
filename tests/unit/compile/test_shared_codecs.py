"""The stored forms that backends share: what is stored, what comes back, and what is refused."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runic.orm.compile.codec import Codec
from runic.orm.compile.codecs import Cells, Codecs, native_bytes
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.types import TypeConverter, Vector
from runic.orm.exceptions import MetadataError

PLAIN = Codecs()
#: A client that delivers (type, value) pairs.
PAIRS = Codecs(
    Cells(
        text="{c}[1]",
        integer="{c}[1]",
        double="{c}[1]",
        boolean="{c}[1]",
        items="{c}[1]",
        whole="(None if {c}[1] is None else {c})",
        plain=lambda cell: cell[1],
    )
)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Number(enum.Enum):
    ONE = 1
    ONE_AND_A_BIT = 1.0 + 2**-52
    TRUE = True


class Money(TypeConverter):
    cypher_fn = "vecf32"

    def to_graph(self, value: Any) -> Any:
        return f"{value} EUR"

    def from_graph(self, value: Any) -> Any:
        return value.removesuffix(" EUR")


def of(kind: Kind, python: Any = object, **rest: Any) -> FieldType:
    return FieldType(kind, python, **rest)


def store(codec: Codec, value: Any) -> Any:
    if type(value) in codec.exact:
        return value
    assert codec.encode is not None
    return codec.encode(value)


def read(codec: Codec, cell: Any) -> Any:
    """What the mapper's hydrator makes of a cell."""
    value = eval(codec.cell.format(c="cell"), {"cell": cell})
    return value if value is None or codec.decode is None else codec.decode(value)


def list_of(kind: Kind, python: Any = object, container: type = list) -> FieldType:
    return of(Kind.LIST, container, item=of(kind, python))


NOON = dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)
STORED: list[tuple[FieldType, Any, Any]] = [
    (of(Kind.STRING), "a", "a"),
    (of(Kind.INTEGER), 2**63 - 1, 2**63 - 1),
    (of(Kind.FLOAT), 0.1 + 0.2, 0.1 + 0.2),
    (of(Kind.EXACT_FLOAT), 0.1 + 0.2, 0.1 + 0.2),
    (of(Kind.BOOLEAN), False, False),
    (of(Kind.BYTES), b"\x00\xff", "AP8="),
    (of(Kind.DATETIME), NOON, "2020-07-01T12:00:00+00:00"),
    (of(Kind.DATETIME), NOON.replace(tzinfo=None, microsecond=1), "2020-07-01T12:00:00.000001"),
    (of(Kind.DATE), dt.date(1, 1, 1), "0001-01-01"),
    (of(Kind.TIME), dt.time(23, 59, 59, 999999), "23:59:59.999999"),
    (of(Kind.TIMEDELTA), dt.timedelta(days=-1, microseconds=1), -86399999999),
    (of(Kind.DECIMAL), Decimal("1.10E+5"), "1.10E+5"),
    (of(Kind.UUID), uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (of(Kind.ENUM, Color), Color.BLUE, "blue"),
    (of(Kind.ENUM, Number), Number.ONE, 1),
    (of(Kind.ENUM, Number), Number.ONE_AND_A_BIT, 1.0 + 2**-52),
    (of(Kind.JSON), {"é": [1, None]}, '{"é":[1,null]}'),
    (list_of(Kind.UUID), [uuid.UUID(int=5)], ["00000000-0000-0000-0000-000000000005"]),
    (list_of(Kind.STRING, container=tuple), ("a", "b"), ["a", "b"]),
    (of(Kind.VECTOR), Vector([0.5, -1]), [0.5, -1.0]),
    (of(Kind.CUSTOM, converter=Money()), "5", "5 EUR"),
    (of(Kind.ANY), [1, [2]], [1, [2]]),
]


@pytest.mark.parametrize(("type_", "value", "stored"), STORED, ids=lambda each: repr(each)[:30])
def test_a_value_is_stored_as_documented_and_reads_back(type_: FieldType, value: Any, stored: Any) -> None:
    codec = PLAIN(type_)
    assert store(codec, value) == stored
    back = read(codec, stored)
    assert back == value
    assert type(back) is type(value)
    assert read(codec, None) is None


def test_an_instant_of_any_zone_comes_back_in_utc() -> None:
    codec = PLAIN(of(Kind.DATETIME))
    berlin = dt.datetime(2020, 7, 1, 14, tzinfo=ZoneInfo("Europe/Berlin"))
    assert store(codec, berlin) == "2020-07-01T12:00:00+00:00"
    assert read(codec, "2020-07-01T14:00:00+02:00").tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("kind", "stored", "value"),
    [
        (Kind.STRING, "a", "a"),
        (Kind.UUID, "00000000-0000-0000-0000-000000000005", uuid.UUID(int=5)),
        (Kind.ANY, 5, 5),
        (Kind.VECTOR, [1.0], Vector([1])),
    ],
)
def test_cells_are_read_as_the_client_delivers_them(kind: Kind, stored: Any, value: Any) -> None:
    codec = PAIRS(of(kind))
    assert read(codec, ["?", stored]) == value
    assert read(codec, ["?", None]) is None


def test_items_of_lists_are_read_as_cells_too() -> None:
    assert read(PAIRS(list_of(Kind.ENUM, Color)), ["?", [["?", "red"], ["?", "blue"]]]) == [
        Color.RED,
        Color.BLUE,
    ]
    assert read(PAIRS(list_of(Kind.STRING, container=set)), ["?", [["?", "x"]]]) == {"x"}


REFUSED: list[tuple[FieldType, Any]] = [
    (of(Kind.FLOAT), 2**53 + 1),
    (of(Kind.BYTES), bytearray(b"x")),
    (of(Kind.DATETIME), dt.date(2020, 1, 1)),
    (of(Kind.DATETIME), dt.datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))),
    (of(Kind.TIME), dt.time(1, tzinfo=dt.UTC)),
    (of(Kind.TIMEDELTA), dt.timedelta.max),
    (of(Kind.DECIMAL), Decimal("NaN")),
    (of(Kind.UUID), "00000000-0000-0000-0000-000000000000"),
    (of(Kind.ENUM, Color), "red"),
    (of(Kind.JSON), {1: 2}),
    (of(Kind.JSON), {"a": {"b": [float("nan")]}}),
    (list_of(Kind.STRING), ["a", None]),
    (list_of(Kind.STRING), ["a\0"]),
    (list_of(Kind.INTEGER), [2**63]),
    (of(Kind.VECTOR), [1e39]),
    (of(Kind.VECTOR, dimension=3), Vector([1, 2])),
    (of(Kind.ANY), {"a": 1}),
    (of(Kind.ANY), [1, [None]]),
]


@pytest.mark.parametrize(("type_", "value"), REFUSED, ids=lambda each: repr(each)[:30])
def test_a_value_that_would_not_come_back_is_refused(type_: FieldType, value: Any) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        store(PLAIN(type_), value)


def test_lists_of_several_types_are_refused_where_the_server_would_change_them() -> None:
    uniform = Codecs(uniform_lists=True)
    with pytest.raises(ValueError, match="a list of float and int together"):
        store(uniform(of(Kind.ANY)), [1, 2.5])
    with pytest.raises(ValueError, match="a list of lists"):
        store(uniform(of(Kind.ANY)), [[1]])
    with pytest.raises(ValueError, match="together"):
        store(uniform(list_of(Kind.ENUM, Number)), [Number.ONE, Number.ONE_AND_A_BIT])
    assert store(uniform(of(Kind.ANY)), [1, 2]) == [1, 2]


def test_a_backend_overrides_kinds_and_items_of_lists_follow() -> None:
    codecs = Codecs(overrides={Kind.BYTES: native_bytes})
    assert store(codecs(of(Kind.BYTES)), b"x") == b"x"
    assert store(codecs(list_of(Kind.BYTES)), [b"x"]) == [b"x"]


def test_functions_that_the_server_has_not_are_left_out() -> None:
    type_ = of(Kind.CUSTOM, converter=Money())
    assert PLAIN(type_).writes == (("", "vecf32({v})"),)
    assert Codecs(functions=frozenset())(type_).writes == (("", "{v}"),)


def test_a_kind_without_codec_is_refused_by_name() -> None:
    with pytest.raises(MetadataError, match="POINT"):
        PLAIN(of(Kind.POINT))
