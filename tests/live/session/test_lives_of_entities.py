"""Where entities are in their lives: expired, refreshed, rolled back, detached, of a closed session."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from runic.orm import Field, select
from runic.orm.exceptions import (
    ConstraintViolation,
    DetachedEntityError,
    EntityNotFoundError,
    FieldValidationError,
    LazyLoadError,
    QueryError,
)
from runic.orm.session.session import Session
from tests.live.session.models import (
    Account,
    Animal,
    Cat,
    Company,
    Dog,
    Film,
    Model,
    Note,
    Person,
    Puppy,
    Rated,
)
from tests.live.session.support import Refined, counted, database, edges
from tests.servers.base import Server


@pytest.fixture
def ann(session: Session) -> Person:
    """Ann, who knows Ben and works at C; persistent in ``session``."""
    ben = Person(id="ben")
    found = Person(
        id="ann", name="Ann", age=1, tags=["a"], data={"k": [1]}, friends=[ben], company=Company(id="c")
    )
    session.add_all([found, ben, found.company])
    session.commit()
    return found


def stored(driver: Any, key: str, *names: str) -> list[Any]:
    columns = ", ".join(f"n.{name}" for name in names)
    row: list[Any] = driver.execute(f"MATCH (n {{id: $key}}) RETURN {columns}", {"key": key}).rows[0]
    return row


# -- changes ---------------------------------------------------------------------------------------


def test_only_what_changed_is_written(driver: Any, session: Session, ann: Person) -> None:
    driver.execute("MATCH (n {id: 'ann'}) SET n.age = 99, n.name = 'theirs'")
    ann.name = "mine"
    session.commit()
    assert stored(driver, "ann", "name", "age") == ["mine", 99]


def test_changes_in_place_are_written_and_reading_is_no_change(
    driver: Any, session: Session, ann: Person, falkordb_server: Server
) -> None:
    assert ann.data is not None
    ann.data["k"].append(2)
    ann.tags.append("b")
    session.commit()
    assert stored(driver, "ann", "tags") == [["a", "b"]]
    with counted(falkordb_server) as statements:
        assert ann.data == {"k": [1, 2]}
        assert ann.tags == ["a", "b"]
        session.commit()
    assert statements.total == 0
    ann.data["k"].clear()
    session.commit()
    with Session(driver) as other:
        found = other.get(Person, "ann")
        assert found is not None
        assert found.data == {"k": []}


def test_none_clears_a_property(driver: Any, session: Session, ann: Person) -> None:
    ann.name = ann.age = ann.data = None
    session.commit()
    assert driver.execute("MATCH (n {id: 'ann'}) RETURN keys(n)").rows == [[["id", "tags"]]]


def test_a_value_set_and_set_back_is_no_change(
    session: Session, ann: Person, falkordb_server: Server
) -> None:
    ann.name = "x"
    ann.name = "Ann"
    ann.tags.append("b")
    ann.tags.pop()
    with counted(falkordb_server) as statements:
        session.commit()
    assert statements.total == 0


def test_the_primary_key_of_a_stored_entity_cannot_be_changed(session: Session, ann: Person) -> None:
    with pytest.raises(FieldValidationError, match=r"Person\.id"):
        ann.id = "other"
    ann.id = "ann"


# -- identity --------------------------------------------------------------------------------------


def test_a_node_is_one_object_whatever_it_was_asked_for_by(driver: Any) -> None:
    with Session(driver) as session:
        session.add_all([Puppy(id="p", weeks=3), Dog(id="d"), Cat(id="c"), Animal(id="a")])
    with Session(driver) as session:
        puppy = session.get(Animal, "p")
        assert type(puppy) is Puppy
        assert puppy.weeks == 3
        assert session.get(Dog, "p") is puppy
        assert session.get(Puppy, "p") is puppy
        assert session.get(Cat, "p") is None
        assert session.query(Dog).where(Dog.id == "p").one() is puppy
        everybody = session.query(Animal).order_by(Animal.id).all()
        assert [type(each) for each in everybody] == [Animal, Cat, Dog, Puppy]
        assert everybody[3] is puppy
    assert driver.execute("MATCH (n:Puppy) RETURN labels(n)").rows == [[["Animal", "Dog", "Puppy"]]]


def test_what_a_query_returns_again_keeps_its_unflushed_changes(driver: Any, ann: Person) -> None:
    with Session(driver, autoflush=False) as session:
        mine = session.get(Person, "ann")
        assert mine is not None
        mine.name = "mine"
        mine.tags.append("b")
        assert session.query(Person).where(Person.id == "ann").one() is mine
        assert (mine.name, mine.tags) == ("mine", ["a", "b"])
    assert stored(driver, "ann", "name", "tags") == ["mine", ["a", "b"]]


def test_two_nodes_with_one_key_are_not_taken_for_one(driver: Any) -> None:
    driver.execute("CREATE (:Animal:Dog {id: 'x', name: 'dog'}), (:Animal:Cat {id: 'x', name: 'cat'})")
    with Session(driver) as session:
        with pytest.raises(FieldValidationError, match="two nodes"):
            session.query(Animal).all()
        session.rollback()
        dogs = session.query(Dog).all()
        assert [each.name for each in dogs] == ["dog"]


def test_a_node_that_somebody_made_anew_is_read_anew(driver: Any, session: Session, ann: Person) -> None:
    session.rollback()
    assert len(ann.friends) == 1
    driver.execute("MATCH (n {id: 'ann'}) DETACH DELETE n")
    driver.execute("CREATE (:Person {id: 'between'}), (:Person {id: 'ann', name: 'second', tags: []})")
    assert ann.name == "Ann"
    assert session.query(Person).where(Person.id == "ann").one() is ann
    assert (ann.name, ann.tags, ann.friends) == ("second", [], [])
    ann.age = 5
    session.commit()
    assert stored(driver, "ann", "name", "age") == ["second", 5]


def test_reads_see_staged_changes_unless_autoflush_is_off(driver: Any, session: Session, ann: Person) -> None:
    ann.name = "x"
    assert session.query(Person).where(Person.name == "x").one() is ann
    with Session(driver, autoflush=False) as other:
        other.add(Person(id="new"))
        assert other.get(Person, "new") is None
        assert other.count(select(Person)) == 2
        other.rollback()


# -- expire and refresh ----------------------------------------------------------------------------


def test_an_expired_entity_is_read_again_when_it_is_looked_at(
    driver: Any, session: Session, ann: Person
) -> None:
    ann.name = "never written"
    session.expire(ann)
    driver.execute("MATCH (n {id: 'ann'}) SET n.name = 'theirs'")
    assert ann.id == "ann"
    assert (ann.name, ann.age) == ("theirs", 1)
    assert [each.id for each in ann.friends] == ["ben"]
    session.commit()
    assert stored(driver, "ann", "name") == ["theirs"]


def test_an_expired_entity_can_be_written_without_being_read(
    driver: Any, session: Session, ann: Person, falkordb_server: Server
) -> None:
    session.expire(ann)
    with counted(falkordb_server) as statements:
        ann.name = "new"
        ann.company = None
        session.commit()
    assert (statements.reads, statements.writes) == (0, 1)
    assert stored(driver, "ann", "name", "age") == ["new", 1]
    assert edges(driver) == [("ann", "KNOWS", "ben")]


def test_reading_an_expired_field_keeps_what_was_written_to_another(driver: Any, ann: Person) -> None:
    with Session(driver, autoflush=False) as session:
        mine = session.get(Person, "ann")
        assert mine is not None
        session.expire(mine)
        mine.name = "mine"
        assert mine.age == 1
        assert mine.tags == ["a"]
        assert mine.name == "mine"
    assert stored(driver, "ann", "name", "age", "tags") == ["mine", 1, ["a"]]


def test_an_expired_entity_with_a_version_can_be_written(driver: Any) -> None:
    with Session(driver) as session:
        account = Account(id="a", balance=1)
        session.add(account)
        session.commit()
        session.expire(account)
        account.balance = 2
        session.commit()
        assert account.version == 2
    assert stored(driver, "a", "balance", "version") == [2, 2]


@pytest.mark.parametrize("others", [False, True], ids=["alone", "with other changes"])
def test_refresh_discards_the_changes_of_the_entity(
    driver: Any, session: Session, ann: Person, others: bool
) -> None:
    ben = ann.friends[0]
    driver.execute("MATCH (n {id: 'ann'}) SET n.age = 50")
    ann.name = "never written"
    ann.tags.append("never written")
    ann.friends = []
    if others:
        ben.name = "written"
    session.refresh(ann)
    assert (ann.name, ann.age, ann.tags, ann.friends) == ("Ann", 50, ["a"], [ben])
    session.commit()
    assert stored(driver, "ann", "name", "tags") == ["Ann", ["a"]]
    assert stored(driver, "ben", "name") == ["written" if others else None]
    assert ("ann", "KNOWS", "ben") in edges(driver)


def test_refreshing_what_is_gone_says_so_and_leaves_the_session_usable(
    driver: Any, session: Session, ann: Person
) -> None:
    driver.execute("MATCH (n {id: 'ann'}) DETACH DELETE n")
    with pytest.raises(EntityNotFoundError, match="ann"):
        session.refresh(ann)
    session.expire(ann)
    with pytest.raises(EntityNotFoundError, match="ann"):
        _ = ann.name
    session.expunge(ann)
    session.commit()
    assert session.get(Person, "ann") is None


def test_a_sibling_that_is_gone_does_not_fail_the_reading_of_another(driver: Any) -> None:
    with Session(driver) as session:
        session.add_all([Person(id=key, name=key) for key in "abc"])
        session.commit()
    with Session(driver) as session:
        a, b, c = session.query(Person).order_by(Person.id).all()
        for each in (a, b, c):
            session.expire(each)
        driver.execute("MATCH (n {id: 'b'}) DELETE n")
        with Watching(session) as sent:
            assert (a.name, c.name) == ("a", "c")
        assert len(sent) == 1
        with pytest.raises(EntityNotFoundError):
            _ = b.name


class Watching:
    """Notes what a session sends."""

    def __init__(self, session: Session) -> None:
        self.core = session._core
        self.sent: list[Any] = []

    def __enter__(self) -> list[Any]:
        self.real = self.core.loader.send

        async def send(request: Any) -> Any:
            self.sent.append(request)
            return await self.real(request)

        self.core.loader.send = send
        return self.sent

    def __exit__(self, *_: object) -> None:
        self.core.loader.send = self.real


def test_transient_and_foreign_entities_cannot_be_expired_or_refreshed(session: Session) -> None:
    for ask in (session.expire, session.refresh):
        with pytest.raises(DetachedEntityError):
            ask(Person(id="x"))
        with pytest.raises(TypeError):
            ask("x")


# -- rollback --------------------------------------------------------------------------------------


def test_rollback_restores_every_attribute_of_every_entity(
    driver: Any, session: Session, ann: Person
) -> None:
    ben, company = ann.friends[0], ann.company
    before = database(driver)
    cleo, gone = Person(id="cleo"), Person(id="gone")
    session.add_all([cleo, gone])
    session.commit()
    after = database(driver)

    pending = Person(id="new", friends=[ann])
    session.add(pending)
    merged = session.merge(Person(id="upsert"))
    ann.name, ann.age = None, 7
    ann.tags.append("b")
    assert ann.data is not None
    ann.data["k"].append(2)
    ann.friends.append(cleo)
    ann.company = None
    session.relate(ben, "boss", ann)
    session.unrelate(ann, "friends", ben)
    session.delete(gone)
    session.rollback()

    assert database(driver) == after != before
    assert (ann.name, ann.age, ann.tags, ann.data) == ("Ann", 1, ["a"], {"k": [1]})
    assert (ann.friends, ann.company, ben.boss) == ([ben], company, None)
    assert not any(each._dirty for each in (ann, ben, cleo, gone))
    assert pending._new
    assert (pending.friends, merged._new) == ([ann], True)
    assert session.get(Person, "gone") is gone
    session.commit()
    assert database(driver) == after
    session.add(pending)
    session.commit()
    assert ("new", "KNOWS", "ann") in edges(driver)


def test_rollback_keeps_what_was_flushed_because_the_server_has_it(
    driver: Any, session: Session, ann: Person
) -> None:
    new = Person(id="new")
    session.add(new)
    ann.name = "flushed"
    session.flush()
    ann.name = "not flushed"
    session.rollback()
    assert ann.name == "flushed"
    assert session.get(Person, "new") is new
    assert stored(driver, "ann", "name") == ["flushed"]


def test_an_error_in_the_block_rolls_back_and_detaches(driver: Any, ann: Person) -> None:
    before = database(driver)
    mine: list[Person] = []

    def work() -> None:
        with Session(driver) as session:
            mine.extend(session.query(Person).where(Person.id == "ann").all())
            mine[0].name = "x"
            session.add(Person(id="new"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert database(driver) == before
    assert mine[0].name == "Ann"
    with pytest.raises(LazyLoadError, match=r"Person\.friends"):
        _ = mine[0].friends


def test_a_failed_commit_at_the_end_of_the_block_closes_the_session(driver: Any, ann: Person) -> None:
    watched = Refined(driver)
    new = Person(id="ann")

    def work() -> None:
        with Session(watched) as session:
            session.get(Person, "ann")
            session.add(new)

    with pytest.raises(ConstraintViolation):
        work()
    assert new._new
    assert new._runic_state.owner is None
    assert len(watched.released) >= 1


def test_a_transaction_block_that_fails_takes_back_only_what_it_did(
    driver: Any, session: Session, ann: Person
) -> None:
    ann.name = "before"

    def work() -> None:
        with session.transaction():
            ann.name = "in the block"
            session.add(Person(id="new"))
            session.relate(ann, "boss", ann)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert ann.name == "before"
    with session.transaction():
        ann.age = 8
        with session.transaction():
            session.add(Person(id="newer"))
    session.commit()
    assert stored(driver, "ann", "name", "age") == ["before", 8]
    assert driver.execute("MATCH (n:Person) RETURN n.id ORDER BY n.id").rows == [["ann"], ["ben"], ["newer"]]


def test_a_transaction_block_whose_flush_fails_takes_back_what_it_did(
    driver: Any, session: Session, ann: Person
) -> None:
    def work() -> None:
        with session.transaction():
            ann.name = "in the block"
            session.add(Person(id="ben"))

    with pytest.raises(ConstraintViolation):
        work()
    assert ann.name == "Ann"
    session.add(Person(id="new"))
    session.commit()
    assert stored(driver, "ann", "name") == ["Ann"]


# -- detached --------------------------------------------------------------------------------------


def test_a_detached_entity_is_persistent_again_with_what_was_changed_meanwhile(
    driver: Any, ann: Person
) -> None:
    with Session(driver) as session:
        mine = session.get(Person, "ann", fetch=["friends", "company"])
        assert mine is not None
    mine.name = "detached"
    mine.tags.append("b")
    mine.company = None
    with Session(driver) as session:
        session.add(mine)
        assert session.get(Person, "ann") is mine
    assert stored(driver, "ann", "name", "age", "tags") == ["detached", 1, ["a", "b"]]
    assert edges(driver) == [("ann", "KNOWS", "ben")]


def test_two_objects_of_one_node_cannot_be_in_one_session(driver: Any, session: Session, ann: Person) -> None:
    with Session(driver) as other:
        twin = other.get(Person, "ann")
    with pytest.raises(DetachedEntityError, match="merge"):
        session.add(twin)
    assert twin is not None
    twin.name = "twin"
    assert session.merge(twin) is ann
    session.commit()
    assert stored(driver, "ann", "name") == ["twin"]
    assert session.register_or_get(twin) is ann


def test_an_expunged_entity_is_not_written_any_more(driver: Any, session: Session, ann: Person) -> None:
    new = Person(id="new")
    session.add(new)
    session.relate(ann, "friends", new)
    ann.name = "x"
    session.expunge(new)
    session.expunge(ann)
    session.commit()
    assert stored(driver, "ann", "name") == ["Ann"]
    assert new._new
    again = session.get(Person, "ann")
    assert again is not ann


def test_a_deleted_entity_can_be_added_again_as_a_new_one(driver: Any, session: Session, ann: Person) -> None:
    ann.friends = []
    session.delete(ann)
    session.add(ann)
    session.commit()
    assert stored(driver, "ann", "name") == ["Ann"]
    session.delete(ann)
    session.commit()
    assert session.get(Person, "ann") is None
    ann.name = "again"
    session.add(ann)
    session.commit()
    assert session.get(Person, "ann") is ann
    assert stored(driver, "ann", "name") == ["again"]


def test_a_pending_entity_that_is_deleted_was_never_there(
    driver: Any, session: Session, falkordb_server: Server
) -> None:
    new = Person(id="new")
    session.add(new)
    session.delete(new)
    with counted(falkordb_server) as statements:
        session.commit()
    assert statements.total == 0
    assert new._new


def test_entities_of_a_live_session_refuse_to_be_pickled_and_detached_ones_come_back(
    driver: Any, ann: Person
) -> None:
    with Session(driver) as session:
        mine = session.get(Person, "ann")
        with pytest.raises(DetachedEntityError, match="expunge"):
            pickle.dumps(mine)
    assert mine is not None
    mine.age = 44
    again = pickle.loads(pickle.dumps(mine))
    assert (again.id, again.name, again.tags) == ("ann", "Ann", ["a"])
    again.name = "pickled"
    with Session(driver) as session:
        session.add(again)
    assert stored(driver, "ann", "name", "age") == ["pickled", 44]
    with Session(driver) as session:
        session.add(copy.deepcopy(again))
        again.name = "the copy is what counts"
    assert stored(driver, "ann", "name") == ["pickled"]


# -- the session -----------------------------------------------------------------------------------


def test_closing_twice_is_fine_and_a_closed_session_can_be_used_again(driver: Any, ann: Person) -> None:
    watched = Refined(driver)
    session = Session(watched)
    first = session.get(Person, "ann")
    assert first is not None
    first.name = "x"
    session.close()
    session.close()
    assert watched.released == [False]
    second = session.get(Person, "ann")
    assert second is not None
    assert second is not first
    assert (first.name, second.name) == ("Ann", "Ann")
    session.close()
    assert watched.released == [False, False]
    assert stored(driver, "ann", "name") == ["Ann"]


def test_a_read_only_session_refuses_every_write(driver: Any, ann: Person) -> None:
    before = database(driver)
    with Session(driver, read_only=True) as session:
        mine = session.get(Person, "ann")
        assert mine is not None
        refused = [
            lambda: session.add(Person(id="x")),
            lambda: session.delete(mine),
            lambda: session.merge(Person(id="x")),
            lambda: session.relate(mine, "boss", mine),
            lambda: session.unrelate(mine, "boss", mine),
            lambda: session.execute("CREATE (:X)", write=True),
        ]
        for ask in refused:
            with pytest.raises(QueryError, match="read-only"):
                ask()
        mine.name = "x"
        with pytest.raises(QueryError, match="read-only"):
            session.commit()
        session.rollback()
    assert database(driver) == before


def test_an_attribute_of_a_new_kind_in_a_class_declared_later_is_loaded(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Animal(id="a"))

    class Fish(Animal, labels=["Fish"]):
        depth: int = Field(default=3)

    with Session(driver) as session:
        session.add(Fish(id="f"))
    with Session(driver) as session:
        found = session.get_many(Animal, ["a", "f"])
        assert [type(each) for each in found] == [Animal, Fish]
        assert issubclass(Fish, Model)


# -- edges as objects ------------------------------------------------------------------------------


def rated(session: Session) -> list[tuple[Any, ...]]:
    statement = (
        session.query(Person).alias("p").traverse(Person.rated, edge_alias="r", optional=False).alias("f")
    )
    return statement.return_nodes("p", "f").return_edge("r").all_with_edges()


def rating(session: Session) -> Any:
    [row] = rated(session)
    [edge] = [each for each in row if isinstance(each, Rated)]
    return edge


def test_a_field_that_a_hand_written_init_does_not_mention_is_stored_with_its_default(driver: Any) -> None:
    class Tool(Model, labels=["Tool"]):
        id: str = Field(primary_key=True)
        uses: int = Field(default=5)
        tags: list[str] = Field(default_factory=lambda: ["new"])

        def __init__(self, key: str) -> None:
            self.id = key

    with Session(driver) as session:
        session.add_all([Tool("a"), Tool("b")])
    assert driver.execute("MATCH (n:Tool) RETURN n.uses, n.tags").rows == [[5, ["new"]], [5, ["new"]]]


def test_an_edge_is_one_object_and_its_changes_are_written(driver: Any, session: Session) -> None:
    edge = Rated(score=1.0)
    session.relate(Person(id="p"), "rated", Film(id="f"), edge)
    session.commit()
    assert rating(session) is edge
    with Session(driver) as other:
        theirs = rating(other)
        assert rating(other) is theirs
        theirs.score = 2.0
        theirs.note = "x"
    assert driver.execute("MATCH ()-[r]->() RETURN r.score, r.note").rows == [[2.0, "x"]]
    session.rollback()
    assert rating(session) is edge
    assert edge.score == 2.0


def test_an_edge_whose_identity_was_used_again_is_another_edge(driver: Any, session: Session) -> None:
    old = Rated(score=1.0)
    one, two, film = Person(id="one"), Person(id="two"), Film(id="f")
    session.relate(one, "rated", film, old)
    session.add(two)
    session.commit()
    identity = old._runic_state.id
    driver.execute("MATCH ()-[r]->() DELETE r")
    driver.execute("MATCH (p {id: 'two'}), (f:Film) CREATE (p)-[:RATED {score: 5.0}]->(f)")
    assert driver.execute("MATCH ()-[r]->() RETURN id(r)").rows == [[identity]]
    new = rating(session)
    assert new is not old
    assert new.score == 5.0
    old.score = 9.0
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score").rows == [[5.0]]


def test_an_edge_that_was_removed_leaves_the_session(driver: Any, session: Session) -> None:
    old = Rated(score=1.0)
    person, film = Person(id="p"), Film(id="f")
    session.relate(person, "rated", film, old)
    session.commit()
    session.unrelate(person, "rated", film)
    session.commit()
    session.relate(person, "rated", film, Rated(score=2.0))
    session.commit()
    assert rating(session).score == 2.0
    old.score = 9.0
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score").rows == [[2.0]]


def test_edges_cannot_be_added_or_deleted_as_if_they_were_nodes(session: Session) -> None:
    edge = Rated()
    session.relate(Person(id="p"), "rated", Film(id="f"), edge)
    session.commit()
    with pytest.raises(TypeError, match="relate"):
        session.add(Rated())
    with pytest.raises(TypeError, match="unrelate"):
        session.delete(edge)


def test_an_edge_can_be_expired_and_refreshed(driver: Any, session: Session) -> None:
    edge = Rated(score=1.0)
    session.relate(Person(id="p"), "rated", Film(id="f"), edge)
    session.commit()
    driver.execute("MATCH ()-[r]->() SET r.score = 3.0")
    edge.note = "discarded"
    session.refresh(edge)
    assert (edge.score, edge.note) == (3.0, None)
    driver.execute("MATCH ()-[r]->() SET r.score = 4.0")
    session.expire(edge)
    assert edge.score == 4.0
    driver.execute("MATCH ()-[r]->() DELETE r")
    with pytest.raises(EntityNotFoundError):
        session.refresh(edge)


def test_a_node_without_an_own_key_is_found_by_the_one_the_server_made(driver: Any, session: Session) -> None:
    note = Note(text="x")
    assert note.id is None
    session.add(note)
    session.commit()
    assert isinstance(note.id, int)
    assert session.get(Note, note.id) is note
    session.rollback()
    note.text = "y"
    session.commit()
    with Session(driver) as other:
        found = other.get(Note, note.id)
        assert found is not None
        assert (found.id, found.text) == (note.id, "y")
        other.delete(found)
    assert database(driver) == ([], [])
