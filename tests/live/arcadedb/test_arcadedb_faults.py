"""Faults between driver and ArcadeDB, and many users at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runic.orm import Field, Node, Session, create_async_driver, create_driver
from runic.orm.core.metadata import MetaData
from runic.orm.driver.arcadedb import ArcadeDBDriver
from runic.orm.exceptions import ConnectionLostError, PoolTimeout, QueryError
from runic.orm.session.async_session import AsyncSession
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server

COMMIT = b"\x00\x02\xb0\x12\x00\x00"
"""The message COMMIT in its chunk."""


class Base(Node, metadata=MetaData()): ...


class Marked(Base, labels=["Marked"]):
    id: str = Field(primary_key=True)
    number: int = Field(default=0)


type Options = Callable[..., dict[str, Any]]


@pytest.fixture
def options(arcadedb_server: Server, arcadedb_graph: str) -> Options:
    """What connects to a database of this test, straight or with other options."""

    def made(**others: Any) -> dict[str, Any]:
        return {
            "host": arcadedb_server.host,
            "port": arcadedb_server.port,
            "database": arcadedb_graph,
            **arcadedb_server.credentials,
            **arcadedb_server.options,
        } | others

    return made


@pytest.fixture
def proxy(arcadedb_server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(arcadedb_server.host, arcadedb_server.port, b"Marked") as proxy:
        yield proxy


@pytest.fixture
def through(options: Options, proxy: FaultProxy) -> Iterator[ArcadeDBDriver]:
    """A driver that talks through the proxy."""
    with create_driver("arcadedb", **options(host="127.0.0.1", port=proxy.port)) as driver:
        assert isinstance(driver, ArcadeDBDriver)
        yield driver


@pytest.fixture
def stored(options: Options) -> Callable[[], list[str]]:
    """What the database really holds."""

    def ids() -> list[str]:
        with create_driver("arcadedb", **options()) as driver:
            rows = driver.execute("MATCH (n:Marked) RETURN n.id ORDER BY n.id", write=False).rows
        return [row[0] for row in rows]

    return ids


# -- faults -------------------------------------------------------------------------------------


def test_a_first_statement_that_never_arrived_is_sent_again(
    through: ArcadeDBDriver, proxy: FaultProxy, stored: Callable[[], list[str]]
) -> None:
    through.execute("RETURN 1")
    proxy.arm("cut_before")
    with Session(through) as session:
        session.add(Marked(id="a"))
    assert stored() == ["a"]
    assert proxy.requests == 2


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "cut_inside"])
def test_a_transaction_that_breaks_in_the_middle_leaves_nothing(
    through: ArcadeDBDriver, proxy: FaultProxy, stored: Callable[[], list[str]], fault: str
) -> None:
    session = Session(through)
    session.execute("CREATE (:Other)", write=True)
    proxy.arm(fault)
    session.add(Marked(id="a"))
    with pytest.raises(ConnectionLostError) as caught:
        session.flush()
    assert not caught.value.maybe_applied
    session.rollback()
    assert stored() == []
    session.add(Marked(id="b"))
    session.commit()
    session.close()
    assert stored() == ["b"]


@pytest.mark.parametrize(("fault", "applied"), [("cut_after", True), ("cut_before", False)])
def test_a_lost_answer_to_the_commit_is_told_as_unknown(
    through: ArcadeDBDriver, proxy: FaultProxy, stored: Callable[[], list[str]], fault: str, applied: bool
) -> None:
    proxy.marker = COMMIT
    session = Session(through)
    session.add(Marked(id="a"))
    session.flush()
    proxy.arm(fault)
    with pytest.raises(ConnectionLostError, match="may or may not") as caught:
        session.commit()
    assert caught.value.maybe_applied
    session.rollback()
    assert stored() == (["a"] if applied else [])
    session.close()


@pytest.mark.parametrize("fault", ["slice", "late"])
def test_a_slow_answer_is_still_the_right_one(through: ArcadeDBDriver, proxy: FaultProxy, fault: str) -> None:
    with Session(through) as session:
        session.add_all([Marked(id=str(number)) for number in range(100)])
        session.flush()
        proxy.arm(fault, fault, delay=0.3)
        assert session.execute("MATCH (n:Marked) RETURN count(n)").rows == [[100]]
        assert session.execute("MATCH (n:Marked {id: '7'}) RETURN n.id").rows == [["7"]]


def test_dead_connections_of_the_pool_are_replaced(through: ArcadeDBDriver, proxy: FaultProxy) -> None:
    sessions = [Session(through) for _ in range(5)]
    for session in sessions:
        session.execute("RETURN 1")
    for session in sessions:
        session.close()
    proxy.cut_all()
    for number in range(5):
        assert through.execute("RETURN $n AS n", {"n": number}).rows == [[number]]


@pytest.mark.parametrize("pause", [0.0, 0.001, 0.003, 0.01, 0.05])
def test_a_cancelled_task_gives_its_connection_up(options: Options, pause: float) -> None:
    async def main() -> None:
        async with create_async_driver("arcadedb", **options(max_connections=1)) as driver:

            async def work() -> None:
                async with AsyncSession(driver) as session:
                    session.add(Marked(id="a"))
                    await session.flush()
                    await session.execute("UNWIND range(1, 200000) AS x RETURN count(x)")

            task = asyncio.create_task(work())
            await asyncio.sleep(pause)
            task.cancel()
            (end,) = await asyncio.gather(task, return_exceptions=True)
            assert end is None or isinstance(end, asyncio.CancelledError)
            async with asyncio.timeout(60):
                assert (await driver.execute("RETURN 1")).rows == [[1]]

    asyncio.run(main())


# -- many at once, and reads --------------------------------------------------------------------


def test_32_threads_share_a_driver(options: Options, stored: Callable[[], list[str]]) -> None:
    with create_driver("arcadedb", **options(max_connections=8)) as driver:
        # The type is made by the first one: two that make it at once are in each other's way.
        driver.execute("CREATE (:Marked {id: 'first'})")

        def work(number: int) -> None:
            with Session(driver) as session:
                session.execute(
                    "CREATE (:Marked {id: $id, number: $n})", {"id": str(number), "n": number}, write=True
                )
                rows = session.execute("MATCH (n:Marked {number: $n}) RETURN n.id", {"n": number}).rows
                assert rows == [[str(number)]]
                session.rollback()
            with Session(driver, read_only=True) as session:
                assert session.execute("RETURN $n AS n", {"n": number}).rows == [[number]]

        with ThreadPoolExecutor(32) as pool:
            for done in [pool.submit(work, number) for number in range(64)]:
                done.result()
    assert stored() == ["first"]


def test_200_tasks_share_a_driver(options: Options) -> None:
    async def work(shared: Any, number: int) -> None:
        async with AsyncSession(shared) as session:
            found = await session.execute("UNWIND [$n, $n] AS x RETURN x", {"n": number})
            assert found.rows == [[number], [number]]

    async def main() -> None:
        async with create_async_driver("arcadedb", **options(max_connections=10)) as shared:
            await asyncio.gather(*(work(shared, number) for number in range(200)))

    asyncio.run(main())


def test_an_exhausted_pool_says_so_in_time(options: Options) -> None:
    with create_driver("arcadedb", **options(max_connections=1, pool_timeout=0.3)) as driver:
        with Session(driver) as session:
            session.execute("RETURN 1")
            with pytest.raises(PoolTimeout):
                driver.execute("RETURN 2")
        assert driver.execute("RETURN 3").rows == [[3]]


def test_beginning_twice_is_an_error(options: Options, stored: Callable[[], list[str]]) -> None:
    with create_driver("arcadedb", **options()) as driver:
        driver.begin()
        with pytest.raises(RuntimeError, match="open already"):
            driver.begin()
        driver.execute("CREATE (:Marked {id: 'a'})")
        driver.rollback()
    assert stored() == []

    async def main() -> None:
        async with create_async_driver("arcadedb", **options()) as driver:
            await driver.begin()
            with pytest.raises(RuntimeError, match="open already"):
                await driver.begin()
            await driver.execute("CREATE (:Marked {id: 'b'})")
            await driver.commit()

    asyncio.run(main())
    assert stored() == ["b"]


@pytest.mark.parametrize("text", ["CREATE (:Marked)", "MATCH (n) SET n.x = 1", "MERGE (n:Marked {id: 'a'})"])
def test_an_async_driver_refuses_writes_that_are_sent_as_reads(
    options: Options, stored: Callable[[], list[str]], text: str
) -> None:
    async def main() -> None:
        async with create_async_driver("arcadedb", **options()) as driver:
            with pytest.raises(QueryError, match="pass write=True"):
                await driver.execute(text, write=False)
            async with AsyncSession(driver, read_only=True) as session:
                with pytest.raises(QueryError):
                    await session.execute(text, write=False)
                with pytest.raises(QueryError):
                    await session.execute(text, write=True)

    asyncio.run(main())
    assert stored() == []
