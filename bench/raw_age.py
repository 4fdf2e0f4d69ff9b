"""The competitor: psycopg by hand, as one would write it: cypher() with UNWIND in batches of 1,000."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.workload import Rows

BATCH = 1000


class RawAGE:
    """Hand-written statements over a connection of psycopg."""

    name = "raw client"

    def __init__(self, connection: Any, graph: str) -> None:
        self.connection = connection
        self.graph = graph

    def _cypher(self, text: str, parameters: dict[str, Any], columns: str = "c0 agtype") -> list[Any]:
        sql = f"SELECT * FROM cypher('{self.graph}', $runic$ {text} $runic$, %s) AS ({columns})"
        return list(self.connection.execute(sql, (json.dumps(parameters),)).fetchall())

    def _batches(self, text: str, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), BATCH):
            found += self._cypher(text, {"rows": rows[start : start + BATCH]})
        self.connection.commit()
        return found

    def setup(self) -> None:
        """Make the graph, and index the key."""
        key = "agtype_access_operator(VARIADIC ARRAY[properties, '\"id\"'::agtype])"
        for text in (
            f"SELECT create_graph('{self.graph}')",
            f"SELECT create_vlabel('{self.graph}', 'Person')",
            f"SELECT create_elabel('{self.graph}', 'KNOWS')",
            f'CREATE INDEX ON {self.graph}."Person" (({key}))',
        ):
            self.connection.execute(text)
        self.connection.commit()

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
        self.ids = [int(row[0]) for row in self._batches(text, values)]

    def insert_edges(self, rows: Rows) -> None:
        """Create every edge between known ids."""
        values = [{"a": self.ids[a], "b": self.ids[b], "since": since} for a, b, since in rows.edges]
        self._batches(
            "UNWIND $rows AS row MATCH (a:Person) WHERE id(a) = row.a MATCH (b:Person) WHERE id(b) = row.b"
            " CREATE (a)-[r:KNOWS {since: row.since}]->(b) RETURN id(r)",
            values,
        )

    def load(self, expected: int) -> Any:
        """Every person as a dict."""
        suffix = len("::vertex")
        rows = self._cypher("MATCH (n:Person) RETURN n", {})
        found = [json.loads(row[0][:-suffix])["properties"] for row in rows]
        self.connection.commit()
        assert len(found) == expected
        return found

    def update(self, count: int) -> None:
        """Change one property."""
        self._batches(
            "UNWIND $rows AS row MATCH (n:Person) WHERE id(n) = row.id SET n.age = row.age RETURN id(n)",
            [{"id": identity, "age": 99} for identity in self.ids[:count]],
        )

    def delete(self, count: int) -> None:
        """Delete people and their edges."""
        self._batches(
            "UNWIND $rows AS i MATCH (n:Person) WHERE id(n) = i DETACH DELETE n RETURN i", self.ids[:count]
        )

    def unit(self, rows: Rows) -> None:
        """Nodes and edges together: two batches, the best that can be written by hand."""
        self.insert_nodes(rows)
        self.insert_edges(rows)
