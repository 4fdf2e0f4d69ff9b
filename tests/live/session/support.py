"""What the session tests look at the database with, and how they get in its way."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

import redis

from runic.orm.compile.dialect import Dialect
from runic.orm.driver.port import Port, QueryResult, Request, SavepointPort
from tests.servers.base import Server


def database(driver: Any) -> tuple[list[str], list[str]]:
    """Everything that is stored: nodes and edges, in an order of their own. Identities left out."""

    def properties(of: Any) -> str:
        return json.dumps(dict(of), sort_keys=True, default=str)

    nodes = driver.execute("MATCH (n) RETURN n", write=False).rows
    edges = driver.execute("MATCH (a)-[r]->(b) RETURN a, r, b", write=False).rows

    def name(node: Any) -> str:
        return f"{':'.join(sorted(node.labels))}/{node.properties.get('id', node.properties.get('text'))}"

    return (
        sorted(f"{':'.join(sorted(n.labels))} {properties(n.properties)}" for (n,) in nodes),
        sorted(f"{name(a)} -{r.type} {properties(r.properties)}-> {name(b)}" for a, r, b in edges),
    )


def edges(driver: Any) -> list[tuple[str, str, str]]:
    """(key, type, key) of every edge, sorted."""
    rows = driver.execute("MATCH (a)-[r]->(b) RETURN a.id, type(r), b.id", write=False).rows
    return sorted(tuple(row) for row in rows)


class Statements:
    """How many statements the server executed."""

    def __init__(self) -> None:
        self.reads = -1
        self.writes = -1

    @property
    def total(self) -> int:
        return self.reads + self.writes


@contextmanager
def counted(server: Server) -> Iterator[Statements]:
    """Count the statements that the server itself says it executed."""
    client = redis.Redis(host=server.host, port=server.port, **server.credentials)

    def calls() -> tuple[int, int]:
        stats: Any = client.info("commandstats")
        known = {name.lower().removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
        return known.get("graph.ro_query", 0), known.get("graph.query", 0)

    found = Statements()
    reads, writes = calls()
    try:
        yield found
    finally:
        after = calls()
        found.reads, found.writes = after[0] - reads, after[1] - writes
        client.close()


class Refined:
    """A driver whose dialect differs in some attributes, and whose statements can be watched or broken.

    Args:
        driver: the driver that does the work.
        before: called with each request before it is sent; what it raises is the port's error.
        after: called with each request when its reply is there.
        changes: attributes of the dialect.
    """

    def __init__(
        self,
        driver: Any,
        *,
        before: Callable[[Request], None] = lambda _: None,
        after: Callable[[Request], None] = lambda _: None,
        **changes: Any,
    ) -> None:
        self._driver = driver
        self._dialect: Dialect = driver.dialect.evolve(**changes) if changes else driver.dialect
        self.before = before
        self.after = after
        self.sent: list[Request] = []
        self.released: list[bool] = []

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    @property
    def writes(self) -> list[Request]:
        return [each for each in self.sent if each.write]

    def connect(self) -> Port:
        return _Watched(self, self._driver.connect())

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        result: QueryResult = self._driver.execute(cypher, params, write=write)
        return result

    def close(self) -> None:
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Watched:
    def __init__(self, driver: Refined, port: Port) -> None:
        self._driver = driver
        self._port = port

    async def execute(self, request: Request) -> QueryResult:
        self._driver.before(request)
        self._driver.sent.append(request)
        result = await self._port.execute(request)
        self._driver.after(request)
        return result

    def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        return self._port.stream(request, page)

    async def begin(self, *, read_only: bool = False) -> None:
        await self._port.begin(read_only=read_only)

    async def commit(self) -> None:
        await self._port.commit()

    async def rollback(self) -> None:
        await self._port.rollback()

    async def savepoint(self, name: str) -> None:
        await cast("SavepointPort", self._port).savepoint(name)

    async def rollback_to(self, name: str) -> None:
        await cast("SavepointPort", self._port).rollback_to(name)

    async def release_savepoint(self, name: str) -> None:
        await cast("SavepointPort", self._port).release_savepoint(name)

    async def release(self, *, discard: bool = False) -> None:
        self._driver.released.append(discard)
        await self._port.release(discard=discard)


def at_write(number: int, error: BaseException) -> Callable[[Request], None]:
    """Raise ``error`` instead of sending the ``number``-th write."""
    count = 0

    def before(request: Request) -> None:
        nonlocal count
        if request.write:
            count += 1
            if count == number:
                raise error

    return before
