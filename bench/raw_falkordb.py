"""The competitor: falkordb-py by hand, as well as one would write it: UNWIND in batches of 5,000."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.workload import Rows

BATCH = 5000


class RawFalkorDB:
    """Hand-written statements over the client's own objects."""

    name = "raw client"

    def __init__(self, graph: Any) -> None:
        self.graph = graph

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), BATCH):
            found += self.graph.query(text, {"rows": rows[start : start + BATCH]}).result_set
        return found

    def setup(self) -> None:
        """Index the key."""
        self.graph.query("CREATE INDEX FOR (n:Person) ON (n.id)")

    def insert_nodes(self, rows: Rows) -> None:
        """Create every person; keep the server's ids for the edges."""
        values = [
            {**person, "joined": person["joined"].isoformat(), "level": person["level"].value}
            for person in rows.people
        ]
        text = (
            "UNWIND $rows AS row CREATE (n:Person {id: row.id, name: row.name, email: row.email,"
            " age: row.age, height: row.height, active: row.active, joined: row.joined, level: row.level})"
            " RETURN id(n)"
        )
        self.ids = [row[0] for row in self._batches(text, values)]

    def insert_edges(self, rows: Rows) -> None:
        """Create every edge between known ids."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        self._batches(
            "UNWIND $rows AS row MATCH (a) WHERE id(a) = row.a MATCH (b) WHERE id(b) = row.b"
            " CREATE (a)-[r:KNOWS {since: row.since}]->(b) RETURN id(r)",
            values,
        )

    def load(self, expected: int) -> Any:
        """Every person as the client's own Node objects."""
        found = self.graph.query("MATCH (n:Person) RETURN n").result_set
        assert len(found) == expected
        return found

    def update(self, count: int) -> None:
        """Change one property."""
        self._batches(
            "UNWIND $rows AS row MATCH (n) WHERE id(n) = row.id SET n.age = row.age",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """Delete people and their edges."""
        self._batches("UNWIND $rows AS i MATCH (n) WHERE id(n) = i DELETE n", self.ids[:count])

    def unit(self, rows: Rows) -> None:
        """Nodes and edges together: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)
