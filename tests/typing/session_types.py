"""What checkers infer of sessions and repositories: read by mypy and pyright, never executed."""

from __future__ import annotations

from typing import Any, Literal, assert_type

from runic.orm import (
    AsyncRepository,
    AsyncSession,
    Edge,
    Field,
    GeoLocation,
    Mapped,
    Node,
    QueryResult,
    Relation,
    Repository,
    Session,
    Vector,
    create_async_driver,
    create_driver,
    distance,
    run_in_transaction,
    run_in_transaction_async,
    score,
    select,
)
from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
from runic.orm.query.builder import QueryBuilder
from runic.orm.query.specialised import AsyncQueryBuilder


class Rated(Edge, type="RATED"):
    score: Mapped[float] = Field(default=0.0)


class User(Node, labels=["User"]):
    """Annotated plainly: ``User.name`` is a str to a checker."""

    id: str = Field(primary_key=True)
    name: str = Field()
    age: int = Field(default=0)
    place: GeoLocation | None = Field(default=None)
    vector: Vector | None = Field(default=None, index_type="VECTOR", dimension=3)
    friends: list[User] = Relation(relationship="KNOWS", direction="BOTH", target="User")
    rated: list[Film] = Relation(relationship="RATED", direction="OUTGOING", target="Film", edge_model=Rated)
    boss: User | None = Relation(relationship="BOSS", direction="OUTGOING", target="User")


class Film(Node, labels=["Film"]):
    """Annotated with Mapped: ``Film.title`` is an expression."""

    id: Mapped[int] = Field(primary_key=True)
    title: Mapped[str] = Field()
    year: Mapped[int | None] = Field(default=None)
    vector: Mapped[Vector | None] = Field(default=None, index_type="VECTOR", dimension=3)
    director: Mapped[User | None] = Relation(relationship="BY", direction="OUTGOING", target=User)
    cast: Mapped[list[User]] = Relation(relationship="WITH", direction="OUTGOING", target=User)


def loading(session: Session) -> None:
    assert_type(session.get(User, "ann"), User | None)
    assert_type(session.get(Film, 1, fetch=["cast", "cast.friends"]), Film | None)
    assert_type(session.get_many(User, ["ann", "bob"]), list[User | None])
    assert_type(session.get_many(Film, range(3), fetch=["cast"]), list[Film | None])
    user = session.get(User, "ann")
    assert user is not None
    assert_type(user.name, str)
    assert_type(user.friends, list[User])
    assert_type(user.boss, User | None)
    film = session.get(Film, 1)
    if film is not None:
        assert_type(film.year, int | None)
        assert_type(film.cast, list[User])
        session.load(film, "cast", "director")
        session.load(film.cast, "friends")


def staging(session: Session, user: User, film: Film) -> None:
    session.add(user)
    session.add_all([user, film])
    assert_type(session.merge(user), User)
    assert_type(session.register_or_get(film), Film)
    session.relate(user, "friends", user)
    session.relate(user, User.rated, film, Rated(score=4.5))
    session.relate(film, Film.cast, user, edge=None)
    session.unrelate(film, Film.cast, user)
    session.delete(user)
    session.refresh(film)
    with session.transaction():
        session.flush()
    assert_type(session.guarantee, Literal["transaction", "single query", "several queries"])


def statements(session: Session) -> None:
    users = select(User).where(User.age > 18).order_by(User.name).limit(20)
    films = select(Film).where(Film.title.startswith("A") & (Film.year != None))  # noqa: E711
    assert_type(session.scalars(users), list[User])
    assert_type(session.scalar(users), User | None)
    assert_type(session.count(users), int)
    assert_type(session.scalars(films), list[Film])
    assert_type(session.scalars(films.traverse(Film.cast).alias("c")), list[User])
    assert_type(session.scalars(films.traverse(Film.director).alias("d")), list[User])
    assert_type(session.scalars(users.traverse(User.rated, edge_alias="r").alias("f")), list[Film])
    assert_type(session.scalars(users.repeat(User.boss, max_hops=3).alias("b")), list[User])
    assert_type(session.scalars(films.project(Film.title, Film.year)), list[tuple[str, int | None]])
    assert_type(session.scalar(films.project(Film.title)), str | None)
    assert_type(session.all_rows(films.project(Film.title)), list[dict[str, Any]])
    pairs = users.alias("u").traverse(User.rated, edge_alias="r").alias("f")
    pairs = pairs.where(Rated.score > 4, on="r").return_nodes("u", "f").return_edge("r")
    assert_type(session.all_with_edges(pairs), list[tuple[Any, ...]])
    for film in session.stream(films, page=100):
        assert_type(film, Film)
    for title in session.stream(films.project(Film.title)):
        assert_type(title, str)
    here = GeoLocation(1, 2)
    assert_type(session.scalars(select(User).where(distance(User.place, here) < 5)), list[User])


def bound(session: Session) -> None:
    assert_type(session.query(User), QueryBuilder[User])
    assert_type(session.query(Film).where(Film.year == 1999).all(), list[Film])
    assert_type(session.query(User).alias("u").distinct().one(), User | None)
    assert_type(session.query(Film).project(Film.title, Film.year).all(), list[tuple[str, int | None]])
    assert_type(session.query(Film).count(), int)
    found = session.fulltext_search(User, query="ann", fields=["name"]).where(score() > 0.5)
    assert_type(found.limit(3).all(), list[User])
    near = session.vector_search(Film, field=Film.vector, vector=[1.0, 2.0, 3.0], k=5)
    assert_type(near.where(Film.year > 1999).all(), list[Film])
    assert_type(session.vector_search(User, field=User.vector, vector=Vector([1, 2, 3])).one(), User | None)


def raw(session: Session) -> None:
    result = session.execute("MATCH (n) RETURN n.name AS name", {"a": 1}, write=False)
    assert_type(result, QueryResult)
    assert_type(result.rows, list[list[Any]])
    assert_type(result.columns, tuple[str, ...])


def repositories(session: Session) -> None:
    users = Repository(session, User)
    assert_type(users, Repository[User])
    assert_type(users.find_all(fetch=["friends"]), list[User])
    assert_type(users.find_all(skip=10, limit=5), list[User])
    assert_type(users.query().where(User.age > 3).all(), list[User])
    assert_type(users.cypher("RETURN 1", returns=int), list[int])
    assert_type(users.cypher("RETURN $a", {"a": "x"}, returns=str), list[str])
    assert_type(users.cypher("RETURN true", returns=bool), list[bool])
    assert_type(users.cypher("MATCH (n:Film) RETURN n", returns=Film), list[Film])
    assert_type(users.cypher("RETURN 1 AS a", returns=dict), list[dict[str, Any]])
    assert_type(users.cypher("CREATE (:X)", write=True), list[Any])


async def async_loading(session: AsyncSession) -> None:
    assert_type(await session.get(User, "ann"), User | None)
    assert_type(await session.get(Film, 1, fetch=["cast"]), Film | None)
    assert_type(await session.get_many(User, ["ann", "bob"]), list[User | None])
    film = await session.get(Film, 1)
    if film is not None:
        assert_type(film.title, str)
        await session.load(film, "cast", "director")


async def async_staging(session: AsyncSession, user: User, film: Film) -> None:
    session.add(user)
    session.add_all([user, film])
    assert_type(await session.merge(user), User)
    assert_type(session.register_or_get(film), Film)
    await session.relate(user, User.rated, film, Rated(score=4.5))
    await session.unrelate(film, Film.cast, user)
    session.delete(user)
    await session.refresh(film)
    async with session.transaction():
        await session.flush()
    assert_type(session.guarantee, Literal["transaction", "single query", "several queries"])


async def async_statements(session: AsyncSession) -> None:
    users = select(User).where(User.age > 18)
    films = select(Film).where(Film.title.contains("x"))
    assert_type(await session.scalars(users), list[User])
    assert_type(await session.scalar(users), User | None)
    assert_type(await session.count(users), int)
    assert_type(await session.scalars(films.traverse(Film.cast).alias("c")), list[User])
    assert_type(await session.scalars(films.project(Film.title, Film.year)), list[tuple[str, int | None]])
    assert_type(await session.all_rows(films.project(Film.title)), list[dict[str, Any]])
    async for film in session.stream(films, page=100):
        assert_type(film, Film)


async def async_bound(session: AsyncSession) -> None:
    assert_type(session.query(User), AsyncQueryBuilder[User])
    assert_type(await session.query(Film).where(Film.year == 1999).order_by(Film.title).all(), list[Film])
    assert_type(await session.query(User).one(), User | None)
    assert_type(await session.query(Film).project(Film.title, Film.year).all(), list[tuple[str, int | None]])
    assert_type(await session.query(Film).traverse(Film.cast).alias("c").all(), list[User])
    assert_type(await session.query(Film).count(), int)
    assert_type(await session.fulltext_search(User, query="ann").limit(3).all(), list[User])
    near = session.vector_search(Film, field=Film.vector, vector=[1.0, 2.0, 3.0], k=5)
    assert_type(await near.where(Film.year > 1999).all(), list[Film])


async def async_repositories(session: AsyncSession) -> None:
    users = AsyncRepository(session, User)
    assert_type(users, AsyncRepository[User])
    assert_type(await users.find_all(fetch=["friends"]), list[User])
    assert_type(await users.query().where(User.age > 3).all(), list[User])
    assert_type(await users.cypher("RETURN 1", returns=int), list[int])
    assert_type(await users.cypher("MATCH (n:Film) RETURN n", returns=Film), list[Film])
    assert_type(await users.cypher("RETURN 1 AS a", returns=dict), list[dict[str, Any]])
    assert_type(await users.cypher("CREATE (:X)", write=True), list[Any])


def drivers() -> None:
    with create_driver("falkordb", path=":memory:", graph="g") as driver:
        assert_type(driver, GraphDriver)
        with Session(driver, autoflush=False, read_only=True, log_cypher=True) as session:
            assert_type(session, Session)

    def count_users(session: Session) -> int:
        return session.count(select(User))

    assert_type(run_in_transaction(driver, count_users, attempts=3), int)


async def async_drivers() -> None:
    async with create_async_driver("falkordb://localhost/g") as driver:
        assert_type(driver, AsyncGraphDriver)
        async with AsyncSession(driver) as session:
            assert_type(session, AsyncSession)

    async def first_user(session: AsyncSession) -> User | None:
        return await session.scalar(select(User))

    assert_type(await run_in_transaction_async(driver, first_user), User | None)
