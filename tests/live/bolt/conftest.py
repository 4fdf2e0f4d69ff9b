"""Drivers of a real Neo4j, straight or through a proxy that breaks things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm import create_async_driver, create_driver
from runic.orm.driver.bolt import BoltDriver
from runic.orm.driver.neo4j import create_neo4j_driver
from tests.live.bolt.guarded import Guarded, guarded_server
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server


@pytest.fixture
def neo4j(neo4j_server: Server) -> Server:
    """The server, with an empty database."""
    neo4j_server.reset("")
    return neo4j_server


@pytest.fixture
def connect(neo4j: Server) -> Iterator[Callable[..., BoltDriver]]:
    """Make a driver with options; it is closed at the end."""
    drivers: list[BoltDriver] = []

    def make(**options: Any) -> BoltDriver:
        chosen: dict[str, Any] = {"host": neo4j.host, "port": neo4j.port} | neo4j.credentials | options
        driver = create_neo4j_driver(**chosen)
        drivers.append(driver)
        return driver

    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def driver(connect: Callable[..., BoltDriver]) -> BoltDriver:
    """A driver of an empty database."""
    return connect()


@pytest.fixture
def proxy(neo4j: Server) -> Iterator[FaultProxy]:
    """A proxy in front of the server; it breaks the statements that say ``Marked``."""
    with FaultProxy(neo4j.host, neo4j.port, b"Marked") as proxy:
        yield proxy


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=pytest.mark.live(name)) for name in ("neo4j", "neo4j_2026")],
)
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with TLS and users, of both versions."""
    with guarded_server(request.param, tmp_path_factory.mktemp("certificates")) as server:
        yield server


type Ask = Callable[..., list[list[Any]]]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Run one statement with a Neo4j driver of its own, of either colour: the rows."""

    def sync(text: str = "RETURN 1", *, write: bool = True, **options: Any) -> list[list[Any]]:
        with create_driver("neo4j", **options) as driver:
            return driver.execute(text, write=write).rows

    def asynchronous(text: str = "RETURN 1", *, write: bool = True, **options: Any) -> list[list[Any]]:
        async def main() -> list[list[Any]]:
            async with create_async_driver("neo4j", **options) as driver:
                return (await driver.execute(text, write=write)).rows

        return asyncio.run(main())

    return sync if request.param == "sync" else asynchronous
