"""The managers of runic.migrate on a real server, with every kind of thing that they accept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import falkordb
import pytest

from runic.migrate import (
    IndexManager,
    SchemaManager,
    ValidationResult,
    create_adapter,
    extract_declared_specs,
)
from runic.orm import Edge, Field, Index, Node, Session, Vector
from runic.orm.core.metadata import MetaData
from runic.orm.driver.falkordb import FalkorDBDriver, create_async_falkordb_driver
from runic.orm.exceptions import ConstraintViolation, MetadataError, UnknownHandleError
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from tests.servers.base import Server


class Base(Node, metadata=MetaData()):
    pass


class Person(Base, labels=["Person"], indexes=[Index("last", "first")]):
    id: str = Field(primary_key=True, unique=True, index=True)
    first: str = Field()
    last: str = Field()
    age: int | None = Field(default=None, index=True)
    bio: str | None = Field(default=None, index_type="FULLTEXT")
    motto: str | None = Field(default=None, index_type="FULLTEXT")
    face: Vector | None = Field(
        default=None, index=True, index_type="VECTOR", dimension=2, similarity="euclidean"
    )


class Employee(Person, labels=["Employee"], primary_label="Employee"):
    number: int = Field(unique=True)


class Knows(Edge, type="KNOWS"):
    since: int = Field(index=True)


class Blind(Base, labels=["Blind"]):
    id: str = Field(primary_key=True)
    face: Vector | None = Field(default=None, index_type="VECTOR")


DECLARED = {
    IndexSpec("Person", "id", "UNIQUE"),
    IndexSpec("Person", "age", "RANGE"),
    IndexSpec("Person", "bio", "FULLTEXT"),
    IndexSpec("Person", "motto", "FULLTEXT"),
    IndexSpec("Person", "face", "VECTOR"),
    IndexSpec("Person", "last", "RANGE", properties=("last", "first")),
}


@pytest.fixture
def graph(falkordb_server: Server, falkordb_graph: str) -> Iterator[Any]:
    """A raw handle of the client library."""
    client = falkordb.FalkorDB(falkordb_server.host, falkordb_server.port, **falkordb_server.credentials)
    yield client.select_graph(falkordb_graph)
    client.close()


def test_declarations_follow_the_rules_of_the_reference() -> None:
    assert set(extract_declared_specs(Person)) == DECLARED
    assert extract_declared_specs(Knows) == [IndexSpec("KNOWS", "since", "RANGE", "EDGE")]
    vector = next(spec for spec in extract_declared_specs(Person) if spec.index_type == "VECTOR")
    assert dict(vector.options) == {"dimension": 2, "similarity": "euclidean"}
    assert IndexSpec("Employee", "number", "UNIQUE") in extract_declared_specs(Employee)
    assert IndexSpec("Employee", "id", "UNIQUE") in extract_declared_specs(Employee)
    with pytest.raises(MetadataError):
        extract_declared_specs(dict)


def test_a_unique_text_may_be_searched_too(driver: FalkorDBDriver) -> None:
    class Article(Base):
        title: str = Field(primary_key=True, unique=True, index_type="FULLTEXT")

    declared = [IndexSpec("Article", "title", kind) for kind in ("UNIQUE", "FULLTEXT")]
    assert extract_declared_specs(Article) == declared
    manager = SchemaManager(driver)
    for _ in range(2):
        manager.sync_schema([Article], drop_extra=True)
        assert manager.validate_schema([Article]).is_valid
    with Session(driver) as session:
        session.add(Article(title="Graphs in practice"))
    with Session(driver) as session:
        assert [each.title for each in session.fulltext_search(Article, query="practice").all()] == [
            "Graphs in practice"
        ]


def test_create_indexes_creates_all_that_a_model_declares(driver: FalkorDBDriver) -> None:
    manager = IndexManager(driver)
    for _ in range(2):
        manager.create_indexes(Person)
        manager.ensure_indexes(Knows)
    listed = set(manager.adapter.list_indexes())
    assert listed == {
        IndexSpec("Person", "id", "UNIQUE"),
        IndexSpec("Person", "age", "RANGE"),
        IndexSpec("Person", "bio", "FULLTEXT"),
        IndexSpec("Person", "motto", "FULLTEXT"),
        IndexSpec("Person", "face", "VECTOR"),
        IndexSpec("Person", "last", "RANGE"),
        IndexSpec("Person", "first", "RANGE"),
        IndexSpec("KNOWS", "since", "RANGE", "EDGE"),
    }


def test_a_raw_handle_is_accepted_as_the_reference_says(graph: Any) -> None:
    IndexManager(graph).create_indexes(Knows)
    result = SchemaManager(graph).validate_schema([Knows])
    assert result == ValidationResult(is_valid=True)
    assert graph.list_indices().result_set[0][0] == "KNOWS"


def test_validation_tells_missing_and_extra_and_sync_mends_it(driver: FalkorDBDriver) -> None:
    schema = SchemaManager(driver)
    result = schema.validate_schema([Person, Knows])
    assert not result.is_valid
    assert set(result.missing_indexes) == DECLARED | {IndexSpec("KNOWS", "since", "RANGE", "EDGE")}
    schema.sync_schema([Person, Knows])
    assert schema.validate_schema([Person, Knows]).is_valid
    schema.adapter.create_range_index("Person", "shoe_size")
    schema.adapter.create_range_index("SomebodyElses", "k")
    result = schema.validate_schema([Person, Knows])
    assert (result.is_valid, result.extra_indexes) == (False, [IndexSpec("Person", "shoe_size", "RANGE")])
    schema.sync_schema([Person, Knows])
    assert not schema.validate_schema([Person, Knows]).is_valid
    schema.sync_schema([Person, Knows], drop_extra=True)
    assert schema.validate_schema([Person, Knows]).is_valid
    assert IndexSpec("SomebodyElses", "k", "RANGE") in schema.adapter.list_indexes()


def test_what_cannot_be_created_is_named(driver: FalkorDBDriver) -> None:
    with pytest.raises(MetadataError, match=r"Blind.*dimension"):
        IndexManager(driver).create_indexes(Blind)
    driver.execute("CREATE (:Person {id: 'x'}), (:Person {id: 'x'})")
    with pytest.raises(ConstraintViolation, match="x x 2"):
        SchemaManager(driver).sync_schema([Person])
    result = SchemaManager(driver).validate_schema([dict])
    assert not result.is_valid
    assert result.errors


def test_create_adapter_opens_a_connection_of_its_own(falkordb_server: Server, falkordb_graph: str) -> None:
    adapter = create_adapter(
        "falkordb",
        host=falkordb_server.host,
        port=falkordb_server.port,
        graph=falkordb_graph,
        **falkordb_server.credentials,
    )
    try:
        IndexManager(adapter).create_indexes(Knows)
        assert adapter.list_indexes() == [IndexSpec("KNOWS", "since", "RANGE", "EDGE")]
        assert adapter_of(adapter) is adapter
    finally:
        adapter.close()


def test_what_is_no_handle_is_refused() -> None:
    with pytest.raises(UnknownHandleError):
        IndexManager(object())
    with pytest.raises(TypeError, match="sync driver"):
        IndexManager(create_async_falkordb_driver())
