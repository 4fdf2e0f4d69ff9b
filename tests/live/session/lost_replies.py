"""A database behind a proxy that breaks the conversation, and sessions of either colour on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runic.orm import create_async_driver, create_driver, run_in_transaction, run_in_transaction_async
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.blocking import run_blocking
from runic.orm.session.session import Session
from runic.orm.testing.adapter import adapt
from tests.live.falkordb.fault_proxy import FaultProxy
from tests.servers.base import Server

LAST_WORD = {
    "falkordb": b"m.turn = $marker",
    "neo4j": b"\x00\x02\xb0\x12\x00\x00",
    "arcadedb": b"\x00\x02\xb0\x12\x00\x00",
    "age": b"COMMIT",
}
"""What the request has in it that makes a unit durable: the query, or the commit."""

BACKENDS = [pytest.param(name, marks=pytest.mark.live(name)) for name in LAST_WORD]


class Place:
    """A backend whose sessions talk through a proxy.

    Attributes:
        name: of the backend.
        proxy: breaks the next requests that make a unit durable, once it is armed.
        colour: of the sessions.
        straight: a driver that does not go through the proxy.
    """

    def __init__(self, name: str, server: Server, graph: str, proxy: FaultProxy, colour: str) -> None:
        self.name = name
        self.proxy = proxy
        self.colour = colour
        self.straight: Any = create_driver(server.url_of(graph))
        options = {"host": "127.0.0.1", "port": proxy.port, "graph": graph}
        if name in ("neo4j", "arcadedb"):
            options["database"] = options.pop("graph") or "neo4j"
        settings = {**options, **server.credentials, **server.options}
        make: Any = create_driver if colour == "sync" else create_async_driver
        if name == "age":
            settings["graph"] = graph
        self.driver: Any = make(name, **settings)
        self._runner = None if colour == "sync" else asyncio.Runner()

    @property
    def transactional(self) -> bool:
        return self.name != "falkordb"

    def session(self, **options: Any) -> AsyncSession:
        """A session through the proxy, awaitable in both colours."""
        if self.colour == "sync":
            return adapt(Session(self.driver, **{"verifiable": True, **options}))
        return AsyncSession(self.driver, **{"verifiable": True, **options})

    async def in_transaction(self, work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
        """``run_in_transaction`` of either colour."""
        options = {"verifiable": True, **options}
        if self.colour == "sync":
            return run_in_transaction(
                self.driver, lambda session: run_blocking(work(adapt(session))), **options
            )
        return await run_in_transaction_async(self.driver, work, **options)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a test's body."""
        return run_blocking(coroutine) if self._runner is None else self._runner.run(coroutine)

    def rows(self, text: str, **parameters: Any) -> list[list[Any]]:
        """What the database really holds."""
        rows: list[list[Any]] = self.straight.execute(text, parameters, write=False).rows
        return rows

    def markers(self) -> int:
        """How many commit markers are in the graph."""
        found: int = self.rows("MATCH (n:RunicCommit) RETURN count(n)")[0][0]
        return found

    def close(self) -> None:
        if self._runner is None:
            self.driver.close()
        else:
            self._runner.run(self.driver.aclose())
            self._runner.close()
        self.straight.close()


@contextmanager
def a_place(request: pytest.FixtureRequest, name: str, colour: str) -> Iterator[Place]:
    """The server of ``name`` with an empty graph, behind a proxy."""
    server: Server = request.getfixturevalue(f"{name}_server")
    if name == "neo4j":
        server.reset("")
        graph = ""
    else:
        graph = request.getfixturevalue(f"{name}_graph")
    with FaultProxy(server.host, server.port, LAST_WORD[name]) as proxy:
        place = Place(name, server, graph, proxy, colour)
        try:
            yield place
        finally:
            place.close()
