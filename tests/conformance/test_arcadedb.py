"""ArcadeDB passes the conformance kit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runic.orm.testing.gaps import Gap, GapKind
from runic.orm.testing.harness import Harness
from runic.orm.testing.suite import *
from tests.servers.base import Server


class ArcadeDBHarness(Harness):
    backend: ClassVar[str] = "arcadedb"
    scans_may_miss = True  # seen on 26.10, with 200 sessions at work
    client_modules = ("neo4j",)
    golden = Path(__file__).parent / "golden" / "arcadedb.txt"
    known_gaps: Sequence[Gap] = (
        Gap(
            "TestRaw::test_an_empty_result_has_columns",
            GapKind.NOTYET,
            "the server names no columns of a result without rows (26.10)",
            AssertionError,
        ),
    )

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database

    def url(self) -> str:
        return "arcadedb"

    def options(self) -> Mapping[str, Any]:
        server = self._server
        return {
            "host": server.host,
            "port": server.port,
            "database": self._database,
            **server.credentials,
            **server.options,
        }

    def version(self) -> str:
        return self._server.version


@pytest.fixture(scope="session")
def runic_harness(arcadedb_server: Server) -> ArcadeDBHarness:
    database = f"conformance_{os.getpid()}"
    arcadedb_server.reset(database)
    return ArcadeDBHarness(arcadedb_server, database)
