"""The competitor on FalkorDB: its client by hand, as well as one would write it: UNWIND in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from bench.workload import CREATE, Rows, as_text

if TYPE_CHECKING:
    from bench.competitor import AsyncGet, Connect, Reader

BATCH = 5000

_GET = "MATCH (n:Person {id: $id}) RETURN n"


class RawFalkorDB:
    """Hand-written statements over the client's own objects."""

    name = "raw client"

    def __init__(self, graph: Any, address: dict[str, Any]) -> None:
        self.graph = graph
        self.address = address

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), BATCH):
            found += self.graph.query(text, {"rows": rows[start : start + BATCH]}).result_set
        return found

    def setup(self) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self.graph.query("CREATE INDEX FOR (n:Person) ON (n.id)")

    def insert_nodes(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`; keeps the server's ids for the edges."""
        text = f"UNWIND $rows AS row CREATE (n:Person {CREATE}) RETURN id(n)"
        self.ids = [row[0] for row in self._batches(text, [as_text(person) for person in rows.people])]

    def insert_edges(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        self._batches(
            "UNWIND $rows AS row MATCH (a) WHERE id(a) = row.a MATCH (b) WHERE id(b) = row.b"
            " CREATE (a)-[r:KNOWS {since: row.since}]->(b) RETURN id(r)",
            values,
        )

    def load(self, expected: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        assert len(self.graph.query("MATCH (n:Person) RETURN n").result_set) == expected

    def update(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self._batches(
            "UNWIND $rows AS row MATCH (n) WHERE id(n) = row.id SET n.age = row.age",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self._batches("UNWIND $rows AS i MATCH (n) WHERE id(n) = i DELETE n", self.ids[:count])

    def unit(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """See :class:`~bench.competitor.Competitor`."""
        yield _Reader(self.graph)

    @asynccontextmanager
    async def asynchronous(self, at_once: int) -> AsyncIterator[Connect]:
        """See :class:`~bench.competitor.Competitor`."""
        from falkordb.asyncio import FalkorDB
        from redis.asyncio import BlockingConnectionPool

        pool = BlockingConnectionPool(
            **self.address, max_connections=at_once, timeout=None, decode_responses=True
        )
        graph = FalkorDB(connection_pool=pool).select_graph(self.graph.name)

        async def get(key: str) -> Any:
            return (await graph.ro_query(_GET, {"id": key})).result_set[0][0]

        @asynccontextmanager
        async def connect() -> AsyncIterator[AsyncGet]:
            yield get

        try:
            yield connect
        finally:
            await pool.disconnect()


class _Reader:
    def __init__(self, graph: Any) -> None:
        self.graph = graph

    def get(self, key: str) -> Any:
        return self.graph.ro_query(_GET, {"id": key}).result_set[0][0]

    def relations(self, keys: list[str]) -> int:
        text = (
            "MATCH (n:Person) WHERE n.id IN $ids OPTIONAL MATCH (n)-[:KNOWS]->(m:Person) RETURN n, collect(m)"
        )
        return sum(len(friends) for _, friends in self.graph.ro_query(text, {"ids": keys}).result_set)
