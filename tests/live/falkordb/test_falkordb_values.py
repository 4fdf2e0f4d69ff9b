"""Values and names on a real server: an exact round trip, or a named error before anything is sent."""

from __future__ import annotations

import datetime as dt
import enum
import random
import struct
import uuid
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.driver.falkordb import FalkorDBDriver, create_falkordb_driver
from runic.orm.driver.falkordb.dialect import DIALECT
from runic.orm.driver.port import Request
from runic.orm.exceptions import ConnectionLostError, OrmError, QueryError, ValueNotStorableError


class Color(enum.Enum):
    RED = "red"
    ODD = "'\"\\`$x"


class Weight(enum.Enum):
    LIGHT = 0.1 + 0.2


def run(driver: FalkorDBDriver, text: str, parameters: dict[str, Any], write: bool = True) -> list[list[Any]]:
    """One statement as the mapper sends it, cells untouched."""
    port = driver.connect()
    try:
        port.execute(Request(text, parameters, write=write, raw_cells=True)).send(None)
    except StopIteration as done:
        rows: list[list[Any]] = done.value.rows
        return rows
    finally:
        with pytest.raises(StopIteration):
            port.release().send(None)
    raise AssertionError("suspended")


def stored(type_: FieldType, value: Any) -> Any:
    codec = DIALECT.codec(type_)
    if value is None or type(value) in codec.exact:
        return value
    assert codec.encode is not None
    return codec.encode(value)


def round_trip(driver: FalkorDBDriver, type_: FieldType, value: Any, others: int = 2) -> Any:
    """Write ``value`` in a batch of rows by the codec's templates, read it by its columns."""
    codec = DIALECT.codec(type_)
    assignments = ", ".join(
        f"`p{suffix}`: {template.format(v='row[1]')}" for suffix, template in codec.writes
    )
    rows = [[0, stored(type_, value)], *([n, None] for n in range(1, others))]
    run(driver, f"UNWIND $rows AS row CREATE (n:V {{i: row[0], {assignments}}})", {"rows": rows})
    names = {"p" if not n else f"p{n}": f"n.`p{suffix}`" for n, (suffix, _) in enumerate(codec.writes)}
    cells = run(driver, f"MATCH (n:V) RETURN {codec.read.format(**names)} ORDER BY n.i", {}, write=False)
    values = [eval(codec.cell.format(c="cell"), {"cell": row[0]}) for row in cells]
    run(driver, "MATCH (n:V) DELETE n", {})
    back = [each if each is None or codec.decode is None else codec.decode(each) for each in values]
    assert back[1:] == [None] * (others - 1), "null stays null"
    return back[0]


STRINGS = [
    "plain",
    " ",
    "MATCH",
    "null",
    "true",
    "e\u0301",
    "",
    "'",
    '"',
    "'\"",
    "\\'",
    '\\"',
    '\\\\"',
    "\\",
    "a\\",
    "\\n",
    "\\x00",
    "\\u0000",
    "\\u0027",
    "\\uD800",
    "'}) DETACH DELETE n //",
    '"}) MATCH (n) DETACH DELETE n //',
    ")",
    "//",
    "\u2018x\u2019 \uff02",
    "`",
    "``",
    "```",
    "a` {x:1}) DETACH DELETE (n",
    "\\u0060",
    "$",
    "$p",
    "$a$",
    "$$",
    "$$ ...; DROP TABLE zz; --",
    "/*",
    "*/",
    "--",
    "#",
    ";",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\x07",
    "\x1b",
    "\x7f",
    "\x85",
    "\xa0",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\u202e",
    "👩‍👩‍👧",
    "\U0010ffff",
    "\ufffe",
    "\ufffd",
    "%s %d %%",
    "{x}",
    "{0.__class__}",
    '{"a":1}',
    "123",
    "1a",
    "a-b",
    "a.b",
    "a:b",
    "@",
    "x" * 1000,
    "x" * 70_000,
    "é" * 500_000,
    '","k":1',
    '{"latitude":1}',
    "CYPHER x=1",
    "\x01\x02\x03",
    "5::vertex",
]


@pytest.mark.parametrize("text", STRINGS, ids=lambda text: ascii(text[:20]))
def test_text_is_exact_in_every_position_of_a_value(driver: FalkorDBDriver, text: str) -> None:
    assert round_trip(driver, FieldType(Kind.STRING, str), text) == text
    assert round_trip(driver, FieldType(Kind.STRING, str, interned=True), text) == text
    assert round_trip(driver, FieldType(Kind.LIST, list, item=FieldType(Kind.STRING, str)), [text, text]) == [
        text,
        text,
    ]
    assert round_trip(driver, FieldType(Kind.JSON, dict), {text: [text]}) == {text: [text]}
    assert driver.execute("RETURN $p, [$p], {k: $p}", {"p": text}).rows == [[text, [text], {"k": text}]]
    if text and "`" not in text:
        assert driver.execute("RETURN $p", {"p": {text: [text]}}).rows == [[{text: [text]}]]
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[0]]


NUMBERS: list[tuple[FieldType, Any]] = [
    *((FieldType(Kind.INTEGER, int), n) for n in (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))),
    *((FieldType(Kind.FLOAT, float), x) for x in (0.1, 1.0, 5e-324, -0.0, 1e22, 1e-7, -1.5, 1e300)),
    *((FieldType(Kind.BOOLEAN, bool), x) for x in (True, False)),
    (FieldType(Kind.BYTES, bytes), bytes(range(256))),
    (FieldType(Kind.BYTES, bytes), b""),
    (FieldType(Kind.DECIMAL, Decimal), Decimal("1.10")),
    (FieldType(Kind.DECIMAL, Decimal), Decimal("1E+100000")),
    (FieldType(Kind.DECIMAL, Decimal), Decimal("-0.00")),
    (FieldType(Kind.UUID, uuid.UUID), uuid.UUID("12345678-1234-5678-1234-567812345678")),
    (FieldType(Kind.ENUM, Color), Color.ODD),
    (FieldType(Kind.ENUM, Weight), Weight.LIGHT),
    (FieldType(Kind.DATE, dt.date), dt.date(1, 1, 1)),
    (FieldType(Kind.TIME, dt.time), dt.time(23, 59, 59, 999999)),
    (FieldType(Kind.TIMEDELTA, dt.timedelta), dt.timedelta(days=-5, microseconds=1)),
    (FieldType(Kind.DATETIME, dt.datetime), dt.datetime(1, 1, 1)),
    (FieldType(Kind.DATETIME, dt.datetime), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)),
    (
        FieldType(Kind.DATETIME, dt.datetime),
        dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    ),
    (
        FieldType(Kind.DATETIME, dt.datetime),
        dt.datetime(2020, 10, 25, 2, 30, fold=0, tzinfo=ZoneInfo("Europe/Berlin")),
    ),
    (FieldType(Kind.JSON, dict), {"a": [1, 2.5, None, True, {"b": 10**40}], "": {}}),
    (FieldType(Kind.LIST, list, item=FieldType(Kind.INTEGER, int)), []),
    (FieldType(Kind.LIST, list, item=FieldType(Kind.UUID, uuid.UUID)), [uuid.UUID(int=1)]),
    (FieldType(Kind.LIST, list, item=FieldType(Kind.FLOAT, float)), [0.5, -1e10]),
    (FieldType(Kind.LIST, list, item=FieldType(Kind.BOOLEAN, bool)), [True, False]),
    (FieldType(Kind.LIST, list, item=FieldType(Kind.DATETIME, dt.datetime)), [dt.datetime(2020, 1, 1)]),
    (FieldType(Kind.LIST, set, item=FieldType(Kind.STRING, str)), {"a", "b"}),
    (FieldType(Kind.LIST, tuple, item=FieldType(Kind.STRING, str)), ("a", "b")),
    (FieldType(Kind.VECTOR, Vector), Vector([0.1, -3.4e38, 1e-45])),
    (FieldType(Kind.VECTOR, Vector), Vector([])),
    (FieldType(Kind.POINT, GeoLocation), GeoLocation(32.0853, 34.7817677)),
    (FieldType(Kind.POINT, GeoLocation), GeoLocation(-90.0, 180.0)),
    (FieldType(Kind.POINT, GeoLocation), GeoLocation(0.1 + 0.2, -1e-300)),
    (FieldType(Kind.ANY, object), "x"),
    (FieldType(Kind.ANY, object), [1, "a", [True]]),
]


@pytest.mark.parametrize(("type_", "value"), NUMBERS, ids=lambda each: str(each)[:50])
def test_every_kind_comes_back_exactly(driver: FalkorDBDriver, type_: FieldType, value: Any) -> None:
    back = round_trip(driver, type_, value)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        # Python holds no ambiguous time of a zone equal to one of another zone.
        value = value.astimezone(dt.UTC)
        assert back.tzinfo is dt.UTC
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, float):
        assert struct.pack("<d", back) == struct.pack("<d", value)


@pytest.mark.parametrize(
    "type_",
    [FieldType(kind, object) for kind in Kind if kind not in (Kind.ENUM, Kind.LIST, Kind.CUSTOM)],
    ids=lambda t: t.kind.name,
)
def test_none_is_an_absent_property(driver: FalkorDBDriver, type_: FieldType) -> None:
    assert round_trip(driver, type_, None) is None


def test_exact_floats_come_back_to_the_last_bit(driver: FalkorDBDriver) -> None:
    generator = random.Random(20260923)
    values = [
        0.1 + 0.2,
        1e16 + 2,
        1.2345678901234567,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        5e-324,
    ]
    values += [2.2250738585072014e-308, -0.0, 0.0, 1e270, 1.0000000000000002e270, 9007199254740993.0, 1e22]
    while len(values) < 3000:
        value = struct.unpack("<d", struct.pack("<Q", generator.getrandbits(64)))[0]
        if abs(value) <= 1.7976931348623157e308:
            values.append(value)
    type_ = FieldType(Kind.EXACT_FLOAT, float)
    codec = DIALECT.codec(type_)
    run(
        driver,
        "UNWIND $rows AS row CREATE (:F {i: row[0], p: row[1]})",
        {"rows": [[i, v] for i, v in enumerate(values)]},
    )
    rows = run(driver, f"MATCH (n:F) RETURN n.i, {codec.read.format(p='n.p')} ORDER BY n.i", {}, write=False)
    assert codec.decode is not None
    back = [codec.decode(eval(codec.cell.format(c="cell"), {"cell": row[1]})) for row in rows]
    assert [struct.pack("<d", value) for value in back] == [struct.pack("<d", value) for value in values]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.one_of(
            st.booleans(),
            st.integers(-(2**63), 2**63 - 1),
            st.integers(-(10**6), 10**6).map(lambda n: n / 64),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_parameter_comes_back_as_it_went(driver: FalkorDBDriver, value: Any) -> None:
    ((back,),) = driver.execute("RETURN $v", {"v": value}, write=False).rows
    assert back == value


HOSTILE: list[Any] = [
    2**63,
    -(2**63) - 1,
    float("nan"),
    float("inf"),
    "a\0b",
    "\ud800",
    b"x",
    (1,),
    {1},
    Decimal(1),
    uuid.UUID(int=1),
    dt.datetime(2020, 1, 1),
    Color.RED,
    object(),
    {"a`b": 1},
    {"": 1},
    {1: 1},
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_hostile_parameter_is_refused_before_anything_is_sent(value: Any) -> None:
    with create_falkordb_driver(port=1, graph="g", connect_timeout=0.2) as unreachable:
        for parameter in (value, [value], [[0, [value]]], {"k": value}):
            with pytest.raises(ValueNotStorableError, match=r"^\$p"):
                unreachable.execute("RETURN $p", {"p": parameter})
        with pytest.raises(ConnectionLostError):
            unreachable.execute("RETURN 1")


def test_a_statement_with_a_nul_is_refused_and_not_cut_off(driver: FalkorDBDriver) -> None:
    with pytest.raises(QueryError, match="NUL"):
        driver.execute("CREATE (:A)\0 CREATE (:B)")
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[0]]


def test_a_parameter_cannot_be_overridden_from_within_the_text(driver: FalkorDBDriver) -> None:
    try:
        rows = driver.execute("CYPHER p=2 RETURN $p", {"p": 1}).rows
    except OrmError:
        return
    assert rows == [[1]]


def test_a_large_value_and_many_rows_get_through(driver: FalkorDBDriver) -> None:
    text = "x" * 10_000_000
    assert driver.execute("RETURN $v", {"v": text}).rows == [[text]]
    numbers = list(range(300_000))
    assert driver.execute("RETURN $v", {"v": numbers}).rows == [[numbers]]
    many = {f"p{n}": n for n in range(2_000)}
    assert driver.execute(f"RETURN [{', '.join(f'${name}' for name in many)}]", many).rows == [
        [list(range(2_000))]
    ]
