"""Drivers of a real FalkorDB, straight or through a proxy that breaks things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runic.orm.driver.falkordb import FalkorDBDriver, create_falkordb_driver
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server


@pytest.fixture
def driver(falkordb_server: Server, falkordb_graph: str) -> Iterator[FalkorDBDriver]:
    """A driver of an empty graph."""
    server = falkordb_server
    with create_falkordb_driver(server.host, server.port, falkordb_graph, **server.credentials) as driver:
        yield driver


@pytest.fixture
def proxy(falkordb_server: Server) -> Iterator[FaultProxy]:
    """A proxy in front of the server."""
    with FaultProxy(falkordb_server.host, falkordb_server.port) as proxy:
        yield proxy
