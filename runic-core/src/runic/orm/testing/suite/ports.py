"""Drivers and ports as such, below every session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, Request, TransactionalGraphDriver
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BasePorts", "TestPorts"]


class BasePorts(LiveSuite):
    """Drivers and ports as such, below every session."""

    area: ClassVar[str] = "drivers"

    async def test_the_driver_is_what_it_says(self, kit: Kit) -> None:
        driver = kit.drivers.of(kit.colour)
        assert isinstance(driver, GraphDriver if kit.blocking else AsyncGraphDriver)
        if kit.blocking and Capability.TRANSACTIONS in kit.dialect.capabilities:
            assert isinstance(driver, TransactionalGraphDriver)
        assert driver.dialect.name == kit.harness.backend

    async def test_a_blocking_port_never_suspends(self, kit: Kit) -> None:
        if not kit.blocking:
            pytest.skip("this one may")
        port = kit.driver.connect()
        steps: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: port.execute(Request("RETURN 1 AS x", {}, columns=("x",))),
            port.begin,
            lambda: port.execute(Request("CREATE (:Person {id: 'a'})", {}, write=True)),
            port.commit,
            port.rollback,
            port.release,
        ]
        for step in steps:
            coroutine = step()
            with pytest.raises(StopIteration):
                coroutine.send(None)

    async def test_transactions_that_are_not_open_end_without_error(self, kit: Kit) -> None:
        port = kit.driver.connect()
        await port.commit()
        await port.rollback()
        await port.release()
        await port.release()

    async def test_a_driver_executes_outside_of_sessions(self, kit: Kit) -> None:
        driver = kit.drivers.of(kit.colour)
        found = driver.execute("RETURN $x AS x", {"x": "it's"}, write=False)
        result = found if kit.blocking else await found
        assert (result.rows, result.columns) == ([["it's"]], ("x",))

    async def test_credentials_are_not_shown(self, kit: Kit) -> None:
        driver = kit.drivers.of(kit.colour)
        for option, value in kit.harness.options().items():
            if option in ("password", "token"):
                assert str(value) not in repr(driver)

    @requires(Capability.STREAMING)
    async def test_a_stream_comes_in_portions(self, kit: Kit) -> None:
        port = kit.driver.connect()
        request = Request("UNWIND range(1, 1000) AS x RETURN x", {}, columns=("x",))
        portions = [list(portion) async for portion in port.stream(request, 100)]
        assert len(portions) >= 5
        assert [row[0] for portion in portions for row in portion] == list(range(1, 1001))
        await port.release()

    @requires(Capability.TRANSACTIONS)
    async def test_a_transaction_is_rolled_back(self, kit: Kit) -> None:
        port = kit.driver.connect()
        await port.begin()
        await port.execute(Request("CREATE (:Person {id: 'a'})", {}, write=True))
        await port.rollback()
        await port.release()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]


TestPorts = BasePorts
