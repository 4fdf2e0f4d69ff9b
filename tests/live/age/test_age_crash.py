"""A server that dies and comes back: what was not committed is gone, and the pool finds it again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from runic.orm import (
    AsyncSession,
    ConnectionLostError,
    Field,
    Node,
    Session,
    create_async_driver,
    create_driver,
    run_in_transaction,
)
from tests.servers.age import RELEASES, AGEServer, start_tree
from tests.servers.base import NotAvailable

COUNT = "MATCH (n:Survivor) RETURN n.k ORDER BY n.k"


class Survivor(Node, labels=["Survivor"]):
    k: int = Field(primary_key=True)


@pytest.fixture(scope="module")
def age_server() -> Iterator[AGEServer]:
    """A server that nobody else needs."""
    try:
        server = start_tree(RELEASES["age"], durable=True)
    except NotAvailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture
def age_graph(request: pytest.FixtureRequest) -> str:
    """The name of a graph that goes with the server."""
    return f"test_{abs(hash(request.node.name))}"


def test_a_unit_that_was_flushed_and_not_committed_is_gone(age_server: AGEServer, age_graph: str) -> None:
    with create_driver(age_server.url_of(age_graph)) as driver:
        with Session(driver) as session:
            session.add(Survivor(k=1))
        with Session(driver) as session:
            session.add(Survivor(k=2))
            session.flush()
            age_server.crash()
            with pytest.raises(ConnectionLostError):
                session.commit()
            session.rollback()
            # The same session goes on, on another connection.
            assert [each.k for each in session.query(Survivor).all()] == [1]
            session.add(Survivor(k=3))
        assert driver.execute(COUNT).rows == [[1], [3]]


def test_every_connection_of_a_pool_is_found_to_be_stale(age_server: AGEServer, age_graph: str) -> None:
    async def main() -> None:
        async with create_async_driver(age_server.url_of(age_graph), max_connections=5) as driver:

            async def look() -> int:
                async with AsyncSession(driver) as session:
                    found = await session.query(Survivor).all()
                    await session.get(Survivor, 1)
                    await asyncio.sleep(0.05)
                    return len(found)

            async with AsyncSession(driver) as session:
                session.add(Survivor(k=1))
            await asyncio.gather(*(look() for _ in range(5)))
            age_server.crash()
            assert await asyncio.gather(*(look() for _ in range(10))) == [1] * 10

    asyncio.run(main())


def test_a_unit_in_a_function_is_tried_again(age_server: AGEServer, age_graph: str) -> None:
    with create_driver(age_server.url_of(age_graph)) as driver:
        crashes = [age_server.crash]

        def work(session: Session) -> None:
            session.add(Survivor(k=7))
            session.flush()
            if crashes:
                crashes.pop()()
            session.execute(COUNT)

        run_in_transaction(driver, work)
        assert driver.execute(COUNT).rows == [[7]]
