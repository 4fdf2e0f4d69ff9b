"""What happens when the connection breaks at the worst moment, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runic.orm.driver.falkordb import (
    AsyncFalkorDBDriver,
    FalkorDBDriver,
    create_async_falkordb_driver,
    create_falkordb_driver,
)
from runic.orm.driver.port import Request
from runic.orm.exceptions import (
    ConnectionLostError,
    ForkedSessionError,
    PoolTimeout,
    QueryTimeout,
)
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server

CREATE = "CREATE (:Once {mark: $mark})"
COUNT = "MATCH (n:Once) RETURN count(n)"


class Twin:
    """One test body for both colours: ``run`` and ``count`` block, whichever driver is behind them."""

    def __init__(self, colour: str, options: dict[str, Any]) -> None:
        self.loop = asyncio.new_event_loop() if colour == "async" else None
        make: Any = create_async_falkordb_driver if self.loop else create_falkordb_driver
        self.driver: Any = make(**options)

    def run(self, text: str, parameters: dict[str, Any] | None = None, *, write: bool = True) -> Any:
        result = self.driver.execute(text, parameters, write=write)
        return self.loop.run_until_complete(result).rows if self.loop else result.rows

    def close(self) -> None:
        if self.loop:
            self.loop.run_until_complete(self.driver.aclose())
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()
        else:
            self.driver.close()


@contextmanager
def open_twin(colour: str, **options: Any) -> Iterator[Twin]:
    twin = Twin(colour, options)
    try:
        yield twin
        assert twin.driver._pool.in_use == 0
    finally:
        twin.close()


@pytest.fixture(params=["sync", "async"])
def broken(
    request: pytest.FixtureRequest, proxy: FaultProxy, falkordb_server: Server, falkordb_graph: str
) -> Iterator[Callable[..., Any]]:
    """Makes a twin that talks through the proxy."""

    def make(**options: Any) -> Any:
        settings = {
            "host": "127.0.0.1",
            "port": proxy.port,
            "graph": falkordb_graph,
            **falkordb_server.credentials,
        }
        return open_twin(request.param, **{**settings, **options})

    return make


def test_a_write_whose_reply_is_lost_is_reported_as_maybe_applied_and_not_sent_again(
    broken: Callable[..., Any], proxy: FaultProxy, driver: FalkorDBDriver
) -> None:
    with broken() as twin:
        twin.run("RETURN 1")
        proxy.arm("cut_after")
        before = proxy.requests
        with pytest.raises(ConnectionLostError) as caught:
            twin.run(CREATE, {"mark": 1})
        assert caught.value.maybe_applied
        assert not caught.value.retryable
        assert caught.value.statement == CREATE
        assert caught.value.__cause__ is not None
        assert proxy.requests == before + 1
        assert twin.run(COUNT, write=False) == [[1]], "applied once, and the driver is usable"


def test_a_read_whose_reply_is_lost_changed_nothing_and_says_so(
    broken: Callable[..., Any], proxy: FaultProxy
) -> None:
    with broken() as twin:
        twin.run("RETURN 1")
        proxy.arm("cut_after")
        with pytest.raises(ConnectionLostError) as caught:
            twin.run("MATCH (n) RETURN n", write=False)
        assert not caught.value.maybe_applied
        assert caught.value.retryable
        assert twin.run("RETURN 2", write=False) == [[2]]


def test_a_connection_that_is_cut_under_the_request_never_applies_it_twice(
    broken: Callable[..., Any], proxy: FaultProxy
) -> None:
    with broken() as twin:
        twin.run("RETURN 1")
        proxy.arm("cut_before")
        with pytest.raises(ConnectionLostError):
            twin.run(CREATE, {"mark": 1})
        assert twin.run(COUNT, write=False) == [[0]]


def test_a_reply_that_breaks_off_is_a_lost_connection(broken: Callable[..., Any], proxy: FaultProxy) -> None:
    with broken() as twin:
        twin.run("RETURN 1")
        for fault in ("cut_inside", "garbage"):
            proxy.arm(fault)
            with pytest.raises(ConnectionLostError) as caught:
                twin.run("UNWIND range(1, 100) AS i RETURN i", write=False)
            assert not caught.value.maybe_applied
            assert twin.run("RETURN 3", write=False) == [[3]]


def test_dead_connections_of_the_pool_heal_before_anything_is_sent(
    broken: Callable[..., Any], proxy: FaultProxy
) -> None:
    with broken() as twin:
        for mark in range(3):
            twin.run(CREATE, {"mark": mark})
            proxy.cut_all()
            time.sleep(0.05)
        assert twin.run(COUNT, write=False) == [[3]]


def test_silence_ends_in_a_timeout_at_the_limit_and_the_connection_is_not_used_again(
    broken: Callable[..., Any], proxy: FaultProxy
) -> None:
    with broken(socket_timeout=0.5) as twin:
        twin.run("RETURN 1")
        for write in (True, False):
            proxy.arm("silent")
            connections = proxy.connections
            start = time.monotonic()
            with pytest.raises(QueryTimeout) as caught:
                twin.run("RETURN 2", write=write)
            assert 0.45 < time.monotonic() - start < 1.5
            assert caught.value.maybe_applied is write
            assert twin.run("RETURN 3", write=False) == [[3]]
            assert proxy.connections == connections + 1


def test_a_late_reply_meets_nobody(broken: Callable[..., Any], proxy: FaultProxy) -> None:
    with broken(socket_timeout=0.3) as twin:
        twin.run("RETURN 1")
        proxy.arm("late", delay=0.5)
        with pytest.raises(QueryTimeout):
            twin.run("RETURN 'late'", write=False)
        for number in range(30):
            assert twin.run("RETURN $n", {"n": number}, write=False) == [[number]]
            time.sleep(0.01)


def test_a_reply_in_slices_is_read_whole(broken: Callable[..., Any], proxy: FaultProxy) -> None:
    with broken() as twin:
        twin.run("RETURN 1")
        proxy.arm("slice", "slice")
        assert twin.run("UNWIND range(1, 30) AS i RETURN i, 'é' + i", write=False) == [
            [i, f"é{i}"] for i in range(1, 31)
        ]


def test_a_server_that_is_not_there_is_named_at_once(broken: Callable[..., Any]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with broken(port=port, connect_timeout=1.0) as twin:
        start = time.monotonic()
        with pytest.raises(ConnectionLostError, match=f"127.0.0.1:{port}") as caught:
            twin.run("RETURN 1")
        assert time.monotonic() - start < 1.5
        assert not caught.value.maybe_applied


def test_a_server_that_accepts_and_stays_silent_is_given_up_within_the_connect_timeout(
    broken: Callable[..., Any],
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        broken(port=deaf.getsockname()[1], connect_timeout=0.5) as twin,
    ):
        start = time.monotonic()
        with pytest.raises(ConnectionLostError) as caught:
            twin.run(CREATE, {"mark": 1})
        assert time.monotonic() - start < 2
        assert not caught.value.maybe_applied


def test_the_server_ends_a_read_at_the_time_limit(broken: Callable[..., Any]) -> None:
    with broken(timeout=0.2) as twin:
        twin.run("UNWIND range(1, 1500) AS i CREATE (:Big {i: i})")
        start = time.monotonic()
        with pytest.raises(QueryTimeout) as caught:
            twin.run(
                "MATCH (a:Big), (b:Big), (c:Big) WHERE a.i + b.i + c.i = -1 RETURN count(*)", write=False
            )
        assert time.monotonic() - start < 2
        assert not caught.value.maybe_applied
        assert twin.run("RETURN 1", write=False) == [[1]]


def test_a_write_beyond_the_limit_is_maybe_applied(broken: Callable[..., Any]) -> None:
    with broken(timeout=0.05) as twin:
        with pytest.raises(QueryTimeout) as caught:
            twin.run("UNWIND range(1, 200000) AS i CREATE (:Once {mark: i})")
        assert caught.value.maybe_applied


def test_an_exhausted_pool_is_a_pool_timeout_and_recovers(
    broken: Callable[..., Any], falkordb_graph: str
) -> None:
    with broken(max_connections=1, pool_timeout=0.2) as twin:
        port = twin.driver.connect()

        async def hold() -> None:
            await port.execute(Request("RETURN 1", {}))

        async def give_back() -> None:
            await port.release()

        _wait(twin, hold())
        start = time.monotonic()
        with pytest.raises(PoolTimeout, match="1 connections"):
            twin.run("RETURN 1")
        assert 0.15 < time.monotonic() - start < 1
        _wait(twin, give_back())
        assert twin.run("RETURN 1") == [[1]]


def _wait(twin: Twin, coroutine: Any) -> Any:
    if twin.loop:
        return twin.loop.run_until_complete(coroutine)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return None


# -- cancellation ---------------------------------------------------------------------------------


async def _cancel_and_go_on(driver: AsyncFalkorDBDriver, proxy: FaultProxy, after: float) -> None:
    task = asyncio.create_task(driver.execute("RETURN 'cancelled'"))
    await asyncio.sleep(after)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert (await driver.execute("RETURN 'next'")).rows == [["next"]]
    assert driver._pool.in_use == 0


def test_a_cancelled_statement_frees_its_connection_and_the_next_gets_its_own_reply(
    proxy: FaultProxy, falkordb_server: Server, falkordb_graph: str
) -> None:
    async def main() -> None:
        async with create_async_falkordb_driver(
            "127.0.0.1", proxy.port, falkordb_graph, max_connections=2, **falkordb_server.credentials
        ) as driver:
            await driver.execute("RETURN 1")
            for after in (0.0, 0.001, 0.002, 0.004, 0.008, 0.05):
                proxy.arm("late", delay=0.02)
                await _cancel_and_go_on(driver, proxy, after)
                proxy.arm()

    asyncio.run(main())


def test_cancelling_at_each_step_of_the_event_loop_leaves_the_pool_whole(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def main() -> None:
        server = falkordb_server
        async with create_async_falkordb_driver(
            server.host, server.port, falkordb_graph, max_connections=1, pool_timeout=2, **server.credentials
        ) as driver:
            for steps in range(60):
                task = asyncio.create_task(driver.execute("RETURN 1"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert driver._pool.in_use == 0, steps
            assert (await driver.execute("RETURN 'whole'")).rows == [["whole"]]

    asyncio.run(main())


def test_a_timeout_around_a_full_pool_leaves_no_waiter(falkordb_server: Server, falkordb_graph: str) -> None:
    async def main() -> None:
        server = falkordb_server
        async with create_async_falkordb_driver(
            server.host, server.port, falkordb_graph, max_connections=1, **server.credentials
        ) as driver:
            port = driver.connect()
            await port.execute(Request("RETURN 1", {}))
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await driver.execute("RETURN 2")
            await port.release()
            assert (await driver.execute("RETURN 3")).rows == [[3]]
            assert driver._pool.in_use == 0

    asyncio.run(main())


def test_an_interrupt_in_the_middle_of_a_statement_frees_the_connection(
    falkordb_server: Server, falkordb_graph: str, driver: FalkorDBDriver
) -> None:
    import signal
    import threading

    driver.execute("RETURN 1")
    timer = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            driver.execute("UNWIND range(1, 20000000) AS i WITH i WHERE i < 0 RETURN count(i)", write=False)
    finally:
        signal.signal(signal.SIGINT, previous)
        timer.join()
    assert driver._pool.in_use == 0
    assert driver.execute("RETURN 'own'").rows == [["own"]]


# -- fork -----------------------------------------------------------------------------------------


def test_a_forked_child_uses_connections_of_its_own(driver: FalkorDBDriver) -> None:
    driver.execute("RETURN 1")
    port = driver.connect()
    with pytest.raises(StopIteration):
        port.execute(Request("RETURN 1", {})).send(None)
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()

    def child() -> None:
        try:
            try:
                port.execute(Request("RETURN 'stolen'", {})).send(None)
            except ForkedSessionError:
                answers.put("refused")
            answers.put(driver.execute("RETURN $pid", {"pid": os.getpid()}).rows == [[os.getpid()]])
        except BaseException as error:
            answers.put(repr(error))

    process = context.Process(target=child)
    process.start()
    assert answers.get(timeout=20) == "refused"
    assert answers.get(timeout=20) is True
    process.join(20)
    for number in range(5):
        assert driver.execute("RETURN $n", {"n": number}).rows == [[number]]
    with pytest.raises(StopIteration):
        port.release().send(None)
