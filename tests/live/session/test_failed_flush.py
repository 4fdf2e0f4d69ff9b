"""A flush that fails: what the database holds, what memory holds, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from runic.orm.exceptions import ConstraintViolation, FieldValidationError, ServerError, StaleObjectError
from runic.orm.session.session import Session
from tests.live.session.models import Account, Company, Film, Metered, Person, Rated
from tests.live.session.support import Refined, at_write, database, edges


@pytest.fixture
def unique_email(unique: Callable[[str, str], None]) -> None:
    unique("Person", "email")


@pytest.mark.usefixtures("unique_email")
def test_a_violation_in_the_last_part_leaves_nothing_and_names_the_object(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Person(id="taken", email="a@x"))
        session.commit()
    before = database(driver)
    with Session(driver) as session:
        old = session.get(Person, "taken")
        assert old is not None
        old.age = 7
        films = [Film(id=f"f{i}") for i in range(100)]
        people = [Person(id=f"p{i}", email=f"{i}@x", rated=[films[i]]) for i in range(100)]
        people[-1].email = "a@x"
        session.add_all([*films, *people])
        session.relate(old, "friends", people[0])
        with pytest.raises(ConstraintViolation, match=r"p99.*email") as caught:
            session.commit()
        assert caught.value.entity is people[-1]
        assert database(driver) == before

        # The session is as it was: mend it and commit.
        assert old.age == 7
        people[-1].email = "99@x"
        session.commit()
        assert session.guarantee == "single query"
    nodes, links = database(driver)
    assert len(nodes) == 201
    assert len(links) == 101
    assert edges(driver)[-1] == ("taken", "KNOWS", "p0")


@pytest.mark.usefixtures("unique_email")
def test_two_new_objects_with_one_unique_value_name_the_second(driver: Any) -> None:
    with Session(driver) as session:
        one, two = Person(id="1", email="a@x"), Person(id="2", email="a@x")
        session.add_all([one, two])
        with pytest.raises(ConstraintViolation) as caught:
            session.flush()
        assert caught.value.entity is two
        session.expunge(two)
        session.commit()
    assert len(database(driver)[0]) == 1


@pytest.mark.usefixtures("unique_email")
def test_an_update_that_violates_names_its_object(driver: Any) -> None:
    with Session(driver) as session:
        one, two = Person(id="1", email="a@x"), Person(id="2", email="b@x")
        session.add_all([one, two])
        session.commit()
        two.email = "a@x"
        with pytest.raises(ConstraintViolation) as caught:
            session.commit()
        assert caught.value.entity is two
        session.rollback()
        assert two.email == "b@x"
        two.age = 3
        session.commit()
    assert driver.execute("MATCH (n {id: '2'}) RETURN n.email, n.age").rows == [["b@x", 3]]


@pytest.mark.usefixtures("unique_email")
def test_a_deleted_object_frees_its_unique_value_in_the_same_flush(driver: Any) -> None:
    with Session(driver) as session:
        old = Person(id="old", email="a@x")
        session.add(old)
        session.commit()
        session.delete(old)
        new = Person(id="new", email="a@x")
        session.add(new)
        session.commit()
        assert session.get(Person, "new") is new
        assert session.get(Person, "old") is None
    assert driver.execute("MATCH (n) RETURN n.id").rows == [["new"]]


@pytest.mark.usefixtures("unique_email")
def test_an_object_can_be_deleted_and_added_again_with_its_key_in_one_flush(driver: Any) -> None:
    with Session(driver) as session:
        old = Person(id="p", email="a@x", friends=[Person(id="q")])
        session.add_all([old, old.friends[0]])
        session.commit()
        session.delete(old)
        new = Person(id="p", email="a@x", name="new")
        session.add(new)
        session.commit()
        assert session.get(Person, "p") is new
        new.age = 1
        session.commit()
    assert driver.execute("MATCH (n {id: 'p'}) RETURN n.name, n.age").rows == [["new", 1]]
    assert edges(driver) == []


@pytest.mark.usefixtures("unique_email")
def test_two_objects_can_exchange_a_unique_value_or_are_told_that_they_cannot(driver: Any) -> None:
    with Session(driver) as session:
        one, two = Person(id="1", email="a@x"), Person(id="2", email="b@x")
        session.add_all([one, two])
        session.commit()
        before = database(driver)
        one.email, two.email = two.email, one.email
        try:
            session.commit()
        except ConstraintViolation:
            assert database(driver) == before
        else:
            assert driver.execute("MATCH (n) RETURN n.id, n.email ORDER BY n.id").rows == [
                ["1", "b@x"],
                ["2", "a@x"],
            ]


def test_two_objects_of_a_session_with_one_key_are_refused_before_anything_is_sent(driver: Any) -> None:
    watched = Refined(driver)
    with Session(watched) as session:
        session.add(Person(id="p"))
        session.commit()
        watched.sent.clear()
        twin = Person(id="p")
        session.add(twin)
        with pytest.raises(ConstraintViolation, match="merge") as caught:
            session.commit()
        assert caught.value.entity is twin
        assert watched.sent == []
        session.rollback()


def test_a_value_that_cannot_be_stored_is_refused_before_anything_is_sent(driver: Any) -> None:
    watched = Refined(driver)
    with Session(watched) as session:
        good, bad = Person(id="good"), Person(id="bad", age=2**63)
        session.add_all([good, bad])
        with pytest.raises(FieldValidationError, match=r"Person\.age"):
            session.commit()
        assert watched.sent == []
        bad.age = 1
        session.commit()
    assert len(database(driver)[0]) == 2


# -- changed or deleted meanwhile ------------------------------------------------------------------


def test_an_object_deleted_meanwhile_is_stale_when_it_is_updated(driver: Any) -> None:
    with Session(driver) as session:
        ann, ben = Person(id="ann"), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
        driver.execute("MATCH (n {id: 'ann'}) DELETE n")
        ann.age, ben.age = 1, 2
        with pytest.raises(StaleObjectError, match="ann"):
            session.commit()
        assert driver.execute("MATCH (n) RETURN n.id, n.age").rows == [["ben", None]]
        session.expunge(ann)
        session.commit()
    assert driver.execute("MATCH (n) RETURN n.id, n.age").rows == [["ben", 2]]


def test_an_end_deleted_meanwhile_makes_its_edge_stale(driver: Any) -> None:
    with Session(driver) as session:
        ann, ben = Person(id="ann"), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
        driver.execute("MATCH (n {id: 'ann'}) DELETE n")
        session.relate(ben, "friends", ann)
        session.add(Film(id="f"))
        with pytest.raises(StaleObjectError, match="ann"):
            session.commit()
        assert len(database(driver)[0]) == 1
        session.rollback()
    assert edges(driver) == []


def test_an_object_deleted_meanwhile_may_be_deleted_again(driver: Any) -> None:
    with Session(driver) as session:
        ann, ben = Person(id="ann"), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
        driver.execute("MATCH (n {id: 'ann'}) DELETE n")
        session.delete(ann)
        session.delete(ben)
        session.commit()
    assert database(driver) == ([], [])


def test_a_node_that_took_over_an_identity_is_never_written_to(driver: Any) -> None:
    """FalkorDB gives the identity of a deleted node to the next new one."""
    with Session(driver) as session:
        ann, ben = Person(id="ann"), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
        identity = ann._runic_state.id
        driver.execute("MATCH (n {id: 'ann'}) DELETE n")
        driver.execute("CREATE (:Person {id: 'mallory'})")
        assert driver.execute("MATCH (n {id: 'mallory'}) RETURN id(n)").rows == [[identity]]
        before = database(driver)

        ann.age = 1
        with pytest.raises(StaleObjectError):
            session.commit()
        session.rollback()
        session.relate(ann, "friends", ben)
        with pytest.raises(StaleObjectError):
            session.commit()
        session.rollback()
        session.unrelate(ann, "friends", ben)
        session.delete(ann)
        session.commit()
    assert database(driver) == before


def test_relations_of_a_node_whose_identity_was_taken_over_are_not_those_of_the_other(driver: Any) -> None:
    with Session(driver) as session:
        ann, ben = Person(id="ann", friends=[]), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
    with Session(driver) as session:
        found = session.get(Person, "ann")
        assert found is not None
        driver.execute("MATCH (n {id: 'ann'}) DELETE n")
        driver.execute("MATCH (b {id: 'ben'}) CREATE (:Person {id: 'mallory'})-[:KNOWS]->(b)")
        assert found.friends == []


def test_a_node_without_a_key_of_its_own_is_at_least_not_one_of_another_kind(driver: Any) -> None:
    from tests.live.session.models import Note

    with Session(driver) as session:
        note = Note(text="mine")
        session.add(note)
        session.commit()
        driver.execute("MATCH (n:Note) DELETE n")
        driver.execute("CREATE (:Person {id: 'mallory'})")
        before = database(driver)
        note.text = "written"
        with pytest.raises(StaleObjectError):
            session.commit()
        session.rollback()
        session.delete(note)
        session.commit()
    assert database(driver) == before


# -- optimistic locking ----------------------------------------------------------------------------


def test_the_second_of_two_sessions_that_change_a_versioned_object_is_stale(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Account(id="a", balance=1))
    first, second = Session(driver), Session(driver)
    mine, theirs = first.get(Account, "a"), second.get(Account, "a")
    assert mine is not None
    assert theirs is not None
    mine.balance, theirs.balance = 10, 20
    first.commit()
    assert mine.version == 2
    with pytest.raises(StaleObjectError, match="Account") as caught:
        second.commit()
    assert caught.value.retryable
    assert theirs.version == 1
    second.rollback()
    second.refresh(theirs)
    assert theirs.balance == 10
    theirs.balance += 5
    second.commit()
    assert driver.execute("MATCH (n:Account) RETURN n.balance, n.version").rows == [[15, 3]]
    first.delete(mine)
    with pytest.raises(StaleObjectError):
        first.commit()
    assert len(database(driver)[0]) == 1
    first.close()
    second.close()


def test_a_merged_versioned_object_can_be_changed_afterwards(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Account(id="a", balance=1))
    with Session(driver) as session:
        account = session.merge(Account(id="a", balance=2))
        fresh = session.merge(Account(id="b", balance=2))
        session.commit()
        account.balance = fresh.balance = 3
        session.commit()
        assert (account.version, fresh.version) == (3, 2)
    assert driver.execute("MATCH (n:Account) RETURN n.id, n.balance, n.version ORDER BY n.id").rows == [
        ["a", 3, 3],
        ["b", 3, 2],
    ]


def test_an_object_stored_before_it_had_a_version_can_be_changed(driver: Any) -> None:
    driver.execute("CREATE (:Account {id: 'old', balance: 1})")
    with Session(driver) as session:
        account = session.get(Account, "old")
        assert account is not None
        account.balance = 2
        session.commit()
        assert account.version == 1
        session.delete(account)
        session.commit()
    assert database(driver) == ([], [])


def test_a_versioned_edge_is_guarded_too(driver: Any) -> None:
    with Session(driver) as session:
        ann, film = Person(id="ann"), Film(id="f")
        edge = Metered(amount=1)
        session.relate(ann, "metered", film, edge)
        session.commit()
        edge.amount = 2
        session.commit()
        assert edge.version == 2
        driver.execute("MATCH ()-[r:METERED]->() SET r.version = 9")
        edge.amount = 3
        with pytest.raises(StaleObjectError):
            session.commit()
        session.rollback()
        assert (edge.amount, edge.version) == (2, 2)
    assert driver.execute("MATCH ()-[r]->() RETURN r.amount, r.version").rows == [[2, 9]]


# -- several queries -------------------------------------------------------------------------------


def unit(number: int) -> list[Any]:
    """New people in pairs, with companies and rated films."""
    company = Company(id="c")
    people = [Person(id=f"p{i}", company=company, rated=[Film(id=f"f{i}")]) for i in range(number)]
    for left, right in pairwise(people):
        left.friends.append(right)
    return [company, *people, *(person.rated[0] for person in people)]


def whole(number: int) -> tuple[int, int]:
    return 2 * number + 1, 3 * number - 1


@pytest.mark.parametrize("failing", range(1, 17))
def test_after_a_failure_between_queries_memory_equals_the_database_and_the_retry_completes(
    driver: Any, failing: int
) -> None:
    broken = Refined(
        driver, unit_rows=3, batch_size=4, before=at_write(failing, ServerError("refused on purpose"))
    )
    with Session(broken) as session:
        objects = unit(10)
        session.add_all(objects)
        with pytest.raises(ServerError):
            session.commit()
        # Whoever is in the database is persistent, and nobody else is.
        stored = {key for (key,) in driver.execute("MATCH (n) RETURN n.id").rows}
        assert {each.id for each in objects if not each._new} == stored
        session.commit()
        assert session.guarantee == "several queries"
        session.commit()
    nodes, links = database(driver)
    assert (len(nodes), len(links)) == whole(10)
    assert len(set(nodes)) == len(nodes)
    assert len(set(links)) == len(links)


@pytest.mark.parametrize("failing", range(1, 13))
def test_updates_that_fail_between_queries_are_completed_by_the_retry(driver: Any, failing: int) -> None:
    with Session(driver) as session:
        session.add_all([*unit(10), *(Account(id=f"a{i}") for i in range(10))])
    broken = Refined(driver, unit_rows=3, batch_size=4)
    with Session(broken) as session:
        people = [session.get(Person, f"p{i}", fetch=["friends", "company", "rated"]) for i in range(10)]
        accounts = [session.get(Account, f"a{i}") for i in range(10)]
        for person, account in zip(people, accounts, strict=True):
            assert person is not None
            assert account is not None
            person.age = 5
            person.company = None
            person.friends = [people[0]]  # type: ignore[list-item]
            account.balance = 1
        broken.before = at_write(failing, ServerError("refused on purpose"))
        with pytest.raises(ServerError):
            session.commit()
        session.commit()
    assert driver.execute("MATCH (n:Person) RETURN n.age, count(*)").rows == [[5, 10]]
    assert driver.execute("MATCH (n:Account) RETURN n.balance, n.version, count(*)").rows == [[1, 2, 10]]
    found = [each for each in edges(driver) if each[1] != "RATED"]
    assert found == [(f"p{i}", "KNOWS", "p0") for i in range(10)]


def test_a_stale_object_among_several_queries_is_named_and_the_others_are_written_once(driver: Any) -> None:
    with Session(driver) as session:
        session.add_all([Account(id=f"a{i}") for i in range(6)])
    small = Refined(driver, unit_rows=1, batch_size=2)
    with Session(small) as session:
        accounts = [each for each in session.get_many(Account, [f"a{i}" for i in range(6)]) if each]
        driver.execute("MATCH (n:Account {id: 'a3'}) SET n.version = 7")
        for account in accounts:
            account.balance = 1
        with pytest.raises(StaleObjectError, match="a3") as caught:
            session.commit()
        assert "nothing was written" not in str(caught.value)
        session.refresh(accounts[3])
        accounts[3].balance = 1
        session.commit()
    rows = driver.execute("MATCH (n:Account) RETURN n.id, n.balance, n.version ORDER BY n.id").rows
    assert rows == [[f"a{i}", 1, 8 if i == 3 else 2] for i in range(6)]


def test_edge_objects_are_written_once_when_a_later_query_fails(driver: Any) -> None:
    broken = Refined(driver, unit_rows=0, batch_size=2, before=at_write(4, ServerError("on purpose")))
    with Session(broken) as session:
        people = [Person(id=f"p{i}") for i in range(3)]
        film = Film(id="f")
        for i, person in enumerate(people):
            session.relate(person, "rated", film, Rated(score=float(i)), parallel=True)
        with pytest.raises(ServerError):
            session.commit()
        session.commit()
    assert driver.execute("MATCH (a)-[r]->(b) RETURN a.id, r.score ORDER BY a.id").rows == [
        ["p0", 0.0],
        ["p1", 1.0],
        ["p2", 2.0],
    ]
