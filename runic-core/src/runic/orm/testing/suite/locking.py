"""Optimistic locking: nobody's write is lost without a word."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from runic.orm.exceptions import OrmError, StaleObjectError
from runic.orm.query.builder import select
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Account, Ledger, Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseLocking", "TestLocking"]

BALANCE = "MATCH (n:Account {id: 'a'}) RETURN n.balance, n.version"


class BaseLocking(LiveSuite):
    """Optimistic locking: nobody's write is lost without a word."""

    area: ClassVar[str] = "optimistic locking"

    async def _account(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Account(id="a", balance=0))

    async def test_versions_start_at_one_and_count_writes(self, kit: Kit) -> None:
        async with kit.session() as s:
            account = Account(id="a")
            s.add(account)
            await s.flush()
            assert account.version == 1
            account.balance = 5
            await s.flush()
            assert account.version == 2
        assert await kit.rows(BALANCE) == [[5, 2]]

    async def test_a_flush_without_changes_leaves_the_version(self, kit: Kit) -> None:
        await self._account(kit)
        async with kit.session() as s:
            await s.get(Account, "a")
        assert await kit.rows(BALANCE) == [[0, 1]]

    async def test_the_second_writer_gets_an_error(self, kit: Kit) -> None:
        await self._account(kit)
        async with kit.session() as one, kit.session() as two:
            first, second = await one.get(Account, "a"), await two.get(Account, "a")
            assert first is not None
            assert second is not None
            first.balance = 10
            second.balance = 20
            await one.commit()
            with pytest.raises(StaleObjectError, match="Account") as caught:
                await two.commit()
            assert caught.value.retryable
            await two.rollback()
        assert await kit.rows(BALANCE) == [[10, 2]]

    async def test_a_stale_object_takes_the_whole_unit_with_it(self, kit: Kit) -> None:
        await self._account(kit)
        async with kit.session() as s:
            account = await s.get(Account, "a")
            assert account is not None
            await kit.write("MATCH (n:Account) SET n.version = 7")
            account.balance = 10
            s.add(Person(id="p"))
            with pytest.raises(StaleObjectError):
                await s.commit()
            await s.rollback()
        assert await kit.rows("MATCH (n:Person) RETURN count(n)") == [[0]]
        assert await kit.rows(BALANCE) == [[0, 7]]

    async def test_refresh_and_try_again_succeeds(self, kit: Kit) -> None:
        await self._account(kit)
        async with kit.session() as s:
            account = await s.get(Account, "a")
            assert account is not None
            await kit.write("MATCH (n:Account) SET n.balance = 100, n.version = n.version + 1")
            account.balance += 1
            with pytest.raises(StaleObjectError):
                await s.flush()
            await s.refresh(account)
            assert account.balance == 100
            account.balance += 1
        assert await kit.rows(BALANCE) == [[101, 3]]

    async def test_deleting_a_changed_object_is_refused(self, kit: Kit) -> None:
        await self._account(kit)
        async with kit.session() as s:
            s.delete(await s.get(Account, "a"))
            await kit.write("MATCH (n:Account) SET n.version = 2")
            with pytest.raises(StaleObjectError):
                await s.flush()
            await s.rollback()
        assert await kit.rows("MATCH (n:Account) RETURN count(n)") == [[1]]

    async def test_saving_what_is_gone_does_not_create_it_again(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann"))
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            await kit.write("MATCH (n:Person) DELETE n")
            ann.name = "changed"
            with pytest.raises(StaleObjectError, match="Person"):
                await s.flush()
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]

    async def test_relating_to_what_is_gone_is_an_error(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a"), Person(id="b")])
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await kit.write("MATCH (n:Person {id: 'b'}) DELETE n")
            await s.relate(a, "friends", b)
            s.add(Person(id="c"))
            with pytest.raises(StaleObjectError):
                await s.flush()
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN n.id") == [["a"]]

    async def test_edges_are_locked_too(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Account(id="a"), "entries", Account(id="b"), Ledger(amount=1))
        stmt = (
            select(Account)
            .alias("x")
            .traverse(Account.entries, edge_alias="r", optional=False)
            .alias("y")
            .return_nodes("x", "y")
            .return_edge("r")
        )
        async with kit.session() as one, kit.session() as two:
            ((_, first, _),) = await one.all_with_edges(stmt)
            ((_, second, _),) = await two.all_with_edges(stmt)
            assert first.version == 1
            first.amount = 10
            second.amount = 20
            await one.commit()
            with pytest.raises(StaleObjectError):
                await two.commit()
            await two.rollback()
        assert await kit.rows("MATCH ()-[r:LEDGER]->() RETURN r.amount, r.version") == [[10, 2]]

    async def test_increments_at_once_with_retries_are_all_counted(self, kit: Kit) -> None:
        await self._account(kit)
        workers, rounds = 4, 10

        async def increment() -> None:
            for _ in range(rounds):
                for attempt in range(200):
                    try:
                        async with kit.session() as s:
                            account = await s.get(Account, "a")
                            assert account is not None
                            account.balance += 1
                        break
                    except OrmError as error:
                        if not error.retryable or attempt == 199:
                            raise
                        if not kit.blocking:
                            await asyncio.sleep(0)

        found = await kit.together(*[increment] * workers)
        assert found == [None] * workers
        assert await kit.rows(BALANCE) == [[workers * rounds, workers * rounds + 1]]


TestLocking = BaseLocking
