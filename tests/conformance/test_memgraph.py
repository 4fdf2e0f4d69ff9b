"""Memgraph passes the static tier of the conformance kit: there is no server of it to test against here."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from runic.orm.testing.harness import Harness
from runic.orm.testing.suite.names import TestRefusedNames as TestRefusedNames
from runic.orm.testing.suite.static import *


class MemgraphHarness(Harness):
    backend: ClassVar[str] = "memgraph"
    variant = "static tier"
    client_modules = ("neo4j",)
    golden = Path(__file__).parent / "golden" / "memgraph.txt"

    def url(self) -> str:
        return "memgraph"

    def version(self) -> str:
        return "3"


@pytest.fixture(scope="session")
def runic_harness() -> MemgraphHarness:
    return MemgraphHarness()
