"""Interrupted, cancelled, used by two at once, forked: nothing leaks, and nobody gets another's answer."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runic.orm import create_async_driver, run_in_transaction
from runic.orm.driver.port import Request
from runic.orm.exceptions import ConcurrentUseError, ConnectionLostError, LazyLoadError, ServerError
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session
from tests.conftest import ROOT
from tests.live.session.models import Account, Person
from tests.live.session.support import Refined, at_write, edges
from tests.servers.base import Server

SLOW = "UNWIND range(1, $n) AS x WITH x WHERE x % 7 = 3 AND x % 11 = 2 RETURN count(x)"
"""Takes about a second, and can be told from any other answer."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ctrl-C after some time."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def once(error: BaseException) -> Callable[[Request], None]:
    """Raise at the first call, and never again."""
    left = [error]

    def hook(_: Request) -> None:
        if left:
            raise left.pop()

    return hook


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_flush_discards_the_connection_and_keeps_the_work(
    driver: Any, when: str, kind: type[BaseException]
) -> None:
    watched = Refined(driver)
    session = Session(watched)
    ann, new = Person(id="ann"), Person(id="new")
    session.add(ann)
    session.commit()
    ann.name = "changed"
    ann.tags.append("a")
    session.add(new)
    session.relate(ann, "friends", new)
    setattr(watched, when, once(kind()))
    with pytest.raises(kind):
        session.commit()
    assert watched.released == [False, True]
    assert new._new
    assert (ann.name, ann.tags) == ("changed", ["a"])
    if when == "before":
        # Nothing had been sent: the work is still staged, and the session is usable.
        session.commit()
        assert edges(driver) == [("ann", "KNOWS", "new")]
    else:
        # Whether it was applied is known to nobody but the server.
        session.rollback()
        assert (ann.name, ann.tags) == (None, [])
        found = session.get(Person, "new")
        assert found is not None
        session.refresh(ann)
        assert (ann.name, ann.tags) == ("changed", ["a"])
    session.close()


def test_ctrl_c_while_the_server_works_leaves_no_late_reply_behind(driver: Any) -> None:
    session = Session(driver)
    session.add(Person(id="ann"))
    session.commit()
    with pytest.raises(KeyboardInterrupt), alarm(0.15):
        session.execute(SLOW, {"n": 6_000_000})
    assert session.execute("RETURN 'mine'").rows == [["mine"]]
    found = session.get(Person, "ann")
    assert found is not None
    session.close()


def test_a_lost_connection_in_a_flush_says_whether_it_may_have_been_applied(driver: Any) -> None:
    broken = Refined(driver, before=at_write(1, ConnectionLostError("cut", maybe_applied=True)))
    with Session(broken) as session:
        new = Person(id="new")
        session.add(new)
        with pytest.raises(ConnectionLostError) as caught:
            session.commit()
        assert caught.value.maybe_applied
        assert not caught.value.retryable
        assert new._new
        session.commit()
    assert driver.execute("MATCH (n) RETURN n.id").rows == [["new"]]


def test_a_session_used_by_a_second_thread_refuses_at_once_and_the_first_goes_on(driver: Any) -> None:
    session = Session(driver)
    ann = Person(id="ann")
    session.add(ann)
    session.commit()
    result: list[Any] = []
    first = threading.Thread(target=lambda: result.extend(session.execute(SLOW, {"n": 4_000_000}).rows))
    first.start()
    deadline = time.monotonic() + 10
    while not session._core.exclusive._lock.locked():
        assert time.monotonic() < deadline
    uses: list[Callable[[], object]] = [
        lambda: session.get(Person, "nobody"),
        lambda: session.add(Person(id="x")),
        lambda: setattr(ann, "name", "x"),
        session.commit,
        session.rollback,
        session.close,
    ]
    started = time.monotonic()
    for use in uses:
        with pytest.raises(ConcurrentUseError):
            use()
    assert time.monotonic() - started < 0.5
    first.join()
    assert len(result) == 1
    assert ann.name is None
    session.close()


def test_a_forked_child_cannot_use_the_session_and_the_parent_is_unharmed(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    script = """
import os, sys
from runic.orm import create_driver
from runic.orm.exceptions import ForkedSessionError
from runic.orm.session.session import Session
from tests.live.session.models import Account, Person

driver = create_driver(sys.argv[1])
session = Session(driver)
ann = Person(id="ann")
session.add(ann)
session.flush()
session.execute("RETURN 1")
child = os.fork()
if not child:
    refused = 0
    for use in (lambda: session.get(Person, "x"), lambda: session.add(Person(id="y")),
                lambda: setattr(ann, "name", "child"), session.commit):
        try:
            use()
        except ForkedSessionError:
            refused += 1
    os._exit(0 if refused == 4 else 9)
_, status = os.waitpid(child, 0)
assert status == 0, status
ann.name = "parent"
session.commit()
print(session.execute("MATCH (n) RETURN n.name").rows)
session.close()
driver.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, falkordb_server.url_of(falkordb_graph)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[['parent']]\n", 0), done.stderr


def test_streaming_takes_constant_memory_and_keeps_what_was_changed(driver: Any) -> None:
    import tracemalloc

    driver.execute("UNWIND range(1, 30000) AS i CREATE (:Person {id: 'p' + i, name: 'n', tags: []})")
    with Session(driver) as session:
        known = session.get(Person, "p7")
        assert known is not None
        tracemalloc.start()
        sizes, seen = [], 0
        for person in session.stream(session.query(Person), page=500):
            seen += 1
            if seen % 10_000 == 0:
                person.name = "changed"
            if seen % 3_000 == 0:
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert seen == 30_000
        assert max(sizes) < 2 * min(sizes) + 500_000
        assert session.get(Person, "p7") is known
    assert driver.execute("MATCH (n {name: 'changed'}) RETURN count(n)").rows == [[3]]


def test_an_abandoned_stream_leaves_the_session_usable(driver: Any) -> None:
    driver.execute("UNWIND range(1, 1000) AS i CREATE (:Person {id: 'p' + i})")
    with Session(driver) as session:
        stream = session.stream(session.query(Person), page=100)
        first = next(stream)
        del stream
        gc.collect()
        assert session.get(Person, "p500") is not None
        for person in session.stream(session.query(Person), page=100):
            if person is not first:
                session.relate(person, "friends", first)
                break
        session.commit()
    assert len(edges(driver)) == 1


# -- async -----------------------------------------------------------------------------------------


def in_loop(falkordb_server: Server, graph: str, work: Callable[[Any], Any]) -> None:
    """Run ``work(driver)`` in an event loop of its own, which must end with nothing left over."""

    async def main() -> None:
        async with create_async_driver(falkordb_server.url_of(graph)) as driver:
            await work(driver)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []

    asyncio.run(main())


def test_cancelling_while_the_server_works_leaves_no_late_reply_behind(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def work(driver: Any) -> None:
        session = AsyncSession(driver)
        session.add(Person(id="ann"))
        await session.commit()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await session.execute(SLOW, {"n": 2_000_000})
            result = await session.execute("RETURN 'mine'")
            assert result.rows == [["mine"]]
        assert (await session.get(Person, "ann")) is not None
        await session.close()

    in_loop(falkordb_server, falkordb_graph, work)


def test_cancelling_a_flush_at_any_point_keeps_the_session_usable(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def work(driver: Any) -> None:
        for turns in range(12):
            session = AsyncSession(driver)
            new = Person(id=f"p{turns}")
            session.add(new)
            task = asyncio.ensure_future(session.commit())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                assert new._new
                found = (await session.execute("RETURN 7")).rows
                assert found == [[7]]
            await session.rollback()
            await session.close()

    in_loop(falkordb_server, falkordb_graph, work)


def test_a_session_used_by_a_second_task_refuses_at_once(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def work(driver: Any) -> None:
        async with AsyncSession(driver) as session:
            ann = Person(id="ann")
            session.add(ann)
            await session.commit()
            first = asyncio.ensure_future(session.execute(SLOW, {"n": 300_000}))
            await asyncio.sleep(0.01)
            for use in (session.commit(), session.get(Person, "x"), session.close()):
                with pytest.raises(ConcurrentUseError):
                    await use
            with pytest.raises(ConcurrentUseError):
                ann.name = "x"
            assert len((await first).rows) == 1

    in_loop(falkordb_server, falkordb_graph, work)


def test_after_a_rollback_an_async_session_reads_attributes_from_memory(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def work(driver: Any) -> None:
        async with AsyncSession(driver) as session:
            ben = Person(id="ben")
            ann = Person(id="ann", name="Ann", tags=["a"], friends=[ben])
            session.add_all([ann, ben])
            await session.commit()
            assert ben.fans == [ann]
            ann.name = "x"
            ann.tags.append("b")
            await session.relate(ann, "mates", ben)
            await session.rollback()
            assert (ann.name, ann.tags) == ("Ann", ["a"])
            with pytest.raises(LazyLoadError, match=r"session\.load"):
                _ = ann.friends
            await session.load([ann, ben], "friends", "mates", "fans")
            assert (ann.friends, ann.mates, ben.fans) == ([ben], [], [ann])
            session.expire(ann)
            with pytest.raises(LazyLoadError, match=r"Person\.name .*: await session\.refresh\(entity\)$"):
                _ = ann.name
            await session.refresh(ann)
            assert ann.name == "Ann"
            session.expire(ann)
            assert await session.get(Person, "ann") is ann
            assert ann.tags == ["a"]

    in_loop(falkordb_server, falkordb_graph, work)


def test_many_sessions_on_one_driver_never_meet(driver: Any) -> None:
    driver.execute("UNWIND range(0, 15) AS i CREATE (:Person {id: 'p' + i, age: 0})")
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(15):
                with Session(driver) as session:
                    mine = session.get(Person, f"p{number}")
                    assert mine is not None
                    assert mine.age == turn
                    mine.age = turn + 1
                    others = session.get_many(Person, [f"p{i}" for i in range(16)])
                    assert [each and each.id for each in others] == [f"p{i}" for i in range(16)]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert driver.execute("MATCH (n) RETURN DISTINCT n.age").rows == [[15]]


def test_no_update_is_lost_when_versions_and_retries_work_together(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Account(id="a", balance=0))
    attempts: list[int] = []

    def deposit(session: Session) -> None:
        attempts.append(1)
        account = session.get(Account, "a")
        assert account is not None
        account.balance += 1

    def work() -> None:
        for _ in range(20):
            run_in_transaction(driver, deposit, attempts=200)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert driver.execute("MATCH (n:Account) RETURN n.balance, n.version").rows == [[80, 81]]
    assert len(attempts) >= 80


def test_what_retrying_cannot_help_is_tried_once(driver: Any) -> None:
    attempts: list[int] = []

    def fails(session: Session) -> None:
        attempts.append(1)
        session.add(Account(id="a"))
        session.execute("RETURN syntax error")

    with pytest.raises(ServerError):
        run_in_transaction(driver, fails)
    assert attempts == [1]
    with pytest.raises(ValueError, match="at least 1"):
        run_in_transaction(driver, fails, attempts=0)
