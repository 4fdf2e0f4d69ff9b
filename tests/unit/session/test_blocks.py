"""Blocks where transactions are lost or savepoints fail, on a scripted server."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.state import Status
from runic.orm.exceptions import (
    ConnectionLostError,
    OrmError,
    QueryError,
    ServerError,
    TransientConflictError,
)
from runic.orm.session.session import Session
from tests.live.session.models import Account, Company, Person
from tests.unit.session.test_journal import TRANSACTIONAL, Scripted, marking

SAVING = TRANSACTIONAL.evolve(capabilities=TRANSACTIONAL.capabilities | {Capability.SAVEPOINTS})


class Saving(Scripted):
    """The same with savepoints."""

    dialect = SAVING

    async def savepoint(self, name: str) -> None:
        self.note(f"save {name[-1]}")

    async def rollback_to(self, name: str) -> None:
        self.note(f"back to {name[-1]}")

    async def release_savepoint(self, name: str) -> None:
        self.note(f"forget {name[-1]}")


@pytest.fixture(params=[Scripted, Saving])
def server(request: pytest.FixtureRequest) -> Scripted:
    made: Scripted = request.param()
    return made


@pytest.fixture
def session(server: Scripted) -> Session:
    return Session(server)  # type: ignore[arg-type]


@pytest.fixture
def saving() -> Saving:
    return Saving()


def begun(session: Session) -> tuple[Person, Person, Person, Account]:
    """Ann knows Ben, both new in the open transaction; Cleo and an account were there before."""
    cleo, account = Person(id="cleo", friends=[]), Account(id="acc", balance=1)
    session.add_all([cleo, account])
    session.commit()
    ben = Person(id="ben")
    ann = Person(id="ann", name="Ann", tags=["a"], friends=[ben])
    session.add_all([ann, ben])
    cleo.friends.append(ben)
    account.balance = 2
    session.flush()
    return ann, ben, cleo, account


def change(session: Session, people: tuple[Person, Person, Person, Account]) -> Person:
    """A change of every kind; returns a new person."""
    ann, ben, cleo, account = people
    new = Person(id="new", friends=[ann])
    session.add(new)
    session.relate(ann, "friends", cleo)
    session.unrelate(cleo, "friends", ben)
    session.delete(ben)
    ann.name, account.balance = "inside", 9
    ann.tags.append("b")
    return new


def lose(server: Scripted, session: Session) -> None:
    """A block in which the server loses the transaction."""
    with session.transaction():
        server.fail["read"] = ServerError("x")
        session.execute("RETURN 1")


def written(server: Scripted) -> list[tuple[str, list[Any]]]:
    """What was sent: the kind of step, and its rows without their index and identities."""
    kinds = {"CREATE (n": "node", "SET n.": "set", "DETACH DELETE": "delete", "[r:`KNOWS`": "knows"}
    found = []
    for request in server.requests:
        kind = next((name for text, name in kinds.items() if text in request.text), "?")
        found.append((("un" if "DELETE r" in request.text else "") + kind, request.parameters["rows"]))
    return found


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("how", ["connection", "interrupt", "savepoint"])
def test_what_was_flushed_before_a_block_that_loses_the_transaction_is_written_again_without_it(
    server: Scripted, session: Session, flushed: bool, how: str
) -> None:
    people = begun(session)
    ann, ben, cleo, account = people
    error: BaseException = {
        "connection": ConnectionLostError("x"),
        "interrupt": KeyboardInterrupt(),
        "savepoint": ServerError("x"),
    }[how]

    def block() -> None:
        with session.transaction():
            change(session, people)
            if flushed:
                session.flush()
            server.fail["write"] = error
            server.fail["back to 1"] = ServerError("no")
            session.add(Person(id="last"))
            session.flush()

    with pytest.raises(type(error)):
        block()
    server.fail.clear()
    assert [each._runic_state.status for each in (ann, ben, cleo, account)] == [
        Status.PENDING,
        Status.PENDING,
        Status.PERSISTENT,
        Status.PERSISTENT,
    ]
    assert (ann.name, ann.tags, account.balance, account.version) == ("Ann", ["a"], 2, 1)
    assert ann.friends == [ben]
    server.requests.clear()
    session.commit()
    assert [(kind, len(rows)) for kind, rows in written(server)] == [
        ("set", 1),
        ("node", 2),
        *[("knows", 1)] * 2,
    ]
    assert account.version == 2
    assert session._core.unit.identities[Person].keys() == {"ann", "ben", "cleo"}


def test_what_a_block_flushed_and_forgot_does_not_come_back_with_what_was_before_it() -> None:
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    ann = Person(id="ann", name="before", tags=["a"])
    session.add(ann)
    session.flush()
    session.expire(ann)

    def block() -> None:
        with session.transaction():
            ann.name = "inside"
            session.flush()
            session.expire(ann)
            server.fail["read"] = ServerError("x")
            session.execute("RETURN 1")

    with pytest.raises(ServerError):
        block()
    assert (ann.name, ann.tags) == ("before", ["a"])
    server.requests.clear()
    session.commit()
    ((kind, rows),) = written(server)
    assert kind == "node"
    assert "before" in rows[0]


def test_a_relation_that_was_replaced_unseen_before_a_block_stays_replaced() -> None:
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    ben = Person(id="ben")
    ann = Person(id="ann", friends=[ben])
    session.add_all([ann, ben])
    session.flush()
    session.expire(ann)
    ann.friends = []

    with pytest.raises(ServerError):
        lose(server, session)
    assert ann.friends == []
    server.requests.clear()
    session.commit()
    assert [(kind, len(rows)) for kind, rows in written(server)] == [("node", 2)]


def test_a_block_in_which_the_transaction_was_lost_can_only_be_left() -> None:
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    ann, *_ = begun(session)

    def block() -> None:
        with session.transaction(), session.transaction():
            ann.name = "inside"
            server.fail["write"] = ServerError("x")
            with pytest.raises(ServerError):
                session.flush()
            for use in (session.flush, session.commit, lambda: session.get(Person, "nobody")):
                with pytest.raises(QueryError, match="leave the block"):
                    use()

    with pytest.raises(QueryError, match=r"transaction was lost.*session\.transaction"):
        block()
    assert ann.name == "Ann"
    assert ann._new
    session.commit()
    assert not ann._new


def test_savepoints_are_made_when_something_is_sent_and_end_with_their_blocks(saving: Saving) -> None:
    session = Session(saving)  # type: ignore[arg-type]
    with session.transaction():
        session.add(Person(id="a"))
        with session.transaction(), session.transaction():
            pass
        with session.transaction():
            session.execute("RETURN 1")
        session.add(Person(id="b"))
    session.commit()
    assert saving.events == [
        *("connect", "begin", "save 1", "write"),
        *("save 2", "read", "forget 2"),
        *("write", "forget 1", "commit", "release"),
    ]


def test_an_error_goes_back_to_the_innermost_block_and_stages_what_was_flushed_in_it(saving: Saving) -> None:
    session = Session(saving)  # type: ignore[arg-type]
    ann, ben, _, account = people = begun(session)
    with session.transaction():
        new = change(session, people)
        session.flush()
        assert (account.version, ben._runic_state.status) == (3, Status.DELETED)
        saving.fail["write"] = ServerError("x")
        session.add(Person(id="refused"))
        with pytest.raises(ServerError):
            session.flush()
        assert saving.events[-1] == "back to 1"
        assert new._new
        assert (account.version, ben._runic_state.status) == (2, Status.PERSISTENT)
        assert not ann._new, "it was flushed before the block"
        saving.requests.clear()
    assert [(kind, len(rows)) for kind, rows in written(saving)] == [
        ("delete", 1),
        *[("set", 1)] * 2,
        ("node", 2),
        *[("knows", 1)] * 2,
    ]
    session.commit()


def test_a_savepoint_that_cannot_be_released_loses_the_transaction_and_nothing_else(saving: Saving) -> None:
    session = Session(saving)  # type: ignore[arg-type]
    ann, *_ = begun(session)

    def block() -> None:
        with session.transaction():
            ann.name = "inside"
            saving.fail["forget 1"] = ConnectionLostError("x")

    with pytest.raises(ConnectionLostError):
        block()
    assert (ann.name, ann._new) == ("Ann", True)
    session.commit()
    assert not ann._new


def test_a_block_that_fails_takes_back_what_came_after_the_last_commit_in_it(
    server: Scripted, session: Session
) -> None:
    ann, *_ = begun(session)

    def block() -> None:
        with session.transaction():
            ann.name = "committed"
            session.commit()
            ann.name = "staged"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert (ann.name, ann._new) == ("committed", False)
    server.requests.clear()
    session.commit()
    assert server.requests == []


def test_rollback_and_close_inside_of_a_block(server: Scripted, session: Session) -> None:
    ann, *_ = begun(session)
    with session.transaction():
        session.add(Person(id="gone"))
        session.rollback()
        session.add(Person(id="kept"))
    assert ann._runic_state.status is Status.TRANSIENT
    server.requests.clear()
    session.commit()
    assert server.requests == []
    with session.transaction():
        session.add(Person(id="gone"))
        session.close()
    assert server.events[-1] == "release"


def test_raw_statements_before_a_block_that_loses_the_transaction_are_not_forgotten() -> None:
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    session.execute("CREATE (:X)", write=True)

    with pytest.raises(ServerError):
        lose(server, session)
    with pytest.raises(QueryError, match=r"rollback\(\)"):
        session.commit()
    session.rollback()
    session.commit()


def test_raw_statements_of_a_block_are_taken_back_with_it_and_those_before_it_stay(saving: Saving) -> None:
    session = Session(saving)  # type: ignore[arg-type]
    session.execute("CREATE (:X)", write=True)

    def block() -> None:
        with session.transaction():
            session.execute("CREATE (:Y)", write=True)
            saving.fail["read"] = ServerError("x")
            session.execute("RETURN 1")

    with pytest.raises(ServerError):
        block()
    session.commit()
    assert saving.events[-2:] == ["commit", "release"]


@pytest.mark.parametrize("error", [TransientConflictError("x"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["commit", "write"])
def test_raw_statements_that_are_lost_by_a_commit_or_an_interrupt_are_not_forgotten(
    at: str, error: BaseException
) -> None:
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    session.execute("CREATE (:X)", write=True)
    session.add(Person(id="p"))
    server.fail[at] = error
    with pytest.raises(type(error)):
        session.commit()
    with pytest.raises(QueryError, match=r"rollback\(\)"):
        session.commit()
    session.rollback()
    session.commit()


@pytest.mark.parametrize("applied", [0, -1])
def test_a_lost_commit_inside_of_a_block_is_settled_inside_or_outside_of_it(
    saving: Saving, applied: int
) -> None:
    for inside in (True, False):
        session = marking(saving)
        saving.applied = applied  # type: ignore[attr-defined]
        ann = Person(id="ann")
        session.add(ann)

        def block(session: Session = session, ann: Person = ann, inside: bool = inside) -> None:
            with session.transaction():
                ann.name = "inside"
                saving.fail["commit"] = ConnectionLostError("x", maybe_applied=True)
                try:
                    session.commit()
                except ConnectionLostError:
                    if not inside or not session.verify():
                        raise

        if applied == 0 and inside:
            block()
        else:
            with pytest.raises(ConnectionLostError):
                block()
        assert session.verify() is (applied == 0)
        # What was staged in the block went with the block if that could still be told.
        assert ann.name == (None if inside and applied == -1 else "inside")
        assert ann._new is (applied == -1)
        session.commit()
        assert not ann._new
        session.close()


def test_a_company_and_its_staff_survive_a_lost_block() -> None:
    """Relations to one, and those that are seen from the other end."""
    server = Scripted()
    session = Session(server)  # type: ignore[arg-type]
    old, new = Company(id="old"), Company(id="new")
    ann = Person(id="ann", company=old)
    session.add_all([old, new, ann])
    session.commit()
    ann.company = new
    ben = Person(id="ben", company=old)
    session.add(ben)
    session.flush()

    def block() -> None:
        with session.transaction():
            session.relate(ben, "company", new)
            ann.company = None
            server.fail["write"] = ServerError("x")
            session.flush()

    with pytest.raises(OrmError):
        block()
    assert ben.company is old
    server.requests.clear()
    session.commit()
    texts = [request.text for request in server.requests]
    assert sum("DELETE r" in text for text in texts) == 1
    assert sum("WORKS_AT" in text and "DELETE r" not in text for text in texts) == 2
