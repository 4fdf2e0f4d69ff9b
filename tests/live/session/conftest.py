"""Fixtures of the session tests: a driver on a graph of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm import create_driver
from runic.orm.session.session import Session
from tests.servers.base import Server


@pytest.fixture
def driver(falkordb_server: Server, falkordb_graph: str) -> Iterator[Any]:
    """A driver of an empty graph."""
    with create_driver(falkordb_server.url_of(falkordb_graph)) as made:
        yield made


@pytest.fixture
def session(driver: Any) -> Iterator[Session]:
    """A session that is closed in the end, without committing."""
    opened = Session(driver)
    yield opened
    opened.close()


@pytest.fixture
def unique(driver: Any, falkordb_graph: str) -> Callable[[str, str], None]:
    """Make a unique constraint and wait until it holds."""

    def make(label: str, name: str) -> None:
        driver.execute(f"CREATE INDEX FOR (n:`{label}`) ON (n.`{name}`)")
        driver.command(
            "GRAPH.CONSTRAINT", "CREATE", falkordb_graph, "UNIQUE", "NODE", label, "PROPERTIES", "1", name
        )
        for _ in range(1000):
            rows = driver.execute("CALL db.constraints() YIELD label, status RETURN label, status").rows
            if all(status == "OPERATIONAL" for _, status in rows):
                return
        raise AssertionError(rows)

    return make
