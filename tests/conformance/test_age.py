"""Apache AGE passes the conformance kit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runic.orm.driver.age import AGEDriver
from runic.orm.driver.age.sql import identifier
from runic.orm.driver.port import GraphDriver
from runic.orm.exceptions import InvalidNameError, ServerError
from runic.orm.testing.gaps import Gap, GapKind
from runic.orm.testing.harness import Harness
from runic.orm.testing.suite import *
from tests.conftest import server_or_skip
from tests.servers.base import Server
from tests.servers.registry import Registry


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
        Gap(
            "TestNames::test_valid_names_work_everywhere",
            GapKind.NEVER,
            "the words of the grammar are reserved, even in backticks",
            AssertionError,
            until="1.8",
        ),
        Gap(
            "TestSearch::test_distance_is_in_metres",
            GapKind.NEVER,
            "the field of the check is called where, which is a word of the grammar",
            InvalidNameError,
            until="1.8",
        ),
    )
    golden = Path(__file__).parent / "golden" / "age.txt"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.variant = ".".join(server.version.split(".")[:2])

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

    def reset(self, driver: GraphDriver) -> None:
        # The table of each label and type inherits from these two. By Cypher it takes 156 ms where there are
        # 250 labels, and 2.5 ms in this way (1.8).
        assert isinstance(driver, AGEDriver)
        if driver.sql("SELECT 1 FROM pg_namespace WHERE nspname = $1", driver.graph_name):
            graph = identifier(driver.graph_name)
            driver.run_sql([f"DELETE FROM {graph}._ag_label_edge", f"DELETE FROM {graph}._ag_label_vertex"])


def live(name: str, *others: str) -> Any:
    """A server as a parameter, under whose name the closing table counts."""
    return pytest.param(name, *others, marks=pytest.mark.live(name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both colours on the current version, one on the oldest: all that differs is the text of statements."""
    if "runic_colour" in metafunc.fixturenames:
        runs = [live("age", "sync"), live("age", "async"), live("age_15", "sync")]
        metafunc.parametrize(("runic_harness", "runic_colour"), runs, indirect=True)
    elif "runic_harness" in metafunc.fixturenames:
        metafunc.parametrize("runic_harness", [live("age"), live("age_15")], indirect=True)


@pytest.fixture
def runic_colour(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def runic_harness(request: pytest.FixtureRequest, servers: Registry) -> AGEHarness:
    return AGEHarness(server_or_skip(servers, request.param))
