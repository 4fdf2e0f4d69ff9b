"""Losing a transaction: what was flushed in it is staged again, or taken back with the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runic.orm.compile.dialect import UnitForm
from runic.orm.core.state import Status
from runic.orm.driver.falkordb.dialect import DIALECT
from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import (
    ConnectionLostError,
    QueryError,
    ServerError,
    StaleObjectError,
    TransientConflictError,
)
from runic.orm.session.session import Session
from tests.live.session.models import Account, Company, Person, Rated

TRANSACTIONAL = DIALECT.evolve(unit_form=UnitForm.TRANSACTION)


class Scripted:
    """A driver of a server with transactions that says yes to everything, or what it is told to.

    It stands for servers whose transactions fail on demand, which no real one does.
    """

    dialect = TRANSACTIONAL

    def __init__(self) -> None:
        self.events: list[str] = []
        self.requests: list[Request] = []
        self.answer: Callable[[Request], list[list[Any]] | None] = lambda _: None
        self.fail: dict[str, BaseException] = {}
        self.identity = 0

    def connect(self) -> Any:
        self.events.append("connect")
        return self

    def note(self, event: str) -> None:
        self.events.append(event)
        if event in self.fail:
            raise self.fail.pop(event)

    async def execute(self, request: Request) -> QueryResult:
        self.requests.append(request)
        self.note("write" if request.write else "read")
        rows = self.answer(request)
        if rows is None:
            rows = []
            for row in request.parameters.get("rows", []):
                self.identity += 1
                rows.append([[3, row[0]], [3, self.identity]] if request.write else [])
        return QueryResult(rows)

    async def begin(self, *, read_only: bool = False) -> None:
        self.note("begin read-only" if read_only else "begin")

    async def commit(self) -> None:
        self.note("commit")

    async def rollback(self) -> None:
        self.note("rollback")

    async def release(self, *, discard: bool = False) -> None:
        self.note("discard" if discard else "release")

    def close(self) -> None: ...


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
def session(server: Scripted) -> Session:
    return Session(server)  # type: ignore[arg-type]


def flushed(session: Session) -> tuple[Person, Person, Company]:
    """Two people and a company, flushed in an open transaction, with edges between them."""
    company = Company(id="c")
    ben = Person(id="ben")
    ann = Person(id="ann", name="Ann", tags=["a"], company=company, friends=[ben])
    session.add_all([ann, ben, company])
    session.flush()
    return ann, ben, company


def test_a_flush_and_a_commit_are_one_transaction(server: Scripted, session: Session) -> None:
    flushed(session)
    session.flush()
    session.commit()
    assert server.events == ["connect", "begin", *["write"] * 4, "commit", "release"]
    assert session.guarantee == "transaction"


@pytest.mark.parametrize("error", [ServerError("x"), TransientConflictError("x"), ConnectionLostError("x")])
def test_when_the_server_loses_the_transaction_everything_in_it_is_staged_again(
    server: Scripted, session: Session, error: BaseException
) -> None:
    ann, ben, company = flushed(session)
    ann.name = "changed after the flush"
    server.fail["write"] = error
    with pytest.raises(type(error)):
        session.flush()
    assert server.events[-2:] == ["rollback", "release"]
    assert [each._runic_state.status for each in (ann, ben, company)] == [Status.PENDING] * 3
    assert [each._runic_state.id for each in (ann, ben, company)] == [None] * 3

    server.requests.clear()
    session.commit()
    rows = [request.parameters["rows"] for request in server.requests]
    assert [len(each) for each in rows] == [2, 1, 1, 1]
    assert "changed after the flush" in rows[0][0]
    assert ann.company is company


def test_changes_of_stored_objects_are_staged_again_relations_included(
    server: Scripted, session: Session
) -> None:
    ann, ben, company = flushed(session)
    session.commit()
    ann.name = "first"
    ann.tags.append("b")
    ben.company = company
    ann.friends.remove(ben)
    session.flush()
    ann.name = "second"
    ann.age = 5
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    server.requests.clear()
    session.flush()
    texts = [request.text for request in server.requests]
    assert [("DELETE r" in text, "SET n." in text, "WORKS_AT" in text) for text in texts] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert server.requests[1].parameters["rows"][0][3:] == ["second", 5, ["a", "b"]]


def test_the_last_word_on_an_edge_counts_though_the_words_were_flushed(
    server: Scripted, session: Session
) -> None:
    ann, ben, _ = flushed(session)
    session.commit()
    session.relate(ann, "mates", ben)
    session.flush()
    session.unrelate(ann, "mates", ben)
    session.flush()
    session.relate(ben, "friends", ann)
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    server.requests.clear()
    session.flush()
    assert not any("MATE" in request.text and "DELETE" not in request.text for request in server.requests)
    assert sum("KNOWS" in request.text for request in server.requests) == 1


def test_what_was_added_and_deleted_within_a_lost_transaction_was_never_there(
    server: Scripted, session: Session
) -> None:
    ann, ben, _ = flushed(session)
    session.delete(ben)
    session.flush()
    ann.name = "x"
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    assert ben._new
    assert ben._runic_state.owner is None
    ann.friends = []
    server.requests.clear()
    session.commit()
    assert not any("DELETE" in request.text for request in server.requests)
    assert [len(request.parameters["rows"]) for request in server.requests] == [1, 1, 1]


def test_a_list_that_changed_in_place_and_was_replaced_after_the_flush_is_measured_from_before_it(
    server: Scripted, session: Session
) -> None:
    ann, *_ = flushed(session)
    session.commit()
    ann.tags.append("b")
    session.flush()
    ann.tags = ["a", "b", "c"]
    ann.tags = ["a", "b"]
    server.fail["read"] = ServerError("x")
    with pytest.raises(ServerError):
        session.execute("RETURN 1")
    server.requests.clear()
    session.flush()
    assert [request.parameters["rows"][0][-1] for request in server.requests] == [["a", "b"]]
    session.rollback()
    assert ann.tags == ["a"]


def test_a_merged_object_that_was_related_after_its_flush_is_staged_again(
    server: Scripted, session: Session
) -> None:
    ann, ben = session.merge(Person(id="ann")), session.merge(Person(id="ben"))
    session.flush()
    session.relate(ann, "friends", ben)
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    server.requests.clear()
    session.commit()
    assert [len(request.parameters["rows"]) for request in server.requests if "KNOWS" in request.text] == [1]


def test_what_was_flushed_and_forgotten_is_staged_again_with_its_values(
    server: Scripted, session: Session
) -> None:
    ann, *_ = flushed(session)
    session.commit()
    new = Person(id="new", name="New", tags=["n"], friends=[ann])
    session.add(new)
    ann.name, ann.friends = "changed", [new]
    session.flush()
    ann.name = "forgotten"
    for each in (ann, new):
        session.expire(each)
    server.fail["read"] = ServerError("x")
    with pytest.raises(ServerError):
        session.execute("RETURN 1")
    assert (new.name, new.tags, ann.name) == ("New", ["n"], "changed")
    server.requests.clear()
    session.commit()
    sent = [(request.text, request.parameters["rows"]) for request in server.requests]
    assert [("DELETE r" in text, len(rows)) for text, rows in sent if "KNOWS" in text] == [
        (True, 1),
        *[(False, 1)] * 2,
    ]
    assert "New" in next(rows for text, rows in sent if "CREATE (n" in text)[0]
    assert "changed" in next(rows for text, rows in sent if "SET n." in text)[0]


def test_what_was_taken_out_of_a_relation_stays_out_though_its_ends_are_staged_again(
    server: Scripted,
) -> None:
    session = Session(server, autoflush=False)  # type: ignore[arg-type]
    ben = Person(id="ben")
    ann = Person(id="ann", friends=[ben])
    session.add_all([ann, ben])
    session.flush()
    ben.__dict__["fans"] = [ann]  # as it is when it was loaded
    ann.friends.remove(ben)
    server.fail["read"] = ServerError("x")
    with pytest.raises(ServerError):
        session.execute("RETURN 1")
    server.requests.clear()
    session.commit()
    assert not any("KNOWS" in request.text for request in server.requests)


def test_what_was_added_and_deleted_within_a_lost_transaction_is_seen_nowhere(
    server: Scripted, session: Session
) -> None:
    cleo = Person(id="cleo", friends=[], fans=[])
    session.add(cleo)
    session.commit()
    ben = Person(id="ben", fans=[])
    ann = Person(id="ann", friends=[ben, cleo], fans=[cleo])
    session.add_all([ann, ben])
    session.flush()
    assert (ben.fans, cleo.fans, cleo.friends) == ([ann], [ann], [ann])
    session.delete(ann)
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.commit()
    assert (ben.fans, cleo.fans, cleo.friends) == ([], [], [])
    server.requests.clear()
    session.commit()
    assert [len(request.parameters["rows"]) for request in server.requests] == [1]


def test_rollback_after_a_flush_restores_every_attribute(server: Scripted, session: Session) -> None:
    ann, ben, company = flushed(session)
    account = Account(id="acc", balance=1)
    session.add(account)
    session.commit()
    ann.name = "x"
    ann.tags.append("b")
    ann.company = None
    account.balance = 2
    session.delete(ben)
    new = Person(id="new")
    session.add(new)
    edge = Rated(score=1.0)
    session.flush()
    assert (account.version, ben._runic_state.status) == (2, Status.DELETED)
    ann.name = "y"
    ann.tags.clear()
    session.rollback()
    assert server.events[-2:] == ["rollback", "release"]
    assert (ann.name, ann.tags) == ("Ann", ["a"])
    assert (account.balance, account.version) == (1, 1)
    assert ben._runic_state.status is Status.PERSISTENT
    assert session._core.unit.identities[Person].keys() == {"ann", "ben"}
    assert new._new
    assert new._runic_state.owner is None
    assert edge._new
    assert company.id == "c"
    server.requests.clear()
    session.commit()
    assert server.requests == []


def test_a_commit_that_fails_stages_everything_again(server: Scripted, session: Session) -> None:
    ann, *_ = flushed(session)
    server.fail["commit"] = ConnectionLostError("x", maybe_applied=True)
    with pytest.raises(ConnectionLostError):
        session.commit()
    assert server.events[-1] == "discard"
    assert ann._new
    session.commit()
    assert not ann._new


def test_a_stale_object_loses_the_transaction_and_leaves_nothing_half_done(
    server: Scripted, session: Session
) -> None:
    ann, _, company = flushed(session)
    session.commit()
    new = Person(id="new")
    session.add(new)
    ann.name = "x"
    company.name = "x"
    server.answer = lambda request: [] if "SET n.`name`" in request.text else None
    with pytest.raises(StaleObjectError, match=r"Person|Company"):
        session.commit()
    assert server.events[-2:] == ["rollback", "release"]
    assert new._new
    assert (ann._dirty, company._dirty) == (True, True)
    server.answer = lambda _: None
    session.commit()
    assert not new._new


def test_raw_writes_that_are_lost_with_a_transaction_are_not_forgotten(
    server: Scripted, session: Session
) -> None:
    session.execute("CREATE (:X)", write=True)
    session.add(Person(id="p"))
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    with pytest.raises(QueryError, match="rollback"):
        session.commit()
    with pytest.raises(QueryError, match="rollback"):
        session.get(Person, "p")
    session.rollback()
    session.add(Person(id="p"))
    session.commit()


def marking(server: Scripted) -> Session:
    """A verifiable session, on a server that answers for the marker: ``server.applied`` is its turn."""

    def answer(request: Request) -> list[list[Any]] | None:
        if "RunicCommit" not in request.text:
            return None
        return [[1, getattr(server, "applied", -1)]]

    server.answer = answer
    return Session(server, verifiable=True)  # type: ignore[arg-type]


def test_a_marker_costs_one_statement_in_each_transaction_that_writes(
    server: Scripted,
) -> None:
    session = marking(server)
    session.add(Person(id="p"))
    session.commit()
    session.execute("RETURN 1")
    session.commit()
    session.close()
    assert server.events == [
        *("connect", "write", "begin", "write", "write", "commit", "release"),
        *("connect", "begin", "read", "commit", "release"),
        *("connect", "write", "release"),
    ]


def test_raw_writes_of_a_commit_that_was_not_applied_are_not_forgotten(server: Scripted) -> None:
    session = marking(server)
    session.add(Person(id="p"))
    session.execute("CREATE (:X)", write=True)
    server.fail["commit"] = ConnectionLostError("x", maybe_applied=True)
    with pytest.raises(ConnectionLostError):
        session.commit()
    assert not session.verify()
    with pytest.raises(QueryError, match="rollback"):
        session.commit()
    session.rollback()
    session.add(Person(id="p"))
    session.commit()
    assert session.verify()


def test_a_commit_that_is_known_to_have_failed_is_not_asked_about(server: Scripted) -> None:
    session = marking(server)
    session.add(Person(id="p"))
    for error in (TransientConflictError("x"), ConnectionLostError("x")):
        server.fail["commit"] = error
        with pytest.raises(type(error)):
            session.commit()
        asked = len(server.requests)
        assert not session.verify()
        assert len(server.requests) == asked
    session.commit()
    assert session.verify()


def test_a_failure_to_make_the_marker_is_no_doubt_about_the_unit(server: Scripted) -> None:
    session = marking(server)
    new = Person(id="p")
    session.add(new)
    server.fail["write"] = ConnectionLostError("x", maybe_applied=True)
    with pytest.raises(ConnectionLostError, match="marker") as caught:
        session.commit()
    assert caught.value.retryable
    assert new._new
    session.commit()
    server.requests.clear()
    session.close()
    # The one whose reply was lost may be there as well.
    assert [len(request.parameters["ids"]) for request in server.requests] == [2]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_discards_the_connection_and_stages_everything_again(
    server: Scripted, session: Session, kind: type[BaseException]
) -> None:
    ann, *_ = flushed(session)
    ann.name = "x"
    server.fail["write"] = kind()
    with pytest.raises(kind):
        session.flush()
    assert server.events[-1] == "discard"
    assert ann._new
    session.commit()
    assert not ann._new
    assert ann.name == "x"


def test_a_read_only_session_begins_read_only(server: Scripted) -> None:
    with Session(server, read_only=True) as session:  # type: ignore[arg-type]
        session.execute("RETURN 1")
    assert server.events[1] == "begin read-only"


def test_a_connection_goes_back_on_every_path(server: Scripted) -> None:
    for fail in ("write", "commit", "rollback"):
        for error in (ServerError("x"), ConnectionLostError("x"), KeyboardInterrupt()):
            server.events.clear()
            server.fail = {fail: error}
            session = Session(server)  # type: ignore[arg-type]
            session.add(Person(id="p"))
            try:
                session.flush()
                session.rollback() if fail == "rollback" else session.commit()
            except (ServerError, ConnectionLostError, KeyboardInterrupt):
                pass
            server.fail = {}
            session.close()
            taken = server.events.count("connect")
            given = server.events.count("release") + server.events.count("discard")
            assert taken == given == 1, (fail, error, server.events)


@pytest.mark.parametrize("flushed", [True, False])
def test_an_object_deleted_and_added_again_is_written_over_when_that_is_lost(
    server: Scripted, session: Session, flushed: bool
) -> None:
    ann, ben, _ = flushed_and_committed(session)
    identity = ann._runic_state.id
    session.delete(ann)
    session.flush()
    ann.name, ann.friends = "again", []
    session.add(ann)
    if flushed:
        session.flush()
    ben.name = "x"
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    assert (ann._runic_state.status, ann._runic_state.id) == (Status.PERSISTENT, identity)
    assert not session._core.unit.new
    server.requests.clear()
    session.commit()
    texts = [request.text for request in server.requests]
    assert not any("CREATE (" in text or "DETACH DELETE" in text for text in texts)
    assert any("KNOWS" in text and "DELETE r" in text for text in texts)
    assert any("again" in row for request in server.requests for row in request.parameters["rows"])


def test_a_deletion_is_not_forgotten_when_a_block_that_took_it_back_fails(
    server: Scripted, session: Session
) -> None:
    ann, ben, _ = flushed_and_committed(session)
    session.delete(ann)
    session.flush()
    block = session.transaction()
    block.__enter__()
    session.add(ann)
    assert not block.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    ben.name = "x"
    server.fail["write"] = ServerError("x")
    with pytest.raises(ServerError):
        session.flush()
    server.requests.clear()
    session.commit()
    assert any("DETACH DELETE" in request.text for request in server.requests)


def flushed_and_committed(session: Session) -> tuple[Person, Person, Company]:
    """The same, committed."""
    found = flushed(session)
    session.commit()
    return found
