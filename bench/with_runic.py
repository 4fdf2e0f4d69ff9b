"""The workload through runic's session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from bench.workload import Knows, Person, Rows
from runic.orm import AsyncSession, Session, select
from runic.orm.schema.index_manager import adapter_of

if TYPE_CHECKING:
    from bench.competitor import AsyncGet, Connect, Reader


class WithRunic:
    """Sessions, entities and commits, as an application writes them.

    Args:
        driver: the blocking driver.
        open_async: gives an async driver with that many connections.
    """

    name = "runic"

    def __init__(self, driver: Any, open_async: Callable[[int], Any]) -> None:
        self.driver = driver
        self.open_async = open_async

    def setup(self) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        adapter_of(self.driver).create_range_index("Person", "id")

    def insert_nodes(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self.session = Session(self.driver)
        self.people = [Person(**person) for person in rows.people]
        self.session.add_all(self.people)
        self.session.commit()

    def insert_edges(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        people, relate = self.people, self.session.relate
        for a, b, since in rows.edges:
            relate(people[a], "friends", people[b], Knows(since=since), parallel=True)
        self.session.commit()
        self.session.close()

    def load(self, expected: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        self.session = Session(self.driver)
        self.people = self.session.scalars(select(Person))
        assert len(self.people) == expected

    def update(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        for person in self.people[:count]:
            person.age = 99
        self.session.commit()

    def delete(self, count: int) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        for person in self.people[:count]:
            self.session.delete(person)
        self.session.commit()
        self.session.close()

    def unit(self, rows: Rows) -> None:
        """See :class:`~bench.competitor.Competitor`."""
        with Session(self.driver) as session:
            people = [Person(**person) for person in rows.people]
            session.add_all(people)
            for a, b, since in rows.edges:
                session.relate(people[a], "friends", people[b], Knows(since=since), parallel=True)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """See :class:`~bench.competitor.Competitor`."""
        with Session(self.driver) as session:
            yield _Reader(session)

    @asynccontextmanager
    async def asynchronous(self, at_once: int) -> AsyncIterator[Connect]:
        """See :class:`~bench.competitor.Competitor`."""

        @asynccontextmanager
        async def connect() -> AsyncIterator[AsyncGet]:
            async with AsyncSession(driver) as session:
                yield lambda key: session.get(Person, key)

        async with self.open_async(at_once) as driver:
            yield connect


class _Reader:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, key: str) -> Any:
        return self.session.get(Person, key)

    def relations(self, keys: list[str]) -> int:
        found = self.session.get_many(Person, keys, fetch=["friends"])
        return sum(len(person.friends) for person in found if person)
