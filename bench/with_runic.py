"""The same workload through runic's session."""

from __future__ import annotations

from typing import Any

from bench.workload import Knows, Person, Rows
from runic.orm import Session, select
from runic.orm.schema.index_manager import adapter_of


class WithRunic:
    """Sessions, entities and commits, as an application writes them."""

    name = "runic"

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def setup(self) -> None:
        """Index the key."""
        adapter_of(self.driver).create_range_index("Person", "id")

    def insert_nodes(self, rows: Rows) -> None:
        """Add every person, commit."""
        self.session = Session(self.driver)
        self.people = [Person(**person) for person in rows.people]
        self.session.add_all(self.people)
        self.session.commit()

    def insert_edges(self, rows: Rows) -> None:
        """Relate persistent people, commit."""
        people, relate = self.people, self.session.relate
        for a, b, since in rows.edges:
            relate(people[a], "friends", people[b], Knows(since=since), parallel=True)
        self.session.commit()
        self.session.close()

    def load(self, expected: int) -> Any:
        """Every person as entity of a new session."""
        session = Session(self.driver)
        found = session.scalars(select(Person))
        assert len(found) == expected
        self.session, self.people = session, found
        return found

    def update(self, count: int) -> None:
        """Change one property of loaded people, commit."""
        for person in self.people[:count]:
            person.age = 99
        self.session.commit()

    def delete(self, count: int) -> None:
        """Delete loaded people, commit."""
        for person in self.people[:count]:
            self.session.delete(person)
        self.session.commit()
        self.session.close()

    def unit(self, rows: Rows) -> None:
        """Nodes and edges in one unit of work."""
        with Session(self.driver) as session:
            people = [Person(**person) for person in rows.people]
            session.add_all(people)
            for a, b, since in rows.edges:
                session.relate(people[a], "friends", people[b], Knows(since=since), parallel=True)
