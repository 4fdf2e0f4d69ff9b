"""Lost replies to flushes, raw statements and interrupted commits, in a verifiable session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from runic.orm import create_async_driver
from runic.orm.driver.port import Request
from runic.orm.exceptions import ConnectionLostError, QueryError, QueryTimeout
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session
from tests.live.session.models import Person
from tests.live.session.support import Refined
from tests.servers.base import Server

MARKERS = "MATCH (n:RunicCommit) RETURN count(n)"
NAMES = "MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id"


def at_unit(error: BaseException) -> Callable[[Request], None]:
    """Raise ``error`` at the first unit, and never again."""
    left = [error]

    def hook(request: Request) -> None:
        if left and "$marker" in request.text:
            raise left.pop()

    return hook


def lost() -> ConnectionLostError:
    return ConnectionLostError("cut", maybe_applied=True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_flush_before_a_read_is_settled_and_the_unit_goes_on(driver: Any, when: str) -> None:
    watched = Refined(driver)
    with Session(watched, verifiable=True) as session:
        ann = Person(id="ann")
        session.add(ann)
        setattr(watched, when, at_unit(lost()))
        with pytest.raises(ConnectionLostError):
            session.get(Person, "ben")
        with pytest.raises(QueryError, match=r"verify\(\)"):
            session.get(Person, "ben")
        assert session.verify() is (when == "after")
        assert ann._new is (when == "before")
        assert session.get(Person, "ben") is None
        ann.name = "x"
    assert driver.execute(NAMES).rows == [["ann", "x"]]
    # As before a read whose flush was answered.
    assert session.guarantee == "several queries"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_commit_can_be_verified(driver: Any, when: str, kind: type[BaseException]) -> None:
    watched = Refined(driver)
    session = Session(watched, verifiable=True)
    ann = Person(id="ann")
    session.add(ann)
    setattr(watched, when, at_unit(kind()))
    with pytest.raises(kind):
        session.commit()
    with pytest.raises(QueryError, match=kind.__name__):
        session.commit()
    if not session.verify():
        assert when == "before"
        session.commit()
    ann.name = "x"
    session.commit()
    session.close()
    assert driver.execute(NAMES).rows == [["ann", "x"]]
    assert driver.execute(MARKERS).rows == [[0]]


def test_a_cancelled_commit_can_be_verified(falkordb_server: Server, falkordb_graph: str) -> None:
    async def main() -> None:
        async with create_async_driver(falkordb_server.url_of(falkordb_graph)) as driver:
            told = set()
            for turns in range(25):
                session = AsyncSession(driver, verifiable=True)
                session.add(Person(id=f"p{turns}"))
                task = asyncio.ensure_future(session.commit())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    try:
                        applied = await session.verify()
                    except QueryError:
                        applied = False  # it was cancelled before it began
                    told.add(applied)
                    if not applied:
                        await session.commit()
                await session.close()
            assert (await driver.execute("MATCH (n:Person) RETURN count(n), count(DISTINCT n.id)")).rows == [
                [25, 25]
            ]
            assert (await driver.execute(MARKERS)).rows == [[0]]
            assert False in told

    asyncio.run(main())


def test_a_write_that_timed_out_can_be_verified(driver: Any) -> None:
    error = QueryTimeout("too long")
    error.maybe_applied = True
    watched = Refined(driver, after=at_unit(error))
    with Session(watched, verifiable=True) as session:
        session.add(Person(id="ann"))
    assert driver.execute(NAMES).rows == [["ann", None]]
    watched.before, watched.after = at_unit(error), lambda _: None
    with pytest.raises(QueryTimeout) as caught, Session(watched, verifiable=True) as session:
        session.add(Person(id="ben"))
    assert not caught.value.maybe_applied
    assert not caught.value.retryable, "it may well take too long again"


def test_a_lost_raw_statement_is_no_unit_and_cannot_be_verified(driver: Any) -> None:
    def cut(request: Request) -> None:
        if ":Raw" in request.text:
            raise lost()

    with Session(Refined(driver, after=cut), verifiable=True) as session:
        session.add(Person(id="ann"))
        session.commit()
        with pytest.raises(ConnectionLostError):
            session.execute("CREATE (:Raw)", write=True)
        with pytest.raises(QueryError, match=r"execute\(write=True\)"):
            session.verify()
        session.add(Person(id="ben"))
        session.commit()
        assert session.verify()


def test_what_was_raised_inside_of_the_session_is_told_what_became_of_it(driver: Any) -> None:
    def work(when: str, *, early: bool) -> ConnectionLostError:
        watched = Refined(driver)

        def unit() -> None:
            with Session(watched, verifiable=True) as session:
                if early:
                    session.add(Person(id=f"{when} early"))
                    session.flush()
                setattr(watched, when, at_unit(lost()))
                session.add(Person(id=f"{when} {early}"))
                session.flush()

        with pytest.raises(ConnectionLostError) as caught:
            unit()
        return caught.value

    never = work("before", early=False)
    assert (never.maybe_applied, never.retryable) == (False, True)
    # What was flushed before stays, so that doing all of it again would do that twice.
    assert work("before", early=True).maybe_applied
    applied = work("after", early=False)
    assert (applied.maybe_applied, applied.retryable) == (True, False)
    assert "was applied" in applied.__notes__[0]
    assert driver.execute("MATCH (n:Person) RETURN n.id ORDER BY n.id").rows == [
        ["after False"],
        ["before early"],
    ]
    assert driver.execute(MARKERS).rows == [[0]]


def test_a_unit_that_would_take_several_queries_is_refused_before_anything_is_sent(driver: Any) -> None:
    small = Refined(driver, unit_rows=3)
    with Session(small, verifiable=True) as session:
        session.add_all([Person(id=f"p{number}") for number in range(4)])
        with pytest.raises(QueryError, match=r"more than 3 rows.*flush\(\) in parts"):
            session.commit()
        assert small.sent == []
        session.rollback()
        for number in range(4):
            session.add(Person(id=f"p{number}"))
            session.flush()
    assert driver.execute("MATCH (n:Person) RETURN count(n)").rows == [[4]]


def test_a_refused_unit_is_still_explained(driver: Any, unique: Callable[[str, str], None]) -> None:
    from runic.orm.exceptions import ConstraintViolation, StaleObjectError

    unique("Person", "email")
    with Session(driver, verifiable=True) as session:
        ann, ben = Person(id="ann", email="a@x"), Person(id="ben")
        session.add_all([ann, ben])
        session.commit()
        twin = Person(id="twin", email="a@x")
        session.add(twin)
        with pytest.raises(ConstraintViolation) as caught:
            session.commit()
        assert caught.value.entity is twin
        assert not session.verify()
        session.expunge(twin)
        driver.execute("MATCH (n:Person {id: 'ben'}) DELETE n")
        ben.name = "x"
        with pytest.raises(StaleObjectError, match="ben"):
            session.commit()
        session.expunge(ben)
        ann.name = "y"
        session.commit()
    assert driver.execute(NAMES).rows == [["ann", "y"]]
