"""The workload: people with eight properties and who knows whom, the same for every competitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from runic.orm import Edge, Field, Node, Relation


class Level(Enum):
    """A third of the people each."""

    NEW = "new"
    REGULAR = "regular"
    EXPERT = "expert"


class Knows(Edge, type="KNOWS"):
    """Since when two people know each other."""

    since: int = Field()


class Person(Node, labels=["Person"]):
    """Eight properties, of which two need conversion."""

    id: str = Field(primary_key=True)
    name: str = Field()
    email: str = Field()
    age: int = Field()
    height: float = Field()
    active: bool = Field()
    joined: datetime = Field()
    level: Level = Field()
    friends: list[Person] = Relation(
        relationship="KNOWS", direction="OUTGOING", target="Person", edge_model=Knows
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """The data of one round."""

    people: list[dict[str, Any]]
    edges: list[tuple[int, int, int]]


CREATE = (
    "{id: row.id, name: row.name, email: row.email, age: row.age, height: row.height, active: row.active,"
    " joined: row.joined, level: row.level}"
)
"""A person's properties of a row, in Cypher."""

_START = datetime(2020, 1, 1, tzinfo=UTC)
_LEVELS = list(Level)


def make_rows(nodes: int, edges: int) -> Rows:
    """Deterministic people and edges between them."""
    people = [
        {
            "id": f"person-{number}",
            "name": f"Person Number {number}",
            "email": f"person.{number}@example.org",
            "age": 18 + number % 60,
            "height": 1.5 + (number % 50) / 100,
            "active": number % 3 != 0,
            "joined": _START + timedelta(minutes=number, microseconds=number),
            "level": _LEVELS[number % 3],
        }
        for number in range(nodes)
    ]
    links = [(number % nodes, (number * 7 + 1) % nodes, 1990 + number % 30) for number in range(edges)]
    return Rows(people, links)


def with_friends(nodes: int, heads: int = 1000, friends: int = 10) -> Rows:
    """People of whom the first ``heads`` have ``friends`` friends each."""
    links = [
        (number, (number * 13 + step * 7 + 1) % nodes, 2000)
        for number in range(min(heads, nodes))
        for step in range(friends)
    ]
    return Rows(make_rows(nodes, 0).people, links)


def as_text(person: dict[str, Any]) -> dict[str, Any]:
    """A person's values for a server that keeps no datetimes."""
    return {**person, "joined": person["joined"].isoformat(), "level": person["level"].value}


def as_native(person: dict[str, Any]) -> dict[str, Any]:
    """A person's values for a server that keeps datetimes."""
    return {**person, "level": person["level"].value}
