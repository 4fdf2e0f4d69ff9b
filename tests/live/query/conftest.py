"""A graph of people and films, loaded once, that the query tests only read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runic.orm import GeoLocation, Session, Vector, create_driver
from tests.servers.base import Server
from tests.unit.query.shop import Admin, Movie, Rated, Role, Ticket, User

GRAPH = "query_tests"


@pytest.fixture(scope="module")
def driver(falkordb_server: Server) -> Iterator[Any]:
    """A driver of the loaded graph."""
    falkordb_server.reset(GRAPH)
    with create_driver(falkordb_server.url_of(GRAPH)) as made:
        load(made)
        yield made
    falkordb_server.reset(GRAPH)


@pytest.fixture
def session(driver: Any) -> Iterator[Session]:
    with Session(driver) as opened:
        yield opened


def load(driver: Any) -> None:
    ann = User(
        id="ann", name="Ann", age=30, height=1.7, role=Role.ADMIN, balance=Decimal("1.50"), exact=0.1 + 0.2
    )
    ann.joined = datetime(2020, 1, 1, tzinfo=UTC)
    ann.home = GeoLocation(52.52, 13.405)
    ann.tags = ["a", "b"]
    ann.session_time = timedelta(hours=1)
    bob = User(
        id="bob", name="Bob", age=40, active=False, role=Role.MOD, exact=1e-300, home=GeoLocation(48.85, 2.35)
    )
    bob.joined = datetime(2021, 1, 1, tzinfo=UTC)
    bob.session_time = timedelta(minutes=30)
    cid = User(id="cid", name="Cid")
    dee = Admin(id="dee", name="Dee", age=20, level=3)
    first = Movie(id="m1", title="Graph Wars", plot="databases at war", year=1999, embedding=Vector([1, 0]))
    second = Movie(id="m2", title="The Graph", plot="a graph", year=2005, embedding=Vector([0.6, 0.8]))
    third = Movie(id="m3", title="Nothing", year=2005, embedding=Vector([0, 1]), embedding_far=Vector([3, 4]))
    fourth = Movie(id="m4", title="Graph again", year=2010)
    with Session(driver) as session:
        session.add_all([ann, bob, cid, dee, first, second, third, fourth, Ticket(subject="help")])
        session.flush()
        for source, target in ((ann, bob), (bob, cid), (cid, dee), (ann, dee)):
            session.relate(source, "friends", target)
        for source, target, stars in ((ann, first, 5.0), (ann, second, 3.0), (bob, first, 4.0)):
            session.relate(source, "rated", target, Rated(score=stars))
        session.relate(ann, "liked", first)
    for text in (
        "CREATE FULLTEXT INDEX FOR (n:Movie) ON (n.title)",
        "CREATE FULLTEXT INDEX FOR (n:Movie) ON (n.plot)",
        (
            "CREATE VECTOR INDEX FOR (n:Movie) ON (n.embedding) OPTIONS {dimension: 2,"
            " similarityFunction: 'cosine'}"
        ),
        (
            "CREATE VECTOR INDEX FOR (n:Movie) ON (n.embedding_far)"
            " OPTIONS {dimension: 2, similarityFunction: 'euclidean'}"
        ),
    ):
        driver.execute(text)
    for _ in range(1000):
        rows = driver.execute("CALL db.indexes() YIELD status RETURN status", write=False).rows
        if all(status == "OPERATIONAL" for (status,) in rows):
            return
        time.sleep(0.01)
    raise AssertionError("the indexes were not built in ten seconds")
