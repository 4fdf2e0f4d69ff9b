"""The models of the suite. They live in a registry of their own and meet nobody else's."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.indexes import Index
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
    ODD = "it's \\ \"odd\" `$p0`"


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

    stars: int = Field(default=0)
    note: str | None = Field(default=None)
    at: datetime | None = Field(default=None)
    tags: list[str] = Field(default_factory=list)


class Ledger(KitEdge, type="LEDGER"):
    """A relationship that counts its versions."""

    amount: int = Field(default=0)
    version: int = Field(version=True)


class Film(KitNode, labels=["Film"]):
    """The other end of a relation with properties."""

    id: str = Field(primary_key=True)
    title: str = Field(default="")
    year: int | None = Field(default=None)
    raters: list[Person] = Relation(
        relationship="RATED", direction="INCOMING", target="Person", edge_model="Rated"
    )


class Company(KitNode, labels=["Company"]):
    """The other end of a relation to one."""

    id: str = Field(primary_key=True)
    name: str = Field(default="")
    staff: list[Person] = Relation(relationship="WORKS_AT", direction="INCOMING", target="Person")
    branches: list[Branch] = Relation(relationship="HAS_BRANCH", direction="OUTGOING", target="Branch")


class Branch(KitNode, labels=["Branch"]):
    """A third hop."""

    id: str = Field(primary_key=True)
    city: str = Field(default="")


class Person(KitNode, labels=["Person"], indexes=[Index("name", "years")]):
    """What most checks use."""

    id: str = Field(primary_key=True)
    name: str = Field(default="")
    years: int | None = Field(default=None, index=True)
    score: float | None = Field(default=None)
    active: bool = Field(default=True)
    email: str | None = Field(default=None, unique=True)
    born: date | None = Field(default=None)
    seen: datetime | None = Field(default=None)
    tags: list[str] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)
    friends: list[Person] = Relation(relationship="KNOWS", direction="OUTGOING", target="Person")
    known_by: list[Person] = Relation(relationship="KNOWS", direction="INCOMING", target="Person")
    peers: list[Person] = Relation(relationship="PEER", direction="BOTH", target="Person")
    company: Company | None = Relation(relationship="WORKS_AT", direction="OUTGOING", target="Company")
    rated: list[Film] = Relation(
        relationship="RATED", direction="OUTGOING", target="Film", edge_model="Rated"
    )


class Employee(Person, labels=["Employee"]):
    """One level down the hierarchy."""

    salary: int = Field(default=0)


class Manager(Employee, labels=["Manager"]):
    """Two levels down."""

    level: int = Field(default=1)
    reports: list[Employee] = Relation(relationship="LEADS", direction="OUTGOING", target="Employee")


class Account(KitNode, labels=["Account"]):
    """An optimistic lock."""

    id: str = Field(primary_key=True)
    balance: int = Field(default=0)
    note: str | None = Field(default=None)
    version: int = Field(version=True)
    entries: list[Account] = Relation(
        relationship="LEDGER", direction="OUTGOING", target="Account", edge_model="Ledger"
    )


class Order(KitNode, labels=["PurchaseOrder"]):
    """Owns its lines."""

    id: str = Field(primary_key=True)
    lines: list[Line] = Relation(relationship="HAS_LINE", direction="OUTGOING", target="Line", cascade=True)


class Line(KitNode, labels=["OrderLine"]):
    """Owned."""

    id: str = Field(primary_key=True)
    text: str = Field(default="")
    parts: list[Line] = Relation(relationship="HAS_PART", direction="OUTGOING", target="Line", cascade=True)


class Counted(KitNode, labels=["Counted"]):
    """Keyed by the server's own identity."""

    id: Any = Field(primary_key=True, generated=True)
    text: str = Field(default="")
    next: Counted | None = Relation(relationship="NEXT", direction="OUTGOING", target="Counted")


class Nameless(KitNode, labels=["Nameless"]):
    """Without any key."""

    text: str = Field(default="")


class Guarded(KitNode, labels=["Guarded"]):
    """Relations that do not load by themselves, or one by one."""

    id: str = Field(primary_key=True)
    title: str = Field(required=True)
    closed: list[Guarded] = Relation(
        relationship="CLOSED", direction="OUTGOING", target="Guarded", lazy="raise"
    )
    single: list[Guarded] = Relation(
        relationship="SINGLE", direction="OUTGOING", target="Guarded", lazy="select"
    )


class Visit(KitNode, labels=["Visit"]):
    """A place in time and space."""

    id: str = Field(primary_key=True)
    where: GeoLocation | None = Field(default=None)


class Document(KitNode, labels=["Document"]):
    """What searches find."""

    id: str = Field(primary_key=True)
    title: str = Field(default="", index_type="FULLTEXT")
    body: str = Field(default="", index_type="FULLTEXT")
    year: int = Field(default=2000)
    embedding: Vector | None = Field(
        default=None, index_type="VECTOR", dimension=3, similarity="euclidean"
    )


class Report(Document, labels=["Document", "Report"], primary_label="Document"):
    """Shares the primary label of its base."""

    pages: int = Field(default=1)


class Interned(KitNode, labels=["Interned"]):
    """Text of which the server may keep one copy."""

    id: str = Field(primary_key=True)
    text: str = Field(default="", interned=True)


class Values(KitNode, labels=["Values"]):
    """A field of every type."""

    id: str = Field(primary_key=True)
    text: str | None = Field(default=None)
    whole: int | None = Field(default=None)
    real: float | None = Field(default=None)
    exact: float | None = Field(default=None, exact=True)
    flag: bool | None = Field(default=None)
    blob: bytes | None = Field(default=None)
    moment: datetime | None = Field(default=None)
    day: date | None = Field(default=None)
    clock: time | None = Field(default=None)
    span: timedelta | None = Field(default=None)
    amount: Decimal | None = Field(default=None)
    uuid: UUID | None = Field(default=None)
    colour: Colour | None = Field(default=None)
    rank: Rank | None = Field(default=None)
    cents: Decimal | None = Field(default=None, converter=Cents())
    document: dict[str, Any] | None = Field(default=None)
    texts: list[str] | None = Field(default=None)
    wholes: list[int] | None = Field(default=None)
    reals: list[float] | None = Field(default=None)
    flags: list[bool] | None = Field(default=None)
    days: list[date] | None = Field(default=None)
    uuids: list[UUID] | None = Field(default=None)
    nested: list[dict[str, Any]] | None = Field(default=None)
    vector: Vector | None = Field(default=None)
    place: GeoLocation | None = Field(default=None)
    anything: Any = Field(default=None)


MODELS: tuple[type, ...] = tuple(meta.cls for meta in (*REGISTRY.nodes, *REGISTRY.edges))
"""All of them: what :meth:`Harness.prepare` creates indexes for."""
