"""The managers of runic.migrate, sync and async, on every database: the same models, the same answers."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from runic.migrate import (
    AsyncIndexManager,
    AsyncSchemaManager,
    IndexManager,
    SchemaManager,
    create_adapter,
    create_async_adapter,
)
from runic.orm import (
    Edge,
    Field,
    GeoLocation,
    Index,
    Node,
    Session,
    Vector,
    create_async_driver,
    create_driver,
)
from runic.orm.core.blocking import run_blocking
from runic.orm.core.metadata import MetaData
from runic.orm.exceptions import ConstraintViolation, MetadataError, UnsupportedByBackendError
from runic.orm.schema.index_manager import IndexSpec
from tests.conftest import server_or_skip
from tests.servers.registry import Registry

BACKENDS = [
    pytest.param(name, marks=pytest.mark.live(name))
    for name in ("falkordb", "neo4j", "neo4j_2026", "arcadedb", "age")
]


class Base(Node, metadata=MetaData()):
    pass


# The order of the fields is not that of the constraint: some servers keep their own.
class Book(Base, labels=["Book"], indexes=[Index("year", "number"), Index("shelf", "place", type="UNIQUE")]):
    isbn: str = Field(primary_key=True, unique=True)
    place: int = Field(default=0)
    shelf: int = Field(default=0)
    number: int = Field(default=0)
    year: int = Field(default=0, index=True)
    title: str = Field(default="", index_type="FULLTEXT")
    blurb: str = Field(default="", index_type="FULLTEXT")
    look: Vector | None = Field(default=None, index_type="VECTOR", dimension=3, similarity="euclidean")


class Cites(Edge, type="CITES"):
    page: int = Field(default=0, index=True)


class Later(Node, metadata=MetaData()):
    pass


class LaterBook(Later, labels=["Book"], indexes=[Index("isbn")]):
    """The model after a change: other vectors, another unique field, no fulltext search."""

    isbn: str = Field(primary_key=True, unique=True)
    year: int = Field(default=0, unique=True)
    look: Vector | None = Field(default=None, index_type="VECTOR", dimension=2, similarity="cosine")


class Place(Base, labels=["Place"]):
    id: str = Field(primary_key=True)
    at: GeoLocation | None = Field(default=None, index_type="POINT")


class Awaitable:
    """A manager or an adapter of either colour, whose methods are awaited."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._held, name)
        if name == "adapter":
            return Awaitable(value)
        if name == "expand":
            return value

        async def call(*args: Any, **kwargs: Any) -> Any:
            result = value(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return call


class World:
    """One database in one colour."""

    def __init__(self, url: str, options: dict[str, Any], colour: str) -> None:
        self.url, self.options, self.colour = url, options, colour
        self.sync = create_driver(url, **options)

    @property
    def backend(self) -> str:
        return self.sync.dialect.name

    def run(self, work: Callable[[Any, Any], Coroutine[Any, Any, None]]) -> None:
        """Run ``work(index manager, schema manager)``."""
        if self.colour == "sync":
            run_blocking(work(Awaitable(IndexManager(self.sync)), Awaitable(SchemaManager(self.sync))))
            return

        async def alone() -> None:
            async with create_async_driver(self.url, **self.options) as driver:
                await work(Awaitable(AsyncIndexManager(driver)), Awaitable(AsyncSchemaManager(driver)))

        asyncio.run(alone())


@pytest.fixture(params=BACKENDS)
def server(request: pytest.FixtureRequest, servers: Registry) -> tuple[str, dict[str, Any]]:
    """Name and options of an empty database."""
    found = server_or_skip(servers, request.param)
    name = f"managers_{os.getpid()}"
    found.reset("" if found.backend == "neo4j" else name)
    options = {"host": found.host, "port": found.port, **found.credentials, **found.options}
    if found.backend != "neo4j":
        options["database" if found.backend == "arcadedb" else "graph"] = name
    return found.backend, options


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest, server: tuple[str, dict[str, Any]]) -> Iterator[World]:
    world = World(*server, request.param)
    yield world
    world.sync.close()


def test_a_schema_is_made_compared_and_brought_in_line(world: World) -> None:
    # A server may keep the properties of a constraint in the order in which it saw them first.
    world.sync.execute("CREATE (:Shelf {place: 1, shelf: 1})")

    async def work(manager: Any, schema: Any) -> None:
        result = await schema.validate_schema([Book, Cites])
        assert not result.is_valid
        assert set(map(str, result.missing_indexes)) == {
            "UNIQUE :Book(isbn)",
            "UNIQUE :Book(shelf, place)",
            "RANGE :Book(year)",
            "RANGE :Book(year, number)",
            "FULLTEXT :Book(title)",
            "FULLTEXT :Book(blurb)",
            "VECTOR :Book(look)",
            "RANGE [:CITES](page)",
        }
        await schema.sync_schema([Book, Cites])
        assert (await schema.validate_schema([Book, Cites])).is_valid
        listed = set(await schema.adapter.list_indexes())
        await schema.sync_schema([Book, Cites], drop_extra=True)
        await manager.create_indexes(Book)
        await manager.ensure_indexes(Cites)
        assert set(await schema.adapter.list_indexes()) == listed

        await schema.adapter.create_range_index("Book", "odd")
        await schema.adapter.create_range_index("Somebody", "odd")
        result = await schema.validate_schema([Book, Cites])
        assert (result.is_valid, result.extra_indexes) == (False, [IndexSpec("Book", "odd", "RANGE")])
        await schema.sync_schema([Book, Cites])
        assert not (await schema.validate_schema([Book, Cites])).is_valid
        await schema.sync_schema([Book, Cites], drop_extra=True)
        assert (await schema.validate_schema([Book, Cites])).is_valid
        assert IndexSpec("Somebody", "odd", "RANGE") in await schema.adapter.list_indexes()

    world.run(work)


def test_a_change_of_the_models_is_seen_and_carried_out(world: World) -> None:
    async def work(manager: Any, schema: Any) -> None:
        await schema.sync_schema([Book])
        result = await schema.validate_schema([LaterBook])
        assert not result.is_valid
        # The index over isbn is there: that of the unique constraint.
        assert result.missing_indexes == [IndexSpec("Book", "year", "UNIQUE")]
        (changed,) = result.changed_indexes
        assert changed.declared.options == {"dimension": 2, "similarity": "cosine"}
        assert str(changed) == "VECTOR :Book(look) has dimension 3, similarity 'euclidean'"
        assert IndexSpec("Book", "title", "FULLTEXT") in result.extra_indexes

        await schema.sync_schema([LaterBook])
        result = await schema.validate_schema([LaterBook])
        assert (result.missing_indexes, len(result.changed_indexes)) == ([], 1)

        await schema.sync_schema([LaterBook], drop_extra=True)
        assert (await schema.validate_schema([LaterBook])).is_valid

    world.run(work)
    vectors = ([1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    with Session(world.sync) as session:
        session.add_all(LaterBook(isbn=str(i), year=i, look=Vector(vectors[i])) for i in range(3))
    with Session(world.sync) as session:
        found = session.vector_search(LaterBook, field=LaterBook.look, vector=[1.0, 0.1], k=2).all()
        assert [book.isbn for book in found] == ["0", "2"]
    with pytest.raises(ConstraintViolation), Session(world.sync) as session:
        session.add(LaterBook(isbn="9", year=2))


def test_data_that_violates_a_constraint_is_told_by_the_managers(world: World) -> None:
    world.sync.execute("CREATE (:Book {isbn: 'twice'}), (:Book {isbn: 'twice'}), (:Book {isbn: 'once'})")

    async def work(manager: Any, schema: Any) -> None:
        for call in (manager.create_indexes(Book), schema.sync_schema([Book])):
            with pytest.raises(ConstraintViolation, match=r"Book.*isbn.*twice\W* x 2") as caught:
                await call
            assert "once" not in str(caught.value)

    world.run(work)


def test_a_point_index_serves_distances_or_is_refused(world: World) -> None:
    async def work(manager: Any, schema: Any) -> None:
        if world.backend in ("arcadedb", "age"):
            with pytest.raises(UnsupportedByBackendError, match="distance"):
                await manager.create_indexes(Place)
            return
        await manager.create_indexes(Place)
        assert (await schema.validate_schema([Place])).is_valid
        await schema.adapter.create_point_index("Place", "at")
        await schema.adapter.drop(IndexSpec("Place", "at", "POINT"), if_exists=False)
        assert not (await schema.validate_schema([Place])).is_valid

    world.run(work)


def test_adapters_of_both_colours_have_connections_of_their_own(server: tuple[str, dict[str, Any]]) -> None:
    backend, options = server
    blocking = create_adapter(backend, **options)
    try:
        IndexManager(blocking).create_indexes(Cites)
    finally:
        blocking.close()

    async def work() -> None:
        adapter = create_async_adapter(backend, **options)
        try:
            assert await adapter.list_indexes() == [IndexSpec("CITES", "page", "RANGE", "EDGE")]
            await adapter.drop(IndexSpec("CITES", "page", "RANGE", "EDGE"), if_exists=False)
            await AsyncSchemaManager(adapter).sync_schema([Cites])
        finally:
            await adapter.aclose()

    asyncio.run(work())


def test_managers_take_drivers_of_their_own_colour() -> None:
    with create_driver("falkordb", path=":memory:") as driver, pytest.raises(TypeError, match="async driver"):
        AsyncSchemaManager(driver)
    with pytest.raises(TypeError, match="sync driver"):
        SchemaManager(create_async_driver("falkordb"))


def test_wrong_arguments_are_told_apart_from_wrong_schemas() -> None:
    with create_driver("falkordb", port=1) as driver:
        schema = SchemaManager(driver)
        for work in (schema.validate_schema, schema.sync_schema):
            with pytest.raises(TypeError, match=r"models are given as a list: \[Book\], not Book"):
                work(Book)  # type: ignore[arg-type]
        adapter = schema.adapter
        with pytest.raises(MetadataError, match="of a NODE or an EDGE, not of 'RELATIONSHIP'"):
            adapter.create_unique_constraint("KNOWS", "since", entity="RELATIONSHIP")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="described by an IndexSpec, not by 'Person'"):
            adapter.drop("Person")  # type: ignore[arg-type]
