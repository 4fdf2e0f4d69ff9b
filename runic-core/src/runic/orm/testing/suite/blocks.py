"""Blocks of ``session.transaction()``: what a failed one takes back, and what stays usable."""

# The checks look at the state of entities, which is hidden from programs.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.state import Status
from runic.orm.exceptions import OrmError, QueryError
from runic.orm.query.builder import select
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Account, Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseBlocks", "TestBlocks"]

IDS = "MATCH (n) RETURN n.id ORDER BY n.id"
NONSENSE = "THIS IS NO CYPHER"


class BaseBlocks(LiveSuite):
    """Blocks of ``session.transaction()``: what a failed one takes back, and what stays usable."""

    area: ClassVar[str] = "blocks"

    def fail(self) -> None:
        """Whatever goes wrong in a program."""
        raise ZeroDivisionError

    async def test_a_statement_that_fails_in_a_block_costs_no_more_than_the_block(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann, ben = Person(id="ann", name="Ann"), Person(id="ben")
            s.add_all([ann, ben])
            await s.relate(ann, "friends", ben)
            with pytest.raises(OrmError):
                async with s.transaction():
                    ann.name = "inside"
                    await s.relate(ben, "friends", ann)
                    s.add(Person(id="inside"))
                    await s.execute(NONSENSE)
            assert ann.name == "Ann"
            s.add(Person(id="after"))
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["after", ""],
            ["ann", "Ann"],
            ["ben", ""],
        ]
        assert await kit.rows("MATCH (a:Person)-[r]->(b:Person) RETURN a.id, b.id") == [["ann", "ben"]]

    async def test_a_flush_that_fails_at_the_end_of_a_block_costs_no_more_than_the_block(
        self, kit: Kit
    ) -> None:
        async with kit.session() as s:
            account, before = Account(id="a", balance=1), Person(id="before")
            s.add_all([account, before])
            await s.commit()
            before.name = "changed"
            s.add(Person(id="new"))
            inside = Person(id="inside")
            with pytest.raises(OrmError):
                async with s.transaction():
                    account.balance = 5
                    s.add(inside)
                    await kit.write("MATCH (n:Account) SET n.version = 7")
            assert inside._runic_state.status is Status.TRANSIENT
            assert account.balance == 1
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["before", "changed"],
            ["new", ""],
        ]
        assert await kit.rows("MATCH (n:Account) RETURN n.balance") == [[1]]

    async def test_an_error_that_is_caught_inside_of_a_block(self, kit: Kit) -> None:
        transactional = Capability.TRANSACTIONS in kit.dialect.capabilities
        goes_on = not transactional or Capability.SAVEPOINTS in kit.dialect.capabilities

        async def unit() -> None:
            async with kit.session() as s:
                s.add(Person(id="before"))
                try:
                    async with s.transaction():
                        s.add(Person(id="inside"))
                        with pytest.raises(OrmError):
                            await s.execute(NONSENSE)
                        if not goes_on:
                            with pytest.raises(QueryError, match="transaction was lost"):
                                await s.execute("RETURN 1")
                        else:
                            assert await s.count(select(Person).where(Person.id == "before")) == 1
                except QueryError as error:
                    assert not goes_on, error
                    assert "leave the block" in str(error)

        await unit()
        assert await kit.rows(IDS) == ([["before"], ["inside"]] if goes_on else [["before"]])

    @requires(Capability.SAVEPOINTS)
    async def test_an_error_in_a_nested_block_leaves_those_around_it_whole(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="ann", name="0")
            s.add(ann)
            async with s.transaction():
                ann.name = "1"
                with pytest.raises(OrmError):
                    async with s.transaction():
                        ann.name = "2"
                        s.add(Person(id="two"))
                        with pytest.raises(ZeroDivisionError):
                            async with s.transaction():
                                ann.name = "3"
                                s.add(Person(id="three"))
                                await s.flush()
                                self.fail()
                        assert ann.name == "2"
                        await s.execute(NONSENSE)
                assert ann.name == "1"
                s.add(Person(id="one"))
                async with s.transaction():
                    s.add(Person(id="four"))
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["ann", "1"],
            ["four", ""],
            ["one", ""],
        ]

    @requires(Capability.SAVEPOINTS)
    async def test_a_failed_block_takes_back_what_was_flushed_and_sent_in_it(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann, ben, gone = Person(id="ann", name="Ann"), Person(id="ben"), Person(id="gone")
            account = Account(id="a", balance=1)
            s.add_all([ann, ben, gone, account])
            await s.relate(ann, "friends", gone)
            new = Person(id="new")
            with pytest.raises(ZeroDivisionError):
                async with s.transaction():
                    ann.name, account.balance = "inside", 2
                    s.add(new)
                    await s.relate(ann, "friends", ben)
                    s.delete(gone)
                    await s.flush()
                    assert account.version == 2
                    assert await s.count(select(Person).where(Person.name == "inside")) == 1
                    await s.execute("CREATE (:Person {id: 'raw'})", write=True)
                    await s.execute("MATCH (n:Person {id: 'ben'}) SET n.name = 'raw'", write=True)
                    await s.refresh(ben)
                    assert ben.name == "raw"
                    assert await s.get(Person, "raw") is not None
                    self.fail()
            assert (ann.name, account.balance, account.version) == ("Ann", 1, 1)
            assert new._runic_state.status is Status.TRANSIENT
            assert gone._runic_state.status is Status.PERSISTENT
            assert await kit.related(s, ann, "friends") == [gone]
            await s.refresh(ben)
            assert ben.name == ""
            assert await s.get(Person, "raw") is None
            gone.name, account.balance = "back", 3
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["ann", "Ann"],
            ["ben", ""],
            ["gone", "back"],
        ]
        assert await kit.rows("MATCH (n:Account) RETURN n.balance, n.version") == [[3, 2]]
        assert await kit.rows("MATCH (a:Person)-[r]->(b:Person) RETURN a.id, b.id") == [["ann", "gone"]]

    @requires(Capability.SAVEPOINTS)
    async def test_an_error_in_a_block_stages_again_what_was_flushed_in_it(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="before"))
            async with s.transaction():
                inside = Person(id="inside")
                s.add(inside)
                await s.flush()
                with pytest.raises(OrmError):
                    await s.execute(NONSENSE)
                assert inside._new
                inside.name = "again"
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["before", ""],
            ["inside", "again"],
        ]

    @requires(Capability.SAVEPOINTS)
    async def test_raw_statements_that_an_error_took_back_are_not_forgotten(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.execute("CREATE (:Person {id: 'before'})", write=True)
            with pytest.raises(QueryError, match="leave the block"):
                async with s.transaction():
                    await s.execute("CREATE (:Person {id: 'inside'})", write=True)
                    with pytest.raises(OrmError):
                        await s.execute(NONSENSE)
                    with pytest.raises(QueryError, match=r"execute\(write=True\)"):
                        await s.execute("RETURN 1")
            await s.execute("CREATE (:Person {id: 'after'})", write=True)
        assert await kit.rows(IDS) == [["after"], ["before"]]

    @requires(Capability.SAVEPOINTS)
    async def test_a_block_in_which_nothing_is_sent_costs_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a"))
            await s.flush()
            with kit.recorder.since() as sent:
                async with s.transaction(), s.transaction():
                    pass
            assert sent == []


TestBlocks = BaseBlocks
