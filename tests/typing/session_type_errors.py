"""Uses of sessions that type checkers must refuse: on each line marked ``# E``, and on no other."""

from __future__ import annotations

from runic.orm import (
    AsyncRepository,
    AsyncSession,
    Field,
    Mapped,
    Node,
    Relation,
    Repository,
    Session,
    run_in_transaction,
    select,
)
from runic.orm.driver.port import AsyncGraphDriver, GraphDriver


class User(Node, labels=["User"]):
    id: Mapped[str] = Field(primary_key=True)
    age: Mapped[int] = Field(default=0)
    friends: Mapped[list[User]] = Relation(relationship="KNOWS", direction="BOTH", target="User")


class Film(Node, labels=["Film"]):
    id: str = Field(primary_key=True)


def drivers(sync: GraphDriver, asynchronous: AsyncGraphDriver) -> None:
    Session(asynchronous)  # E: a session needs a sync driver
    AsyncSession(sync)  # E: an async session needs an async driver
    Session(sync, None, True)  # E: by keyword only
    Session(sync, autoflsh=False)  # E: no such option
    run_in_transaction(sync, len)  # E: a session has no length


def loading(session: Session) -> None:
    session.get(User)  # E: no key
    session.get("User", 1)  # E: a class
    session.get(User, 1).age  # E: there may be none
    session.get_many(User, 1)  # E: several keys
    first: User = session.get_many(User, ["a"])[0]  # E: there may be none
    films: list[Film] = session.get_many(Film, ["a"])  # E: there may be none
    session.merge(Film(id="a")).age  # E: no such field
    print(first, films)


def statements(session: Session) -> None:
    session.scalars(User)  # E: a statement
    session.count("MATCH (n) RETURN n")  # E: a statement
    users: list[Film] = session.scalars(select(User))  # E: users
    user: User = session.scalar(select(User))  # E: there may be none
    found: list[Film] = session.scalars(select(Film).traverse(User.friends).alias("f"))  # E: users
    stmt = select(User).project(User.id, User.age)
    rows: list[tuple[str, str]] = session.scalars(stmt)  # E: an int
    session.query(User).where("n.age > 3")  # E: a predicate
    session.query(User).limit("3")  # E: an int
    session.query(User).alll()  # E: no such method
    session.fulltext_search(User, "text")  # E: by keyword only
    session.fulltext_search(User)  # E: no query
    session.vector_search(User, field=User.age, vector="abc")  # E: numbers
    session.execute(5)  # E: text
    for each in session.stream(select(User)):
        each.title  # E: no such field
    print(users, user, found, rows)


def repositories(session: Session, other: AsyncSession) -> None:
    Repository(other, User)  # E: an async session
    AsyncRepository(session, User)  # E: a sync session
    numbers: list[str] = Repository(session, User).cypher("RETURN 1", returns=int)  # E: ints
    Repository(session, User).cypher("RETURN 1", returns="int")  # E: a type
    Repository(session, User).find_all(limit="3")  # E: an int
    print(numbers)


async def forgotten_awaits(session: AsyncSession) -> None:
    users: list[User] = session.scalars(select(User))  # E: not awaited
    user: User | None = session.get(User, "a")  # E: not awaited
    more: list[User] = session.query(User).all()  # E: not awaited
    for _ in session.stream(select(User)):  # E: async for
        pass
    with session:  # E: async with
        print(users, user, more)
