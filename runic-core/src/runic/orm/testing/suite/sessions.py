"""Sessions: blocks, nested blocks, read-only ones, and what they do when something goes wrong."""

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import OrmError, QueryError
from runic.orm.query.builder import select
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseSessions", "TestSessions"]

IDS = "MATCH (n) RETURN n.id ORDER BY n.id"


class BaseSessions(LiveSuite):
    """Sessions: blocks, nested blocks, read-only ones, and what they do when something goes wrong."""

    area: ClassVar[str] = "sessions"

    async def test_a_block_is_flushed_at_its_end(self, kit: Kit) -> None:
        async with kit.session() as s:
            async with s.transaction():
                s.add(Person(id="a"))
                s.add(Person(id="b"))
                with kit.recorder.since() as sent:
                    pass
            assert sent == []
        assert await kit.rows(IDS) == [["a"], ["b"]]

    async def test_a_failed_block_takes_back_its_own_changes_only(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="before"))
            with pytest.raises(ZeroDivisionError):
                async with s.transaction():
                    s.add(Person(id="inside"))
                    raise ZeroDivisionError
            s.add(Person(id="after"))
        assert await kit.rows(IDS) == [["after"], ["before"]]

    async def test_a_failed_block_restores_the_values_of_objects(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            ann.name = "outside"
            with pytest.raises(ZeroDivisionError):
                async with s.transaction():
                    ann.name = "inside"
                    raise ZeroDivisionError
            assert ann.name == "outside"
        assert await kit.rows("MATCH (n:Person) RETURN n.name") == [["outside"]]

    async def test_blocks_nest(self, kit: Kit) -> None:
        async with kit.session() as s, s.transaction():
            s.add(Person(id="a"))
            with pytest.raises(ZeroDivisionError):
                async with s.transaction():
                    s.add(Person(id="b"))
                    raise ZeroDivisionError
            s.add(Person(id="c"))
        assert await kit.rows(IDS) == [["a"], ["c"]]

    async def test_a_read_only_session_refuses_writes_before_anything_is_sent(self, kit: Kit) -> None:
        await kit.write("CREATE (:Person {id: 'a', name: 'Ann'})")
        async with kit.session(read_only=True) as s:
            found = await s.get(Person, "a")
            assert found is not None
            with kit.recorder.since() as sent:
                with pytest.raises(OrmError, match="read-only"):
                    s.add(Person(id="b"))
                with pytest.raises(OrmError, match="read-only"):
                    s.delete(found)
                with pytest.raises(OrmError, match="read-only"):
                    await s.relate(found, "friends", found)
                with pytest.raises(OrmError, match="read-only"):
                    await s.execute("CREATE (:Person {id: 'b'})", write=True)
            assert sent == []
        assert await kit.rows(IDS) == [["a"]]

    async def test_a_change_in_a_read_only_session_is_told_at_the_flush(self, kit: Kit) -> None:
        await kit.write("CREATE (:Person {id: 'a', name: 'Ann'})")
        session = kit.session(read_only=True)
        found = await session.get(Person, "a")
        assert found is not None
        found.name = "changed"
        with pytest.raises(QueryError, match="read-only"):
            await session.commit()
        await session.close()
        assert await kit.rows("MATCH (n:Person) RETURN n.name") == [["Ann"]]

    @requires(Capability.READ_ONLY)
    async def test_the_server_refuses_a_write_in_a_read(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(OrmError):
                await s.execute("CREATE (:Person {id: 'b'})", write=False)
            await s.rollback()
        assert await kit.rows(IDS) == []

    async def test_a_closed_session_gives_its_connection_back_and_can_be_closed_again(self, kit: Kit) -> None:
        session = kit.session()
        await session.execute("RETURN 1")
        await session.close()
        assert not kit.recorder.in_use
        await session.close()

    async def test_connections_go_back_after_commit_and_after_errors(self, kit: Kit) -> None:
        session = kit.session()
        session.add(Person(id="a"))
        await session.commit()
        assert not kit.recorder.in_use
        with pytest.raises(OrmError):
            await session.execute("THIS IS NO CYPHER")
        await session.rollback()
        assert not kit.recorder.in_use
        assert await session.count(select(Person)) == 1
        await session.close()

    async def test_a_session_can_be_used_for_several_units(self, kit: Kit) -> None:
        async with kit.session() as s:
            for each in "abc":
                s.add(Person(id=each))
                await s.commit()
            assert await s.count(select(Person)) == 3

    async def test_what_one_session_commits_another_sees(self, kit: Kit) -> None:
        async with kit.session() as one, kit.session() as two:
            one.add(Person(id="a"))
            assert await two.count(select(Person)) == 0
            await one.commit()
            await two.rollback()
            assert await two.count(select(Person)) == 1


TestSessions = BaseSessions
