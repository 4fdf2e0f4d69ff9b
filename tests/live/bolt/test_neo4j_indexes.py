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


# -- what the server made and cannot use ----------------------------------------------------------

LARGE = "x" * 20_000  # more than an index takes


@BOTH
def test_an_index_that_could_not_be_populated_is_an_error_each_time(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE (:Big {k: $v})", {"v": LARGE})
    for _ in range(2):
        with pytest.raises(
            ServerError, match=r"RANGE :Big\(k\) could not be made: .*too large to index"
        ) as told:
            adapter.create_range_index("Big", "k")
        assert "\n" not in str(told.value)  # no stack trace
        assert names(driver) == set()
    with pytest.raises(ServerError, match="too large"):
        adapter.create_unique_constraint("Big", "k")
    assert adapter.list_indexes() == []
    driver.execute("MATCH (n:Big) DELETE n")
    adapter.create_range_index("Big", "k")
    assert adapter.list_indexes() == [IndexSpec("Big", "k", "RANGE")]


def test_a_failed_index_of_somebody_else_is_not_there_and_gives_way(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE (:Big {k: $v})", {"v": LARGE})
    driver.execute("CREATE INDEX theirs FOR (n:Big) ON (n.k)")
    with pytest.raises(ServerError, match=r"(?i)failed state"):
        driver.execute("CALL db.awaitIndexes(60)")
    assert adapter.list_indexes() == []
    driver.execute("MATCH (n:Big) DELETE n")
    adapter.create_range_index("Big", "k")
    assert names(driver) == {"range_Big_k"}
    assert adapter.list_indexes() == [IndexSpec("Big", "k", "RANGE")]


def test_a_unique_constraint_replaces_an_index_that_failed(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE (:Big {k: $v})", {"v": LARGE})
    driver.execute("CREATE INDEX theirs FOR (n:Big) ON (n.k)")
    with pytest.raises(ServerError, match=r"(?i)failed state"):
        driver.execute("CALL db.awaitIndexes(60)")
    driver.execute("MATCH (n:Big) DELETE n")
    adapter.create_unique_constraint("Big", "k")
    assert adapter.list_indexes() == [IndexSpec("Big", "k", "UNIQUE")]


# -- what somebody else made ------------------------------------------------------------------------


def test_a_name_that_somebody_else_took_is_an_error_and_theirs_stays(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE INDEX range_A_k FOR (n:Theirs) ON (n.q)")
    driver.execute("CREATE FULLTEXT INDEX fulltext_A FOR (n:Theirs|Other) ON EACH [n.q]")
    theirs = set(adapter.list_indexes())
    for create in (adapter.create_range_index, adapter.create_fulltext_index):
        with pytest.raises(ServerError, match="already exists an index called"):
            create("A", "k")
        assert set(adapter.list_indexes()) == theirs
    driver.execute("DROP INDEX fulltext_A")
    driver.execute("CREATE FULLTEXT INDEX fulltext_A FOR (n:A|Other) ON EACH [n.q]")
    with pytest.raises(ServerError, match=r"'fulltext_A' is for Other as well as A"):
        adapter.create_fulltext_index("A", "k")
    with pytest.raises(ServerError, match="drop it by its name"):
        adapter.drop(IndexSpec("A", "q", "FULLTEXT"))
    assert "fulltext_A" in names(driver)


def test_an_index_that_searches_would_not_find_is_told_and_made_anew(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute(
        "CREATE VECTOR INDEX theirs FOR (n:Paper) ON (n.look) OPTIONS {indexConfig:"
        " {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
    )
    driver.execute("CREATE FULLTEXT INDEX words FOR (n:Paper) ON EACH [n.title, n.text]")
    told = {str(spec): spec.options.get("name") for spec in adapter.list_indexes()}
    assert told["VECTOR :Paper(look)"] == "theirs"
    assert told["FULLTEXT :Paper(title)"] == "words"
    with pytest.raises(ServerError, match="'theirs', and searches look for 'vector_Paper_look'"):
        adapter.create_vector_index("Paper", "look", dimension=3)

    manager = SchemaManager(driver)
    result = manager.validate_schema([Paper])
    assert {str(each) for each in result.changed_indexes} == {
        "VECTOR :Paper(look) has name 'theirs'",
        "FULLTEXT :Paper(title) has name 'words'",
        "FULLTEXT :Paper(text) has name 'words'",
    }
    with pytest.raises(ServerError, match="'words', and searches look for 'fulltext_Paper'"):
        manager.sync_schema([Paper])
    manager.sync_schema([Paper], drop_extra=True)
    assert manager.validate_schema([Paper]).is_valid
    assert {"theirs", "words"}.isdisjoint(names(driver))
    with Session(driver) as session:
        session.add(Paper(id="1", title="running shoes", look=Vector([1, 0, 0])))
    driver.execute("CALL db.awaitIndexes(60)")
    with Session(driver) as session:
        assert [p.id for p in session.fulltext_search(Paper, query="shoes").all()] == ["1"]
        assert [
            p.id for p in session.vector_search(Paper, field=Paper.look, vector=[1, 0, 0], k=1).all()
        ] == ["1"]


def test_an_index_of_somebody_else_over_the_same_stays_beside_runic_s(
    adapter: Neo4jIndexAdapter, driver: BoltDriver
) -> None:
    driver.execute("CREATE FULLTEXT INDEX words FOR (n:Paper|Other) ON EACH [n.title]")
    with pytest.raises(ServerError, match="'words'"):
        adapter.create_fulltext_index("Paper", "title")
    adapter.create_fulltext_index("Paper", "text")
    driver.execute("DROP INDEX fulltext_Paper")
    driver.execute("CREATE FULLTEXT INDEX fulltext_Paper FOR (n:Paper) ON EACH [n.title]")
    assert [dict(s.options) for s in adapter.list_indexes() if s.label == "Paper"] == [
        {"language": "standard-no-stop-words"}
    ]
    adapter.drop(IndexSpec("Paper", "title", "FULLTEXT"))
    assert names(driver) == {"words"}


@BOTH
def test_point_and_range_indexes_are_used(adapter: Neo4jIndexAdapter, driver: BoltDriver) -> None:
    driver.execute(
        "UNWIND range(1, 2000) AS i CREATE (:P {a: i, at: point({latitude: i / 100.0, longitude: 1.0})})"
    )
    adapter.create_point_index("P", "at")
    adapter.create_range_index("P", "a")
    for where in (
        "point.distance(n.at, point({latitude: 5.0, longitude: 1.0})) < 1000",
        "n.a = 5",
    ):
        plan = driver.execute(f"EXPLAIN MATCH (n:P) WHERE {where} RETURN n").raw.plan
        assert "NodeIndexSeek" in str(plan), where
