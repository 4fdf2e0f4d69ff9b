"""Compact replies and commands, without a server."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from runic.orm.core.types import GeoLocation, Vector
from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.driver.falkordb import wire
from runic.orm.driver.falkordb.cells import scalar
from runic.orm.driver.falkordb.names import Names, decode_rows, has_entities

NAMES = Names(1, ("A", "B"), ("R",), ("x", "y"))
NODE = [8, [7, [0, 1], [[0, 3, 5], [1, 2, "t"]]]]
EDGE = [7, [3, 0, 7, 8, [[1, 5, "0.5"]]]]


def test_nodes_edges_and_paths_get_their_names() -> None:
    path = [9, [[6, [NODE, NODE]], [6, [EDGE]]]]
    node = RawNode(7, ("A", "B"), {"x": 5, "y": "t"})
    edge = RawEdge(3, "R", 7, 8, {"y": 0.5})
    assert decode_rows([[NODE, EDGE, path, [6, [NODE, [1, None]]], [10, ["k", NODE]]]], NAMES) == [
        [node, edge, RawPath((node, node), (edge,)), [node, None], {"k": node}]
    ]


def test_entities_are_found_at_any_depth() -> None:
    assert has_entities([[[1, None], [6, [[10, ["k", [6, [NODE]]]]]]]])
    assert not has_entities([[[1, None], [6, [[10, ["k", [6, [[3, 8]]]]]]], [2, "8"]]])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ([1, None], None),
        ([2, "x"], "x"),
        ([4, "true"], True),
        ([4, "false"], False),
        ([5, "-0"], -0.0),
        ([6, [[3, 1], [6, []]]], [1, []]),
        ([10, ["a", [3, 1], "b", [1, None]]], {"a": 1, "b": None}),
        ([11, ["1.5", "2"]], GeoLocation(1.5, 2.0)),
        ([12, ["1", "2.5"]], Vector([1.0, 2.5])),
        ([12, [1.0, 2.5]], Vector([1.0, 2.5])),
        ([13, 1577959200], dt.datetime(2020, 1, 2, 10)),
        ([13, -315619199], dt.datetime(1960, 1, 1, 0, 0, 1)),
        ([14, 1577923200], dt.date(2020, 1, 2)),
        ([15, -2208952800], dt.time(10)),
        ([15, -2208902401], dt.time(23, 59, 59)),
        ([16, 86400], dt.timedelta(days=1)),
    ],
)
def test_cells_become_plain_values(cell: Any, value: Any) -> None:
    assert scalar(cell) == value
    assert type(scalar(cell)) is type(value)


@pytest.mark.parametrize("cell", [[99, 1], None, 5, [], NODE])
def test_a_cell_that_cannot_be_read_is_an_error(cell: Any) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        scalar(cell)


@pytest.mark.parametrize(
    "rows", [[[[8, [1, [9], []]]]], [[[8, [1, [], [[9, 3, 1]]]]]], [[[77, 1]]], [[[8, None]]], [[5]]]
)
def test_a_number_without_a_name_is_an_error_and_never_a_wrong_name(rows: Any) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        decode_rows(rows, NAMES)


def test_counters_are_read_and_times_are_not() -> None:
    result = wire.reply_result(
        [
            [
                "Nodes created: 2",
                "Properties set: 3",
                "Cached execution: 1",
                "Query internal execution time: 0.5 milliseconds",
            ]
        ]
    )
    assert result.counters == {"nodes_created": 2, "properties_set": 3}
    assert result.rows == []


@pytest.mark.parametrize("reply", [[], [1, 2], [[5], [], []]])
def test_a_reply_of_another_form_is_an_error(reply: Any) -> None:
    with pytest.raises(ValueError, match="reply"):
        wire.reply_result(reply)


def test_names_extend_others_only_by_additions() -> None:
    assert Names(2, ("A", "B", "C"), ("R",), ("x", "y", "z")).extends(NAMES)
    assert not Names(2, ("B", "A"), ("R",), ("x", "y")).extends(NAMES)
    assert not Names(2, ("A",), ("R",), ("x", "y")).extends(NAMES)


def test_a_command_is_a_resp_array_and_long_words_are_not_copied() -> None:
    assert b"".join(wire.command(b"PING", b"x\r\ny")) == b"*2\r\n$4\r\nPING\r\n$4\r\nx\r\ny\r\n"
    long = b"x" * 100_000
    chunks = wire.command(b"GRAPH.QUERY", b"g", long, b"--compact")
    assert any(chunk is long for chunk in chunks)
    assert (
        b"".join(chunks)
        == b"*4\r\n$11\r\nGRAPH.QUERY\r\n$1\r\ng\r\n$100000\r\n" + long + b"\r\n$9\r\n--compact\r\n"
    )
