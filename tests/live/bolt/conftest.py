"""Drivers of a real Neo4j, straight or through a proxy that breaks things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm.driver.bolt import BoltDriver
from runic.orm.driver.neo4j import create_neo4j_driver
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
