"""agtype as text: read and written without loss."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runic.orm import ValueNotStorableError
from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.driver.age.agtype import decode_rows, decode_values, encode_checked, encode_trusted

VERTEX = '{"id": 1, "label": "L", "properties": {"t": "a ::vertex \\" ::edge", "k": 1}}::vertex'
EDGE = '{"id": 3, "label": "T", "end_id": 2, "start_id": 1, "properties": {}}::edge'
OTHER = '{"id": 2, "label": "", "properties": {"_labels": ["A", "B"]}}::vertex'


def test_nodes_edges_and_paths_are_read_at_any_depth() -> None:
    node = RawNode(1, ("L",), {"t": 'a ::vertex " ::edge', "k": 1})
    edge, other = RawEdge(3, "T", 1, 2, {}), RawNode(2, ("A", "B"), {})
    cells = (VERTEX, EDGE, f"[{VERTEX}, {EDGE}, {OTHER}]::path", f'{{"a": [{VERTEX}], "v": 1}}', None, "7")
    assert decode_values([cells]) == [
        [node, edge, RawPath((node, other), (edge,)), {"a": [node], "v": 1}, None, 7]
    ]


def test_suffixes_of_numbers_go_and_text_stays() -> None:
    assert decode_rows([("1.50::numeric", '"x::numeric"', None)]) == [[1.5, "x::numeric", None]]


def test_nan_and_infinity_of_others_are_read() -> None:
    (row,) = decode_rows([("NaN", "Infinity", "-Infinity", "9223372036854775807", "-0.0", "1e+22")])
    assert math.isnan(row[0])
    assert row[1:] == [math.inf, -math.inf, 2**63 - 1, 0.0, 1e22]
    assert math.copysign(1, row[4]) == -1


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_json, min_size=1, max_size=4))
def test_whatever_is_json_comes_back_as_it_is(values: list[Any]) -> None:
    cells = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    assert decode_rows([cells]) == [values]
    assert decode_values([cells]) == [values]


class Colour(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        Text("x"), Colour.RED, uuid.uuid4(), dt.datetime(2026, 1, 1), dt.date(2026, 1, 1), b"x", {1, 2},
        2**63, -(2**63) - 1, math.nan, math.inf, "a\0b", "\ud800", {1: 2}, {"a": [math.nan]}, [[b"x"]],
    ],
    ids=repr,
)  # fmt: skip
def test_a_parameter_that_would_change_on_the_way_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueNotStorableError, match=r"\$p"):
        encode_checked({"p": value})


def test_encoded_parameters_keep_their_types() -> None:
    values = {"a": [1, 1.0, True, None, "x\u2028\"\\'"], "b": {"c": (1, 2)}}
    for encode in (encode_checked, encode_trusted):
        back = json.loads(encode(values))
        assert back == {"a": values["a"], "b": {"c": [1, 2]}}
        assert [type(item) for item in back["a"]] == [int, float, bool, type(None), str]
