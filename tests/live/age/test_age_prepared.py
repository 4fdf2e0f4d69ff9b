"""Look-ups by key are prepared on the connections of a driver, and on no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from runic.orm import AsyncSession, Field, Node, QueryTimeout, ServerError, Session
from runic.orm.driver.age import AGEDriver, create_async_age_driver, prepared

PREPARED = "SELECT name::text FROM pg_prepared_statements WHERE name LIKE 'runic%' ORDER BY name"


class Key(Node, labels=["Key"]):
    k: str = Field(primary_key=True)
    text: str | None = Field(default=None)


class Lock(Node, labels=["Lock"]):
    k: str = Field(primary_key=True)


@pytest.fixture
def alone(make_driver: Callable[..., AGEDriver]) -> AGEDriver:
    """A driver with one connection, and something to look up."""
    driver = make_driver(max_connections=1)
    with Session(driver) as session:
        session.add_all([Key(k="é'\\", text='a "b" ::vertex'), Key(k="2"), Lock(k="1")])
    return driver


def connect(options: dict[str, Any]) -> psycopg.Connection:
    where = {"host": options["host"], "port": options["port"], "dbname": options["database"]}
    return psycopg.connect(**where, user=options["username"], password=options["password"])


def look_up(driver: AGEDriver) -> list[Any]:
    with Session(driver) as session:
        found = [session.get(Key, "é'\\"), session.get(Key, "none"), session.get(Lock, "1")]
        return [each and getattr(each, "text", each.k) for each in found]


FOUND = ['a "b" ::vertex', None, "1"]


def test_each_statement_is_prepared_once(alone: AGEDriver) -> None:
    for _ in range(3):
        assert look_up(alone) == FOUND
        assert len(alone.sql(PREPARED)) == 2


def test_no_more_are_prepared_than_a_connection_may_have(
    alone: AGEDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_LIMIT", 1)
    for _ in range(3):
        assert look_up(alone) == FOUND
        assert len(alone.sql(PREPARED)) == 1


def test_a_connection_whose_statements_were_dropped_prepares_them_anew(alone: AGEDriver) -> None:
    assert look_up(alone) == FOUND
    alone.sql("DEALLOCATE ALL")
    with Session(alone) as session, pytest.raises(ServerError, match="does not exist"):
        session.get(Key, "2")
    for _ in range(2):
        assert look_up(alone) == FOUND


def test_a_look_up_survives_labels_and_graphs_that_come_and_go(alone: AGEDriver) -> None:
    assert look_up(alone) == FOUND
    alone.delete_graph()
    assert look_up(alone) == [None, None, None]
    with Session(alone) as session:
        session.add(Lock(k="1"))
    assert look_up(alone) == [None, None, "1"]


def test_the_error_of_a_look_up_is_told_and_the_connection_goes_on(
    alone: AGEDriver, make_driver: Callable[..., AGEDriver], age_options: dict[str, Any]
) -> None:
    impatient = make_driver(max_connections=1, timeout=0.2)
    assert look_up(impatient) == FOUND
    with connect(age_options) as holder:
        holder.execute(f'LOCK TABLE "{alone.graph_name}"."Key" IN ACCESS EXCLUSIVE MODE')
        with Session(impatient) as session, pytest.raises(QueryTimeout) as caught:
            session.get(Key, "2")
    assert "MATCH" in (caught.value.statement or "")
    assert look_up(impatient) == FOUND
    assert len(impatient.sql(PREPARED)) == 2


def test_a_borrowed_connection_gets_none(alone: AGEDriver, age_options: dict[str, Any]) -> None:
    with connect(age_options) as connection:
        for _ in range(7):
            assert look_up(AGEDriver(connection, age_options["graph"])) == FOUND
        assert connection.execute(PREPARED).fetchall() == []


def test_the_same_in_async(alone: AGEDriver, age_options: dict[str, Any]) -> None:
    async def main() -> None:
        async with create_async_age_driver(**age_options, max_connections=1) as driver:
            for _ in range(3):
                async with AsyncSession(driver) as session:
                    found = await session.get(Key, "é'\\")
                    assert found
                    assert found.text == FOUND[0]
                    assert await session.get(Key, "none") is None
            assert len(await driver.sql(PREPARED)) == 1
            # Given up half way, the connection is dropped and the next one prepares its own.
            async with AsyncSession(driver) as session:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0):
                        await session.get(Key, "2")
            async with AsyncSession(driver) as session:
                assert await session.get(Key, "2")

    asyncio.run(main())
