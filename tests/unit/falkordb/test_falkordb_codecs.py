"""Codecs: what is refused with a reason, and that reading is the inverse of writing."""

from __future__ import annotations

import datetime as dt
import enum
import struct
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.types import GeoLocation, TypeConverter, Vector
from runic.orm.driver.falkordb.dialect import DIALECT
from runic.orm.exceptions import InvalidNameError, MetadataError


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.Enum):
    SMALL = 0.1 + 0.2
    LARGE = 2.0


class Mixed(enum.Enum):
    ONE = 1
    YES = "yes"


class Bad(enum.Enum):
    PAIR = (1, 2)


def kind(kind: Kind, python: Any = object, **rest: Any) -> FieldType:
    return FieldType(kind, python, **rest)


def read(type_: FieldType, cell: Any) -> Any:
    """What the mapper's hydrator makes of a cell."""
    codec = DIALECT.codec(type_)
    value = eval(codec.cell.format(c="cell"), {"cell": cell})
    return value if value is None or codec.decode is None else codec.decode(value)


REFUSED: list[tuple[FieldType, Any]] = [
    (kind(Kind.FLOAT), 2**53 + 1),
    (kind(Kind.FLOAT), "1"),
    (kind(Kind.FLOAT), True),
    (kind(Kind.BYTES), bytearray(b"x")),
    (kind(Kind.DATETIME), dt.date(2020, 1, 1)),
    (kind(Kind.DATETIME), "2020-01-01"),
    (kind(Kind.DATETIME), dt.datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))),
    (kind(Kind.DATE), dt.datetime(2020, 1, 1)),
    (kind(Kind.TIME), dt.time(1, tzinfo=dt.UTC)),
    (kind(Kind.TIMEDELTA), dt.timedelta.max),
    (kind(Kind.DECIMAL), 0.1),
    (kind(Kind.DECIMAL), Decimal("NaN")),
    (kind(Kind.DECIMAL), Decimal("Infinity")),
    (kind(Kind.UUID), "00000000-0000-0000-0000-000000000000"),
    (kind(Kind.ENUM, Color), "red"),
    (kind(Kind.ENUM, Color), Mixed.YES),
    (kind(Kind.JSON), {1: 2}),
    (kind(Kind.JSON), {"a": (1, 2)}),
    (kind(Kind.JSON), {"a": {"b": [float("nan")]}}),
    (kind(Kind.JSON), {"a": dt.date(2020, 1, 1)}),
    (kind(Kind.JSON), {"a": Color.RED}),
    (kind(Kind.LIST, list, item=kind(Kind.STRING, str)), ["a", None]),
    (kind(Kind.LIST, list, item=kind(Kind.STRING, str)), ["a", 1]),
    (kind(Kind.LIST, list, item=kind(Kind.STRING, str)), ["a\0"]),
    (kind(Kind.LIST, list, item=kind(Kind.STRING, str)), ("a",)),
    (kind(Kind.LIST, list, item=kind(Kind.INTEGER, int)), [2**63]),
    (kind(Kind.LIST, list, item=kind(Kind.FLOAT, float)), [float("inf")]),
    (kind(Kind.LIST, set, item=kind(Kind.STRING, str)), ["a"]),
    (kind(Kind.VECTOR), "abc"),
    (kind(Kind.VECTOR), [1.0, "x"]),
    (kind(Kind.VECTOR), [1e39]),
    (kind(Kind.VECTOR), [float("nan")]),
    (kind(Kind.POINT), {"latitude": 1, "longitude": 2}),
    (kind(Kind.ANY), b"x"),
    (kind(Kind.ANY), {"a": 1}),
    (kind(Kind.ANY), [1, [None]]),
]


@pytest.mark.parametrize(("type_", "value"), REFUSED, ids=lambda each: str(getattr(each, "kind", each))[:40])
def test_a_value_that_does_not_fit_is_refused_with_a_reason(type_: FieldType, value: Any) -> None:
    codec = DIALECT.codec(type_)
    assert type(value) not in codec.exact
    assert codec.encode is not None
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        codec.encode(value)
    assert str(caught.value)


def test_a_list_names_the_item_at_fault() -> None:
    codec = DIALECT.codec(kind(Kind.LIST, list, item=kind(Kind.INTEGER, int)))
    assert codec.encode is not None
    with pytest.raises(TypeError, match="item 2: expected int, not str"):
        codec.encode([1, 2, "3"])


@pytest.mark.parametrize(
    ("type_", "value", "stored", "cell"),
    [
        (
            kind(Kind.DATETIME),
            dt.datetime(2020, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")),
            "2020-07-01T10:00:00+00:00",
            None,
        ),
        (kind(Kind.DATETIME), dt.datetime(1, 1, 1, 0, 0, 0, 1), "0001-01-01T00:00:00.000001", None),
        (kind(Kind.DATE), dt.date(9999, 12, 31), "9999-12-31", None),
        (kind(Kind.TIME), dt.time(23, 59, 59, 999999), "23:59:59.999999", None),
        (kind(Kind.DECIMAL), Decimal("1.10E+5"), "1.10E+5", None),
        (kind(Kind.UUID), uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005", None),
        (kind(Kind.BYTES), b"\x00\xff", "AP8=", None),
        (
            kind(Kind.JSON),
            {"é": [1, None, {"x": "\ud800"}], "big": 10**30},
            '{"\\u00e9":[1,null,{"x":"\\ud800"}],"big":1000000000000000000000000000000}',
            None,
        ),
        (kind(Kind.JSON), {"é": 1.5}, '{"é":1.5}', None),
        (kind(Kind.ENUM, Color), Color.BLUE, "blue", None),
        (kind(Kind.TIMEDELTA), dt.timedelta(days=-1, microseconds=1), -86399999999, [3, -86399999999]),
        (kind(Kind.ENUM, Size), Size.SMALL, 0.1 + 0.2, [5, "0.3"]),
        (kind(Kind.ENUM, Mixed), Mixed.ONE, 1, [3, 1]),
    ],
)
def test_the_stored_form_is_as_documented_and_reads_back(
    type_: FieldType, value: Any, stored: Any, cell: Any
) -> None:
    codec = DIALECT.codec(type_)
    assert codec.encode is not None
    assert codec.encode(value) == stored
    assert read(type_, cell or [2, stored]) == value


def test_an_instant_comes_back_in_utc() -> None:
    value = read(kind(Kind.DATETIME), [2, "2020-07-01T12:00:00+02:00"])
    assert value == dt.datetime(2020, 7, 1, 10, tzinfo=dt.UTC)
    assert value.tzinfo is dt.UTC


def test_datetime_text_sorts_as_time_does() -> None:
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    times = [start + dt.timedelta(microseconds=n) for n in (0, 1, 500_000, 999_999, 1_000_000, 10**9)]
    encode = DIALECT.codec(kind(Kind.DATETIME)).encode
    assert encode is not None
    texts = [encode(time) for time in times]
    assert sorted(texts) == texts


@pytest.mark.parametrize(
    "type_",
    [
        kind(each)
        for each in Kind
        if each not in (Kind.ENUM, Kind.LIST, Kind.CUSTOM, Kind.POINT, Kind.EXACT_FLOAT)
    ],
    ids=lambda type_: type_.kind.name,
)
def test_null_is_none(type_: FieldType) -> None:
    assert read(type_, [1, None]) is None


def test_null_of_the_composed_kinds_is_none() -> None:
    assert read(kind(Kind.ENUM, Color), [1, None]) is None
    assert read(kind(Kind.LIST, list, item=kind(Kind.STRING, str)), [1, None]) is None
    assert read(kind(Kind.POINT), [6, [[1, None], [1, None]]]) is None
    assert read(kind(Kind.EXACT_FLOAT), [6, [[1, None], [1, None]]]) is None


def test_an_unknown_enum_value_in_the_database_is_named() -> None:
    with pytest.raises(ValueError, match="'green', which is no value of Color"):
        read(kind(Kind.ENUM, Color), [2, "green"])


def test_an_enum_that_cannot_be_stored_is_refused_when_it_is_declared() -> None:
    with pytest.raises(MetadataError, match=r"Bad\.PAIR"):
        DIALECT.codec(kind(Kind.ENUM, Bad))


def test_a_point_trusts_its_exact_text_only_while_it_agrees() -> None:
    exact = GeoLocation(32.0853, 34.7817677)
    latitude, longitude = (struct.unpack("<f", struct.pack("<f", v))[0] for v in (32.0853, 34.7817677))
    point = [11, [f"{latitude:.15g}", f"{longitude:.15g}"]]
    assert read(kind(Kind.POINT), [6, [point, [2, "32.0853 34.7817677"]]]) == exact
    moved = [11, ["50", "8.5"]]
    assert read(kind(Kind.POINT), [6, [moved, [2, "32.0853 34.7817677"]]]) == GeoLocation(50.0, 8.5)
    assert read(kind(Kind.POINT), [6, [moved, [1, None]]]) == GeoLocation(50.0, 8.5)


def test_lists_keep_their_container_and_items() -> None:
    days = kind(Kind.LIST, list, item=kind(Kind.DATE, dt.date))
    assert read(days, [6, [[2, "2020-01-01"], [2, "2020-01-02"]]]) == [
        dt.date(2020, 1, 1),
        dt.date(2020, 1, 2),
    ]
    assert read(kind(Kind.LIST, list, item=kind(Kind.BOOLEAN, bool)), [6, [[4, "true"], [4, "false"]]]) == [
        True,
        False,
    ]
    assert read(kind(Kind.LIST, set, item=kind(Kind.STRING, str)), [6, [[2, "a"]]]) == {"a"}
    assert read(kind(Kind.LIST, list, item=kind(Kind.FLOAT, float)), [6, [[5, "0.5"]]]) == [0.5]


def test_a_vector_is_a_vector_again() -> None:
    value = read(kind(Kind.VECTOR), [12, ["0.10000000149011612", "1"]])
    assert type(value) is Vector
    assert value == Vector([0.1, 1.0])


def test_a_converter_with_a_function_wraps_the_parameter() -> None:
    class Money(TypeConverter):
        cypher_fn = "toUpper"

        def to_graph(self, value: Any) -> Any:
            return f"{value} eur"

        def from_graph(self, value: Any) -> Any:
            return int(value.split()[0])

    type_ = kind(Kind.CUSTOM, object, converter=Money())
    codec = DIALECT.codec(type_)
    assert codec.writes == (("", "toUpper({v})"),)
    assert read(type_, [2, "5 EUR"]) == 5


def test_a_converter_cannot_smuggle_cypher_in_as_a_function() -> None:
    class Evil(TypeConverter):
        cypher_fn = "x) DETACH DELETE n //"

        def to_graph(self, value: Any) -> Any:
            return value

        def from_graph(self, value: Any) -> Any:
            return value

    with pytest.raises(MetadataError, match="no function name"):
        DIALECT.codec(kind(Kind.CUSTOM, object, converter=Evil()))


def test_interned_text_goes_through_intern() -> None:
    assert DIALECT.codec(kind(Kind.STRING, str), interned=True).writes == (("", "intern({v})"),)
    with pytest.raises(MetadataError, match="interned"):
        DIALECT.codec(kind(Kind.INTEGER, int), interned=True)


def test_codecs_are_made_once() -> None:
    assert DIALECT.codec(kind(Kind.STRING, str)) is DIALECT.codec(kind(Kind.STRING, str))


@pytest.mark.parametrize("name", ["a`b", "a\0b", ""])
def test_a_name_that_cannot_be_quoted_is_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        DIALECT.quote(name)
