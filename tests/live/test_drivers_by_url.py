"""The same program on whatever database its configuration names."""

from __future__ import annotations

import asyncio

import pytest

from runic.orm import create_async_driver, create_driver
from tests.servers.base import Server


def test_a_url_of_a_real_server_gives_a_working_driver(falkordb_server: Server, falkordb_graph: str) -> None:
    with create_driver(falkordb_server.url_of(falkordb_graph)) as driver:
        assert driver.execute("RETURN 1 + 1").rows == [[2]]


def test_the_environment_chooses_the_server_for_both_kinds_of_driver(
    falkordb_server: Server, falkordb_graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNIC_URL", falkordb_server.url_of(falkordb_graph))
    with create_driver() as driver:
        driver.execute("CREATE (:Probe {n: 7})")

    async def read() -> list[list[object]]:
        async with create_async_driver() as driver:
            return (await driver.execute("MATCH (p:Probe) RETURN p.n")).rows

    assert asyncio.run(read()) == [[7]]
