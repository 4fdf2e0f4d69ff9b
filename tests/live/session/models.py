"""The models of the session tests, in a registry of their own."""

from __future__ import annotations

from typing import Any

from runic.orm import Edge, Field, Node, Relation
from runic.orm.core.metadata import MetaData

registry = MetaData()


class Model(Node, metadata=registry):
    """Base of the nodes; abstract."""


class Bond(Edge, metadata=registry):
    """Base of the edges; abstract."""


class Rated(Bond, type="RATED"):
    score: float = Field(default=0.0)
    note: str | None = Field(default=None)


class Signed(Bond, type="SIGNED"):
    """An edge that cannot be made without being told."""

    role: str = Field(required=True)


class Metered(Bond, type="METERED"):
    amount: int = Field(default=0)
    version: int | None = Field(default=None, version=True)


class Person(Model, labels=["Person"]):
    id: str = Field(primary_key=True)
    name: str | None = Field(default=None)
    age: int | None = Field(default=None)
    email: str | None = Field(default=None, unique=True)
    tags: list[str] = Field(default_factory=list)
    data: dict[str, Any] | None = Field(default=None)
    friends: list[Person] = Relation(relationship="KNOWS", direction="OUTGOING", target="Person")
    fans: list[Person] = Relation(relationship="KNOWS", direction="INCOMING", target="Person")
    mates: list[Person] = Relation(relationship="MATE", direction="BOTH", target="Person")
    company: Company | None = Relation(relationship="WORKS_AT", direction="OUTGOING", target="Company")
    boss: Person | None = Relation(relationship="REPORTS_TO", direction="OUTGOING", target="Person")
    rated: list[Film] = Relation(relationship="RATED", direction="OUTGOING", target="Film", edge_model=Rated)
    signed: list[Film] = Relation(
        relationship="SIGNED", direction="OUTGOING", target="Film", edge_model=Signed
    )
    metered: list[Film] = Relation(
        relationship="METERED", direction="OUTGOING", target="Film", edge_model=Metered
    )


class Company(Model, labels=["Company"]):
    id: str = Field(primary_key=True)
    name: str | None = Field(default=None)
    staff: list[Person] = Relation(relationship="WORKS_AT", direction="INCOMING", target="Person")


class Film(Model, labels=["Film"]):
    id: str = Field(primary_key=True)
    title: str | None = Field(default=None)
    raters: list[Person] = Relation(
        relationship="RATED", direction="INCOMING", target="Person", edge_model=Rated
    )


class Animal(Model, labels=["Animal"]):
    id: str = Field(primary_key=True)
    name: str | None = Field(default=None)
    owner: Person | None = Relation(relationship="OWNED_BY", direction="OUTGOING", target="Person")


class Dog(Animal, labels=["Dog"]):
    tricks: list[str] = Field(default_factory=list)


class Puppy(Dog, labels=["Puppy"]):
    weeks: int | None = Field(default=None)


class Cat(Animal, labels=["Cat"]):
    lives: int = Field(default=9)


class Account(Model, labels=["Account"]):
    id: str = Field(primary_key=True)
    balance: int = Field(default=0)
    version: int | None = Field(default=None, version=True)


class Note(Model, labels=["Note"]):
    """Its key is the server's."""

    id: int | None = Field(primary_key=True, generated=True)
    text: str | None = Field(default=None)
    next: Note | None = Relation(relationship="NEXT", direction="OUTGOING", target="Note")


class Order(Model, labels=["Order"]):
    id: str = Field(primary_key=True)
    lines: list[Line] = Relation(relationship="HAS_LINE", direction="OUTGOING", target="Line", cascade=True)


class Line(Model, labels=["Line"]):
    id: str = Field(primary_key=True)
    amount: int = Field(default=1)
    order: Order | None = Relation(relationship="HAS_LINE", direction="INCOMING", target="Order")
    parts: list[Line] = Relation(relationship="HAS_PART", direction="OUTGOING", target="Line", cascade=True)
