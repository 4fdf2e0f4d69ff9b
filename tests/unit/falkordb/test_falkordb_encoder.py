"""The strict parameter encoder: what it sends, and what it refuses before anything is sent."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections import OrderedDict, UserString, deque
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runic.orm.driver.falkordb import encoder
from runic.orm.driver.falkordb.encoder import MAX_DEPTH, encode_statement, encode_value
from runic.orm.driver.falkordb.parameters import parameter_names
from runic.orm.exceptions import MissingParameterError, QueryError, ValueNotStorableError


class Text(str):
    """Text with a conversion of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return '"}) MATCH (n) DETACH DELETE n //'


class Number(int):
    def __repr__(self) -> str:
        return "1}) MATCH (n) DETACH DELETE n //"

    __str__ = __repr__


class Real(float):
    __repr__ = Number.__repr__  # type: ignore[assignment]


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Crafted:
    def __str__(self) -> str:
        raise AssertionError("str() was called")

    __repr__ = __str__


REFUSED: list[Any] = [
    Text("x"),
    Number(1),
    Real(1.0),
    Color.RED,
    Level.LOW,
    Crafted(),
    UserString("1 DETACH DELETE n"),
    PurePosixPath("/tmp"),
    ValueError("1"),
    Decimal("0.1"),
    Fraction(1, 3),
    UUID(int=1),
    dt.datetime(2020, 1, 1),
    dt.date(2020, 1, 1),
    dt.time(1),
    dt.timedelta(1),
    b"x",
    bytearray(b"x"),
    memoryview(b"x"),
    (1, 2),
    {1, 2},
    frozenset({1}),
    range(3),
    deque([1]),
    OrderedDict(a=1),
    ip_address("::1"),
    (x for x in ()),
    1j,
    object,
    2**63,
    -(2**63) - 1,
    10**400,
    float("nan"),
    float("inf"),
    float("-inf"),
    "a\0b",
    "\0",
    "\ud800",
    "a\udfffb",
    {1: 2},
    {"": 1},
    {"a`b": 1},
    {"a\0b": 1},
    {Text("k"): 1},
    {None: 1},
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: [1, [v]], lambda v: {"k": [v]}])
def test_a_value_that_would_not_come_back_is_refused_by_parameter_and_path(value: Any, wrap: Any) -> None:
    with pytest.raises(ValueNotStorableError, match=r"^\$rows"):
        encode_statement("RETURN $rows", {"rows": wrap(value)})


def test_the_path_leads_to_the_value() -> None:
    with pytest.raises(ValueNotStorableError, match=re.escape("$rows[1][2].k: text with a NUL")):
        encode_value([[1], [1, 2, {"k": "\0"}]], "rows")


def test_a_refusal_says_what_to_do_instead() -> None:
    with pytest.raises(ValueNotStorableError, match="isoformat"):
        encode_value(dt.datetime(2020, 1, 1), "at")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (5e-324, "5e-324"),
        (1e22, "1e+22"),
        (-0.0, "-0.0"),
        ("", '""'),
        ('say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'),
        ([], "[]"),
        ({}, "{}"),
        ([1, [True, None], "x"], '[1,[true,null],"x"]'),
        ({"a b": 1}, "{`a b`:1}"),
        ([{"lat": 1.5, "name": 'x,"y":'}], '[{`lat`:1.5,`name`:"x,\\"y\\":"}]'),
    ],
)
def test_values_are_written_as_cypher_literals(value: Any, text: str) -> None:
    assert encode_value(value) == text


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.sampled_from(['","k":', '{"k":', "\\", '"', "\\u0041", '{"', ',"a":1', "`"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), inner, max_size=3),
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=5))
def test_the_fast_way_writes_what_the_exact_way_means(value: list[Any]) -> None:
    fast = encoder._encode_batch(value)
    if fast is not None:
        # They differ in escapes of \n and the like only: read both back.
        assert _read(fast) == _read(encoder._encode(value, "$v", 0))


def _read(text: str) -> Any:
    """A reader of the literals that the encoder writes, independent of it."""
    position = 0

    def peek() -> str:
        return text[position]

    def take(count: int = 1) -> str:
        nonlocal position
        position += count
        return text[position - count : position]

    def value() -> Any:
        char = peek()
        if char == "[":
            take()
            items = []
            while peek() != "]":
                items.append(value())
                if peek() == ",":
                    take()
            take()
            return items
        if char == "{":
            take()
            pairs = []
            while peek() != "}":
                assert take() == "`"
                key = ""
                while peek() != "`":
                    key += take()
                take()
                assert take() == ":"
                pairs.append((key, value()))
                if peek() == ",":
                    take()
            take()
            return dict(pairs)
        if char == '"':
            take()
            out = ""
            while (char := take()) != '"':
                out += (
                    {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(peek(), peek())
                    if char == "\\"
                    else char
                )
                if char == "\\":
                    take()
            return out
        word = re.compile(r"[^,\]}]+").match(text, position)
        assert word is not None
        take(len(word[0]))
        return word[0]

    result = value()
    assert position == len(text)
    return result


def test_a_batch_with_control_characters_still_gets_through() -> None:
    assert encode_value([["\x01", "\x1f"]]) == '[["\x01","\x1f"]]'


def test_nesting_beyond_the_limit_is_refused_and_within_it_is_not() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert encode_value(deep) == "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    with pytest.raises(ValueNotStorableError, match="nested deeper"):
        encode_value([deep])
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(ValueNotStorableError, match="nested deeper"):
        encode_value(deep)
    circular: list[Any] = []
    circular.append(circular)
    with pytest.raises(ValueNotStorableError, match="nested deeper"):
        encode_value(circular)


def test_a_statement_carries_its_parameters_in_front() -> None:
    assert encode_statement("RETURN $a, $b", {"a": 1, "b": "x"}) == b'CYPHER a=1 b="x" RETURN $a, $b'
    assert encode_statement("RETURN 1", {}) == b"RETURN 1"


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", "é", "a`b", "a=1 b", "a\0"])
def test_a_parameter_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(QueryError):
        encode_statement(f"RETURN $`{name}`", {name: 1})


def test_a_missing_and_an_unused_parameter_are_named() -> None:
    with pytest.raises(MissingParameterError, match=r"no value for \$b, \$c"):
        encode_statement("RETURN $a, $b, $c", {"a": 1})
    with pytest.raises(MissingParameterError, match="does not use the parameter 'b'"):
        encode_statement("RETURN $a", {"a": 1, "b": 2})


def test_text_that_the_server_would_cut_off_or_not_take_is_refused() -> None:
    for parameters in ({}, {"a": 1}):
        text = "CREATE (:A)\0 CREATE (:B)" + "".join(f" RETURN ${name}" for name in parameters)
        with pytest.raises(QueryError, match="NUL at offset 11"):
            encode_statement(text, parameters)
    with pytest.raises(QueryError, match="surrogate"):
        encode_statement("RETURN '\ud800'", {})
    with pytest.raises(QueryError, match="surrogate"):
        encode_statement("RETURN '\ud800', $a", {"a": "x"})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("RETURN 1", set()),
        ("RETURN $a + $b_1", {"a", "b_1"}),
        ("RETURN '$a', \"$b\", $c", {"c"}),
        (r"RETURN 'it\'s $a', $b", {"b"}),
        ("MATCH (n:`$a`) RETURN n.`$b`, $c", {"c"}),
        ("// $a\nRETURN $b /* $c\n */", {"b"}),
        ("RETURN $`a`", {"a"}),
        ("RETURN $a/* x */, '//', $b", {"a", "b"}),
    ],
)
def test_parameter_names_are_found_outside_of_strings_names_and_comments(text: str, names: set[str]) -> None:
    assert parameter_names(text) == names
