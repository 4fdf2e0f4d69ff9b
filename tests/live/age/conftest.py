"""Drivers of a graph of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm.driver.age import AGEDriver, create_age_driver
from tests.servers.base import Server


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
