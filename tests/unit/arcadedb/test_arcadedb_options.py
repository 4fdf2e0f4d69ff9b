"""Options, URLs, models and raw statements of ArcadeDB, without a server."""

from __future__ import annotations

import pytest

from runic.orm import Edge, Field, MetaData, MetadataError, Node, Relation, select
from runic.orm.compile.compiler import compile_execution
from runic.orm.driver.arcadedb import create_arcadedb_driver
from runic.orm.driver.arcadedb.dialect import DIALECT
from runic.orm.driver.arcadedb.driver import options_from_url
from runic.orm.driver.bolt.statements import writes
from runic.orm.plugin.url import parse_url


def test_a_url_says_where_statements_and_sql_go() -> None:
    target = parse_url(
        "arcadedb://ann:s3cret@db.example:7688/Films?http_port=2481&http_host=web&fetch_size=5"
    )
    options = options_from_url(target)
    assert options == {
        "host": "db.example",
        "port": 7688,
        "database": "Films",
        "username": "ann",
        "password": "s3cret",
        "http_port": 2481,
        "http_host": "web",
        "fetch_size": 5,
    }
    driver = create_arcadedb_driver(**options)
    assert driver.endpoint.address == "http://web:2481"
    assert "s3cret" not in f"{driver!r} {driver.endpoint!r} {driver.options!r}"


def test_tls_of_bolt_is_tls_of_http_unless_it_is_told_otherwise() -> None:
    assert create_arcadedb_driver("h", encrypted=True).endpoint.address == "https://h:2490"
    assert create_arcadedb_driver("h", encrypted=True, http_tls=False).endpoint.address == "http://h:2480"


@pytest.mark.parametrize(
    "option",
    [
        {"timeout": 5.0},
        {"routing": True},
        {"token": "x"},
        {"http_port": "2480"},
        {"http_tls": 1},
        {"prot": 1},
    ],
)
def test_options_that_the_server_has_not_are_refused(option: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(option))):
        create_arcadedb_driver("h", **option)  # type: ignore[arg-type]


@pytest.mark.parametrize("query", ["http_port=x", "http_tls=perhaps", "nonsense=1"])
def test_a_url_with_a_wrong_option_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=query.partition("=")[0]):
        options_from_url(parse_url(f"arcadedb://h/db?{query}"))


READS = [
    "MATCH (n) RETURN n.set, n.`create`",
    "MATCH (n:Create)-[:SET]->() WHERE n.name = 'DELETE me' RETURN n",
    'RETURN "MERGE \\" SET" // CREATE\n',
    "/* DETACH DELETE */ RETURN $set",
    "CALL db.labels() YIELD label RETURN label",
    "CALL { MATCH (n) RETURN count(n) AS c } RETURN c",
    "SHOW INDEXES",
]
WRITES = [
    "CREATE (n)",
    "match (n) set n.a = 1",
    "MATCH (n) CALL (n) { MERGE (m:X) } RETURN 1",
    "MATCH (n) DETACH DELETE n",
    "MATCH (n) FOREACH (x IN [1] | REMOVE n.a)",
    "DROP INDEX x",
    "LOAD CSV FROM 'x' AS r RETURN r",
    "CALL apoc.create.node(['A'], {})",
]


@pytest.mark.parametrize("text", READS)
def test_a_statement_that_reads_is_told_from_one_that_writes(text: str) -> None:
    assert not writes(text)


@pytest.mark.parametrize("text", WRITES)
def test_a_statement_that_may_write_is_told(text: str) -> None:
    assert writes(text)


def test_a_label_that_is_a_relationship_type_too_is_refused_by_name() -> None:
    models = MetaData()

    class Base(Node, metadata=models): ...

    class Rated(Base, labels=["RATED"]):
        id: str = Field(primary_key=True)

    class Person(Base, labels=["Person"]):
        id: str = Field(primary_key=True)
        rated: list[Rated] = Relation(relationship="RATED", direction="OUTGOING", target="Rated")

    for cls in (Rated, Person):
        with pytest.raises(MetadataError, match=r"'RATED' is a label of Rated and the relationship type"):
            compile_execution(select(cls), DIALECT)


def test_the_type_of_an_edge_class_is_checked_too() -> None:
    models = MetaData()

    class Base(Node, metadata=models): ...

    class Mark(Base, labels=["MARK"]):
        id: str = Field(primary_key=True)

    class MarkEdge(Edge, type="MARK", metadata=models):
        since: int = Field()

    class Innocent(Base, labels=["Innocent"]):
        id: str = Field(primary_key=True)

    with pytest.raises(MetadataError, match="MARK"):
        compile_execution(select(Mark), DIALECT)
    assert compile_execution(select(Innocent), DIALECT).text


def test_a_predicate_of_many_terms_is_nested() -> None:
    models = MetaData()

    class Base(Node, metadata=models): ...

    class Thing(Base, labels=["Thing"]):
        id: str = Field(primary_key=True)

    predicate = Thing.id == "0"
    for number in range(1, 300):
        predicate = predicate | (Thing.id == str(number))
    text = compile_execution(select(Thing).where(predicate), DIALECT).text
    assert text.count("$p") == 300
    # The server refuses more than 200 terms in a row.
    assert max(run.count(" OR ") for run in text.split("(")) < 100
