"""A lost reply to a commit: ``verify()`` tells whether it was applied, and memory follows."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm.core.state import Status
from runic.orm.exceptions import ConnectionLostError, OrmError, QueryError, StaleObjectError
from runic.orm.query.builder import select
from tests.live.session.lost_replies import BACKENDS, Place, a_place
from tests.live.session.models import Account, Film, Metered, Person

ALL = "MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["sync", "async"])
def place(request: pytest.FixtureRequest, backend: str) -> Iterator[Place]:
    with a_place(request, backend, request.param) as found:
        yield found


async def arm(session: Any, place: Place, fault: str) -> None:
    if place.transactional:
        # So that the next commit is that of the unit, and not the one of its marker.
        await session.flush()
    place.proxy.arm(fault)


async def lost(session: Any, place: Place, fault: str) -> ConnectionLostError:
    await arm(session, place, fault)
    with pytest.raises(ConnectionLostError) as caught:
        await session.commit()
    assert caught.value.maybe_applied
    assert not caught.value.retryable
    return caught.value


def let_arrive(place: Place, timer: threading.Timer) -> None:
    """Let the request that was held up arrive, if it has not, and be carried out."""
    place.proxy.let_go.set()
    timer.join()
    time.sleep(0.3)


def test_a_commit_whose_reply_was_lost_is_found_to_be_applied(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        old = Person(id="old", name="before")
        gone = Person(id="gone")
        account = Account(id="acc", balance=1)
        session.add_all([old, gone, account])
        await session.commit()

        ann, ben = Person(id="ann", tags=["a"]), Person(id="ben")
        edge = Metered(amount=3)
        session.add_all([ann, ben])
        await session.relate(ann, "friends", ben)
        film = Film(id="f")
        session.add(film)
        await session.relate(ann, "metered", film, edge)
        old.name = "after"
        account.balance = 2
        merged = await session.merge(Account(id="merged", balance=7))
        session.delete(gone)
        await lost(session, place, "cut_after")

        assert await session.verify()
        assert await session.verify(), "what is known is not asked again"
        assert [each._runic_state.status for each in (ann, ben, old, gone)] == [
            *[Status.PERSISTENT] * 3,
            Status.DELETED,
        ]
        assert not any(each._dirty for each in (ann, ben, old, account, merged))
        assert (account.version, merged.version) == (2, 1)
        with_nothing_to_do = place.proxy.requests
        await session.commit()
        assert place.proxy.requests == with_nothing_to_do

        # They are the objects that are stored: changing them changes those.
        ann.name, ben.name, account.balance, merged.balance = "Ann", "Ben", 3, 8
        ann.tags.append("b")
        edge.amount = 4
        await session.relate(ben, "mates", ann)
        await session.commit()
        assert (account.version, merged.version) == (3, 2)
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", "Ann"], ["ben", "Ben"], ["old", "after"]]
    assert place.rows("MATCH (n:Account) RETURN n.id, n.balance, n.version ORDER BY n.id") == [
        ["acc", 3, 3],
        ["merged", 8, 2],
    ]
    assert place.rows("MATCH (n:Person {id: 'ann'}) RETURN n.tags") == [[["a", "b"]]]
    found = place.rows("MATCH (a:Person)-[r]->(b:Person) RETURN a.id, type(r), b.id")
    assert sorted(found) == [["ann", "KNOWS", "ben"], ["ben", "MATE", "ann"]]
    assert place.rows("MATCH (:Person)-[r:METERED]->(:Film) RETURN r.amount, r.version") == [[4, 2]]
    assert place.markers() == 0


def test_a_commit_that_never_arrived_is_staged_again_and_applied_once(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        old = Person(id="old", name="before")
        session.add(old)
        await session.commit()
        ann = Person(id="ann")
        old.name = "after"
        session.add(ann)
        await session.relate(ann, "friends", old)
        await lost(session, place, "cut_before")
        assert not await session.verify()
        assert not await session.verify()
        assert place.rows(ALL) == [["old", "before"]]
        assert ann._new
        assert (old.name, old._dirty) == ("after", True)
        await session.commit()
        assert await session.verify()
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", None], ["old", "after"]]
    assert len(place.rows("MATCH (:Person)-[r]->(:Person) RETURN id(r)")) == 1
    assert place.markers() == 0


def test_nothing_else_can_be_done_before_the_outcome_is_known(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        ann = Person(id="ann", name="a")
        session.add(ann)
        await session.commit()
        ann.name = "b"
        await lost(session, place, "cut_after")
        before = place.proxy.requests
        for use in (
            lambda: session.commit(),
            lambda: session.flush(),
            lambda: session.get(Person, "nobody"),
            lambda: session.execute("RETURN 1"),
            lambda: session.scalars(select(Person)),
            lambda: session.refresh(ann),
            lambda: session.merge(Person(id="x")),
        ):
            with pytest.raises(QueryError, match=r"verify\(\).*ConnectionLostError"):
                await use()
        for stage in (
            lambda: session.add(Person(id="x")),
            lambda: session.delete(ann),
        ):
            with pytest.raises(QueryError, match=r"verify\(\)"):
                stage()
        with pytest.raises(QueryError, match=r"verify\(\)"):
            async with session.transaction():
                pass
        assert place.proxy.requests == before
        assert await session.verify()
        ann.name = "c"
        await session.commit()
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", "c"]]


def test_what_changes_while_nobody_knows_is_not_taken_for_stored(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        ann, ben, new = Person(id="ann", tags=["a"]), Person(id="ben"), Person(id="new", tags=["n"])
        session.add_all([ann, ben])
        await session.commit()
        tags, others = ann.tags, new.tags
        await session.load(ann, "friends")
        friends = ann.friends
        tags.append("b")
        session.add(new)
        friends.append(new)
        await lost(session, place, "cut_after")
        # Nobody can see a list that the program holds change.
        tags.append("c")
        others.append("o")
        friends.append(ben)
        ben.name, new.name = "Ben", "New"
        assert await session.verify()
        await session.commit()
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", None], ["ben", "Ben"], ["new", "New"]]
    tags = dict(place.rows("MATCH (n:Person) RETURN n.id, n.tags"))
    assert tags == {"ann": ["a", "b", "c"], "ben": [], "new": ["n", "o"]}
    found = place.rows("MATCH (a:Person)-[:KNOWS]->(b:Person) RETURN a.id, b.id")
    assert sorted(found) == [["ann", "ben"], ["ann", "new"]]


def test_leaving_a_session_finds_the_outcome_out_by_itself(place: Place) -> None:
    async def add(key: str, fault: str) -> None:
        async with place.session() as session:
            session.add(Person(id=key))
            await arm(session, place, fault)

    async def body() -> None:
        await add("applied", "cut_after")
        with pytest.raises(ConnectionLostError) as caught:
            await add("lost", "cut_before")
        assert not caught.value.maybe_applied
        assert caught.value.retryable

    place.run(body())
    assert place.rows(ALL) == [["applied", None]]
    assert place.markers() == 0


def test_giving_up_leaves_the_marker_and_says_where(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        session = place.session()
        new = Person(id="new")
        session.add(new)
        await lost(session, place, "cut_after")
        with caplog.at_level(logging.WARNING, "runic.session"):
            await session.rollback()
        assert new._runic_state.status is Status.TRANSIENT
        assert place.markers() == 1
        assert place.rows("MATCH (n:RunicCommit) RETURN n.id")[0][0] in caplog.text
        with pytest.raises(QueryError, match="nothing to verify"):
            await session.verify()
        session.add(Person(id="next"))
        await session.commit()
        assert place.markers() == 2
        await session.close()
        assert place.markers() == 1

    place.run(body())
    assert [row[0] for row in place.rows(ALL)] == ["new", "next"]


def test_a_unit_that_arrives_after_the_question_is_never_applied(place: Place) -> None:
    """The request is held up on its way, the client gives up and asks, and only then it arrives."""

    async def body() -> None:
        session = place.session()
        ann = Person(id="ann", name="a")
        session.add(ann)
        await session.commit()
        ann.name = "b"
        await arm(session, place, "held")
        with pytest.raises(ConnectionLostError):
            await session.commit()
        asked = threading.Timer(0.5, place.proxy.let_go.set)
        asked.start()
        applied = await session.verify()
        let_arrive(place, asked)
        stored = place.rows(ALL)[0][1]
        assert stored == ("b" if applied else "a")
        if not applied:
            await session.commit()
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", "b"]]


def test_a_marker_that_somebody_deleted_is_told(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        ann = Person(id="ann")
        session.add(ann)
        await session.commit()
        place.straight.execute("MATCH (n:RunicCommit) DELETE n")
        ann.name = "x"
        with pytest.raises(StaleObjectError, match="commit marker"):
            await session.commit()
        assert place.rows(ALL) == [["ann", None]]
        await session.commit()
        assert place.rows(ALL) == [["ann", "x"]]
        ann.name = "y"
        await lost(session, place, "cut_after")
        place.straight.execute("MATCH (n:RunicCommit) DELETE n")
        with pytest.raises(QueryError, match="deleted the commit marker"):
            await session.verify()
        await session.rollback()
        await session.refresh(ann)
        assert ann.name == "y"
        await session.close()

    place.run(body())


def test_while_the_server_cannot_be_reached_the_outcome_stays_unknown(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        session.add(Person(id="ann"))
        await lost(session, place, "cut_after")
        place.proxy.marker = b""
        place.proxy.arm(*["cut_before"] * 1000)
        with pytest.raises(OrmError) as caught:
            await session.verify(patience=0.3)
        assert "RunicCommit" in "".join(caught.value.__notes__)
        with pytest.raises(QueryError, match=r"verify\(\)"):
            await session.commit()
        place.proxy.arm()
        assert await session.verify()
        await session.close()

    place.run(body())
    assert place.rows(ALL) == [["ann", None]]


def test_a_session_without_marker_leaves_none_and_says_what_is_missing(place: Place) -> None:
    async def body() -> None:
        session = place.session(verifiable=False)
        session.add(Person(id="ann"))
        await session.commit()
        assert place.markers() == 0
        with pytest.raises(QueryError, match="verifiable=True"):
            await session.verify()
        await session.close()
        reader = place.session(read_only=True)
        assert await reader.get(Person, "ann") is not None
        assert place.markers() == 0
        await reader.close()

    place.run(body())


def test_what_is_known_is_told_without_asking(place: Place) -> None:
    async def body() -> None:
        session = place.session()
        with pytest.raises(QueryError, match="nothing to verify"):
            await session.verify()
        session.add(Person(id="ann"))
        await session.commit()
        assert await session.verify()
        # A statement that failed ended what was under way: it was not committed.
        with pytest.raises(OrmError):
            await session.execute("THIS IS NO CYPHER")
        assert not await session.verify()
        await session.rollback()
        with pytest.raises(QueryError, match="nothing to verify"):
            await session.verify()
        await session.close()

    place.run(body())


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_every_unit_is_applied_exactly_once_whatever_breaks(place: Place, seed: int) -> None:
    """Each unit adds a node, and counts itself in one that all of them change."""
    chance = random.Random(f"{place.name} {place.colour} {seed}")
    place.straight.execute("CREATE (:Account {id: 'a', balance: 0, version: 1})")
    place.proxy.marker = b""
    units = 20

    async def work(session: Any, number: int) -> int:
        account = await session.get(Account, "a")
        account.balance += 1
        session.add(Person(id=f"p{number}", name="new"))
        return number

    async def body() -> None:
        for number in range(units):
            quiet = chance.randrange(14)
            fault = chance.choice(["cut_before", "cut_after", "cut_inside"])
            place.proxy.arm(*[""] * quiet, fault)
            if number % 2:
                done = await place.in_transaction(lambda session, n=number: work(session, n), attempts=9)
                assert done == number
                continue
            session = place.session()
            for _ in range(9):
                try:
                    await work(session, number)
                    await session.commit()
                except OrmError as error:
                    if getattr(error, "maybe_applied", False) and await session.verify():
                        break
                    await session.rollback()
                else:
                    break
            else:
                raise AssertionError("it never worked")
            await session.close()

    place.run(body())
    place.proxy.arm()
    assert place.rows("MATCH (n:Account) RETURN n.balance, n.version") == [[units, units + 1]]
    found = sorted(row[0] for row in place.rows(ALL))
    assert found == sorted(f"p{number}" for number in range(units))
