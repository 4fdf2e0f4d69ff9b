"""Lost replies: a verifiable session finds out what became of its unit, and leaves nothing behind."""

# The checks look at the state of entities, which is hidden from programs.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from runic.orm.exceptions import ConnectionLostError, QueryError
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session
from runic.orm.testing.adapter import adapt
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Account, Person
from runic.orm.testing.proxy import DriverProxy, PortProxy
from runic.orm.testing.suite.base import LiveSuite

if TYPE_CHECKING:
    from runic.orm.driver.port import Port, QueryResult, Request

__all__ = ["BaseOutcomes", "TestOutcomes"]

MARKERS = "MATCH (n:RunicCommit) RETURN count(n)"


class _Losing(PortProxy):
    """A port that loses a reply to what makes a unit durable, before or after it was carried out."""

    def __init__(self, port: Port, when: list[str]) -> None:
        super().__init__(port)
        self.when = when
        self.takes = False

    async def execute(self, request: Request) -> QueryResult:
        unit = "marker" in request.parameters
        self.takes = self.takes or "m.applied = $turn" in request.text
        if not unit or not self.when:
            return await self.port.execute(request)
        result: QueryResult = await self._lost(super().execute, request)
        return result

    async def commit(self) -> None:
        if self.takes and self.when:
            await self._lost(super().commit)
        else:
            await self.port.commit()

    async def _lost(self, step: Any, *arguments: Any) -> Any:
        if self.when.pop() == "after":
            await step(*arguments)
        else:
            await self.port.rollback()
        raise ConnectionLostError("lost on purpose", maybe_applied=True)


class BaseOutcomes(LiveSuite):
    """Lost replies: a verifiable session finds out what became of its unit, and leaves nothing behind."""

    area: ClassVar[str] = "lost replies"

    def _session(self, kit: Kit, when: list[str]) -> AsyncSession:
        driver: Any = DriverProxy(kit.driver, lambda port: _Losing(port, when))
        if kit.blocking:
            return adapt(Session(driver, verifiable=True))
        return AsyncSession(driver, verifiable=True)

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_lost_commit_is_verified_and_applied_once(self, kit: Kit, when: str) -> None:
        losing: list[str] = []
        async with self._session(kit, losing) as s:
            account, ann = Account(id="a", balance=1), Person(id="ann", name="Ann")
            s.add_all([account, ann])
            await s.commit()
            account.balance = 2
            ben = Person(id="ben", friends=[ann])
            s.add(ben)
            losing.append(when)
            with pytest.raises(ConnectionLostError):
                await s.commit()
            with pytest.raises(QueryError, match="verify"):
                await s.get(Person, "ann")
            assert await s.verify() is (when == "after")
            assert ben._new is (when == "before")
            await s.commit()
            assert await s.verify()
            assert account.version == 2
            account.balance, ben.name = 3, "Ben"
        assert await kit.rows("MATCH (n:Account) RETURN n.balance, n.version") == [[3, 3]]
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name ORDER BY n.id") == [
            ["ann", "Ann"],
            ["ben", "Ben"],
        ]
        assert await kit.rows("MATCH (:Person)-[r]->(:Person) RETURN count(r)") == [[1]]
        assert await kit.rows(MARKERS) == [[0]]

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_leaving_a_session_verifies_by_itself(self, kit: Kit, when: str) -> None:
        async def work() -> None:
            async with self._session(kit, [when]) as s:
                s.add(Person(id="ann"))

        if when == "before":
            with pytest.raises(ConnectionLostError) as caught:
                await work()
            assert caught.value.retryable
            assert not caught.value.maybe_applied
        else:
            await work()
        assert await kit.rows("MATCH (n) RETURN n.id") == ([] if when == "before" else [["ann"]])

    async def test_a_session_that_was_not_asked_to_leaves_no_marker(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="ann"))
            await s.commit()
            assert await kit.rows(MARKERS) == [[0]]
            with pytest.raises(QueryError, match="verifiable=True"):
                await s.verify()


TestOutcomes = BaseOutcomes
