"""Apache AGE passes the conformance kit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runic.orm.exceptions import ServerError
from runic.orm.testing.gaps import Gap, GapKind
from runic.orm.testing.harness import Harness
from runic.orm.testing.suite import *
from tests.servers.base import Server


class AGEHarness(Harness):
    backend: ClassVar[str] = "age"
    client_modules = ("psycopg", "psycopg_pool")
    known_gaps = (
        Gap(
            "TestIdentity::test_every_label_of_the_hierarchy_is_on_the_node",
            GapKind.NEVER,
            "a node has one label: those of the base classes stand in its property _labels",
            AssertionError,
        ),
        Gap(
            "TestIdentity::test_labels_of_others_do_not_matter",
            GapKind.NEVER,
            "a label cannot be added to a node",
            ServerError,
        ),
        Gap(
            "TestOperators::test_two_fields_are_compared",
            GapKind.NEVER,
            "the check writes a node of two labels as raw Cypher",
            ServerError,
        ),
    )
    golden = Path(__file__).parent / "golden" / "age.txt"

    def __init__(self, server: Server) -> None:
        self.server = server

    def url(self) -> str:
        return "age"

    def options(self) -> Mapping[str, Any]:
        return {
            "host": self.server.host,
            "port": self.server.port,
            "graph": f"conformance_{os.getpid()}",
            **self.server.credentials,
        }

    def version(self) -> str:
        return self.server.version


@pytest.fixture(scope="session")
def runic_harness(age_server: Server) -> AGEHarness:
    return AGEHarness(age_server)
