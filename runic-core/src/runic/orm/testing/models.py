"""The models of the suite. They live in a registry of their own and meet nobody else's."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.indexes import Index
from runic.orm.core.mapped import Mapped
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.core.types import GeoLocation, TypeConverter, Vector

__all__ = [
    "MODELS",
    "REGISTRY",
    "Account",
    "Branch",
    "Cents",
    "Colour",
    "Company",
    "Counted",
    "Document",
    "Employee",
    "Film",
    "Guarded",
    "Interned",
    "Ledger",
    "Line",
    "Manager",
    "Nameless",
    "Order",
    "Person",
    "Rank",
    "Rated",
    "Report",
    "Values",
    "Visit",
]

REGISTRY = MetaData()


class KitNode(Node, metadata=REGISTRY):
    """Base of the suite's nodes."""


class KitEdge(Edge, metadata=REGISTRY):
    """Base of the suite's edges."""


class Colour(Enum):
    """An enum of text."""

    RED = "red"
    GREEN = "green"
    ODD = 'it\'s \\ "odd" `$p0`'


class Rank(IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 10


class Cents(TypeConverter):
    """A converter: Decimal amounts as whole cents."""

    def to_graph(self, value: Any) -> int:
        """Whole cents."""
        return int(value * 100)

    def from_graph(self, value: Any) -> Decimal:
        """The amount."""
        return Decimal(value) / 100


class Rated(KitEdge, type="RATED"):
    """Properties of a relationship."""

    stars: Mapped[int] = Field(default=0)
    note: Mapped[str | None] = Field(default=None)
    at: Mapped[datetime | None] = Field(default=None)
    tags: Mapped[list[str]] = Field(default_factory=list)


class Ledger(KitEdge, type="LEDGER"):
    """A relationship that counts its versions."""

    amount: Mapped[int] = Field(default=0)
    version: Mapped[int | None] = Field(default=None, version=True)


class Film(KitNode, labels=["Film"]):
    """The other end of a relation with properties."""

    id: Mapped[str] = Field(primary_key=True)
    title: Mapped[str] = Field(default="")
    year: Mapped[int | None] = Field(default=None)
    raters: Mapped[list[Person]] = Relation(
        relationship="RATED", direction="INCOMING", target="Person", edge_model="Rated"
    )


class Company(KitNode, labels=["Company"]):
    """The other end of a relation to one."""

    id: Mapped[str] = Field(primary_key=True)
    name: Mapped[str] = Field(default="")
    staff: Mapped[list[Person]] = Relation(relationship="WORKS_AT", direction="INCOMING", target="Person")
    branches: Mapped[list[Branch]] = Relation(
        relationship="HAS_BRANCH", direction="OUTGOING", target="Branch"
    )


class Branch(KitNode, labels=["Branch"]):
    """A third hop."""

    id: Mapped[str] = Field(primary_key=True)
    city: Mapped[str] = Field(default="")


class Person(KitNode, labels=["Person"], indexes=[Index("name", "years")]):
    """What most checks use."""

    id: Mapped[str] = Field(primary_key=True)
    name: Mapped[str] = Field(default="")
    years: Mapped[int | None] = Field(default=None, index=True)
    score: Mapped[float | None] = Field(default=None)
    active: Mapped[bool] = Field(default=True)
    email: Mapped[str | None] = Field(default=None, unique=True)
    born: Mapped[date | None] = Field(default=None)
    seen: Mapped[datetime | None] = Field(default=None)
    tags: Mapped[list[str]] = Field(default_factory=list)
    facts: Mapped[dict[str, Any]] = Field(default_factory=dict)
    friends: Mapped[list[Person]] = Relation(relationship="KNOWS", direction="OUTGOING", target="Person")
    known_by: Mapped[list[Person]] = Relation(relationship="KNOWS", direction="INCOMING", target="Person")
    peers: Mapped[list[Person]] = Relation(relationship="PEER", direction="BOTH", target="Person")
    company: Mapped[Company | None] = Relation(
        relationship="WORKS_AT", direction="OUTGOING", target="Company"
    )
    rated: Mapped[list[Film]] = Relation(
        relationship="RATED", direction="OUTGOING", target="Film", edge_model="Rated"
    )


class Employee(Person, labels=["Employee"]):
    """One level down the hierarchy."""

    salary: Mapped[int] = Field(default=0)


class Manager(Employee, labels=["Manager"]):
    """Two levels down."""

    level: Mapped[int] = Field(default=1)
    reports: Mapped[list[Employee]] = Relation(relationship="LEADS", direction="OUTGOING", target="Employee")


class Account(KitNode, labels=["Account"]):
    """An optimistic lock."""

    id: Mapped[str] = Field(primary_key=True)
    balance: Mapped[int] = Field(default=0)
    note: Mapped[str | None] = Field(default=None)
    version: Mapped[int | None] = Field(default=None, version=True)
    entries: Mapped[list[Account]] = Relation(
        relationship="LEDGER", direction="OUTGOING", target="Account", edge_model="Ledger"
    )


class Order(KitNode, labels=["PurchaseOrder"]):
    """Owns its lines."""

    id: Mapped[str] = Field(primary_key=True)
    lines: Mapped[list[Line]] = Relation(
        relationship="HAS_LINE", direction="OUTGOING", target="Line", cascade=True
    )


class Line(KitNode, labels=["OrderLine"]):
    """Owned."""

    id: Mapped[str] = Field(primary_key=True)
    text: Mapped[str] = Field(default="")
    parts: Mapped[list[Line]] = Relation(
        relationship="HAS_PART", direction="OUTGOING", target="Line", cascade=True
    )


class Counted(KitNode, labels=["Counted"]):
    """Keyed by the server's own identity."""

    id: Mapped[Any] = Field(primary_key=True, generated=True)
    text: Mapped[str] = Field(default="")
    next: Mapped[Counted | None] = Relation(relationship="NEXT", direction="OUTGOING", target="Counted")


class Nameless(KitNode, labels=["Nameless"]):
    """Without any key."""

    text: Mapped[str] = Field(default="")


class Guarded(KitNode, labels=["Guarded"]):
    """Relations that do not load by themselves, or one by one."""

    id: Mapped[str] = Field(primary_key=True)
    title: Mapped[str] = Field(required=True)
    closed: Mapped[list[Guarded]] = Relation(
        relationship="CLOSED", direction="OUTGOING", target="Guarded", lazy="raise"
    )
    single: Mapped[list[Guarded]] = Relation(
        relationship="SINGLE", direction="OUTGOING", target="Guarded", lazy="select"
    )


class Visit(KitNode, labels=["Visit"]):
    """A place in time and space."""

    id: Mapped[str] = Field(primary_key=True)
    where: Mapped[GeoLocation | None] = Field(default=None)


class Document(KitNode, labels=["Document"]):
    """What searches find."""

    id: Mapped[str] = Field(primary_key=True)
    title: Mapped[str] = Field(default="", index_type="FULLTEXT")
    body: Mapped[str] = Field(default="", index_type="FULLTEXT")
    year: Mapped[int] = Field(default=2000)
    embedding: Mapped[Vector | None] = Field(
        default=None, index_type="VECTOR", dimension=3, similarity="euclidean"
    )
    cites: Mapped[list[Document]] = Relation(relationship="CITES", direction="OUTGOING", target="Document")


class Report(Document, labels=["Document", "Report"], primary_label="Document"):
    """Shares the primary label of its base."""

    pages: Mapped[int] = Field(default=1)


class Interned(KitNode, labels=["Interned"]):
    """Text of which the server may keep one copy."""

    id: Mapped[str] = Field(primary_key=True)
    text: Mapped[str] = Field(default="", interned=True)


class Values(KitNode, labels=["Values"]):
    """A field of every type."""

    id: Mapped[str] = Field(primary_key=True)
    text: Mapped[str | None] = Field(default=None)
    whole: Mapped[int | None] = Field(default=None)
    real: Mapped[float | None] = Field(default=None)
    exact: Mapped[float | None] = Field(default=None, exact=True)
    flag: Mapped[bool | None] = Field(default=None)
    blob: Mapped[bytes | None] = Field(default=None)
    moment: Mapped[datetime | None] = Field(default=None)
    day: Mapped[date | None] = Field(default=None)
    clock: Mapped[time | None] = Field(default=None)
    span: Mapped[timedelta | None] = Field(default=None)
    amount: Mapped[Decimal | None] = Field(default=None)
    uuid: Mapped[UUID | None] = Field(default=None)
    colour: Mapped[Colour | None] = Field(default=None)
    rank: Mapped[Rank | None] = Field(default=None)
    cents: Mapped[Decimal | None] = Field(default=None, converter=Cents())
    document: Mapped[dict[str, Any] | None] = Field(default=None)
    texts: Mapped[list[str] | None] = Field(default=None)
    wholes: Mapped[list[int] | None] = Field(default=None)
    reals: Mapped[list[float] | None] = Field(default=None)
    flags: Mapped[list[bool] | None] = Field(default=None)
    days: Mapped[list[date] | None] = Field(default=None)
    uuids: Mapped[list[UUID] | None] = Field(default=None)
    nested: Mapped[list[dict[str, Any]] | None] = Field(default=None)
    vector: Mapped[Vector | None] = Field(default=None)
    place: Mapped[GeoLocation | None] = Field(default=None)
    anything: Mapped[Any] = Field(default=None)


MODELS: tuple[type, ...] = tuple(meta.cls for meta in (*REGISTRY.nodes, *REGISTRY.edges))
"""All of them: what :meth:`Harness.prepare` creates indexes for."""
