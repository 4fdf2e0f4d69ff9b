"""A Neo4j that is killed: nothing of what was not committed is there, and drivers find the new one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm import Field, Node, Session
from runic.orm.core.metadata import MetaData
from runic.orm.driver.neo4j import create_async_neo4j_driver, create_neo4j_driver
from runic.orm.exceptions import ConnectionLostError
from tests.live.bolt.guarded import own_server
from tests.servers.neo4j import Neo4jProcess

pytestmark = pytest.mark.live("neo4j")


class Base(Node, metadata=MetaData()): ...


class Row(Base, labels=["Row"]):
    id: str = Field(primary_key=True)
    text: str = Field(default="")


@pytest.fixture(scope="module")
def mortal() -> Iterator[Neo4jProcess]:
    """A server that may be killed and started again."""
    with own_server("neo4j") as process:
        yield process


def ids(port: int) -> list[str]:
    with create_neo4j_driver("127.0.0.1", port) as driver:
        return [row[0] for row in driver.execute("MATCH (n:Row) RETURN n.id", write=False).rows]


def test_a_server_that_is_killed_in_a_flush_has_applied_nothing(mortal: Neo4jProcess) -> None:
    with create_neo4j_driver("127.0.0.1", mortal.port) as driver:
        with Session(driver) as session:
            session.add(Row(id="acknowledged"))
        # The flush waits for the lock of this one, in the middle of what it writes.
        holder = Session(driver)
        holder.execute("MATCH (n:Row {id: 'acknowledged'}) SET n.text = 'held'", write=True)
        session = Session(driver)
        changed = session.get(Row, "acknowledged")
        assert changed is not None
        session.add_all([Row(id=str(number)) for number in range(1000)])
        changed.text = "changed"
        killer = threading.Thread(target=lambda: (wait_for_writer(mortal.port), mortal.kill()))
        killer.start()
        with pytest.raises(ConnectionLostError) as caught:
            session.flush()
        killer.join(60)
        assert not caught.value.maybe_applied
        session.close()
        holder.close()
        mortal.start()
        assert ids(mortal.port) == ["acknowledged"]
        # The same driver, whose connections are all dead.
        with Session(driver) as again:
            found = again.get(Row, "acknowledged")
            assert found is not None
            assert found.text == ""
            again.add_all([Row(id=str(number)) for number in range(1000)])
        assert len(ids(mortal.port)) == 1001


def wait_for_writer(port: int) -> None:
    """Until a transaction waits for a lock."""
    with create_neo4j_driver("127.0.0.1", port) as driver:
        for _ in range(600):
            rows = driver.execute("SHOW TRANSACTIONS YIELD status, currentQuery").rows
            if any(str(status).startswith("Blocked") for status, _ in rows):
                return
            time.sleep(0.05)
    raise AssertionError("nobody waits for a lock")


def test_a_server_that_starts_again_is_found_by_every_connection_of_the_pool(mortal: Neo4jProcess) -> None:
    with create_neo4j_driver("127.0.0.1", mortal.port, max_connections=5) as driver:
        sessions = [Session(driver) for _ in range(5)]
        for session in sessions:
            session.execute("RETURN 1")
        under_way = sessions.pop()
        for session in sessions:
            session.close()

        async def main() -> None:
            async with create_async_neo4j_driver("127.0.0.1", mortal.port, max_connections=5) as other:
                await asyncio.gather(*(other.execute("RETURN 1") for _ in range(5)))
                mortal.kill()
                mortal.start()
                found: list[Any] = await asyncio.gather(*(other.execute("RETURN 2") for _ in range(5)))
                assert [each.rows for each in found] == [[[2]]] * 5

        asyncio.run(main())
        # One visible error for the unit that was under way, none for the others.
        with pytest.raises(ConnectionLostError) as caught:
            under_way.execute("RETURN 2")
        assert not caught.value.maybe_applied
        under_way.close()
        for number in range(5):
            with Session(driver) as session:
                assert session.execute("RETURN $n", {"n": number}).rows == [[number]]
