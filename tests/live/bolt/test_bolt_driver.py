"""The Bolt driver on Neo4j: transactions, reads that are reads, values, pools, streams."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runic.orm import Field, Node, Session, create_driver, run_in_transaction, select
from runic.orm.core.types import GeoLocation
from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.driver.bolt import BoltDriver
from runic.orm.driver.neo4j import create_async_neo4j_driver, create_neo4j_driver
from runic.orm.driver.port import TransactionalGraphDriver
from runic.orm.exceptions import (
    ConnectionLostError,
    MissingParameterError,
    PoolTimeout,
    QueryTimeout,
    ServerError,
    TransientConflictError,
    ValueNotStorableError,
)
from runic.orm.session.async_session import AsyncSession
from tests.servers.base import Server

BOTH = pytest.mark.parametrize("neo4j_server", ["neo4j", "neo4j_2026"], indirect=True)


class Account(Node, labels=["Account"]):
    id: str = Field(primary_key=True)
    owner: str = Field(default="")
    balance: int = Field(default=0)
    version: int = Field(default=0, version=True)


def count(driver: BoltDriver) -> int:
    found: int = driver.execute("MATCH (n) RETURN count(n)", write=False).rows[0][0]
    return found


# -- transactions of the driver itself ----------------------------------------------------------


def test_begin_commit_and_rollback_span_statements(driver: BoltDriver, connect: Callable[..., Any]) -> None:
    other = connect()
    assert isinstance(driver, TransactionalGraphDriver)
    driver.begin()
    driver.execute("CREATE (:A)")
    driver.execute("CREATE (:A)")
    assert count(driver) == 2
    assert count(other) == 0
    driver.commit()
    assert count(other) == 2
    driver.begin()
    driver.execute("MATCH (n) DETACH DELETE n")
    driver.rollback()
    assert count(other) == 2


def test_beginning_twice_is_an_error(driver: BoltDriver) -> None:
    driver.begin()
    with pytest.raises(RuntimeError, match="open already"):
        driver.begin()
    driver.rollback()
    driver.commit()  # without a transaction: nothing
    driver.begin()


def test_beginning_twice_is_an_error_for_an_async_driver_too(neo4j: Server, driver: BoltDriver) -> None:
    async def main() -> None:
        options = {"host": neo4j.host, "port": neo4j.port, **neo4j.credentials}
        async with create_async_neo4j_driver(**options) as shared:
            await shared.begin()
            with pytest.raises(RuntimeError, match="open already"):
                await shared.begin()
            await shared.execute("CREATE (:A)")
            await shared.rollback()
            await shared.begin()
            await shared.execute("CREATE (:A)")
            await shared.commit()

    asyncio.run(main())
    assert count(driver) == 1


def test_a_statement_that_the_server_runs_alone_is_run_alone(driver: BoltDriver) -> None:
    driver.execute("UNWIND range(1, 20) AS x CALL (x) { CREATE (:B {x: x}) } IN TRANSACTIONS OF 5 ROWS")
    assert count(driver) == 20


# -- reads --------------------------------------------------------------------------------------


@BOTH
def test_a_read_that_writes_is_refused(driver: BoltDriver) -> None:
    with pytest.raises(ServerError, match="pass write=True"):
        driver.execute("CREATE (:A)", write=False)
    with Session(driver) as session, pytest.raises(ServerError, match="pass write=True"):
        session.execute("CREATE (:A)")
    with Session(driver, read_only=True) as session:
        assert session.execute("MATCH (n) RETURN count(n)").rows == [[0]]
        with pytest.raises(ServerError):
            session.execute("MERGE (:A) RETURN 1", write=False)
    assert count(driver) == 0


# -- values -------------------------------------------------------------------------------------


@BOTH
def test_raw_results_are_plain_values(driver: BoltDriver) -> None:
    result = driver.execute(
        "CREATE p = (a:A:B {k: 1, at: $at})-[r:R {w: 2.5}]->(b:C {d: date('2024-02-29')})"
        " RETURN a, r, p, point({latitude: 1.5, longitude: 2.5}) AS g, localtime('01:02:03.000004') AS t,"
        " duration('P1DT2S') AS span, [a.at, {x: b.d}] AS nested, a.nothing AS n",
        {"at": dt.datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))},
    )
    at = dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)
    a, r, p, place, clock, span, nested, nothing = result.rows[0]
    assert isinstance(a, RawNode)
    assert (a.labels, a.properties) == (("A", "B"), {"k": 1, "at": at})
    assert a.properties["at"].tzinfo is dt.UTC
    assert isinstance(r, RawEdge)
    assert (r.type, r.source, dict(r.properties)) == ("R", a.id, {"w": 2.5})
    assert isinstance(p, RawPath)
    assert [node.id for node in p.nodes] == [a.id, r.target]
    assert p.edges == (r,)
    assert (place, clock) == (GeoLocation(1.5, 2.5), dt.time(1, 2, 3, 4))
    assert (span, nothing) == (dt.timedelta(days=1, seconds=2), None)
    assert nested == [at, {"x": dt.date(2024, 2, 29)}]
    assert result.columns == ("a", "r", "p", "g", "t", "span", "nested", "n")
    assert result.counters["nodes_created"] == 2


def test_an_instant_that_was_read_finds_its_own_row_again(driver: BoltDriver) -> None:
    berlin = dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    driver.execute("CREATE (:T {at: $at})", {"at": berlin})
    ((read,),) = driver.execute("MATCH (n:T) RETURN n.at").rows
    assert read == dt.datetime(2024, 10, 27, 1, 30, tzinfo=dt.UTC)
    assert driver.execute("MATCH (n:T) WHERE n.at = $at RETURN count(n)", {"at": read}).rows == [[1]]


@pytest.mark.parametrize(
    "value",
    [2**63, float("nan"), "a\0b", "\ud800", {1: 2}, (1, 2), object(), dt.timedelta(1), {"k": [{"x": {3}}]}],
)
def test_a_parameter_that_would_not_come_back_is_refused(driver: BoltDriver, value: Any) -> None:
    with pytest.raises(ValueNotStorableError, match=r"\$v"):
        driver.execute("RETURN $v", {"v": value})
    assert driver.execute("RETURN 1").rows == [[1]]


def test_parameters_are_those_that_the_text_names(driver: BoltDriver) -> None:
    with pytest.raises(MissingParameterError, match=r"\$b"):
        driver.execute("RETURN $a, $b, '$c', `$d` // $e", {"a": 1, "d": 1})
    with pytest.raises(MissingParameterError, match="'z'"):
        driver.execute("RETURN $a", {"a": 1, "z": 1})


def test_the_server_sends_no_notifications(driver: BoltDriver, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="neo4j.notifications"):
        assert driver.execute("MATCH (n:NeverUsed) WHERE n.never = id(n) RETURN n").rows == []
    assert [record for record in caplog.records if record.name == "neo4j.notifications"] == []


# -- streams ------------------------------------------------------------------------------------


@BOTH
def test_a_stream_is_fetched_in_portions_and_may_be_left(driver: BoltDriver) -> None:
    driver.execute("UNWIND range(1, 5000) AS x CREATE (:Account {id: toString(x), balance: x})")
    with Session(driver) as session:
        seen = [
            account.balance for account in session.stream(select(Account).order_by(Account.balance), page=700)
        ]
        assert seen == list(range(1, 5001))
        for account in session.stream(select(Account).order_by(Account.balance), page=10):
            if account.balance == 15:
                break
        assert session.query(Account).count() == 5000


def test_statements_may_run_while_a_stream_is_open(driver: BoltDriver) -> None:
    driver.execute("UNWIND range(1, 3000) AS x CREATE (:Account {id: toString(x), balance: x})")
    with Session(driver) as session:
        for account in session.stream(select(Account).order_by(Account.balance), page=500):
            if account.balance % 1000 == 0:
                account.owner = "ann"
                session.flush()
    assert driver.execute("MATCH (n {owner: 'ann'}) RETURN count(n)").rows == [[3]]


# -- many at once -------------------------------------------------------------------------------


@BOTH
def test_two_writers_of_one_version_lose_no_update(driver: BoltDriver) -> None:
    with Session(driver) as session:
        session.add(Account(id="a"))

    def deposit(session: Session) -> None:
        account = session.get(Account, "a")
        assert account is not None
        account.balance += 1

    def work() -> None:
        for _ in range(25):
            run_in_transaction(driver, deposit, attempts=500)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work) for _ in range(6)]:
            done.result()
    assert driver.execute("MATCH (n:Account) RETURN n.balance, n.version").rows == [[150, 150]]


def test_a_deadlock_is_a_named_error_that_may_be_retried(driver: BoltDriver) -> None:
    driver.execute("CREATE (:L {k: 1}), (:L {k: 2})")
    barrier = threading.Barrier(2, timeout=20)

    def work(first: int, second: int) -> BaseException | None:
        session = Session(driver)
        try:
            session.execute("MATCH (n:L {k: $k}) SET n.x = 1", {"k": first}, write=True)
            barrier.wait()
            session.execute("MATCH (n:L {k: $k}) SET n.x = 2", {"k": second}, write=True)
            session.commit()
        except Exception as error:
            return error
        finally:
            session.close()
        return None

    with ThreadPoolExecutor(2) as pool:
        found = [each.result(30) for each in (pool.submit(work, 1, 2), pool.submit(work, 2, 1))]
    (error,) = [each for each in found if each is not None]
    assert isinstance(error, TransientConflictError)
    assert error.retryable
    assert "DeadlockDetected" in str(error)


def test_a_deadlock_is_run_again_until_both_are_through(driver: BoltDriver) -> None:
    driver.execute("CREATE (:L {k: 1, x: 0}), (:L {k: 2, x: 0})")
    barrier = threading.Barrier(2, timeout=60)
    tries: list[int] = []

    def work(first: int, second: int) -> None:
        met = False

        def unit(session: Session) -> None:
            nonlocal met
            tries.append(first)
            session.execute("MATCH (n:L {k: $k}) SET n.x = n.x + 1", {"k": first}, write=True)
            if not met:
                met = True
                barrier.wait()
            session.execute("MATCH (n:L {k: $k}) SET n.x = n.x + 1", {"k": second}, write=True)

        run_in_transaction(driver, unit)

    with ThreadPoolExecutor(2) as pool:
        for done in (pool.submit(work, 1, 2), pool.submit(work, 2, 1)):
            done.result(120)
    assert driver.execute("MATCH (n:L) RETURN n.x").rows == [[2], [2]]
    assert len(tries) > 2


@BOTH
def test_32_threads_share_a_driver(connect: Callable[..., BoltDriver]) -> None:
    driver = connect(max_connections=8)

    def work(number: int) -> None:
        for turn in range(5):
            with Session(driver) as session:
                session.add(Account(id=f"{number}-{turn}", balance=number))
            with Session(driver) as session:
                found = session.get(Account, f"{number}-{turn}")
                assert found is not None
                assert found.balance == number

    with ThreadPoolExecutor(32) as pool:
        for done in [pool.submit(work, number) for number in range(32)]:
            done.result()
    assert count(driver) == 160


@BOTH
def test_200_tasks_share_a_driver(neo4j: Server, driver: BoltDriver) -> None:
    async def work(shared: Any, number: int) -> None:
        async with AsyncSession(shared) as session:
            session.add(Account(id=str(number), balance=number))
        async with AsyncSession(shared) as session:
            found = await session.get(Account, str(number))
            assert found is not None
            assert found.balance == number

    async def main() -> None:
        options = {"host": neo4j.host, "port": neo4j.port, **neo4j.credentials}
        async with create_async_neo4j_driver(max_connections=10, **options) as shared:
            await asyncio.gather(*(work(shared, number) for number in range(200)))

    asyncio.run(main())
    assert count(driver) == 200


def test_an_exhausted_pool_says_so_in_time(connect: Callable[..., BoltDriver]) -> None:
    driver = connect(max_connections=1, pool_timeout=0.3)
    with Session(driver) as session:
        session.execute("RETURN 1")
        started = time.monotonic()
        with pytest.raises(PoolTimeout) as caught:
            driver.execute("RETURN 2")
        assert time.monotonic() - started < 2
        assert caught.value.retryable
    assert driver.execute("RETURN 3").rows == [[3]]


def test_waiting_for_a_lock_ends_at_the_limit(driver: BoltDriver, connect: Callable[..., BoltDriver]) -> None:
    driver.execute("CREATE (:L)")
    impatient = connect(timeout=0.5)
    with Session(driver) as holder:
        holder.execute("MATCH (n:L) SET n.x = 1", write=True)
        with pytest.raises(QueryTimeout) as caught:
            impatient.execute("MATCH (n:L) SET n.x = 2")
        assert not caught.value.maybe_applied
    assert driver.execute("MATCH (n:L) RETURN n.x").rows == [[1]]
    assert impatient.execute("RETURN 1").rows == [[1]]


# -- connecting ---------------------------------------------------------------------------------


def test_urls_say_where_and_how(neo4j: Server) -> None:
    for scheme in ("neo4j", "neo4j+bolt"):
        with create_driver(f"{scheme}://{neo4j.host}:{neo4j.port}/neo4j?timeout=30") as driver:
            assert isinstance(driver, BoltDriver)
            assert driver.execute("RETURN 1").rows == [[1]]
            assert driver.database == "neo4j"
            assert driver.timeout == 30.0


@pytest.mark.parametrize("uri", ["bolt+ssc", "neo4j+ssc", "bolt+s"])
def test_tls_to_a_server_without_is_a_lost_connection(neo4j: Server, uri: str) -> None:
    with (
        create_neo4j_driver(uri=f"{uri}://{neo4j.host}:{neo4j.port}") as driver,
        pytest.raises(ConnectionLostError) as caught,
    ):
        driver.execute("RETURN 1")
    assert not caught.value.maybe_applied
    assert caught.value.__cause__ is not None


def test_nobody_there_is_a_lost_connection_at_once() -> None:
    started = time.monotonic()
    with create_neo4j_driver("127.0.0.1", 1, username="ann", password="s3cret") as driver:
        with pytest.raises(ConnectionLostError, match=r"127\.0\.0\.1:1") as caught:
            driver.execute("RETURN 1")
        assert "s3cret" not in repr(driver) + str(caught.value)
    assert time.monotonic() - started < 5
    assert caught.value.retryable


def test_an_unknown_database_is_named(connect: Callable[..., BoltDriver]) -> None:
    with pytest.raises(ServerError, match="nosuch"):
        connect(database="nosuch").execute("RETURN 1")


@pytest.mark.parametrize("neo4j_server", ["neo4j_2026"], indirect=True)
def test_the_language_is_pinned_whatever_the_database_prefers(driver: BoltDriver) -> None:
    driver.execute("ALTER DATABASE neo4j SET DEFAULT LANGUAGE CYPHER 25")
    try:
        with Session(driver) as session:
            session.add_all([Account(id="a", balance=1), Account(id="b", balance=2)])
        with Session(driver) as session:
            found = session.scalars(select(Account).where(Account.balance > 0).order_by(Account.balance))
            assert [account.id for account in found] == ["a", "b"]
            # What users write is in the language that they chose.
            assert session.execute("LET x = 1 RETURN x").rows == [[1]]
    finally:
        driver.execute("ALTER DATABASE neo4j SET DEFAULT LANGUAGE CYPHER 5")
