"""A hundred thousand objects in a cycle, and nodes with very many edges: no recursion, linear time."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytest

from runic.orm.session.session import Session
from tests.live.session.models import Company, Film, Person, Rated
from tests.live.session.support import counted
from tests.servers.base import Server


def ring(number: int) -> list[Person]:
    """People, each of whom knows the next one, and is paired with the one across."""
    people = [Person(id=f"p{i}") for i in range(number)]
    for i, person in enumerate(people):
        person.friends = [people[(i + 1) % number]]
        person.boss = people[(i + number // 2) % number]
    return people


@pytest.fixture
def low_recursion_limit() -> Any:
    """So low that following a relation by recursion cannot work."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("low_recursion_limit")
@pytest.mark.parametrize("number", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_cycle_of_very_many_objects_is_added_flushed_loaded_and_shown(
    driver: Any, falkordb_server: Server, number: int
) -> None:
    people = ring(number)
    with Session(driver) as session:
        session.add_all(people)
        session.commit()
        assert repr(people[0]).startswith("Person(id='p0'")
        people[0].friends.append(people[500])
        session.commit()
        session.delete(people[1])
        session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN count(r)").rows == [[2 * number + 1 - 4]]
    with Session(driver) as session:
        with counted(falkordb_server) as statements:
            loaded = session.query(Person).all()
            session.load(loaded, "friends", "fans", "boss")
        assert len(loaded) == number - 1
        assert statements.total <= 1 + 3 * (number // 5000 + 1)
        by_key = {each.id: each for each in loaded}
        assert by_key["p2"].friends == [by_key["p3"]]
        assert by_key["p2"].fans == []
        assert by_key["p2"].boss is by_key[f"p{2 + number // 2}"]
        assert by_key[f"p{1 + number // 2}"].boss is None
    walker, steps = by_key["p2"], 0
    while walker.friends and steps < 5000:
        walker, steps = walker.friends[0], steps + 1
    assert steps == 5000
    assert loaded[0] == loaded[0] != loaded[1]
    alone = by_key["p3"]
    alone.__dict__.update(friends=[], fans=[], boss=None)
    assert pickle.loads(pickle.dumps(alone)).id == "p3"


def seconds(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def assert_linear(work: Callable[[int], None], number: int) -> None:
    """Twice as much takes about twice as long, not four times. The quickest tries count."""
    once, twice = [], []
    for _ in range(6):
        once.append(seconds(lambda: work(number)))
        twice.append(seconds(lambda: work(2 * number)))
        if min(twice) < 3 * min(once):
            return
    raise AssertionError((once, twice))


@pytest.mark.parametrize("what", ["relate", "list", "unrelate", "edge objects", "delete", "merge"])
def test_a_node_with_thousands_of_edges_is_not_quadratic(driver: Any, what: str) -> None:
    driver.execute(
        "CREATE INDEX FOR (n:Person) ON (n.id)"
    )  # without it the server looks through all for a key

    def work(number: int) -> None:
        driver.execute("MATCH (n) DETACH DELETE n")
        with Session(driver) as session:
            hub, film = Company(id="hub"), Film(id="film")
            people = [Person(id=f"p{i}") for i in range(number)]
            session.add_all([hub, film, *people])
            session.commit()
            if what == "list":
                hub.staff = list(people)
            elif what == "edge objects":
                ratings = [Rated(score=1.0) for _ in people]
                for person, rating in zip(people, ratings, strict=True):
                    session.relate(person, "rated", film, rating)
                session.commit()
                for rating in ratings:
                    rating.score = 2.0
            else:
                for person in people:
                    session.relate(person, "company", hub)
            session.commit()
            if what == "list":
                hub.staff.clear()
            elif what == "unrelate":
                for person in people:
                    session.unrelate(person, "company", hub)
            elif what == "delete":
                for person in people:
                    session.delete(person)
            elif what == "merge":
                for person in people:
                    session.merge(Person(id=person.id, name="x"))
                    session.merge(Person(id=f"new {person.id}"))
            session.commit()

    assert_linear(work, 1500)
