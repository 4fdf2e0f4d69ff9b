"""Blocks of ``session.transaction()`` on PostgreSQL: savepoints, sync and async, and what breaks them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from runic.orm import Field, Mapped, Node, Relation
from runic.orm.core.state import Status
from runic.orm.driver.age import AGEDriver, create_async_age_driver
from runic.orm.exceptions import ConnectionLostError, ConstraintViolation, OrmError, QueryError, ServerError
from runic.orm.query.builder import select
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server


class Item(Node, labels=["Item"]):
    id: Mapped[str] = Field(primary_key=True)
    code: Mapped[str | None] = Field(default=None, unique=True)
    parts: list[Item] = Relation(relationship="HAS_PART", direction="OUTGOING", target="Item")


class Other(Node, labels=["Other"]):
    id: Mapped[str] = Field(primary_key=True)


CODES = "MATCH (n:Item) RETURN n.id, n.code ORDER BY n.id"


def in_block(session: Session, *steps: Callable[[], Any]) -> None:
    """Do this in a block."""
    with session.transaction():
        for step in steps:
            step()


def fail() -> None:
    raise ZeroDivisionError


@pytest.fixture
def coded(driver: AGEDriver) -> AGEDriver:
    """A driver of a graph in which codes are unique."""
    adapter_of(driver).create(IndexSpec("Item", "code", "UNIQUE", "NODE", ("code",)))
    return driver


@pytest.fixture
def proxy(age_server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(age_server.host, age_server.port, b"Item") as proxy:
        yield proxy


def test_a_unique_violation_costs_no_more_than_its_block(coded: AGEDriver) -> None:
    loaded: list[str] = []
    refused: list[Any] = []
    with Session(coded) as session:
        for number, code in enumerate(["a", "b", "a", "c", "b"]):
            item = Item(id=f"i{number}", code=code)
            try:
                with session.transaction():
                    session.add(item)
            except ConstraintViolation as error:
                refused.append((error.entity, item._runic_state.status))
            else:
                loaded.append(item.id)
        # All in one transaction, and nobody else sees it yet.
        assert coded.execute(CODES).rows == []
    assert loaded == ["i0", "i1", "i3"]
    assert [(entity.id, status) for entity, status in refused] == [
        ("i2", Status.TRANSIENT),
        ("i4", Status.TRANSIENT),
    ]
    assert coded.execute(CODES).rows == [["i0", "a"], ["i1", "b"], ["i3", "c"]]


def test_a_refused_object_can_be_corrected_inside_of_the_block(coded: AGEDriver) -> None:
    with Session(coded) as session:
        first = Item(id="first", code="a")
        session.add(first)
        with session.transaction():
            inside, twin = Item(id="inside", parts=[first]), Item(id="twin", code="a")
            session.add(inside)
            session.flush()
            session.add(twin)
            with pytest.raises(ConstraintViolation) as caught:
                session.flush()
            assert caught.value.entity is twin
            assert (first._new, inside._new, twin._new) == (False, True, True)
            twin.code = "b"
            first.code = "z"
    assert coded.execute(CODES).rows == [["first", "z"], ["inside", None], ["twin", "b"]]
    assert coded.execute("MATCH (a:Item)-[r]->(b:Item) RETURN a.id, b.id").rows == [["inside", "first"]]


def test_what_a_nested_block_sent_is_undone_and_what_is_around_it_stays(driver: AGEDriver) -> None:
    def inner(session: Session) -> None:
        with session.transaction():
            session.execute("MATCH (n:Item) SET n.code = 'inner'", write=True)
            session.execute("CREATE (:Item {id: 'inner'})", write=True)
            assert session.count(select(Item)) == 3
            raise ZeroDivisionError

    with Session(driver) as session:
        top = Item(id="top", code="top")
        session.add(top)
        with session.transaction():
            session.execute("CREATE (:Item {id: 'outer'})", write=True)
            with pytest.raises(ZeroDivisionError):
                inner(session)
            assert session.count(select(Item)) == 2
            assert session.execute("MATCH (n:Item {id: 'top'}) RETURN n.code").rows == [["top"]]
    assert driver.execute(CODES).rows == [["outer", None], ["top", "top"]]


def test_a_stream_that_fails_in_a_block_costs_no_more_than_the_block(driver: AGEDriver) -> None:
    with Session(driver) as session:
        session.add(Item(id="before"))
        session.flush()
        broken = session.query(Item).where(Item.code.matches("(("))
        with pytest.raises(OrmError):
            in_block(session, lambda: list(session.stream(broken, page=10)))
        session.add(Item(id="after"))
    assert [row[0] for row in driver.execute(CODES).rows] == ["after", "before"]


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_blocks_work_at_every_isolation_level(driver: AGEDriver, level: str) -> None:
    with Session(driver.with_isolation(level)) as session:
        session.add(Item(id="before"))
        with pytest.raises(ServerError):
            in_block(
                session,
                lambda: session.add(Item(id="inside")),
                session.flush,
                lambda: session.execute("NONSENSE"),
            )
        session.add(Item(id="after"))
    assert [row[0] for row in driver.execute(CODES).rows] == ["after", "before"]


def test_a_label_that_was_made_in_a_failed_block_is_made_again(age_options: dict[str, Any]) -> None:
    """On a connection of the program's own there is no other one to make tables with."""
    with psycopg.connect(
        host=age_options["host"],
        port=age_options["port"],
        user=age_options["username"],
        dbname=age_options["database"],
        autocommit=True,
    ) as connection:
        driver = AGEDriver(connection, age_options["graph"])
        with Session(driver) as session:
            session.add(Item(id="before"))
            for _ in range(2):
                with pytest.raises(ZeroDivisionError):
                    in_block(session, lambda: session.add(Other(id="inside")), session.flush, fail)
            assert session.execute("MATCH (n:Other) RETURN count(n)").rows == [[0]]
            with session.transaction():
                session.add(Other(id="kept"))
            assert session.count(select(Other)) == 1
        assert driver.execute("MATCH (n) RETURN n.id ORDER BY n.id").rows == [["before"], ["kept"]]


def test_a_connection_that_breaks_in_a_block_takes_the_transaction_with_it(
    make_driver: Callable[..., AGEDriver], driver: AGEDriver, proxy: FaultProxy
) -> None:
    through = make_driver(host="127.0.0.1", port=proxy.port)
    with Session(through) as session:
        before = Item(id="before", code="x")
        session.add(before)
        with pytest.raises(ConnectionLostError):
            in_block(
                session,
                lambda: setattr(before, "code", "inside"),
                lambda: session.add(Item(id="inside")),
                session.flush,
                lambda: proxy.arm("cut_after"),
                lambda: session.count(select(Item)),
            )
        # What was flushed before the block is staged again, and the session is usable.
        assert (before.code, before._new) == ("x", True)
        before.code = "y"
    assert driver.execute(CODES).rows == [["before", "y"]]


def test_wherever_the_connection_breaks_everything_is_there_once(
    make_driver: Callable[..., AGEDriver], driver: AGEDriver, proxy: FaultProxy
) -> None:
    through = make_driver(host="127.0.0.1", port=proxy.port)
    with Session(through) as session:
        session.add(Item(id="item"))
    proxy.marker = b""
    chance = random.Random(3)
    kept: set[str] = set()

    def block(session: Session, name: str) -> None:
        with session.transaction():
            session.add(Item(id=name))
            session.flush()
            session.add(Item(id=f"{name}+"))

    for number in range(30):
        session = Session(through)
        session.add(Item(id=f"{number}"))
        session.flush()
        proxy.arm(*[""] * chance.randrange(12), chance.choice(["cut_before", "cut_after"]))
        done = {f"{number}"}
        for part in ("a", "b"):
            name = f"{number}{part}"
            try:
                block(session, name)
            except ConnectionLostError:
                continue
            done |= {name, f"{name}+"}
        proxy.arm()
        # What blocks wrote that had ended is part of what is staged again, or was never lost.
        session.commit()
        session.close()
        kept |= done
    found = [row[0] for row in driver.execute("MATCH (n:Item) RETURN n.id").rows]
    assert sorted(found) == sorted(kept | {"item"})


def test_async_blocks_nest_and_go_back(age_options: dict[str, Any]) -> None:
    async def main() -> None:
        async with create_async_age_driver(**age_options) as driver:

            async def inner(session: AsyncSession) -> None:
                async with session.transaction():
                    session.add(Item(id="inner"))
                    await session.flush()
                    await session.execute("CREATE (:Item {id: 'raw'})", write=True)
                    await session.execute("NONSENSE")

            async with AsyncSession(driver) as session, session.transaction():
                session.add(Item(id="outer"))
                with pytest.raises(ServerError):
                    await inner(session)
                assert await session.count(select(Item)) == 1
            rows = (await driver.execute(CODES)).rows
            assert rows == [["outer", None]]

    asyncio.run(main())


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.005, 0.01, 0.02, 0.04])
def test_a_task_cancelled_in_a_block_loses_no_more_than_the_block(
    age_options: dict[str, Any], pause: float
) -> None:
    async def main() -> None:
        async with create_async_age_driver(**{**age_options, "max_connections": 2}) as driver:
            session = AsyncSession(driver)
            before = Item(id="before")
            session.add(before)
            await session.flush()

            async def block() -> None:
                async with session.transaction():
                    for number in range(100):
                        session.add(Item(id=f"{number}"))
                        await session.flush()
                    await asyncio.sleep(10)

            task = asyncio.create_task(block())
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            before.code = "after"
            await session.commit()
            await session.close()
            rows = (await driver.execute(CODES)).rows
            assert rows == [["before", "after"]]

    asyncio.run(main())


def test_what_an_error_took_back_cannot_be_committed_by_mistake(driver: AGEDriver) -> None:
    with Session(driver) as session:
        session.add(Item(id="before"))

        def nonsense() -> None:
            with pytest.raises(ServerError):
                session.execute("NONSENSE")

        raw = "CREATE (:Item {id: 'raw'})"
        with pytest.raises(QueryError, match="leave the block"):
            in_block(session, lambda: session.execute(raw, write=True), nonsense, session.commit)
    assert [row[0] for row in driver.execute(CODES).rows] == ["before"]
