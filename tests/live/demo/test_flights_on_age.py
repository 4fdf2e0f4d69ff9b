"""The quickstart gives the same answers on Apache AGE."""

from __future__ import annotations

from pathlib import Path

from tests.live.demo.test_flights_demo import run
from tests.servers.base import Server


def test_age_gives_the_same_answers_and_a_second_run_adds_nothing(
    age_server: Server, age_graph: str, falkordb_server: Server, falkordb_graph: str, tmp_path: Path
) -> None:
    url = age_server.url_of(age_graph)
    first, second = run(tmp_path, url), run(tmp_path, url)
    other = run(tmp_path, falkordb_server.url_of(falkordb_graph))
    assert first.answers == second.answers == other.answers
    assert first.page == second.page == other.page
