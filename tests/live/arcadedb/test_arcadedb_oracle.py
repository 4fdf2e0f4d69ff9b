"""Random predicates on ArcadeDB, with and without indexes: it must find what three-valued logic says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from runic.orm import Session, create_driver, select
from runic.orm.query.expressions import Expr
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from tests.live.query.test_predicates_against_an_oracle import THINGS, Thing, _predicates, truth
from tests.servers.base import Server


@pytest.fixture(scope="module", params=["no index", "indexes before", "indexes after"])
def driver(arcadedb_server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    name = f"oracle_{request.param.replace(' ', '_')}"
    arcadedb_server.reset(name)

    def index(made: Any) -> None:
        for field in ("a", "b", "s", "t"):
            adapter_of(made).create(IndexSpec("Thing", field, "RANGE"))

    with create_driver(arcadedb_server.url_of(name)) as made:
        if request.param == "indexes before":
            index(made)
        with Session(made) as session:
            session.add_all([Thing(**values) for values in THINGS])
        if request.param == "indexes after":
            index(made)
        yield made


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=_predicates)
def test_arcadedb_finds_what_three_valued_logic_says(driver: Any, predicate: Expr) -> None:
    statement = select(Thing).where(predicate).project(Thing.id)
    with Session(driver, read_only=True) as session:
        found = sorted(session.scalars(statement))
        number = session.count(statement)
    expected = [thing["id"] for thing in THINGS if truth(predicate, thing) is True]
    assert found == expected, str(statement)
    assert number == len(expected)
