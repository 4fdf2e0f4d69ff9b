"""Paths of variable length see what is committed, and nothing that was taken back.

AGE 1.8 keeps the graph for them on each connection, and does not look again by itself in these cases. (One
that has seen some dozens of graphs does: its table of versions is full, and it compares snapshots. So the
server of these tests is a new one.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm import AsyncSession, Field, Node, Relation, Session, select
from runic.orm.driver.age import AGEDriver, create_async_age_driver
from tests.servers.age import start_own
from tests.servers.base import NotAvailable, Server


class Stop(Node, labels=["Stop"]):
    k: int = Field(primary_key=True)
    next: list[Stop] = Relation(relationship="NEXT", direction="OUTGOING", target="Stop")


@pytest.fixture(scope="module")
def age_server() -> Iterator[Server]:
    try:
        server = start_own()
    except NotAvailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()


PATH = select(Stop).where(Stop.k == 0).repeat(Stop.next, max_hops=20).alias("end").distinct()


@pytest.fixture
def line(driver: AGEDriver) -> AGEDriver:
    """Stops 0 to 4, of which 0 leads to 1."""
    with Session(driver) as session:
        stops = [Stop(k=n) for n in range(5)]
        session.add_all(stops)
        session.relate(stops[0], "next", stops[1])
    return driver


@pytest.fixture
def alone(line: AGEDriver, make_driver: Callable[..., AGEDriver]) -> AGEDriver:
    """A driver with one connection, which remembers."""
    return make_driver(max_connections=1)


def reached(driver: AGEDriver) -> list[int]:
    with Session(driver) as session:
        return ends(session)


def ends(session: Session) -> list[int]:
    return sorted(stop.k for stop in session.scalars(PATH))


def join(session: Session, a: int, b: int) -> None:
    start, end = session.get(Stop, a), session.get(Stop, b)
    assert start
    assert end
    session.relate(start, "next", end)
    session.flush()


def join_and_fail(session: Session) -> None:
    with session.transaction():
        join(session, 1, 2)
        assert ends(session) == [1, 2]
        raise ZeroDivisionError


def test_who_looked_while_it_was_written_sees_it_once_it_is_committed(
    line: AGEDriver, alone: AGEDriver
) -> None:
    with Session(line) as writer:
        join(writer, 1, 2)
        assert reached(alone) == [1]
    assert reached(alone) == [1, 2]


def test_a_statement_outside_of_sessions_is_seen(line: AGEDriver, alone: AGEDriver) -> None:
    line.begin()
    line.execute("MATCH (a:Stop {k: 1}), (b:Stop {k: 2}) CREATE (a)-[:NEXT]->(b)")
    assert reached(alone) == [1]
    line.commit()
    assert reached(alone) == [1, 2]
    line.execute("MATCH (:Stop {k: 1})-[r:NEXT]->() DELETE r")
    assert reached(alone) == [1]


def test_what_was_rolled_back_is_gone(alone: AGEDriver) -> None:
    with Session(alone) as session:
        join(session, 1, 2)
        assert ends(session) == [1, 2]
        session.rollback()
    assert reached(alone) == [1]


def test_what_a_block_took_back_is_gone_at_once(alone: AGEDriver) -> None:
    with Session(alone) as session:
        with pytest.raises(ZeroDivisionError):
            join_and_fail(session)
        assert ends(session) == [1]
    assert reached(alone) == [1]


def test_a_flush_that_fails_leaves_nothing(alone: AGEDriver) -> None:
    with Session(alone) as session:
        join(session, 1, 2)
        assert ends(session) == [1, 2]
        with pytest.raises(Exception, match="nowhere"):
            session.execute("RETURN nowhere")
        session.rollback()
    assert reached(alone) == [1]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_transaction_with_a_view_of_its_own_does_not_keep_it(
    line: AGEDriver, alone: AGEDriver, level: str
) -> None:
    with Session(alone.with_isolation(level)) as session:
        assert ends(session) == [1]
        with Session(line) as writer:
            join(writer, 1, 2)
        assert ends(session) == [1]
    assert reached(alone) == [1, 2]


def test_the_same_in_async(line: AGEDriver, age_options: dict[str, Any]) -> None:
    async def main() -> None:
        async with create_async_age_driver(**age_options, max_connections=2) as driver:

            async def ends(session: AsyncSession) -> list[int]:
                return sorted(stop.k for stop in await session.scalars(PATH))

            async def reached() -> list[int]:
                async with AsyncSession(driver) as session:
                    return await ends(session)

            async def join(session: AsyncSession, a: int, b: int) -> None:
                start, end = await session.get(Stop, a), await session.get(Stop, b)
                assert start
                assert end
                await session.relate(start, "next", end)
                await session.flush()

            async with AsyncSession(driver) as writer:
                await join(writer, 1, 2)
                assert await reached() == [1]
            assert await reached() == [1, 2]
            async with AsyncSession(driver) as session:
                await join(session, 2, 3)
                assert await ends(session) == [1, 2, 3]
                await session.rollback()
            assert await reached() == [1, 2]

    asyncio.run(main())
