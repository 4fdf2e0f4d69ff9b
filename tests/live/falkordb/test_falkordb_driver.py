"""The drivers on a real server: raw values, reads that cannot write, errors, and names that stay right."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from runic.orm.core.types import GeoLocation, Vector
from runic.orm.core.values import RawEdge, RawNode
from runic.orm.driver.falkordb import FalkorDBDriver, create_async_falkordb_driver, create_falkordb_driver
from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, Request
from runic.orm.exceptions import (
    AuthError,
    ConstraintViolation,
    DriverError,
    InvalidNameError,
    SchemaChangedError,
    ServerError,
)
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server


@pytest.fixture
def other(falkordb_server: Server) -> Iterator[redis.Redis]:
    """Somebody else's client."""
    with redis.Redis(falkordb_server.host, falkordb_server.port, **falkordb_server.credentials) as client:
        yield client


def test_the_drivers_are_the_ports_drivers(driver: FalkorDBDriver) -> None:
    assert isinstance(driver, GraphDriver)
    assert isinstance(create_async_falkordb_driver(), AsyncGraphDriver)


def test_raw_statements_give_plain_python_values(driver: FalkorDBDriver) -> None:
    result = driver.execute(
        "CREATE (a:A:Z {x: 1})-[r:R {w: 0.5}]->(b:B) RETURN a, r, [b.no, true, 1.5], {k: a.x},"
        " point({latitude: 1.5, longitude: 2}) AS p, vecf32([1, 2]) AS v"
    )
    a, r, items, mapping, point, vector = result.rows[0]
    assert a == RawNode(0, ("A", "Z"), {"x": 1})
    assert r == RawEdge(0, "R", 0, 1, {"w": 0.5})
    assert (items, mapping, point, vector) == (
        [None, True, 1.5],
        {"k": 1},
        GeoLocation(1.5, 2.0),
        Vector([1, 2]),
    )
    assert result.columns[-2:] == ("p", "v")
    assert result.counters["nodes_created"] == 2
    assert result.counters["relationships_created"] == 1


def test_a_path_alternates_nodes_and_edges(driver: FalkorDBDriver) -> None:
    driver.execute("CREATE (:A {i: 1})-[:R]->(:A {i: 2})-[:R]->(:A {i: 3})")
    ((path,),) = driver.execute("MATCH p = (:A {i: 1})-[*2]->() RETURN p", write=False).rows
    assert [node.properties["i"] for node in path.nodes] == [1, 2, 3]
    assert [edge.type for edge in path.edges] == ["R", "R"]


def test_a_duration_beyond_python_is_named(driver: FalkorDBDriver) -> None:
    with pytest.raises(DriverError, match="beyond what Python has"):
        driver.execute("RETURN duration('P9999999Y')", write=False)
    assert driver.execute("RETURN duration('P1DT2H')", write=False).rows == [[dt.timedelta(days=1, hours=2)]]


@pytest.mark.parametrize("text", ["CREATE (:X)", "MATCH (n) SET n.x = 1", "CREATE INDEX FOR (n:L) ON (n.k)"])
def test_a_read_cannot_write_even_where_there_is_no_graph_yet(driver: FalkorDBDriver, text: str) -> None:
    for _ in range(2):
        with pytest.raises(ServerError, match="read-only"):
            driver.execute(text, write=False)
    assert driver.execute("MATCH (n) RETURN count(n)", write=False).rows == [[0]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("RETURN 1", [[1]]),
        ("MATCH (n) RETURN n", []),
        ("MATCH (n) RETURN count(n)", [[0]]),
        ("OPTIONAL MATCH (n) RETURN n", [[None]]),
        ("MATCH (n) RETURN collect(n.x), sum(n.x)", [[[], 0.0]]),
        ("CALL db.idx.fulltext.queryNodes('L', 'x') YIELD node RETURN node", []),
    ],
)
def test_an_absent_graph_reads_as_an_empty_one(driver: FalkorDBDriver, text: str, rows: list[Any]) -> None:
    assert driver.execute(text, write=False).rows == rows


def test_deleting_the_graph_deletes_all_and_is_repeatable(driver: FalkorDBDriver) -> None:
    driver.execute("CREATE (:A)")
    driver.delete_graph()
    driver.delete_graph()
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[0]]


# -- errors ---------------------------------------------------------------------------------------


def test_errors_of_the_server_are_mapped_and_keep_the_native_one(driver: FalkorDBDriver) -> None:
    with pytest.raises(ServerError, match="Invalid input") as caught:
        driver.execute("CREATE (:A")
    assert caught.value.backend == "falkordb"
    assert caught.value.statement == "CREATE (:A"
    assert isinstance(caught.value.__cause__, redis.ResponseError)
    with pytest.raises(ServerError, match="Division by zero"):
        driver.execute("UNWIND [1, 0] AS x CREATE (:A) RETURN 1 / x")
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[0]], "nothing of it stayed"


def test_constraint_violations_are_told_apart(driver: FalkorDBDriver) -> None:
    from runic.orm.driver.falkordb.index_adapter import FalkorDBIndexAdapter

    adapter = FalkorDBIndexAdapter(driver)
    adapter.create_unique_constraint("U", "k")
    adapter.create_mandatory_constraint("M", "k")
    driver.execute("CREATE (:U {k: 1})")
    with pytest.raises(ConstraintViolation, match="unique"):
        driver.execute("UNWIND [2, 3, 1] AS k CREATE (:U {k: k})")
    with pytest.raises(ConstraintViolation, match="mandatory"):
        driver.execute("CREATE (:M)")
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[1]]


def test_values_are_never_part_of_an_error(driver: FalkorDBDriver) -> None:
    with pytest.raises(ServerError) as caught:
        driver.execute("RETURN toInteger([$secret])", {"secret": "hunter2"})
    assert "hunter2" not in f"{caught.value}{caught.value.statement}"


def test_a_key_that_is_no_graph_says_so(
    other: redis.Redis, falkordb_server: Server, falkordb_graph: str
) -> None:
    other.set(falkordb_graph, "text")
    try:
        with (
            create_falkordb_driver(
                falkordb_server.host, falkordb_server.port, falkordb_graph, **falkordb_server.credentials
            ) as driver,
            pytest.raises(ServerError, match="WRONGTYPE"),
        ):
            driver.execute("RETURN 1", write=False)
    finally:
        other.delete(falkordb_graph)


def test_a_wrong_password_is_an_auth_error_that_does_not_show_it(falkordb_server: Server) -> None:
    for make in (create_falkordb_driver, create_async_falkordb_driver):
        driver: Any = make(
            falkordb_server.host, falkordb_server.port, "g", username="nobody", password="hunter2"
        )

        async def ask(driver: Any = driver) -> None:
            await driver.execute("RETURN 1")

        with pytest.raises(AuthError) as caught:
            asyncio.run(ask())
        assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_user_of_the_server_gets_in_by_password(
    other: redis.Redis, falkordb_server: Server, falkordb_graph: str
) -> None:
    other.acl_setuser("runic_test", enabled=True, passwords=["+s3cret"], keys=["*"], categories=["+@all"])
    try:
        with create_falkordb_driver(
            falkordb_server.host,
            falkordb_server.port,
            falkordb_graph,
            username="runic_test",
            password="s3cret",
        ) as driver:
            assert driver.execute("RETURN 1").rows == [[1]]
            other.acl_setuser("runic_test", reset_keys=True, keys=["nothing*"])
            with pytest.raises(AuthError):
                driver.execute("RETURN 1")
    finally:
        other.acl_deluser("runic_test")


def test_a_unix_socket_will_do(falkordb_server: Server, falkordb_graph: str) -> None:
    if falkordb_server.socket is None:
        pytest.skip("this server has no unix socket")
    with create_falkordb_driver(graph=falkordb_graph, unix_socket=falkordb_server.socket) as driver:
        assert driver.execute("RETURN 1").rows == [[1]]

    async def main() -> Any:
        async with create_async_falkordb_driver(
            graph=falkordb_graph, unix_socket=falkordb_server.socket
        ) as driver:
            return (await driver.execute("RETURN 1")).rows

    assert asyncio.run(main()) == [[1]]


def test_a_closed_driver_says_so(driver: FalkorDBDriver) -> None:
    driver.execute("RETURN 1")
    driver.close()
    driver.close()
    with pytest.raises(DriverError, match="closed"):
        driver.execute("RETURN 1")
    assert "closed" in repr(driver)


def test_an_async_driver_works_in_one_event_loop_after_another(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    driver = create_async_falkordb_driver(
        falkordb_server.host, falkordb_server.port, falkordb_graph, **falkordb_server.credentials
    )

    async def once() -> Any:
        rows = (await driver.execute("RETURN 1")).rows
        await driver._pool.drain()
        return rows

    assert [asyncio.run(once()) for _ in range(3)] == [[[1]]] * 3


# -- streaming ------------------------------------------------------------------------------------


def test_a_stream_yields_all_rows_in_portions(driver: FalkorDBDriver) -> None:
    port = driver.connect()
    stream = port.stream(Request("UNWIND range(1, 10) AS i RETURN i", {}, raw_cells=True), 4)
    portions = []
    while True:
        try:
            stream.__anext__().send(None)
        except StopIteration as portion:
            portions.append([row[0][1] for row in portion.value])
        except StopAsyncIteration:
            break
    assert portions == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    with pytest.raises(StopIteration):
        port.release().send(None)


# -- names: a graph that somebody else deletes and makes anew -----------------------------------------

# The server's version of the names is a hash of them in the order of their appearance, whether label or
# property: each pair has one version and means different things.
INCARNATIONS = [
    (["CREATE (:Canary {v: 1})"], ["CREATE (:B {y: 2})"]),
    (["CREATE ({A: 1})", "CREATE (:B)"], ["CREATE (:A)", "CREATE ({B: 1})"]),
    (["CREATE (:A)", "CREATE (:B)"], ["CREATE (:A)", "CREATE ({B: 1})"]),
    (["CREATE (:A {x: 1})-[:R]->(:B)"], ["CREATE (:B {x: 1})-[:S]->(:A)"]),
]


def nodes(driver: FalkorDBDriver) -> set[tuple[Any, ...]]:
    rows = driver.execute("MATCH (n) RETURN n", write=False).rows
    return {(node.labels, tuple(node.properties.items())) for (node,) in rows}


@pytest.mark.parametrize(("first", "second"), INCARNATIONS)
def test_names_are_those_of_the_graph_that_answered(
    driver: FalkorDBDriver, other: redis.Redis, first: list[str], second: list[str]
) -> None:
    def truth() -> set[tuple[Any, ...]]:
        rows = driver.execute("MATCH (n) RETURN labels(n), [k IN keys(n) | [k, n[k]]]", write=False).rows
        return {(tuple(labels), tuple(map(tuple, pairs))) for labels, pairs in rows}

    for incarnation in (first, second, first, second):
        other.execute_command("GRAPH.DELETE", driver.graph_name) if truth() else None
        for text in incarnation:
            other.execute_command("GRAPH.QUERY", driver.graph_name, text)
        assert nodes(driver) == truth()


def test_a_write_that_returns_new_labels_names_them(driver: FalkorDBDriver) -> None:
    for number in range(20):
        ((node,),) = driver.execute(f"CREATE (n:L{number} {{p{number}: 1}}) RETURN n").rows
        assert (node.labels, dict(node.properties)) == ((f"L{number}",), {f"p{number}": 1})


def test_a_graph_replaced_between_reply_and_names_is_never_read_with_wrong_names(
    driver: FalkorDBDriver, other: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runic.orm.driver.falkordb.port import FalkorDBPort

    graph = driver.graph_name
    other.execute_command("GRAPH.QUERY", graph, "CREATE (:A {x: 1})")
    assert nodes(driver) == {(("A",), (("x", 1),))}
    real = FalkorDBPort._fetch_names
    replacements = ["CREATE (:B {y: 2})"]

    async def replaced(self: FalkorDBPort, version: int = 0) -> Any:
        if replacements:
            other.execute_command("GRAPH.DELETE", graph)
            other.execute_command("GRAPH.QUERY", graph, replacements.pop())
        return await real(self, version)

    monkeypatch.setattr(FalkorDBPort, "_fetch_names", replaced)
    assert nodes(driver) == {(("B",), (("y", 2),))}, "a read is made again"
    replacements.append("CREATE (:C {z: 3})")
    with pytest.raises(SchemaChangedError, match="was applied"):
        driver.execute("MATCH (n) SET n.y = 5 RETURN n")


def test_labels_added_by_another_client_meanwhile_do_not_disturb(
    driver: FalkorDBDriver, other: redis.Redis
) -> None:
    driver.execute("CREATE (:Start {n: 0})")
    stop = threading.Event()

    def add() -> None:
        number = 0
        while not stop.is_set() and number < 400:
            other.execute_command(
                "GRAPH.QUERY", driver.graph_name, f"CREATE (:T{number} {{q{number}: {number}}})"
            )
            number += 1

    thread = threading.Thread(target=add)
    thread.start()
    try:
        for _ in range(60):
            for (node,) in driver.execute("MATCH (n) RETURN n", write=False).rows:
                if node.labels != ("Start",):
                    number = node.labels[0][1:]
                    assert dict(node.properties) == {f"q{number}": int(number)}
    finally:
        stop.set()
        thread.join()


# -- names of the user ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a`b", "``", "a\0b", "", "`) DETACH DELETE n //"])
def test_a_label_that_cannot_be_quoted_is_refused_before_it_is_sent(
    driver: FalkorDBDriver, name: str
) -> None:
    with pytest.raises(InvalidNameError):
        driver.dialect.quote(name)


@pytest.mark.parametrize(
    "name",
    [
        " ",
        "match",
        "'",
        '"',
        "\\",
        "\\u0060",
        "$p",
        "/*",
        "//",
        ";",
        "\n",
        "é",
        "🙂",
        "1a",
        "a-b",
        "a.b",
        "{x}",
        "x" * 511,
    ],
)
def test_any_other_name_comes_back_exactly(driver: FalkorDBDriver, name: str) -> None:
    quoted = driver.dialect.quote(name)
    ((node, edge),) = driver.execute(
        f"CREATE (n:{quoted} {{{quoted}: 1}})-[r:{quoted} {{{quoted}: 2}}]->() RETURN n, r"
    ).rows
    assert node == RawNode(node.id, (name,), {name: 1})
    assert (edge.type, dict(edge.properties)) == (name, {name: 2})
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[2]]


@pytest.mark.parametrize("graph", ["plain", "a b", "x'y\"z", "$p", "Länder🙂", "a`b", "a{b}c", "%s"])
def test_a_graph_name_is_used_as_it_is(falkordb_server: Server, graph: str, other: redis.Redis) -> None:
    name = f"runic_name_{graph}"
    try:
        with create_falkordb_driver(
            falkordb_server.host, falkordb_server.port, name, **falkordb_server.credentials
        ) as driver:
            driver.execute("CREATE (:A)")
            assert name.encode() in other.execute_command("GRAPH.LIST")
    finally:
        falkordb_server.reset(name)


def test_a_proxy_sees_one_request_for_a_statement_without_entities(
    proxy: FaultProxy, falkordb_server: Server, falkordb_graph: str
) -> None:
    with create_falkordb_driver(
        "127.0.0.1", proxy.port, falkordb_graph, **falkordb_server.credentials
    ) as driver:
        driver.execute("CREATE (:A {x: 1})")
        driver.execute("RETURN 1", write=False)
        before = proxy.requests
        for _ in range(5):
            driver.execute("MATCH (n:A) RETURN n.x", write=False)
        assert proxy.requests == before + 5
