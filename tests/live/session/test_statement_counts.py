"""How many statements the server really executed."""

from __future__ import annotations

from math import ceil
from typing import Any

from runic.orm.session.session import Session
from tests.live.session.models import Company, Film, Person
from tests.live.session.support import Refined, counted
from tests.servers.base import Server

N = 10_000


def three_kinds(number: int) -> tuple[list[Person], list[Company], list[Film]]:
    """New objects of three kinds, each person with an edge to a company and to another person."""
    companies = [Company(id=f"c{i}") for i in range(number)]
    films = [Film(id=f"f{i}") for i in range(number)]
    people = [Person(id=f"p{i}", name=f"Person {i}", company=companies[i]) for i in range(number)]
    for i, person in enumerate(people):
        person.friends.append(people[(i + 1) % number])
    return people, companies, films


def test_three_kinds_of_ten_thousand_objects_with_their_edges_are_one_statement(
    driver: Any, falkordb_server: Server
) -> None:
    people, companies, films = three_kinds(N)
    with Session(driver) as session:
        session.add_all([*people, *companies, *films])
        with counted(falkordb_server) as statements:
            session.commit()
        assert (statements.reads, statements.writes) == (0, 1)
        assert session.guarantee == "single query"
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[3 * N]]
    assert driver.execute("MATCH (p:Person)-[:WORKS_AT]->(c:Company) RETURN count(*)").rows == [[N]]
    wrong = "MATCH (p:Person)-[:WORKS_AT]->(c) WHERE substring(p.id, 1) <> substring(c.id, 1)"
    assert driver.execute(f"{wrong} RETURN count(*)").rows == [[0]]


def test_a_flush_larger_than_one_query_takes_a_statement_for_each_batch_of_each_kind(
    driver: Any, falkordb_server: Server
) -> None:
    people, companies, films = three_kinds(N)
    small = Refined(driver, unit_rows=1000, batch_size=3000)
    with Session(small) as session:
        session.add_all([*people, *companies, *films])
        with counted(falkordb_server) as statements:
            session.commit()
        # Three kinds of nodes and two kinds of edges.
        assert (statements.reads, statements.writes) == (0, 5 * ceil(N / 3000))
        assert session.guarantee == "several queries"
    assert driver.execute("MATCH (p:Person)-[:WORKS_AT]->(c:Company) RETURN count(*)").rows == [[N]]


def test_updates_and_deletions_of_thousands_are_grouped_by_what_they_change(
    driver: Any, falkordb_server: Server
) -> None:
    with Session(driver) as session:
        people = [Person(id=f"p{i}", name="x", age=1) for i in range(3000)]
        session.add_all(people)
        session.commit()
        for person in people[:1000]:
            person.name = "y"
        for person in people[1000:2000]:
            person.age = None
        for person in people[2000:]:
            session.delete(person)
        with counted(falkordb_server) as statements:
            session.commit()
        assert (statements.reads, statements.writes) == (0, 1)
    assert driver.execute("MATCH (n) RETURN n.name, n.age, count(*) ORDER BY n.name").rows == [
        ["x", None, 1000],
        ["y", 1, 1000],
    ]

    small = Refined(driver, unit_rows=10, batch_size=300)
    with Session(small) as session:
        people = [each for each in session.get_many(Person, [f"p{i}" for i in range(2000)]) if each]
        for person in people[:1000]:
            person.name = "z"
        for person in people[1000:]:
            session.delete(person)
        small.sent.clear()
        session.commit()
        assert len(small.writes) == 2 * ceil(1000 / 300)


def test_a_commit_without_changes_sends_nothing(driver: Any, falkordb_server: Server) -> None:
    with Session(driver) as session:
        ann = Person(id="ann", tags=["a"], friends=[])
        session.add(ann)
        session.commit()
        assert ann.tags == ["a"]
        assert ann.friends == []
        ann.name = None
        ann.tags = ["a"]
        with counted(falkordb_server) as statements:
            session.commit()
            session.flush()
            session.rollback()
        assert statements.total == 0


def test_a_session_that_does_nothing_sends_nothing(driver: Any, falkordb_server: Server) -> None:
    with counted(falkordb_server) as statements, Session(driver):
        pass
    assert statements.total == 0


def test_get_many_takes_one_statement_for_each_batch_and_none_for_what_is_known(
    driver: Any, falkordb_server: Server
) -> None:
    with Session(driver) as session:
        session.add_all([Person(id=f"p{i}") for i in range(2000)])
        session.commit()
    keys = [f"p{i}" for i in range(2000)]
    with Session(driver) as session:
        with counted(falkordb_server) as statements:
            found = session.get_many(Person, [*keys, "nobody", "p0"])
        assert (statements.reads, statements.writes) == (1, 0)
        assert [each and each.id for each in found] == [*keys, None, "p0"]
        assert found[0] is found[-1]
        with counted(falkordb_server) as statements:
            assert session.get_many(Person, keys) == found[:2000]
            assert session.get(Person, "p7") is found[7]
        assert statements.total == 0
    with Session(Refined(driver, batch_size=300)) as session:
        with counted(falkordb_server) as statements:
            session.get_many(Person, keys)
        assert statements.total == ceil(2000 / 300)


def test_lazy_access_over_two_thousand_siblings_takes_one_statement_a_relation(
    driver: Any, falkordb_server: Server
) -> None:
    people, companies, films = three_kinds(2000)
    with Session(driver) as session:
        session.add_all([*people, *companies, *films])
        session.commit()
    with Session(driver) as session:
        loaded = session.get_many(Person, [f"p{i}" for i in range(2000)])
        with counted(falkordb_server) as statements:
            for i, person in enumerate(loaded):
                assert person is not None
                assert person.company is not None
                assert person.company.id == f"c{i}"
                assert [each.id for each in person.friends] == [f"p{(i + 1) % 2000}"]
                assert len(person.company.staff) == 1
        assert statements.total == 3


def test_nested_fetch_takes_one_statement_a_relation(driver: Any, falkordb_server: Server) -> None:
    people, companies, films = three_kinds(500)
    with Session(driver) as session:
        session.add_all([*people, *companies, *films])
        session.commit()
    with Session(driver) as session, counted(falkordb_server) as statements:
        loaded = session.get_many(
            Person, [f"p{i}" for i in range(500)], fetch=["friends.company.staff", "company"]
        )
        for person in loaded:
            assert person is not None
            assert person.friends[0].company is not None
            assert person.friends[0].company.staff == [person.friends[0]]
    # The people, their friends, the company of all of them, its staff.
    assert statements.total == 4
