"""Indexes and constraints: truly there when the call returns, listed, dropped, and repeatable."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm.driver.falkordb import FalkorDBDriver
from runic.orm.driver.falkordb.index_adapter import FalkorDBIndexAdapter
from runic.orm.exceptions import (
    ConstraintViolation,
    InvalidNameError,
    MetadataError,
    QueryTimeout,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexAdapter, IndexSpec


@pytest.fixture
def adapter(driver: FalkorDBDriver) -> FalkorDBIndexAdapter:
    return FalkorDBIndexAdapter(driver)


def plan(driver: FalkorDBDriver, text: str) -> str:
    return "\n".join(driver.command("GRAPH.EXPLAIN", driver.graph_name, text))


def test_it_is_an_index_adapter(adapter: FalkorDBIndexAdapter) -> None:
    assert isinstance(adapter, IndexAdapter)


SPECS = [
    IndexSpec("P", "a", "RANGE"),
    IndexSpec("P", "a", "RANGE", properties=("a", "b")),
    IndexSpec("T", "w", "RANGE", "EDGE"),
    IndexSpec("P", "a", "UNIQUE"),
    IndexSpec("P", "a", "UNIQUE", properties=("a", "b")),
    IndexSpec("T", "w", "UNIQUE", "EDGE"),
    IndexSpec("P", "a", "MANDATORY"),
    IndexSpec("T", "w", "MANDATORY", "EDGE"),
    IndexSpec("P", "t", "FULLTEXT"),
    IndexSpec("P", "t", "FULLTEXT", properties=("t", "u")),
    IndexSpec("T", "t", "FULLTEXT", "EDGE"),
    IndexSpec("P", "t", "FULLTEXT", options={"language": "german", "stopwords": ["der", "die"]}),
    IndexSpec("P", "v", "VECTOR", options={"dimension": 3}),
    IndexSpec("T", "v", "VECTOR", "EDGE", options={"dimension": 3, "similarity": "euclidean", "M": 8}),
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_what_is_created_is_listed_and_what_is_dropped_is_gone(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver, spec: IndexSpec
) -> None:
    driver.execute("UNWIND range(1, 2000) AS i CREATE (:P {a: i, b: i, t: 'x'})-[:T {w: i, t: 'y'}]->()")
    adapter.create(spec)
    assert set(adapter.list_indexes()) == set(adapter.expand(spec))
    statuses = driver.execute("CALL db.indexes() YIELD status RETURN status", write=False).rows
    assert all(row == ["OPERATIONAL"] for row in statuses)
    adapter.create(spec)
    with pytest.raises(ServerError, match="already"):
        adapter.create(spec, if_not_exists=False)
    adapter.drop(spec)
    assert adapter.list_indexes() == []
    adapter.drop(spec)
    with pytest.raises(ServerError):
        adapter.drop(spec, if_exists=False)


def test_a_range_index_is_used_as_soon_as_the_call_returns(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    driver.execute("UNWIND range(1, 100000) AS i CREATE (:P {a: i})")
    adapter.create_range_index("P", "a")
    assert "Index Scan" in plan(driver, "MATCH (n:P) WHERE n.a = 5 RETURN n")
    assert driver.execute("MATCH (n:P) WHERE n.a > 99990 RETURN count(n)", write=False).rows == [[10]]


def test_a_unique_constraint_holds_as_soon_as_the_call_returns(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    driver.execute("UNWIND range(1, 50000) AS i CREATE (:P {a: i})")
    adapter.create_unique_constraint("P", "a")
    with pytest.raises(ConstraintViolation):
        driver.execute("CREATE (:P {a: 777})")


def test_duplicates_fail_the_constraint_by_value_and_leave_nothing_behind(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    driver.execute("CREATE (:P {a: 'twice'}), (:P {a: 'twice'}), (:P {a: 'once'}), (:P)")
    for _ in range(2):
        with pytest.raises(ConstraintViolation, match="twice x 2"):
            adapter.create_unique_constraint("P", "a")
        assert adapter.list_indexes() == []
    driver.execute("MATCH (n:P {a: 'twice'}) WITH n LIMIT 1 DELETE n")
    adapter.create_unique_constraint("P", "a")
    assert adapter.list_indexes() == [IndexSpec("P", "a", "UNIQUE")]


@pytest.mark.parametrize("text", ["", " ", "a ", "\n", "a\x01b", "x" * 5000])
def test_a_unique_constraint_that_would_end_the_server_is_refused(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver, text: str
) -> None:
    driver.execute("CREATE (:P {a: $text}), (:P {a: 1}), (:P {a: [1]}), (:P)", {"text": text})
    with pytest.raises(ConstraintViolation, match=r"P\.a holds '"):
        adapter.create_unique_constraint("P", "a")
    assert adapter.list_indexes() == []


def test_a_failed_constraint_keeps_an_index_that_was_there_before(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    driver.execute("CREATE (:P {a: 1}), (:P {a: 1})")
    adapter.create_range_index("P", "a")
    with pytest.raises(ConstraintViolation):
        adapter.create_unique_constraint("P", "a")
    assert adapter.list_indexes() == [IndexSpec("P", "a", "RANGE")]


def test_entities_without_the_property_fail_a_mandatory_constraint(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    driver.execute("CREATE (:P {a: 1}), (:P)")
    with pytest.raises(ConstraintViolation, match="1 without a value"):
        adapter.create_mandatory_constraint("P", "a")
    assert adapter.list_indexes() == []


def test_a_vector_index_needs_its_dimension_and_finds_neighbours(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    with pytest.raises(MetadataError, match="dimension"):
        adapter.create_vector_index("P", "v")
    with pytest.raises(MetadataError, match="cosine"):
        adapter.create_vector_index("P", "v", dimension=2, similarity="hamming")
    with pytest.raises(MetadataError, match="efRuntime"):
        adapter.create_vector_index("P", "v", dimension=2, ef=3)
    with pytest.raises(MetadataError, match="positive"):
        adapter.create_vector_index("P", "v", dimension=0)
    driver.execute("UNWIND range(1, 20) AS i CREATE (:P {i: i, v: vecf32([i, 1])})")
    adapter.create_vector_index("P", "v", dimension=2, similarity="euclidean")
    ((options,),) = [[spec.options] for spec in adapter.list_indexes()]
    assert options["dimension"] == 2
    assert options["similarity"] == "euclidean"
    rows = driver.execute(
        "CALL db.idx.vector.queryNodes('P', 'v', 2, vecf32($v)) YIELD node RETURN node.i",
        {"v": [7.0, 1.0]},
        write=False,
    ).rows
    assert rows[0] == [7]


def test_fulltext_finds_words_in_its_language(adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver) -> None:
    adapter.create_fulltext_index("P", "t", "u", language="german", stopwords=["der"])
    driver.execute("CREATE (:P {t: 'die Häuser', u: 'x'})")
    rows = driver.execute(
        "CALL db.idx.fulltext.queryNodes('P', $q) YIELD node RETURN node.u", {"q": "häuser"}, write=False
    ).rows
    assert rows == [["x"]]
    adapter.create_fulltext_index("P", "t", "w", language="german", stopwords=["der"])
    assert {spec.property for spec in adapter.list_indexes()} == {"t", "u", "w"}
    with pytest.raises(ServerError, match="override"):
        adapter.create_fulltext_index("P", "z", language="french")
    with pytest.raises(UnsupportedByBackendError):
        adapter.create_fulltext_index("T", "t", entity="EDGE", language="german")
    with pytest.raises(ServerError, match="Language"):
        adapter.create_fulltext_index("Q", "t", language="klingon")


def test_indexes_of_one_property_do_not_disturb_each_other(adapter: FalkorDBIndexAdapter) -> None:
    adapter.create_unique_constraint("P", "a")
    adapter.create_fulltext_index("P", "a")
    adapter.create_range_index("P", "b")
    adapter.create_unique_constraint("P", "b", "c")
    assert set(adapter.list_indexes()) == {
        IndexSpec("P", "a", "UNIQUE"),
        IndexSpec("P", "a", "FULLTEXT"),
        IndexSpec("P", "b", "UNIQUE", properties=("b", "c")),
    }
    adapter.drop(IndexSpec("P", "a", "UNIQUE"))
    assert set(adapter.list_indexes()) == {
        IndexSpec("P", "a", "FULLTEXT"),
        IndexSpec("P", "b", "UNIQUE", properties=("b", "c")),
    }


def test_an_index_that_another_constraint_needs_stays(
    adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver
) -> None:
    """The server refuses to drop it, and then ends at the next listing of indexes (4.22)."""
    adapter.create_unique_constraint("P", "a")
    adapter.create_unique_constraint("P", "a", "b")
    adapter.drop(IndexSpec("P", "a", "UNIQUE"))
    adapter.drop(IndexSpec("P", "a", "RANGE"))
    assert adapter.list_indexes() == [IndexSpec("P", "a", "UNIQUE", properties=("a", "b"))]
    driver.execute("CREATE (:P {c: 1}), (:P {c: 1})")
    adapter.create_unique_constraint("P", "c", "a")
    with pytest.raises(ConstraintViolation):
        adapter.create_unique_constraint("P", "c")
    adapter.drop(IndexSpec("P", "a", "UNIQUE", properties=("a", "b")))
    adapter.drop(IndexSpec("P", "c", "UNIQUE", properties=("c", "a")))
    assert adapter.list_indexes() == []
    assert driver.execute("CALL db.indexes() YIELD label RETURN label", write=False).rows == []


def test_a_range_index_serves_distances(adapter: FalkorDBIndexAdapter, driver: FalkorDBDriver) -> None:
    driver.execute("UNWIND range(1, 500) AS i CREATE (:P {at: point({latitude: i / 10.0, longitude: 1.0})})")
    near = "MATCH (n:P) WHERE distance(n.at, point({latitude: 5.0, longitude: 1.0})) < 12000 RETURN count(n)"
    expected = driver.execute(near, write=False).rows
    adapter.create_point_index("P", "at")
    assert "Index Scan" in plan(driver, near)
    assert driver.execute(near, write=False).rows == expected == [[3]]


@pytest.mark.parametrize("name", ["a`b", "", "a\0b", "a`) ON (n.x) //"])
def test_names_that_cannot_be_quoted_are_refused_everywhere(adapter: FalkorDBIndexAdapter, name: str) -> None:
    calls: list[Any] = [
        lambda: adapter.create_range_index(name, "a"),
        lambda: adapter.create_range_index("P", name),
        lambda: adapter.create_unique_constraint("P", name),
        lambda: adapter.create_mandatory_constraint(name, "a"),
        lambda: adapter.create_mandatory_constraint("P", name),
        lambda: adapter.create_fulltext_index("P", name, language="german"),
        lambda: adapter.create_vector_index("P", name, dimension=2),
        lambda: adapter.drop(IndexSpec("P", name, "MANDATORY")),
    ]
    for call in calls:
        with pytest.raises(InvalidNameError):
            call()
    assert adapter.list_indexes() == []


def test_an_index_that_is_not_ready_in_time_is_an_error_that_says_so(driver: FalkorDBDriver) -> None:
    driver.execute("UNWIND range(1, 200000) AS i CREATE (:P {a: i})")
    impatient = FalkorDBIndexAdapter(driver, timeout=0.0)
    with pytest.raises(QueryTimeout, match="was not ready"):
        impatient.create_range_index("P", "a")


def test_an_index_without_properties_or_with_one_twice_is_refused(adapter: FalkorDBIndexAdapter) -> None:
    for properties in ((), ("a", "a")):
        with pytest.raises(MetadataError):
            adapter.create_range_index("P", *properties)
    with pytest.raises(MetadataError, match="unknown index type"):
        adapter.create(IndexSpec("P", "a", "BTREE"))
