"""Cancelled and interrupted work: nothing hangs, nothing leaks, memory stays honest."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from runic.orm.core.state import Status
from runic.orm.driver.port import QueryResult, Request
from runic.orm.query.builder import select
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session
from runic.orm.testing.adapter import adapt
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Person
from runic.orm.testing.proxy import DriverProxy, PortProxy, Recorder, RecordingPort
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseCancellation", "TestCancellation"]


class _Interrupting(PortProxy):
    """A port that is interrupted before or after its n-th statement."""

    def __init__(self, port: Any, plan: dict[str, Any]) -> None:
        super().__init__(port)
        self.plan = plan

    async def execute(self, request: Request) -> QueryResult:
        self.plan["count"] += 1
        if self.plan["count"] == self.plan["at"] and not self.plan["after"]:
            raise self.plan["error"]
        result = await super().execute(request)
        if self.plan["count"] == self.plan["at"] and self.plan["after"]:
            raise self.plan["error"]
        return result


class BaseCancellation(LiveSuite):
    """Cancelled and interrupted work: nothing hangs, nothing leaks, memory stays honest."""

    area: ClassVar[str] = "cancellation"

    def _session(self, kit: Kit, plan: dict[str, Any]) -> tuple[AsyncSession, Recorder]:
        recorder = Recorder()

        def wrap(port: Any) -> Any:
            return _Interrupting(RecordingPort(port, recorder), plan)

        driver = DriverProxy(kit.drivers.of(kit.colour), wrap)
        return (adapt(Session(driver)) if kit.blocking else AsyncSession(driver)), recorder

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
    async def test_an_interrupt_in_a_flush_discards_the_connection(
        self, kit: Kit, kind: type[BaseException], after: bool
    ) -> None:
        error = kind("now")
        plan = {"count": 0, "at": 1, "after": after, "error": error}
        session, recorder = self._session(kit, plan)
        ann = Person(id="a", name="Ann")
        session.add(ann)
        try:
            await session.commit()
        except BaseException as caught:  # it is what is tested
            assert caught is error
        else:
            raise AssertionError("the interrupt was swallowed")
        assert not recorder.in_use
        assert recorder.discarded == 1
        assert ann._runic_state.status is Status.PENDING
        await session.rollback()
        # A new unit of the same session works.
        assert await session.count(select(Person)) in (0, 1)
        await session.close()
        assert not recorder.in_use

    async def test_an_interrupt_in_a_read_loses_no_staged_work(self, kit: Kit) -> None:
        error = KeyboardInterrupt()
        plan: dict[str, Any] = {"count": 0, "at": 2, "after": True, "error": error}
        session, recorder = self._session(kit, plan)
        await session.execute("RETURN 1")
        bob = Person(id="b")
        try:
            await session.get(Person, "a")
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("the interrupt was swallowed")
        assert not recorder.in_use
        session.add(bob)
        await session.commit()
        await session.close()
        assert await kit.rows("MATCH (n:Person) RETURN n.id") == [["b"]]

    async def test_a_cancelled_task_leaves_nothing_behind(self, kit: Kit) -> None:
        if kit.blocking:
            pytest.skip("there are no tasks to cancel")

        async def work() -> None:
            async with kit.session() as s:
                for _ in range(1000):
                    await s.execute("UNWIND range(1, 2000) AS x RETURN count(x)")

        for pause in (0, 0.001, 0.005, 0.02):
            tasks = [asyncio.create_task(work()) for _ in range(4)]
            await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in found)
            assert not kit.recorder.in_use
        async with kit.session() as s:
            assert (await s.execute("RETURN 1")).rows == [[1]]

    async def test_a_timeout_round_a_statement_is_kept(self, kit: Kit) -> None:
        if kit.blocking:
            pytest.skip("there are no tasks to time out")
        async with kit.session() as s:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await s.execute(
                        "UNWIND range(1, 4000) AS x UNWIND range(1, 2000) AS y WITH x + y AS z WHERE z < 0"
                        " RETURN count(z)"
                    )
            assert not kit.recorder.in_use
            # The late answer of the other statement must not be taken for this one's.
            assert (await s.execute("RETURN 2")).rows == [[2]]


TestCancellation = BaseCancellation
