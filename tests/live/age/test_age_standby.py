"""Reading from a standby: libpq's several hosts, and what happens to a write there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm import AsyncSession, Field, Node, ServerError, Session
from runic.orm.driver.age import create_age_driver, create_async_age_driver
from tests.servers.age import start_standby
from tests.servers.base import NotAvailable, Server


class Beacon(Node):
    k: int = Field(primary_key=True)


class Lamp(Node):
    k: int = Field(primary_key=True)


@pytest.fixture(scope="module")
def standby(age_server: Server) -> Iterator[Server]:
    try:
        server = start_standby(age_server)
    except NotAvailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()


def test_a_read_only_session_reads_from_a_standby_and_writes_go_to_the_primary(
    age_server: Server, age_options: dict[str, Any], standby: Server
) -> None:
    both = {**age_options, "host": "127.0.0.1,127.0.0.1", "port": f"{standby.port},{age_server.port}"}
    with (
        create_age_driver(**both, target_session_attrs="primary") as primary,
        create_age_driver(**both, target_session_attrs="prefer-standby") as reader,
    ):
        with Session(primary) as session:
            session.add(Beacon(k=1))
        assert primary.sql("SELECT pg_is_in_recovery()") == [(False,)]
        until(lambda: arrived(reader))
        assert reader.sql("SELECT pg_is_in_recovery()") == [(True,)]
        with Session(reader, read_only=True) as session:
            assert session.get(Beacon, 1) is not None
        with Session(reader) as session:
            for stored in (Beacon(k=2), Lamp(k=2)):
                session.add(stored)
                with pytest.raises(ServerError, match="read-only"):
                    session.flush()
                session.rollback()


def test_the_same_in_async(age_server: Server, age_options: dict[str, Any], standby: Server) -> None:
    both = {**age_options, "host": "127.0.0.1,127.0.0.1", "port": f"{standby.port},{age_server.port}"}

    async def main() -> None:
        async with (
            create_async_age_driver(**both, target_session_attrs="primary") as primary,
            create_async_age_driver(**both, target_session_attrs="prefer-standby") as reader,
        ):
            async with AsyncSession(primary) as session:
                session.add(Beacon(k=1))
            assert await primary.sql("SELECT pg_is_in_recovery()") == [(False,)]
            with create_age_driver(**both, target_session_attrs="prefer-standby") as blocking:
                until(lambda: arrived(blocking))
            assert await reader.sql("SELECT pg_is_in_recovery()") == [(True,)]
            async with AsyncSession(reader, read_only=True) as session:
                assert await session.get(Beacon, 1) is not None
            async with AsyncSession(reader) as session:
                session.add(Beacon(k=2))
                with pytest.raises(ServerError, match="read-only"):
                    await session.flush()
                await session.rollback()

    asyncio.run(main())


def arrived(reader: Any) -> bool:
    try:
        return bool(reader.execute("MATCH (n:Beacon) RETURN n", write=False).rows)
    except ServerError:  # the graph has not come yet
        return False


def until(done: Any) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, "the standby never caught up"
        time.sleep(0.1)
