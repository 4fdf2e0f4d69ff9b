"""The quickstart with another URL gives the same answers, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.demo.test_flights_demo import run
from tests.servers.base import Server


@pytest.mark.parametrize("neo4j_server", ["neo4j", "neo4j_2026"], indirect=True)
def test_flights_on_neo4j_are_those_of_the_embedded_database(neo4j_server: Server, tmp_path: Path) -> None:
    neo4j_server.reset("")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    own, other = run(here), run(there, neo4j_server.url)
    assert own.answers == other.answers
    assert own.page == other.page
    # Once more on the filled database: nothing is there twice.
    assert run(there, neo4j_server.url).answers == own.answers
