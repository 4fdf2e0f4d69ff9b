"""The competitor over Bolt: the neo4j client by hand, an operation a transaction, UNWIND in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.workload import CREATE, Rows, as_native, as_text

if TYPE_CHECKING:
    from bench.competitor import AsyncGet, Connect, Reader

BATCH = 5000

_GET = "MATCH (n:RawPerson {id: $id}) RETURN n"


@dataclass(frozen=True, slots=True)
class Cypher:
    """What differs among the servers.

    Attributes:
        index: creates the index of the key.
        wait: waits until it is there, where it is made in the background.
        identity: the server's identity of ``{v}``.
        stored: the values of a person, as the server keeps them.
    """

    index: str
    wait: str | None
    identity: str
    stored: Callable[[dict[str, Any]], dict[str, Any]]

    def of(self, variable: str) -> str:
        """The server's identity of a variable."""
        return self.identity.format(v=variable)


NEO4J = Cypher(
    index="CREATE INDEX FOR (n:RawPerson) ON (n.id)",
    wait="CALL db.awaitIndexes(60)",
    identity="elementId({v})",
    stored=as_native,
)
MEMGRAPH = Cypher(index="CREATE INDEX ON :RawPerson(id)", wait=None, identity="id({v})", stored=as_native)
ARCADEDB = Cypher(
    index="CREATE INDEX raw_person_id FOR (n:RawPerson) ON (n.id)",
    wait=None,
    identity="elementId({v})",
    stored=as_text,  # the zone of a datetime in a property is lost (26.10)
)


class RawBolt:
    """Hand-written statements over the client's own objects.

    Labels and types are not those of runic's models, since a community server of Neo4j has one database
    for both.

    Args:
        client: the client's driver.
        database: what its sessions are opened with.
        open_async: gives an async driver of the client with that many connections.
        cypher: what is special about the server.
    """

    name = "raw client"

    def __init__(
        self, client: Any, database: str | None, open_async: Callable[[int], Any], cypher: Cypher
    ) -> None:
        self.client = client
        self.database = database
        self.open_async = open_async
        self.cypher = cypher

    def _session(self) -> Any:
        return self.client.session(database=self.database)

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        with self._session() as session, session.begin_transaction() as transaction:
            for start in range(0, len(rows), BATCH):
                found += transaction.run(text, rows=rows[start : start + BATCH]).values()
            transaction.commit()
        return found

    def setup(self) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        with self._session() as session:
            session.run(self.cypher.index).consume()
            if self.cypher.wait:
                session.run(self.cypher.wait).consume()

    def insert_nodes(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`; keeps the server's ids for the edges."""
        text = f"UNWIND $rows AS row CREATE (n:RawPerson {CREATE}) RETURN {self.cypher.of('n')}"
        values = [self.cypher.stored(person) for person in rows.people]
        self.ids = [row[0] for row in self._batches(text, values)]

    def insert_edges(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        of = self.cypher.of
        self._batches(
            f"UNWIND $rows AS row MATCH (a) WHERE {of('a')} = row.a MATCH (b) WHERE {of('b')} = row.b"
            f" CREATE (a)-[r:RAW_KNOWS {{since: row.since}}]->(b) RETURN {of('r')}",
            values,
        )

    def load(self, expected: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        with self._session() as session:
            assert len(session.run("MATCH (n:RawPerson) RETURN n").values()) == expected

    def update(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self._batches(
            f"UNWIND $rows AS row MATCH (n) WHERE {self.cypher.of('n')} = row.id SET n.age = row.age",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        text = f"UNWIND $rows AS i MATCH (n) WHERE {self.cypher.of('n')} = i DETACH DELETE n"
        self._batches(text, self.ids[:count])

    def unit(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """See :class:`~bench.competitor.Competitor`."""
        with self._session() as session, session.begin_transaction() as transaction:
            yield _Reader(transaction)

    @asynccontextmanager
    async def asynchronous(self, at_once: int) -> AsyncIterator[Connect]:
        """See :class:`~bench.competitor.Competitor`."""

        @asynccontextmanager
        async def connect() -> AsyncIterator[AsyncGet]:
            async with (
                client.session(database=self.database) as session,
                await session.begin_transaction() as transaction,
            ):

                async def get(key: str) -> Any:
                    return (await (await transaction.run(_GET, id=key)).single())[0]

                yield get

        async with self.open_async(at_once) as client:
            yield connect


class _Reader:
    def __init__(self, transaction: Any) -> None:
        self.transaction = transaction

    def get(self, key: str) -> Any:
        return self.transaction.run(_GET, id=key).single()[0]

    def relations(self, keys: list[str]) -> int:
        text = (
            "MATCH (n:RawPerson) WHERE n.id IN $ids"
            " OPTIONAL MATCH (n)-[:RAW_KNOWS]->(m:RawPerson) RETURN n, collect(m)"
        )
        return sum(len(friends) for _, friends in self.transaction.run(text, ids=keys).values())
