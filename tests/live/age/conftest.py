"""Drivers of a graph of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm.driver.age import AGEDriver, create_age_driver
from tests.servers.base import Server

BOTH = {
    "test_age_connections", "test_age_driver", "test_age_hostile_table", "test_age_prepared",
    "test_age_roles", "test_age_standby", "test_age_tables",
}  # fmt: skip
"""Tests that run on the oldest version as well. EXPLAIN tells of the current one only."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "age_server" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in BOTH:
        metafunc.parametrize("age_server", ["age", "age_15"], indirect=True)


@pytest.fixture
def age_options(age_server: Server, age_graph: str) -> dict[str, Any]:
    """The options of a driver of this test's graph."""
    return {
        "host": age_server.host,
        "port": age_server.port,
        "graph": age_graph,
        **age_server.credentials,
    }


@pytest.fixture
def make_driver(age_options: dict[str, Any]) -> Iterator[Callable[..., AGEDriver]]:
    """Makes drivers of the graph; closes them afterwards."""
    made: list[AGEDriver] = []

    def make(**options: Any) -> AGEDriver:
        made.append(create_age_driver(**{**age_options, **options}))
        return made[-1]

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def driver(make_driver: Callable[..., AGEDriver]) -> AGEDriver:
    """A driver of a graph that is not there yet."""
    return make_driver()
