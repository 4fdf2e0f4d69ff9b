"""Uses of models that type checkers must refuse: on each line marked ``# E``, and on no other."""

from __future__ import annotations

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.mapped import Mapped
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.core.types import Vector


class Base(Node, metadata=MetaData()):
    pass


class Plain(Base, labels=["Plain"]):
    id: str = Field(primary_key=True)
    age: int | None = Field(default=None)
    friends: list[Plain] = Relation(relationship="KNOWS", direction="BOTH", target="Plain")


class Typed(Base, labels=["Typed"]):
    id: Mapped[str] = Field(primary_key=True)
    age: Mapped[int] = Field(default=0)
    tags: Mapped[list[str]] = Field(default_factory=list)
    friends: Mapped[list[Typed]] = Relation(relationship="KNOWS", direction="BOTH", target="Typed")


class Counted(Base, labels=["Counted"]):
    id: Mapped[int | None] = Field(primary_key=True, generated=True)


class Rated(Edge, type="RATED", metadata=MetaData()):
    score: float = 0.0


def misuse(plain: Plain, typed: Typed) -> None:
    Plain()  # E: id is missing
    Plain(id=1)  # E: id is a str
    Plain("a")  # E: by keyword only
    Plain(id="a", agee=3)  # E: no such field
    Typed(id="a", age="3")  # E: age is an int
    Typed(id="a", friends=[plain])  # E: another model
    Counted(id=1)  # E: the key is generated
    Rated(scor=1.0)  # E: no such field
    plain.age = "x"  # E: age is an int
    plain.agee = 3  # E: no such field
    typed.age = "x"  # E: age is an int
    typed.age = None  # E: age is not optional
    typed.friends.append(plain)  # E: another model
    print(typed.nmae)  # E: no such field
    Typed.age.contains("x")  # E: age is no text
    Typed.tags.startswith("x")  # E: tags is no text
    Typed.id.contains(3)  # E: text contains text
    Typed.id.in_(3)  # E: not several values
    Typed.age.append(3)  # E: no such method


def misdeclared() -> None:
    Field(index_type="BTREE")  # E: no such index
    Field(required="yes")  # E: a bool
    Relation(relationship="X", direction="UP", target="Plain")  # E: no such direction
    Relation(relationship="X", direction="BOTH")  # E: no target
    Relation(relationship="X", direction="BOTH", target="Plain", lazy="later")  # E: no such way
    Vector(["a"])  # E: no number
