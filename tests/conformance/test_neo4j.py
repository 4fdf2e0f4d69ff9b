"""Neo4j passes the conformance kit, the long-term version and the current one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runic.orm.driver.port import GraphDriver
from runic.orm.testing.harness import Harness
from runic.orm.testing.suite import *
from tests.conftest import server_or_skip
from tests.servers.base import Server
from tests.servers.registry import Registry


class Neo4jHarness(Harness):
    backend: ClassVar[str] = "neo4j"
    client_modules = ("neo4j",)
    golden = Path(__file__).parent / "golden" / "neo4j.txt"

    def __init__(self, server: Server) -> None:
        self.variant = server.version.rpartition(".")[0]
        self.server = server

    def url(self) -> str:
        return "neo4j"

    def options(self) -> Mapping[str, Any]:
        return {"host": self.server.host, "port": self.server.port, **self.server.credentials}

    def version(self) -> str:
        return self.server.version

    def reset(self, driver: GraphDriver) -> None:
        # Nodes of a test are few; the next one must not see the ids of the last.
        driver.execute("MATCH (n) DETACH DELETE n", write=True)


def live(name: str) -> Any:
    """A server as a parameter, under whose name the closing table counts."""
    return pytest.param(name, marks=pytest.mark.live(name))


@pytest.fixture(scope="module", params=[live("neo4j"), live("neo4j_2026")])
def runic_harness(request: pytest.FixtureRequest, servers: Registry) -> Neo4jHarness:
    server = server_or_skip(servers, request.param)
    server.reset("")
    return Neo4jHarness(server)
