"""The conformance kit on a live Memgraph, where one can be had: an address in the environment, or Docker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from runic.orm.testing.harness import Harness
from tests.servers.base import Server
from tests.servers.memgraph import why_not

# Without a server, one skip says so, not one for each of the checks. The static tier is test_memgraph.py.
if why_not() is None:
    from runic.orm.testing.suite import *


def test_there_is_a_server_for_the_conformance_kit(memgraph_server: Server) -> None:
    assert memgraph_server.version


class MemgraphHarness(Harness):
    backend: ClassVar[str] = "memgraph"
    client_modules = ("neo4j",)

    def __init__(self, server: Server) -> None:
        self._server = server

    def url(self) -> str:
        return "memgraph"

    def options(self) -> Mapping[str, Any]:
        return {"host": self._server.host, "port": self._server.port, **self._server.credentials}

    def version(self) -> str:
        return self._server.version


@pytest.fixture(scope="session")
def runic_harness(memgraph_server: Server) -> MemgraphHarness:
    memgraph_server.reset("")
    return MemgraphHarness(memgraph_server)
