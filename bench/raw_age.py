"""The competitor on Apache AGE: psycopg by hand: cypher() with UNWIND in batches of 1,000."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from bench.workload import CREATE, Rows, as_text

if TYPE_CHECKING:
    from bench.competitor import AsyncGet, Connect, Reader

BATCH = 1000

_GET = "MATCH (n:Person) WHERE n.id = $id RETURN n"
_VERTEX = "::vertex"
_PREPARE = ("LOAD 'age'", "SET search_path = ag_catalog, public")


class RawAGE:
    """Hand-written statements over a connection of psycopg."""

    name = "raw client"

    def __init__(self, connection: Any, address: dict[str, Any], graph: str) -> None:
        self.connection = connection
        self.address = address
        self.graph = graph

    def _cypher(self, text: str, parameters: dict[str, Any], columns: str = "c0 agtype") -> list[Any]:
        sql = wrapped(self.graph, text, columns)
        return list(self.connection.execute(sql, (json.dumps(parameters),)).fetchall())

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), BATCH):
            found += self._cypher(text, {"rows": rows[start : start + BATCH]})
        self.connection.commit()
        return found

    def setup(self) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        key = "agtype_access_operator(VARIADIC ARRAY[properties, '\"id\"'::agtype])"
        for text in (
            f"SELECT create_graph('{self.graph}')",
            f"SELECT create_vlabel('{self.graph}', 'Person')",
            f'CREATE INDEX ON {self.graph}."Person" (({key}))',
        ):
            self.connection.execute(text)
        self.connection.commit()

    def insert_nodes(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`; keeps the server's ids for the edges."""
        text = f"UNWIND $rows AS row CREATE (n:Person {CREATE}) RETURN id(n)"
        self.ids = [int(row[0]) for row in self._batches(text, [as_text(person) for person in rows.people])]

    def insert_edges(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        self._batches(
            "UNWIND $rows AS row MATCH (a:Person) WHERE id(a) = row.a MATCH (b:Person) WHERE id(b) = row.b"
            " CREATE (a)-[r:KNOWS {since: row.since}]->(b) RETURN id(r)",
            values,
        )

    def load(self, expected: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        found = [vertex(row[0]) for row in self._cypher("MATCH (n:Person) RETURN n", {})]
        self.connection.commit()
        assert len(found) == expected

    def update(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self._batches(
            "UNWIND $rows AS row MATCH (n:Person) WHERE id(n) = row.id SET n.age = row.age RETURN id(n)",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self._batches(
            "UNWIND $rows AS i MATCH (n:Person) WHERE id(n) = i DETACH DELETE n RETURN i", self.ids[:count]
        )

    def unit(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """See :class:`~bench.competitor.Competitor`."""
        yield _Reader(self)
        self.connection.commit()

    @asynccontextmanager
    async def asynchronous(self, at_once: int) -> AsyncIterator[Connect]:
        """See :class:`~bench.competitor.Competitor`."""
        from psycopg_pool import AsyncConnectionPool

        text = wrapped(self.graph, _GET, "c0 agtype")

        async def prepare(connection: Any) -> None:
            for each in _PREPARE:
                await connection.execute(each)
            await connection.commit()

        @asynccontextmanager
        async def connect() -> AsyncIterator[AsyncGet]:
            async with pool.connection() as connection:

                async def get(key: str) -> Any:
                    row = await (await connection.execute(text, (json.dumps({"id": key}),))).fetchone()
                    return vertex(row[0])

                yield get

        async with AsyncConnectionPool(
            kwargs=self.address, min_size=0, max_size=at_once, configure=prepare
        ) as pool:
            yield connect


class _Reader:
    def __init__(self, raw: RawAGE) -> None:
        self.raw = raw

    def get(self, key: str) -> Any:
        return vertex(self.raw._cypher(_GET, {"id": key})[0][0])

    def relations(self, keys: list[str]) -> int:
        text = "UNWIND $ids AS i MATCH (n:Person)-[:KNOWS]->(m:Person) WHERE n.id = i RETURN n, collect(m)"
        rows = self.raw._cypher(text, {"ids": keys}, "n agtype, friends agtype")
        found = [(vertex(n), json.loads(friends.replace(_VERTEX, ""))) for n, friends in rows]
        return sum(len(friends) for _, friends in found)


def open_connection(address: dict[str, Any]) -> Any:
    """A connection that is ready for cypher()."""
    import psycopg

    connection = psycopg.connect(**address)
    for each in _PREPARE:
        connection.execute(each)
    connection.commit()
    return connection


def wrapped(graph: str, text: str, columns: str) -> str:
    """The SQL around a statement with one parameter."""
    return f"SELECT * FROM cypher('{graph}', $runic$ {text} $runic$, %s) AS ({columns})"


def vertex(cell: str) -> dict[str, Any]:
    """The properties of a vertex."""
    properties: dict[str, Any] = json.loads(cell[: -len(_VERTEX)])["properties"]
    return properties
