"""The competitor on Neo4j: its client by hand, one transaction an operation, UNWIND in batches of 5,000."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.workload import Rows

BATCH = 5000


class RawNeo4j:
    """Hand-written statements over the client's own objects.

    It has labels of its own, since a community server has one database for both.
    """

    name = "raw client"

    def __init__(self, client: Any) -> None:
        self.client = client

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        with self.client.session() as session, session.begin_transaction() as transaction:
            for start in range(0, len(rows), BATCH):
                found += transaction.run(text, rows=rows[start : start + BATCH]).values()
            transaction.commit()
        return found

    def setup(self) -> None:
        """Index the key."""
        with self.client.session() as session:
            session.run("CREATE INDEX FOR (n:RawPerson) ON (n.id)").consume()
            session.run("CALL db.awaitIndexes(60)").consume()

    def insert_nodes(self, rows: Rows) -> None:
        """Create every person; keep the server's ids for the edges."""
        values = [{**person, "level": person["level"].value} for person in rows.people]
        text = (
            "UNWIND $rows AS row CREATE (n:RawPerson {id: row.id, name: row.name, email: row.email,"
            " age: row.age, height: row.height, active: row.active, joined: row.joined, level: row.level})"
            " RETURN elementId(n)"
        )
        self.ids = [row[0] for row in self._batches(text, values)]

    def insert_edges(self, rows: Rows) -> None:
        """Create every edge between known ids."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        self._batches(
            "UNWIND $rows AS row MATCH (a) WHERE elementId(a) = row.a MATCH (b) WHERE elementId(b) = row.b"
            " CREATE (a)-[r:RAW_KNOWS {since: row.since}]->(b) RETURN elementId(r)",
            values,
        )

    def load(self, expected: int) -> Any:
        """Every person as the client's own Node objects."""
        with self.client.session() as session:
            found = session.run("MATCH (n:RawPerson) RETURN n").values()
        assert len(found) == expected
        return found

    def update(self, count: int) -> None:
        """Change one property."""
        self._batches(
            "UNWIND $rows AS row MATCH (n) WHERE elementId(n) = row.id SET n.age = row.age",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """Delete people and their edges."""
        text = "UNWIND $rows AS i MATCH (n) WHERE elementId(n) = i DETACH DELETE n"
        self._batches(text, self.ids[:count])

    def unit(self, rows: Rows) -> None:
        """Nodes and edges together: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)
