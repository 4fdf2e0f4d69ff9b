"""The models of the query tests, in a registry of their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from runic.orm import Edge, Field, GeoLocation, Mapped, Node, Relation, Vector
from runic.orm.core.metadata import MetaData

registry = MetaData()


class Model(Node, metadata=registry):
    """Base of the nodes; abstract."""


class Bond(Edge, metadata=registry):
    """Base of the edges; abstract."""


class Role(Enum):
    ADMIN = "admin"
    MOD = "mod"


class Rated(Bond, type="RATED"):
    score: float = Field(default=0.0)


class User(Model, labels=["User"]):
    id: str = Field(primary_key=True)
    name: str = Field(default="")
    age: int | None = Field(default=None)
    active: bool = Field(default=True)
    height: float | None = Field(default=None)
    role: Role | None = Field(default=None)
    balance: Decimal | None = Field(default=None)
    token: UUID | None = Field(default=None)
    joined: datetime | None = Field(default=None)
    session_time: timedelta | None = Field(default=None)
    home: GeoLocation | None = Field(default=None)
    tags: list[str] = Field(default_factory=list)
    exact: float | None = Field(default=None, exact=True)
    order: str | None = Field(default=None)
    friends: list[User] = Relation(relationship="KNOWS", direction="OUTGOING", target="User")
    fans: list[User] = Relation(relationship="KNOWS", direction="INCOMING", target="User")
    mates: list[User] = Relation(relationship="MATE", direction="BOTH", target="User")
    rated: list[Movie] = Relation(
        relationship="RATED", direction="OUTGOING", target="Movie", edge_model=Rated
    )
    liked: list[Movie] = Relation(relationship="LIKED", direction="OUTGOING", target="Movie")


class Admin(User, labels=["Admin"]):
    level: int = Field(default=0)


class Movie(Model, labels=["Movie"]):
    id: str = Field(primary_key=True)
    title: str = Field(default="", index_type="FULLTEXT")
    plot: str | None = Field(default=None, index_type="FULLTEXT")
    year: int | None = Field(default=None)
    embedding: Vector | None = Field(default=None, index_type="VECTOR", dimension=2, similarity="cosine")
    embedding_far: Vector | None = Field(
        default=None, index_type="VECTOR", dimension=2, similarity="euclidean"
    )


class Ticket(Model, labels=["Ticket"]):
    """Its key is the server's identity."""

    id: int | None = Field(primary_key=True, generated=True)
    subject: str = Field(default="")


class Typed(Model, labels=["Typed"]):
    """Annotated so that checkers see expressions."""

    id: Mapped[str] = Field(primary_key=True)
    count: Mapped[int] = Field(default=0)
    note: Mapped[str | None] = Field(default=None)
    links: Mapped[list[Typed]] = Relation(relationship="LINK", direction="OUTGOING", target="Typed")
    next: Mapped[Typed | None] = Relation(relationship="NEXT", direction="OUTGOING", target="Typed")
