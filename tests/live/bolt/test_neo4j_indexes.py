"""Indexes and constraints on a real Neo4j, and the managers on top of them."""

from __future__ import annotations

import pytest

from runic.migrate import IndexManager, SchemaManager, create_adapter
from runic.orm import Field, Index, Node, Session, Vector
from runic.orm.driver.bolt import BoltDriver
from runic.orm.driver.neo4j.index_adapter import Neo4jIndexAdapter
from runic.orm.exceptions import (
    ConstraintViolation,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.query.expressions import score
from runic.orm.schema.index_manager import IndexSpec
from tests.servers.base import Server

BOTH = pytest.mark.parametrize("neo4j_server", ["neo4j", "neo4j_2026"], indirect=True)


class Paper(Node, labels=["Paper"], indexes=[Index("year", "title")]):
    id: str = Field(primary_key=True, unique=True)
    title: str = Field(default="", index_type="FULLTEXT")
    text: str = Field(default="", index_type="FULLTEXT")
    year: int = Field(default=0, index=True)
    look: Vector | None = Field(default=None, index_type="VECTOR", dimension=3, similarity="cosine")
    shape: Vector | None = Field(default=None, index_type="VECTOR", dimension=2, similarity="euclidean")


@pytest.fixture
def adapter(driver: BoltDriver) -> Neo4jIndexAdapter:
    return Neo4jIndexAdapter(driver)


def names(driver: BoltDriver) -> set[str]:
    return {
        row[0]
        for row in driver.execute("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name").rows
    }


@BOTH
def test_managers_bring_a_model_s_indexes_and_see_them(driver: BoltDriver, neo4j: Server) -> None:
    manager = SchemaManager(driver)
    assert len(manager.validate_schema([Paper]).missing_indexes) == 7
    IndexManager(driver).create_indexes(Paper)
    IndexManager(driver).ensure_indexes(Paper)
    assert manager.validate_schema([Paper]).is_valid
    assert names(driver) == {
        "unique_Paper_id",
        "fulltext_Paper",
        "range_Paper_year",
        "range_Paper_year_title",
        "vector_Paper_look",
        "vector_Paper_shape",
    }
    driver.execute("CREATE INDEX odd FOR (n:Paper) ON (n.odd)")
    extra = manager.validate_schema([Paper]).extra_indexes
    assert extra == [IndexSpec("Paper", "odd", "RANGE")]
    manager.sync_schema([Paper], drop_extra=True)
    assert manager.validate_schema([Paper]).is_valid
    adapter = create_adapter(neo4j.url, **neo4j.credentials)
    assert set(adapter.list_indexes()) == set(manager.adapter.list_indexes())
    adapter.close()


@BOTH
def test_scores_of_vectors_are_similarities_with_and_without_a_filter(driver: BoltDriver) -> None:
    IndexManager(driver).create_indexes(Paper)
    with Session(driver) as session:
        session.add_all(
            [
                Paper(id="same", look=Vector([1, 0, 0]), shape=Vector([0, 0]), year=1),
                Paper(id="near", look=Vector([1, 1, 0]), shape=Vector([0, 1]), year=1),
                Paper(id="square", look=Vector([0, 1, 0]), shape=Vector([0, 2]), year=1),
                Paper(id="far", look=Vector([-1, 0, 0]), shape=Vector([0, 3]), year=2),
            ]
        )
    cosine = {"same": 1.0, "near": (1 + 0.5**0.5) / 2, "square": 0.5, "far": 0.0}
    euclid = {"same": 1.0, "near": 1 / 2, "square": 1 / 5, "far": 1 / 10}
    with Session(driver) as session:
        for field, vector, wanted in ((Paper.look, [2, 0, 0], cosine), (Paper.shape, [0, 0], euclid)):
            for search in (
                session.vector_search(Paper, field=field, vector=vector, k=4),
                session.vector_search(Paper, field=field, vector=vector, k=4).where(Paper.year > 0),
            ):
                rows = search.project(Paper.id, score().as_("s")).all_rows()
                assert [row["id"] for row in rows] == ["same", "near", "square", "far"]
                assert {row["id"]: row["s"] for row in rows} == pytest.approx(wanted, abs=2e-3)


def test_fulltext_properties_share_the_label_s_index(adapter: Neo4jIndexAdapter, driver: BoltDriver) -> None:
    adapter.create_fulltext_index("Paper", "title", language="english")
    adapter.create_fulltext_index("Paper", "text", "title")
    assert names(driver) == {"fulltext_Paper"}
    assert set(adapter.list_indexes()) == {
        IndexSpec("Paper", "title", "FULLTEXT"),
        IndexSpec("Paper", "text", "FULLTEXT"),
    }
    driver.execute("CREATE (:Paper {id: '1', text: 'running shoes'})")
    with Session(driver) as session:
        # The language stays when a property is added.
        assert [p.id for p in session.fulltext_search(Paper, query="run").all()] == ["1"]
        with pytest.raises(ServerError):
            session.fulltext_search(Paper, query="(unbalanced").all()
        session.rollback()
        assert session.fulltext_search(Paper, query="shoe", fields=["title"]).all() == []
    adapter.drop(IndexSpec("Paper", "title", "FULLTEXT"))
    assert adapter.list_indexes() == [IndexSpec("Paper", "text", "FULLTEXT")]
    with pytest.raises(UnsupportedByBackendError, match="stopwords"):
        adapter.create_fulltext_index("Paper", "title", stopwords=["the"])


def test_duplicates_are_shown_and_nothing_is_left_behind(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("UNWIND ['x', 'x', 'x', 'y', null, null] AS k CREATE (:D {k: k})")
    adapter.create_range_index("D", "k")
    with pytest.raises(ConstraintViolation, match="x x 3"):
        adapter.create_unique_constraint("D", "k")
    # The plain index that would have given way is still there.
    assert adapter.list_indexes() == [IndexSpec("D", "k", "RANGE")]
    driver.execute("MATCH (n:D {k: 'x'}) DELETE n")
    adapter.create_unique_constraint("D", "k")
    assert adapter.list_indexes() == [IndexSpec("D", "k", "UNIQUE")]
    adapter.create_range_index("D", "k")
    with pytest.raises(ConstraintViolation):
        driver.execute("CREATE (:D {k: 'y'})")
    adapter.drop(IndexSpec("D", "k", "UNIQUE"), if_exists=False)
    with pytest.raises(ServerError, match="there is no"):
        adapter.drop(IndexSpec("D", "k", "UNIQUE"), if_exists=False)


def test_edges_points_texts_and_several_properties(adapter: Neo4jIndexAdapter) -> None:
    specs = [
        IndexSpec("T", "w", "RANGE", "EDGE"),
        IndexSpec("T", "u", "UNIQUE", "EDGE"),
        IndexSpec("T", "note", "FULLTEXT", "EDGE"),
        IndexSpec("P", "at", "POINT"),
        IndexSpec("P", "s", "TEXT"),
        IndexSpec("P", "a", "RANGE", "NODE", ("a", "b")),
        IndexSpec("P", "a", "UNIQUE", "NODE", ("a", "c")),
    ]
    for spec in specs:
        adapter.create(spec)
        adapter.create(spec)
        with pytest.raises(ServerError):
            adapter.create(spec, if_not_exists=False)
    assert set(adapter.list_indexes()) == set(specs)
    for spec in specs:
        adapter.drop(spec)
        adapter.drop(spec)
    assert adapter.list_indexes() == []


def test_an_index_of_another_name_is_recognised_and_dropped(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE INDEX `odd ``name` FOR (n:A) ON (n.k)")
    adapter.create_range_index("A", "k")
    assert names(driver) == {"odd `name"}
    adapter.drop(IndexSpec("A", "k", "RANGE"))
    assert names(driver) == set()


def test_what_the_edition_has_not_is_refused_by_name(adapter: Neo4jIndexAdapter) -> None:
    with pytest.raises(UnsupportedByBackendError, match="Enterprise"):
        adapter.create_mandatory_constraint("A", "k")
    with pytest.raises(MetadataError, match="similarity"):
        adapter.create_vector_index("A", "v", dimension=3, similarity="manhattan")
    with pytest.raises(MetadataError, match="dimension"):
        adapter.create_vector_index("A", "v", dimension=0)
    with pytest.raises(MetadataError, match="unknown index type"):
        adapter.create(IndexSpec("A", "k", "BTREE"))
