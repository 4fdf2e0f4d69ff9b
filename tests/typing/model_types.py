"""What type checkers infer of models. Checked by mypy and pyright, both strict; also executed."""

from __future__ import annotations

from datetime import date
from typing import Any, assert_type

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.mapped import Attr, Mapped
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.query.expressions import FilterExpr


class Base(Node, metadata=MetaData()):
    pass


class Plain(Base, labels=["Plain"]):
    id: str = Field(primary_key=True)
    name: str = Field()
    age: int | None = Field(default=None, index=True)
    tags: list[str] = Field(default_factory=list)
    level: int = 3
    place: GeoLocation | None = None
    boss: Plain | None = Relation(relationship="BOSS", direction="OUTGOING", target="Plain")
    friends: list[Plain] = Relation(relationship="KNOWS", direction="BOTH", target="Plain")


class Typed(Base, labels=["Typed"], primary_label="Typed"):
    id: Mapped[str] = Field(primary_key=True)
    name: Mapped[str] = Field()
    age: Mapped[int | None] = Field(default=None)
    born: Mapped[date | None] = Field(default=None)
    vector: Mapped[Vector | None] = Field(default=None, index_type="VECTOR", dimension=3, similarity="cosine")
    boss: Mapped[Typed | None] = Relation(relationship="BOSS", direction="OUTGOING", target="Typed")
    friends: Mapped[list[Typed]] = Relation(relationship="KNOWS", direction="BOTH", target="Typed")


class Counted(Base, labels=["Counted"]):
    id: Mapped[int | None] = Field(primary_key=True, generated=True)
    name: str
    version: int | None = Field(default=None, version=True)


class Senior(Typed, labels=["Senior"]):
    title: Mapped[str] = Field(default="Dr")


class Rated(Edge, type="RATED", metadata=MetaData()):
    score: Mapped[float] = Field()
    note: str = ""


def plain_entities() -> None:
    ann = Plain(id="a", name="Ann")
    bob = Plain(id="b", name="Bob", age=3, tags=["x"], level=4, boss=ann, friends=[ann])
    assert_type(bob.name, str)
    assert_type(bob.age, int | None)
    assert_type(bob.tags, list[str])
    assert_type(bob.boss, Plain | None)
    assert_type(bob.friends, list[Plain])
    bob.age = None
    bob.friends.append(ann)


def typed_entities() -> None:
    ann = Typed(id="a", name="Ann")
    bob = Typed(id="b", name="Bob", age=3, boss=ann, friends=[ann])
    assert_type(bob.name, str)
    assert_type(bob.age, int | None)
    assert_type(bob.boss, Typed | None)
    assert_type(bob.friends, list[Typed])
    bob.age = None
    bob.name = "Bo"
    eve = Senior(id="e", name="Eve")
    assert_type(eve.title, str)
    assert_type(eve.friends, list[Typed])


def generated_keys() -> None:
    counted = Counted(name="x")
    assert_type(counted.id, int | None)


def edges() -> None:
    rated = Rated(score=1.5, note="fine")
    assert_type(rated.score, float)
    assert_type(rated.note, str)


def expressions() -> None:
    assert_type(Typed.name, Attr[str])
    assert_type(Typed.age, Attr[int | None])
    assert_type(Senior.name, Attr[str])
    assert_type(Typed.name == "x", FilterExpr)
    assert_type(Typed.name != None, FilterExpr)  # noqa: E711
    assert_type(Typed.age > 3, FilterExpr)
    assert_type(Typed.age.in_([1, 2]), FilterExpr)
    assert_type(Typed.age.not_in_({1, 2}), FilterExpr)
    assert_type(Typed.age.is_null(), FilterExpr)
    assert_type(Typed.name.is_not_null(), FilterExpr)
    assert_type(Typed.name.contains("x"), FilterExpr)
    assert_type(Typed.name.startswith("x"), FilterExpr)
    assert_type(Typed.name.endswith("x"), FilterExpr)
    assert_type(Typed.name.matches("x.*"), FilterExpr)
    assert_type(Rated.score >= 4.0, FilterExpr)


def converters(value: Any) -> None:
    assert_type(Vector([1, 2.5]), Vector)
    assert_type(GeoLocation(1, 2).latitude, float)


if __name__ == "__main__":
    plain_entities()
    typed_entities()
    generated_keys()
    edges()
    expressions()
