"""What ArcadeDB does differently, as an application meets it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm import (
    ConstraintViolation,
    Edge,
    Field,
    Index,
    MetaData,
    Node,
    QueryError,
    Relation,
    Session,
    StaleObjectError,
    TransientConflictError,
    Vector,
    create_async_driver,
    create_driver,
    run_in_transaction,
    score,
    select,
)
from runic.orm.driver.arcadedb import ArcadeDBDriver
from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from runic.orm.session.async_session import AsyncSession
from tests.servers.base import Server

MODELS = MetaData()


class Base(Node, metadata=MODELS): ...


class Animal(Base, labels=["Animal"]):
    id: str = Field(primary_key=True)
    tag: str | None = Field(default=None, unique=True)
    likes: list[Animal] = Relation(
        relationship="LIKES", direction="OUTGOING", target="Animal", edge_model="Liking"
    )


class Dog(Animal, labels=["Dog"]):
    tricks: int = Field(default=0)


class Liking(Edge, type="LIKES", metadata=MODELS):
    much: int = Field(default=0)


class Counter(Base, labels=["Counter"]):
    id: str = Field(primary_key=True)
    number: int = Field(default=0)
    version: int = Field(default=0, version=True)


class Article(Base, labels=["Article"], indexes=[Index("year", "number")]):
    id: str = Field(primary_key=True)
    title: str = Field(default="", index=True, index_type="FULLTEXT")
    body: str = Field(default="", index_type="FULLTEXT")
    year: int = Field(default=0)
    number: int = Field(default=0)
    embedding: Vector | None = Field(default=None, index_type="VECTOR", dimension=3, similarity="cosine")


@pytest.fixture
def driver(arcadedb_server: Server, arcadedb_graph: str) -> Iterator[ArcadeDBDriver]:
    driver = create_driver(arcadedb_server.url_of(arcadedb_graph))
    assert isinstance(driver, ArcadeDBDriver)
    with driver:
        yield driver


def test_many_keys_are_looked_up_some_hundreds_at_a_time(
    driver: ArcadeDBDriver, caplog: pytest.LogCaptureFixture
) -> None:
    with Session(driver) as session:
        session.add_all([Animal(id=f"a{number}") for number in range(1200)])
    keys = [f"a{number}" for number in range(1199, -1, -1)]
    with caplog.at_level("DEBUG", "runic.cypher"), Session(driver) as session:
        found = session.get_many(Animal, [*keys, "nobody"])
    assert [animal and animal.id for animal in found] == [*keys, None]
    # The server looks for each node in the whole list: it would be quadratic.
    assert len([record for record in caplog.records if record.name == "runic.cypher"]) == 3


# -- identities ---------------------------------------------------------------------------------


def test_a_node_keeps_its_edges_when_a_label_moves_its_record(driver: ArcadeDBDriver) -> None:
    with Session(driver) as session:
        rex, tom = Dog(id="rex"), Animal(id="tom")
        session.relate(rex, Animal.likes, tom, Liking(much=3))
    before = driver.execute("MATCH (n:Animal {id: 'tom'}) RETURN elementId(n)").rows
    # Another client makes a dog of it: the record moves, and gets another identity.
    driver.execute("MATCH (n:Animal {id: 'tom'}) SET n:Dog")
    assert driver.execute("MATCH (n:Animal {id: 'tom'}) RETURN elementId(n)").rows != before
    with Session(driver) as session:
        found = session.get(Animal, "tom")
        assert type(found) is Dog
        found.tricks = 5
    assert driver.execute("MATCH (:Dog {id: 'rex'})-[r:LIKES]->(n:Dog) RETURN n.tricks, r.much").rows == [
        [5, 3]
    ]


def test_an_object_whose_record_moved_meanwhile_is_stale_and_not_overwritten(driver: ArcadeDBDriver) -> None:
    with Session(driver) as session:
        session.add_all([Animal(id="tom"), Animal(id="ann")])
    with Session(driver) as session:
        tom = session.get(Animal, "tom")
        assert tom is not None
        driver.execute("MATCH (n:Animal {id: 'tom'}) SET n:Other")
        tom.tag = "x"
        with pytest.raises((StaleObjectError, TransientConflictError)) as caught:
            session.commit()
        assert caught.value.retryable
        session.rollback()
    run_in_transaction(driver, lambda session: setattr(session.get(Animal, "tom"), "tag", "x"))
    assert driver.execute("MATCH (n:Animal {id: 'tom'}) RETURN n.tag, labels(n)").rows == [
        ["x", ["Animal", "Other"]]
    ]


# -- reads that write ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["CREATE (:Leak)", "MATCH (n) SET n.x = 1", "CALL nobody.knows()"])
def test_a_raw_write_that_is_sent_as_a_read_is_refused_before(driver: ArcadeDBDriver, text: str) -> None:
    with pytest.raises(QueryError, match="write=True"):
        driver.execute(text, write=False)
    with Session(driver, read_only=True) as session, pytest.raises(QueryError):
        session.execute(text, write=True)
    assert driver.execute("MATCH (n:Leak) RETURN count(n)", write=False).rows == [[0]]


# -- constraints and conflicts ------------------------------------------------------------------


def test_a_unique_value_is_unique_among_all_subclasses_and_names_the_object(driver: ArcadeDBDriver) -> None:
    adapter_of(driver).create(IndexSpec("Animal", "tag", "UNIQUE"))
    with Session(driver) as session:
        session.add(Animal(id="a", tag="one"))
    with Session(driver) as session:
        culprit = Dog(id="b", tag="one")
        session.add_all([Dog(id="c", tag="two"), culprit])
        with pytest.raises(ConstraintViolation, match="tag='one'") as caught:
            session.commit()
        assert caught.value.entity is culprit
        culprit.tag = "three"
        session.commit()
    assert driver.execute("MATCH (n:Animal) RETURN n.tag ORDER BY n.tag").rows == [
        ["one"],
        ["three"],
        ["two"],
    ]


def test_a_missing_required_property_is_a_constraint_violation(driver: ArcadeDBDriver) -> None:
    adapter_of(driver).create(IndexSpec("Animal", "tag", "MANDATORY"))
    with Session(driver) as session:
        session.add(Animal(id="a"))
        with pytest.raises(ConstraintViolation):
            session.commit()
        session.rollback()
    with Session(driver) as session:
        session.add(Animal(id="a", tag="x"))


def test_no_increment_is_lost(driver: ArcadeDBDriver) -> None:
    with Session(driver) as session:
        session.add(Counter(id="c"))

    def increment(session: Session) -> None:
        counter = session.get(Counter, "c")
        assert counter is not None
        counter.number += 1

    failures: list[BaseException] = []

    def worker() -> None:
        try:
            for _ in range(50):
                run_in_transaction(driver, increment, attempts=50)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert driver.execute("MATCH (n:Counter) RETURN n.number, n.version").rows == [[200, 200]]


# -- indexes and searches -----------------------------------------------------------------------


def test_everything_that_a_model_declares_is_created_listed_and_dropped(driver: ArcadeDBDriver) -> None:
    from runic.migrate import IndexManager, SchemaManager

    adapter = adapter_of(driver)
    adapter.ensure_entity_types([Article, Animal, Liking])
    types = {row["name"]: row["type"] for row in driver.sql("SELECT name, type FROM schema:types")}
    assert types == {"Article": "vertex", "Animal": "vertex", "LIKES": "edge"}
    IndexManager(driver).create_indexes(Article)
    IndexManager(driver).create_indexes(Animal)
    found = sorted(map(str, adapter.list_indexes()))
    assert found == [
        "FULLTEXT :Article(body)",
        "FULLTEXT :Article(title)",
        "RANGE :Article(year, number)",
        "UNIQUE :Animal(tag)",
        "VECTOR :Article(embedding)",
    ]
    IndexManager(driver).ensure_indexes(Article)
    assert sorted(map(str, adapter.list_indexes())) == found
    assert SchemaManager(driver).validate_schema([Article, Animal]).is_valid
    adapter.drop(IndexSpec("Article", "title", "FULLTEXT"))
    assert "FULLTEXT :Article(body)" in map(str, adapter.list_indexes())
    for spec in adapter.list_indexes():
        adapter.drop(spec)
    assert adapter.list_indexes() == []
    with pytest.raises(ServerError):
        adapter.drop(IndexSpec("Article", "title", "RANGE"), if_exists=False)


def test_indexes_of_edges_and_composite_unique_constraints(driver: ArcadeDBDriver) -> None:
    adapter = adapter_of(driver)
    adapter.create(IndexSpec("LIKES", "much", "RANGE", "EDGE"))
    adapter.create(IndexSpec("Article", "year", "UNIQUE", properties=("year", "number")))
    assert sorted(map(str, adapter.list_indexes())) == [
        "RANGE [:LIKES](much)",
        "UNIQUE :Article(year, number)",
    ]
    with Session(driver) as session:
        session.add_all([Article(id="a", year=1, number=1), Article(id="b", year=1, number=2)])
    with Session(driver) as session:
        session.add(Article(id="c", year=1, number=2))
        with pytest.raises(ConstraintViolation):
            session.commit()
        session.rollback()
    with pytest.raises(UnsupportedByBackendError):
        adapter.create(IndexSpec("LIKES", "much", "VECTOR", "EDGE", options={"dimension": 3}))


def test_duplicates_are_shown_when_a_unique_constraint_cannot_be_made(driver: ArcadeDBDriver) -> None:
    with Session(driver) as session:
        session.add_all([Animal(id=each, tag="same") for each in "abc"])
    with pytest.raises(ConstraintViolation, match="same x 3"):
        adapter_of(driver).create(IndexSpec("Animal", "tag", "UNIQUE"))
    assert adapter_of(driver).list_indexes() == []


@pytest.mark.parametrize("label", ["Animal", "Theirs"])
def test_an_index_of_somebody_else_under_the_name_that_searches_look_for_stays(
    driver: ArcadeDBDriver, label: str
) -> None:
    adapter = adapter_of(driver)
    driver.execute(f"CREATE INDEX fulltext_Animal FOR (n:{label}) ON (n.k)")
    theirs = adapter.list_indexes()
    assert [str(spec) for spec in theirs] == [f"RANGE :{label}(k)"]
    with pytest.raises(
        ServerError, match=rf"named 'fulltext_Animal', and there is one over RANGE :{label}\(k\)"
    ):
        adapter.create(IndexSpec("Animal", "tag", "FULLTEXT"))
    assert adapter.list_indexes() == theirs


def test_a_search_index_under_another_name_is_told_and_made_anew(driver: ArcadeDBDriver) -> None:
    from runic.migrate import SchemaManager

    manager = SchemaManager(driver)
    manager.ensure_entity_types([Article])
    driver.sql("CREATE PROPERTY Article.body STRING")
    driver.sql("CREATE INDEX `odd words` ON Article (body) FULL_TEXT")
    with pytest.raises(ServerError, match="'odd words', and searches look for 'fulltext_Article'"):
        manager.adapter.create(IndexSpec("Article", "body", "FULLTEXT"))
    (changed,) = manager.validate_schema([Article]).changed_indexes
    assert str(changed) == "FULLTEXT :Article(body) has name 'odd words'"
    manager.sync_schema([Article], drop_extra=True)
    assert manager.validate_schema([Article]).is_valid
    assert {row[1] for row in driver.execute("SHOW INDEXES", write=False).rows} >= {"fulltext_Article"}


def test_a_property_may_have_a_range_index_and_be_searched(driver: ArcadeDBDriver) -> None:
    adapter = adapter_of(driver)
    adapter.create(IndexSpec("Animal", "tag", "RANGE"))
    adapter.create(IndexSpec("Animal", "tag", "FULLTEXT"))
    assert sorted(map(str, adapter.list_indexes())) == ["FULLTEXT :Animal(tag)", "RANGE :Animal(tag)"]
    with Session(driver) as session:
        session.add_all([Animal(id="a", tag="a quick fox"), Dog(id="b", tag="slow")])
    with Session(driver) as session:
        assert [each.id for each in session.fulltext_search(Animal, query="quick").all()] == ["a"]
        assert session.count(select(Animal).where(Animal.tag == "slow")) == 1
    adapter.drop(IndexSpec("Animal", "tag", "RANGE"))
    adapter.drop(IndexSpec("Animal", "tag", "FULLTEXT"))
    adapter.create(IndexSpec("Animal", "tag", "FULLTEXT"))
    with pytest.raises(ServerError, match="one index"):
        adapter.create(IndexSpec("Animal", "tag", "RANGE"))


def test_scores_are_similarities_and_k_counts_after_filters(
    driver: ArcadeDBDriver,
) -> None:
    from runic.migrate import IndexManager

    IndexManager(driver).create_indexes(Article)
    vectors = {"same": [1, 0, 0], "near": [1, 1, 0], "right": [0, 1, 0], "opposite": [-1, 0, 0]}
    with Session(driver) as session:
        for year, (name, vector) in enumerate(vectors.items()):
            session.add(Article(id=name, year=year, embedding=Vector(vector)))
        session.add_all(
            [Article(id=f"far{n}", year=100, embedding=Vector([-1, n / 50, 1])) for n in range(60)]
        )

    def scored(query: Any) -> list[tuple[str, float]]:
        return [(id_, round(value, 3)) for id_, value in query.project(Article.id, score()).all()]

        return [(each.id, round(value, 3)) for each, value in query.project(Article, score()).all()]

    with Session(driver) as session:
        search = session.vector_search(Article, field=Article.embedding, vector=Vector([1, 0, 0]), k=3)
        assert scored(search) == [("same", 1.0), ("near", 0.854), ("right", 0.5)]
        filtered = session.vector_search(
            Article, field=Article.embedding, vector=Vector([-1, 0, 1]), k=2
        ).where(Article.year < 4)
        exact = dict(scored(filtered))
        assert list(exact) == ["opposite", "right"]
        by_index = dict(
            scored(session.vector_search(Article, field=Article.embedding, vector=Vector([-1, 0, 1]), k=64))
        )
        assert exact == {name: by_index[name] for name in exact}


def test_the_sql_endpoint_tells_what_is_wrong(arcadedb_server: Server, arcadedb_graph: str) -> None:
    options = {
        "host": arcadedb_server.host,
        "port": arcadedb_server.port,
        "database": arcadedb_graph,
        **arcadedb_server.credentials,
    }
    with create_driver("arcadedb", **options, http_port=1) as driver:
        assert isinstance(driver, ArcadeDBDriver)
        with pytest.raises(ConnectionLostError, match="http_port="):
            driver.sql("SELECT 1")
    with create_driver("arcadedb", **options, **arcadedb_server.options) as driver:
        assert isinstance(driver, ArcadeDBDriver)
        with pytest.raises(ServerError, match="nonsense"):
            driver.sql("nonsense")
    with create_driver(
        "arcadedb", **{**options, "password": "wr0ng-word"}, **arcadedb_server.options
    ) as driver:
        assert isinstance(driver, ArcadeDBDriver)
        with pytest.raises(AuthError) as caught:
            driver.sql("SELECT 1")
        with pytest.raises(AuthError) as other:
            driver.execute("RETURN 1")
    assert "wr0ng-word" not in f"{caught.value} {other.value}"


def test_a_database_that_is_not_there_is_named(arcadedb_server: Server) -> None:
    with (
        create_driver(arcadedb_server.url_of("nowhere")) as driver,
        pytest.raises(ServerError, match="nowhere"),
    ):
        driver.execute("RETURN 1")


def test_labels_and_types_share_a_namespace_and_a_clash_is_refused_before(driver: ArcadeDBDriver) -> None:
    models = MetaData()

    class Root(Node, metadata=models): ...

    class Clash(Root, labels=["LIKES"]):
        id: str = Field(primary_key=True)
        others: list[Clash] = Relation(relationship="LIKES", direction="OUTGOING", target="Clash")

    with Session(driver) as session:
        session.add(Clash(id="x"))
        with pytest.raises(MetadataError, match="namespace"):
            session.flush()
        session.rollback()
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[0]]


def test_an_async_driver_searches_too(
    arcadedb_server: Server, arcadedb_graph: str, driver: ArcadeDBDriver
) -> None:
    adapter_of(driver).create(IndexSpec("Animal", "tag", "FULLTEXT"))

    async def work() -> list[str]:
        async with create_async_driver(arcadedb_server.url_of(arcadedb_graph)) as asynchronous:
            async with AsyncSession(asynchronous) as session:
                session.add(Dog(id="rex", tag="good dog"))
            async with AsyncSession(asynchronous) as session:
                return [each.id for each in await session.fulltext_search(Animal, query="dog").all()]

    assert asyncio.run(work()) == ["rex"]
