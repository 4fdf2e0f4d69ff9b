"""Bookmarks: a driver sees its own commits, and those of others that it was told of."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm import Field, Node, Session, create_async_driver, create_driver
from runic.orm.core.metadata import MetaData
from runic.orm.exceptions import ServerError, TransientConflictError, UnsupportedByBackendError
from runic.orm.session.async_session import AsyncSession
from tests.live.bolt.guarded import Guarded
from tests.live.memgraph.scripted_bolt import Failure, Script, ScriptedBolt


class Base(Node, metadata=MetaData()): ...


class Note(Base, labels=["Note"]):
    id: str = Field(primary_key=True)


# -- a real server ------------------------------------------------------------------------------


def ahead_of(bookmark: str) -> str:
    """The bookmark of a commit that is still to come: the number of the commit stands before the end."""
    data = bytearray(base64.b64decode(bookmark.removeprefix("FB:") + "==="))
    data[-2] += 20
    return "FB:" + base64.b64encode(bytes(data)).decode().rstrip("=")


@pytest.mark.parametrize("routing", [False, True])
def test_a_commit_gives_a_bookmark_that_another_driver_takes(guarded: Guarded, routing: bool) -> None:
    options, key = guarded.options(routing=routing), f"routing {routing}"
    with create_driver("neo4j", **options) as one:
        assert one.bookmarks == ()
        with Session(one) as session:
            session.merge(Note(id=key))
        (first,) = one.bookmarks
        one.execute("MATCH (n:Note {id: $key}) SET n.x = 1", {"key": key})
        (second,) = one.bookmarks
        assert first != second
        one.execute("MATCH (n:Note) RETURN n", write=False)
        assert one.bookmarks == (second,)
    with create_driver("neo4j", **options, bookmarks=[second]) as other:
        assert other.execute("MATCH (n:Note {id: $key}) RETURN n.x", {"key": key}, write=False).rows == [[1]]
        other.add_bookmarks([first])
        assert other.bookmarks == tuple(sorted((first, second)))

    async def main() -> None:
        async with create_async_driver("neo4j", **options, bookmarks=(first,)) as driver:
            driver.add_bookmarks([second])
            assert (await driver.execute("MATCH (n:Note {id: $key}) RETURN n.x", {"key": key})).rows == [[1]]
            async with AsyncSession(driver) as session:
                await session.merge(Note(id=f"{key}, async"))
            (third,) = driver.bookmarks
            assert third not in (first, second)

    asyncio.run(main())


@pytest.mark.parametrize("routing", [False, True])
def test_what_is_still_to_come_is_a_conflict_that_may_be_retried(guarded: Guarded, routing: bool) -> None:
    options = guarded.options(routing=routing)
    with create_driver("neo4j", **options) as driver:
        driver.execute("CREATE (:Other)")
        (last,) = driver.bookmarks
    with (
        create_driver("neo4j", **options, bookmarks=[ahead_of(last)]) as driver,
        pytest.raises(TransientConflictError, match="BookmarkTimeout") as caught,
    ):
        driver.execute("RETURN 1")
    assert caught.value.retryable


@pytest.mark.parametrize("routing", [False, True])
def test_what_is_no_bookmark_is_named(guarded: Guarded, routing: bool) -> None:
    with (
        create_driver("neo4j", **guarded.options(routing=routing), bookmarks=["hello"]) as driver,
        pytest.raises(ServerError, match="InvalidBookmark") as caught,
    ):
        driver.execute("RETURN 1")
    assert not caught.value.retryable


# -- a scripted server --------------------------------------------------------------------------


@pytest.fixture
def script() -> Script:
    return Script(agent="Neo4j/5.26.0", bookmarks=[f"bm{number}" for number in range(20)])


@pytest.fixture
def server(script: Script) -> Iterator[ScriptedBolt]:
    with ScriptedBolt(script) as server:
        yield server


def begun_with(script: Script) -> list[set[str]]:
    """The bookmarks of each BEGIN."""
    return [set(fields[0].get("bookmarks", [])) for name, fields in script.log if name == "BEGIN"]


async def work_async(port: int, **options: Any) -> tuple[str, ...]:
    """Three units of work, one after the other."""
    async with create_async_driver("neo4j", host="127.0.0.1", port=port, **options) as driver:
        for _ in range(2):
            async with AsyncSession(driver) as session:
                await session.execute("CREATE (:A)", write=True)
        await driver.execute("RETURN 1", write=False)
        found: tuple[str, ...] = driver.bookmarks
        return found


def work(port: int, **options: Any) -> tuple[str, ...]:
    """The same with blocking sessions."""
    with create_driver("neo4j", host="127.0.0.1", port=port, **options) as driver:
        for _ in range(2):
            with Session(driver) as session:
                session.execute("CREATE (:A)", write=True)
        driver.execute("RETURN 1", write=False)
        found: tuple[str, ...] = driver.bookmarks
        return found


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_bookmark_goes_from_a_commit_to_the_next_begin(
    server: ScriptedBolt, script: Script, colour: str
) -> None:
    options: dict[str, Any] = {"bookmarks": ["told1", "told2"]}
    if colour == "sync":
        last = work(server.port, **options)
    else:
        last = asyncio.run(work_async(server.port, **options))
    assert begun_with(script) == [{"told1", "told2"}, {"bm0"}, {"bm1"}]
    assert last == ("bm2",)


def test_bookmarks_that_come_meanwhile_are_not_lost(server: ScriptedBolt, script: Script) -> None:
    with create_driver("neo4j", host="127.0.0.1", port=server.port) as driver:
        with Session(driver) as session:
            session.execute("CREATE (:A)", write=True)
            driver.add_bookmarks(["told"])
        assert driver.bookmarks == ("bm0", "told")
        driver.execute("RETURN 1")
    assert begun_with(script) == [set(), {"bm0", "told"}]


def test_two_sessions_at_once_leave_both_bookmarks(server: ScriptedBolt, script: Script) -> None:
    with create_driver("neo4j", host="127.0.0.1", port=server.port) as driver:
        one, two = Session(driver), Session(driver)
        for session in (one, two):
            session.execute("CREATE (:A)", write=True)
        for session in (one, two):
            session.commit()
            session.close()
        assert driver.bookmarks == ("bm0", "bm1")
        driver.execute("RETURN 1")
        assert driver.bookmarks == ("bm2",)


def test_a_unit_of_work_that_fails_gives_none(server: ScriptedBolt, script: Script) -> None:
    script.commits = [Failure("Neo.TransientError.Transaction.Outdated", "no")]
    with create_driver("neo4j", host="127.0.0.1", port=server.port) as driver:
        with pytest.raises(TransientConflictError):
            driver.execute("CREATE (:A)")
        assert driver.bookmarks == ()


def test_event_loops_of_one_driver_share_them(server: ScriptedBolt, script: Script) -> None:
    driver = create_async_driver("neo4j", host="127.0.0.1", port=server.port)

    async def once(*, last: bool) -> None:
        await driver.execute("CREATE (:A)")
        await driver.client.close()
        if last:
            await driver.aclose()

    asyncio.run(once(last=False))
    asyncio.run(once(last=True))
    assert begun_with(script) == [set(), {"bm0"}]


def test_a_database_without_bookmarks_takes_none() -> None:
    for name in ("arcadedb", "memgraph"):
        with create_driver(name) as driver:
            assert driver.bookmarks == ()
            with pytest.raises(UnsupportedByBackendError, match="bookmarks"):
                driver.add_bookmarks(["FB:x"])
        with pytest.raises(TypeError, match="bookmarks"):
            create_driver(name, bookmarks=["FB:x"])


def test_one_text_is_no_list_of_bookmarks() -> None:
    with create_driver("neo4j") as driver, pytest.raises(TypeError, match="list of texts"):
        driver.add_bookmarks("FB:x")
