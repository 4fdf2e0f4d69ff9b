"""What checkers infer of queries: read by mypy and pyright, never executed."""

from __future__ import annotations

from typing import Any, assert_type

from runic.orm import (
    AsyncSession,
    Field,
    Mapped,
    Node,
    Relation,
    Session,
    avg,
    collect,
    count,
    count_of,
    exists,
    max_,
    select,
    sum_,
)
from runic.orm.core.mapped import Attr
from runic.orm.query import QueryBuilder


class Pet(Node, labels=["Pet"]):
    id: Mapped[str] = Field(primary_key=True)


class Person(Node, labels=["Person"]):
    """Annotated with Mapped: fields are typed expressions on the class."""

    id: Mapped[str] = Field(primary_key=True)
    age: Mapped[int] = Field(default=0)
    email: Mapped[str | None] = Field(default=None)
    pets: Mapped[list[Pet]] = Relation(relationship="HAS", direction="OUTGOING", target="Pet")
    boss: Mapped[Person | None] = Relation(relationship="BOSS", direction="OUTGOING", target="Person")


class Plain(Node, labels=["Plain"]):
    """Annotated plainly: the same at run time, values to a checker."""

    id: str = Field(primary_key=True)
    age: int = Field(default=0)
    active: bool = Field(default=True)
    pets: list[Pet] = Relation(relationship="HAS", direction="OUTGOING", target="Pet")
    boss: Plain | None = Relation(relationship="BOSS", direction="OUTGOING", target="Plain")


def statements(session: Session) -> None:
    stmt = select(Person).where(Person.age > 18).where((Person.email != None) & ~Person.id.in_(["a"]))  # noqa: E711
    assert_type(stmt, QueryBuilder[Person])
    assert_type(stmt.order_by(Person.age).limit(3).skip(1).distinct().alias("p"), QueryBuilder[Person])
    assert_type(session.scalars(stmt), list[Person])
    assert_type(session.scalar(stmt), Person | None)
    assert_type(session.count(stmt), int)
    assert_type(session.all_rows(stmt), list[dict[str, Any]])


def subqueries(session: Session) -> None:
    stmt = select(Person).where(exists(Person.pets, Pet.id == "x") & ~exists(Person.boss))
    stmt = stmt.where(count_of(Person.pets) >= 2).order_by(count_of(Person.pets), desc=True)
    assert_type(stmt, QueryBuilder[Person])
    assert_type(stmt.project(Person.id, count_of(Person.pets)), QueryBuilder[tuple[str, int]])
    assert_type(select(Plain).where(exists(Plain.pets, Plain.age > 3)), QueryBuilder[Plain])


def plain(session: Session) -> None:
    stmt = select(Plain).where(Plain.age > 18).where(Plain.active == True).where(Plain.active)  # noqa: E712
    assert_type(session.scalars(stmt), list[Plain])
    assert_type(select(Plain).traverse(Plain.pets).alias("p"), QueryBuilder[Pet])
    assert_type(select(Plain).repeat(Plain.boss).alias("p"), QueryBuilder[Plain])


def traversals() -> None:
    assert_type(select(Person).traverse(Person.pets).alias("p"), QueryBuilder[Pet])
    assert_type(select(Person).repeat(Person.boss, max_hops=3).alias("b"), QueryBuilder[Person])


def rows(session: Session) -> None:
    assert_type(session.scalars(select(Person).project(Person.age)), list[int])
    assert_type(
        session.scalars(select(Person).project(Person.id, Person.email)), list[tuple[str, str | None]]
    )
    assert_type(
        select(Person).project(Person.id, Person.age, Person.email).all(), list[tuple[str, int, str | None]]
    )
    assert_type(session.query(Person).project(Person.email).scalars(), list[str | None])
    assert_type(session.query(Person).project(Person.id, Person.age).scalars(), list[str])
    assert_type(session.query(Person).aggregate(count()).scalar(), int | None)
    assert_type(session.query(Person).aggregate(max_(Person.age)).scalar(), int | None)
    assert_type(
        session.scalars(select(Person).aggregate(count(), avg(Person.age))), list[tuple[int, float | None]]
    )
    assert_type(select(Person).aggregate(collect(Person.id), group_by=Person.age), QueryBuilder[Any])
    assert_type(select(Person).aggregate(sum_(Person.age)), QueryBuilder[int])


def bound(session: Session) -> None:
    assert_type(session.query(Person).where(Person.age > 1).all(), list[Person])
    assert_type(session.query(Person).one(), Person | None)
    assert_type(session.query(Person).count(), int)
    assert_type(session.query(Person).traverse(Person.pets).alias("p").all(), list[Pet])


async def bound_async(session: AsyncSession) -> None:
    assert_type(await session.query(Person).where(Person.age > 1).limit(3).all(), list[Person])
    assert_type(await session.query(Person).one(), Person | None)
    assert_type(await session.query(Person).count(), int)
    assert_type(await session.query(Person).project(Person.age).all(), list[int])
    assert_type(await session.query(Person).project(Person.id, Person.age).scalars(), list[str])
    assert_type(await session.query(Person).traverse(Person.pets).alias("p").all(), list[Pet])
    assert_type(await session.scalars(select(Person)), list[Person])


def wrong() -> None:
    Person.age.contains("x")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    select(Person).where("p.age > 3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    select(Person).limit("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    select(Person).traverse(Person.pets).where(Person.age > 3)


assert_type(Person.age, Attr[int])
