"""Faults between driver and server: what was applied, what the error says, and that everything goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from neo4j._async_compat.network._bolt_socket import AsyncBoltSocketBase
from neo4j._codec.packstream import Structure

from runic.orm import Field, Node, Session, select
from runic.orm.driver.bolt import BoltDriver
from runic.orm.driver.bolt.links import BlockingLink
from runic.orm.driver.neo4j import create_async_neo4j_driver, create_neo4j_driver
from runic.orm.exceptions import ConnectionLostError, QueryTimeout, ServerError
from runic.orm.session.async_session import AsyncSession
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.live.memgraph.scripted_bolt import Script, ScriptedBolt
from tests.servers.base import Server

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""The message COMMIT in its chunk."""


class Marked(Node, labels=["Marked"]):
    id: str = Field(primary_key=True)


@pytest.fixture
def through(connect: Callable[..., BoltDriver], proxy: FaultProxy) -> BoltDriver:
    """A driver that talks through the proxy."""
    return connect(host="127.0.0.1", port=proxy.port)


@pytest.fixture
def stored(driver: BoltDriver) -> Callable[[], list[str]]:
    """What the database really holds."""

    def ids() -> list[str]:
        rows = driver.execute("MATCH (n:Marked) RETURN n.id ORDER BY n.id", write=False).rows
        return [row[0] for row in rows]

    return ids


def test_a_first_statement_that_never_arrived_is_sent_again(
    through: BoltDriver, proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    through.execute("RETURN 1")
    proxy.arm("cut_before")
    with Session(through) as session:
        session.add(Marked(id="a"))
    assert stored() == ["a"]
    assert proxy.requests == 2


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "cut_inside"])
def test_a_transaction_that_breaks_in_the_middle_leaves_nothing(
    through: BoltDriver, proxy: FaultProxy, stored: Callable[[], list[str]], fault: str
) -> None:
    session = Session(through)
    session.execute("CREATE (:Other)", write=True)
    proxy.arm(fault)
    session.add(Marked(id="a"))
    with pytest.raises(ConnectionLostError) as caught:
        session.flush()
    assert not caught.value.maybe_applied
    assert caught.value.retryable
    assert caught.value.statement is not None
    session.rollback()
    assert stored() == []
    # The same session goes on, on another connection.
    session.add(Marked(id="b"))
    session.commit()
    session.close()
    assert stored() == ["b"]


def test_a_lost_answer_to_the_commit_is_told_as_unknown(
    through: BoltDriver, proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    proxy.marker = COMMIT
    session = Session(through)
    session.add(Marked(id="a"))
    session.flush()
    proxy.arm("cut_after")
    with pytest.raises(ConnectionLostError, match="may or may not") as caught:
        session.commit()
    assert caught.value.maybe_applied
    assert not caught.value.retryable
    time.sleep(0.2)
    assert stored() == ["a"]
    session.rollback()
    assert session.get(Marked, "a") is not None
    session.close()


def test_silence_after_the_commit_is_told_as_unknown(
    connect: Callable[..., BoltDriver], proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    driver = connect(host="127.0.0.1", port=proxy.port, timeout=0.5)
    proxy.marker = COMMIT
    session = Session(driver)
    session.add(Marked(id="a"))
    session.flush()
    proxy.arm("silent")
    with pytest.raises(QueryTimeout, match="may or may not") as caught:
        session.commit()
    assert caught.value.maybe_applied
    assert not caught.value.retryable
    session.close()
    assert stored() == ["a"]


def test_a_commit_that_never_arrived_is_unknown_as_well(
    through: BoltDriver, proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    proxy.marker = COMMIT
    proxy.arm("cut_before")
    with pytest.raises(ConnectionLostError) as caught:
        through.execute("CREATE (:Marked {id: 'a'})")
    assert caught.value.maybe_applied
    assert stored() == []


def test_a_lost_answer_to_the_commit_of_reads_is_no_loss(through: BoltDriver, proxy: FaultProxy) -> None:
    proxy.marker = COMMIT
    proxy.arm("cut_after")
    with pytest.raises(ConnectionLostError) as caught:
        through.execute("RETURN 1", write=False)
    assert not caught.value.maybe_applied
    assert through.execute("RETURN 2").rows == [[2]]


def test_a_lost_answer_to_a_statement_that_commits_itself_is_unknown(
    through: BoltDriver, proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    proxy.arm("cut_after")
    text = "UNWIND range(1, 3) AS x CALL (x) { CREATE (:Marked {id: toString(x)}) } IN TRANSACTIONS OF 1 ROW"
    with pytest.raises(ConnectionLostError) as caught:
        through.execute(text)
    assert caught.value.maybe_applied
    assert not caught.value.retryable
    time.sleep(0.3)
    assert stored() == ["1", "2", "3"]


def test_silence_ends_at_the_limit(
    connect: Callable[..., BoltDriver], proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    driver = connect(host="127.0.0.1", port=proxy.port, timeout=0.5)
    with Session(driver) as session:
        session.execute("RETURN 1")
        proxy.arm("silent")
        started = time.monotonic()
        with pytest.raises(QueryTimeout) as caught:
            session.execute("CREATE (:Marked {id: 'a'})", write=True)
        assert time.monotonic() - started < 1.5
        assert not caught.value.maybe_applied
        session.rollback()
        # Not on the connection whose answer is still due.
        assert session.execute("RETURN 2").rows == [[2]]
    assert stored() == []


def test_an_answer_that_cannot_be_read_is_not_waited_for_beyond_the_limit(
    connect: Callable[..., BoltDriver], proxy: FaultProxy
) -> None:
    driver = connect(host="127.0.0.1", port=proxy.port, timeout=0.5)
    proxy.arm("garbage")
    with pytest.raises(QueryTimeout) as caught:
        driver.execute("CREATE (:Marked {id: 'a'})")
    assert not caught.value.maybe_applied
    assert driver.execute("MATCH (n:Marked) RETURN count(n)").rows == [[0]]


@pytest.mark.parametrize("fault", ["slice", "late"])
def test_a_slow_answer_is_still_the_right_one(through: BoltDriver, proxy: FaultProxy, fault: str) -> None:
    with Session(through) as session:
        session.add_all([Marked(id=str(number)) for number in range(100)])
        session.flush()
        proxy.arm(fault, fault, delay=0.3)
        assert session.execute("MATCH (n:Marked) RETURN count(n)").rows == [[100]]
        assert session.execute("MATCH (n:Marked {id: '7'}) RETURN n.id").rows == [["7"]]


def test_dead_connections_of_the_pool_are_replaced(through: BoltDriver, proxy: FaultProxy) -> None:
    sessions = [Session(through) for _ in range(5)]
    for session in sessions:
        session.execute("RETURN 1")
    for session in sessions:
        session.close()
    proxy.cut_all()
    for number in range(5):
        assert through.execute("RETURN $n", {"n": number}).rows == [[number]]


def test_a_stream_that_breaks_is_a_named_error(through: BoltDriver, proxy: FaultProxy) -> None:
    through.execute("UNWIND range(1, 3000) AS x CREATE (:Marked {id: toString(x)})")
    session = Session(through)
    seen = 0

    def read_on() -> None:
        nonlocal seen
        for _ in session.stream(session.query(Marked), page=100):
            seen += 1
            if seen == 150:
                proxy.cut_all()

    with pytest.raises(ConnectionLostError):
        read_on()
    assert 150 <= seen < 3000
    session.rollback()
    assert session.query(Marked).count() == 3000
    session.close()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_flush_drops_the_connection(
    connect: Callable[..., BoltDriver],
    proxy: FaultProxy,
    stored: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[BaseException],
) -> None:
    driver = connect(host="127.0.0.1", port=proxy.port, max_connections=1)
    session = Session(driver)
    session.execute("RETURN 1")
    real = BlockingLink.run

    async def interrupted(self: BlockingLink, text: str, parameters: Any) -> Any:
        await real(self, text, parameters)
        raise kind

    monkeypatch.setattr(BlockingLink, "run", interrupted)
    session.add(Marked(id="a"))
    with pytest.raises(kind):
        session.flush()
    monkeypatch.undo()
    assert driver.execute("RETURN 2").rows == [[2]]
    session.close()
    assert stored() == []


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.002, 0.003, 0.005, 0.01, 0.05])
def test_a_cancelled_task_gives_its_connection_up(neo4j: Server, proxy: FaultProxy, pause: float) -> None:
    async def main() -> None:
        async with create_async_neo4j_driver("127.0.0.1", proxy.port, max_connections=1) as driver:

            async def work() -> None:
                async with AsyncSession(driver) as session:
                    session.add(Marked(id="a"))
                    await session.flush()
                    await session.execute("UNWIND range(1, 20000000) AS x RETURN count(x)")

            task = asyncio.create_task(work())
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(20):
                assert (await driver.execute("RETURN 1")).rows == [[1]]

    asyncio.run(main())


def test_a_task_may_be_cancelled_wherever_it_waits_for_the_server(
    neo4j: Server, driver: BoltDriver, stored: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first read, at the second one, and so on, until none is left: through the whole unit."""
    real = AsyncBoltSocketBase._wait_for_io
    turn = SimpleNamespace(left=-1)

    async def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        turn.left -= 1
        if turn.left == 0:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        return await real(self, *arguments, **options)

    monkeypatch.setattr(AsyncBoltSocketBase, "_wait_for_io", counted)

    async def unit(shared: Any) -> None:
        async with AsyncSession(shared) as session:
            session.add(Marked(id="a"))
            await session.flush()
            assert len(await session.scalars(select(Marked))) == 1

    async def cancelled_at(number: int) -> bool:
        options: dict[str, Any] = {"host": neo4j.host, "port": neo4j.port, **neo4j.credentials}
        async with create_async_neo4j_driver(max_connections=1, pool_timeout=20.0, **options) as shared:
            if number % 2:  # with a connection that is there, and with one that has to be made
                await shared.execute("RETURN 1")
            turn.left = number
            try:
                await unit(shared)
            except asyncio.CancelledError:
                hit = True
            else:
                hit = False
            turn.left = -1
            assert (await shared.execute("RETURN 1")).rows == [[1]]
            return hit

    async def main(number: int) -> bool:
        # In a task of its own, since it is cancelled.
        return await asyncio.create_task(cancelled_at(number))

    seen = 0
    for parity in (1, 2):
        number = parity
        while asyncio.run(main(number)):
            assert stored() in ([], ["a"])
            driver.execute("MATCH (n:Marked) DELETE n")
            seen, number = seen + 1, number + 2
        assert stored() == ["a"]
        driver.execute("MATCH (n:Marked) DELETE n")
    assert seen > 8


def test_waiting_for_a_connection_ends_with_the_caller_s_patience(neo4j: Server) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"host": neo4j.host, "port": neo4j.port, **neo4j.credentials}
        async with create_async_neo4j_driver(max_connections=1, pool_timeout=1000.0, **options) as driver:
            async with AsyncSession(driver) as holder:
                await holder.execute("RETURN 1")
                for _ in range(5):
                    with pytest.raises(TimeoutError):
                        async with asyncio.timeout(0.05):
                            await driver.execute("RETURN 2")
                waiter = asyncio.create_task(driver.execute("RETURN 3"))
                await asyncio.sleep(0.05)
                assert not waiter.done()
            # Nobody who gave up is in the way of who waited on.
            async with asyncio.timeout(60):
                assert (await waiter).rows == [[3]]
                assert (await driver.execute("RETURN 4")).rows == [[4]]

    asyncio.run(main())


def test_an_answer_of_an_unknown_kind_is_a_lost_connection() -> None:
    """Structure 0x7A is none of Bolt's."""
    script = Script(agent="Neo4j/5.26.0", statements={"RETURN": [(["1"], [[Structure(b"\x7a", 1)]])]})
    with (
        ScriptedBolt(script) as server,
        create_neo4j_driver("127.0.0.1", server.port) as driver,
    ):
        with pytest.raises(ConnectionLostError, match="broken data"):
            driver.execute("RETURN 1")
        script.statements = {}
        assert driver.execute("RETURN 2").rows == []


def test_an_error_of_the_server_leaves_the_session_usable(driver: BoltDriver) -> None:
    session = Session(driver)
    with pytest.raises(ServerError, match="SyntaxError"):
        session.execute("NONSENSE")
    assert session.execute("RETURN 1").rows == [[1]]
    session.close()
