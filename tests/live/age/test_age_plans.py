"""What PostgreSQL does with runic's statements at 10,000 rows, as EXPLAIN tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from runic.orm import Edge, Field, Node, Relation, Session, Vector, score
from runic.orm.compile.dialect import THEN
from runic.orm.compile.steps import (
    CreateEdges,
    DeleteEdges,
    End,
    Match,
    MergeNodes,
    UpdateEdges,
    UpdateNodes,
    Write,
)
from runic.orm.compile.write import statement_text
from runic.orm.driver.age import AGEDriver, create_age_driver
from runic.orm.driver.age.agtype import encode_trusted
from runic.orm.driver.age.dialect import DIALECT
from runic.orm.driver.age.index_adapter import AGEIndexAdapter
from runic.orm.driver.age.sql import wrap
from runic.orm.schema.index_manager import extract_declared_specs
from runic.orm.session.blocking import run_blocking
from runic.orm.session.load import edge_text, key_text, one_text, relation_text
from tests.servers.base import Server

ROWS = 10_000


class Star(Node):
    k: int = Field(primary_key=True)
    name: str | None = Field(default=None, index_type="FULLTEXT")
    note: str | None = Field(default=None, index_type="FULLTEXT")


class Planet(Node):
    k: int = Field(primary_key=True, unique=True)
    text: str = Field(index_type="FULLTEXT")
    place: Vector | None = Field(default=None, index_type="VECTOR", dimension=3, similarity="cosine")
    moons: list[Planet] = Relation(relationship="HAS_MOON", direction="OUTGOING", target="Planet")


@pytest.fixture(scope="module")
def loaded(age_server: Server) -> Iterator[AGEDriver]:
    """10,000 planets in a chain, indexed as they declare."""
    graph = "test_age_plans"
    age_server.reset(graph)
    options = {"host": age_server.host, "port": age_server.port, **age_server.credentials}
    with create_age_driver(**options, graph=graph) as driver:
        adapter = AGEIndexAdapter(driver)
        adapter.ensure_entity_types([Planet, Star])
        for spec in (*extract_declared_specs(Planet), *extract_declared_specs(Star)):
            adapter.create(spec)
        with Session(driver) as session:
            planets = [
                Planet(k=n, text=f"word{n} planet", place=Vector([1.0, n / 100, 0.5])) for n in range(ROWS)
            ]
            session.add_all(planets)
            session.flush()
            for a, b in pairwise(planets):
                session.relate(a, "moons", b)
            session.add_all(
                [Star(k=n, name=f"word{n} star", note=f"in the sky, other{n}") for n in range(ROWS)]
            )
            session.add_all(
                [Star(k=-1, name="word77 alone"), Star(k=-2, note="word77 alone"), Star(k=-3, name="the sky")]
            )
        driver.sql("ANALYZE")
        yield driver
    age_server.reset(graph)


def plan(driver: AGEDriver, text: str, parameters: dict[str, Any]) -> str:
    sql = f"EXPLAIN (COSTS OFF) {wrap(driver.graph_name, text, compiled=True).sql}"
    return "\n".join(row[0] for row in driver.sql(sql, encode_trusted(parameters)))


def test_a_look_up_by_key_uses_its_index(loaded: AGEDriver) -> None:
    text = one_text(Planet, DIALECT)
    assert "Index Scan" in plan(loaded, text, {"key": 5})
    text, _ = key_text(Planet, DIALECT)
    found = plan(loaded, text, {"keys": list(range(10))})
    assert "Index Scan" in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize("containment", ["on", "off"])
def test_a_merge_uses_the_index_of_its_key(loaded: AGEDriver, containment: str) -> None:
    """Also for those who may not switch containment off, by which maps in patterns pass by every index."""
    key, write = Write((("k", "{v}"),)), Write((("text", "{v}"),))
    text = statement_text(MergeNodes(("Planet",), ("Planet",), key, (write,)), DIALECT)
    loaded.begin()
    try:
        assert loaded._transaction is not None
        run_blocking(loaded._transaction.sql(f"SET LOCAL age.enable_containment = {containment}"))
        for part in text.split(THEN):
            sql = f"EXPLAIN (COSTS OFF) {wrap(loaded.graph_name, part, compiled=True).sql}"
            payload = encode_trusted({"rows": [[n, n, "x"] for n in range(10)]})
            found = str(run_blocking(loaded._transaction.sql(sql, (payload,))))
            assert "Index Scan" in found
            assert "Seq Scan" not in found
    finally:
        loaded.rollback()


def test_an_update_finds_its_nodes_by_an_index(loaded: AGEDriver) -> None:
    shape = UpdateNodes(Match(("k", "{v}"), label="Planet"), (Write((("text", "{v}"),)),))
    found = plan(loaded, statement_text(shape, DIALECT), {"rows": [[0, 1, 5, "x"]]})
    assert "Index Scan" in found
    assert "Seq Scan" not in found


class HasMoon(Edge, type="HAS_MOON"):
    since: int | None = Field(default=None)


def test_one_edge_is_not_looked_for_among_all(loaded: AGEDriver) -> None:
    a, b, r = loaded.execute("MATCH (a)-[r:HAS_MOON]->(b) RETURN id(a), id(b), id(r) LIMIT 1").rows[0]
    update = statement_text(UpdateEdges("HAS_MOON", None, (Write((("since", "{v}"),)),)), DIALECT)
    delete = statement_text(
        DeleteEdges("HAS_MOON", planet := End(match=Match(label="Planet")), planet), DIALECT
    )
    for text, row in (
        (update, [0, a, b, r, 7]),
        (delete, [0, a, b]),
        (edge_text(HasMoon, DIALECT), [a, b, r]),
    ):
        found = plan(loaded, text, {"rows": [row]})
        assert 'Seq Scan on "' not in found  # _ag_label_vertex is empty
        assert re.search('Index Scan using "HAS_MOON_(start|end)_id_idx"', found)
    loaded.execute(update, {"rows": [[0, a, b, r, 7]]})
    assert loaded.execute("MATCH ()-[r:HAS_MOON]->() WHERE r.since = 7 RETURN id(r)").rows == [[r]]


def test_an_eager_load_uses_indexes_on_both_sides(loaded: AGEDriver) -> None:
    with Session(loaded) as session:
        planets = session.get_many(Planet, range(10))
        rows = [[n, p._runic_state.id, p.k] for n, p in enumerate(planets) if p]
    text = relation_text(Planet, Planet.moons, DIALECT)  # type: ignore[arg-type]
    found = plan(loaded, text, {"rows": rows})
    assert "Seq Scan" not in found
    assert found.count("Index") >= 3


def test_words_in_several_fields_are_looked_up_in_the_indexes_of_all(loaded: AGEDriver) -> None:
    from runic.orm.compile.compiler import compile_execution

    def found(text: str) -> list[int]:
        return sorted(each.k for each in session.fulltext_search(Star, query=text, syntax="plain").all())

    with Session(loaded) as session:
        # A common word beside a rare one; fields without value; words that are in every English text.
        assert found("word77 sky") == [77]
        assert found("sky word77 other77 star") == [77]
        assert found("sky word77 other78 star") == []
        assert found("word77") == [-2, -1, 77]
        assert found("the word77 of alone") == [-2, -1]
        assert found("the of and in") == []
        words = compile_execution(session.fulltext_search(Star, query="word7 sky", syntax="plain"), DIALECT)
        one = session.fulltext_search(Star, query="word7", fields=["name"], syntax="plain")
        name = compile_execution(one, DIALECT)
        scored = compile_execution(one.project(Star.k, score()), DIALECT)
    for each in (words, name, scored):
        shown = plan(loaded, each.text, dict(each.parameters))
        assert "Bitmap Index Scan" in shown
        assert "Seq Scan" not in shown


def test_hits_that_postgresql_ranks_zero(loaded: AGEDriver) -> None:
    with Session(loaded) as session:
        search = session.fulltext_search(Star, query="-star", fields=["name"])
        assert {row["k"]: row["score"] for row in search.project(Star.k, score()).all_rows()} == {
            -1: 1.0,
            -3: 1.0,
        }


def test_searches_use_their_indexes(loaded: AGEDriver) -> None:
    from runic.orm.compile.compiler import compile_execution

    with Session(loaded) as session:
        words = compile_execution(session.fulltext_search(Planet, query="word77"), DIALECT)
        near = session.vector_search(Planet, field=Planet.place, vector=[1.0, 0.0, 0.5], k=60)
        nearest = compile_execution(near, DIALECT)
        found = [each.k for each in near.all()]
        assert len(found) == 60  # an HNSW index alone looks at 40
        assert found[:10] == list(range(10))
    assert "Bitmap Index Scan" in plan(loaded, words.text, dict(words.parameters))
    assert "Order By" in plan(loaded, nearest.text, dict(nearest.parameters))


def test_the_ends_of_a_new_edge_are_found_by_their_index(loaded: AGEDriver) -> None:
    a, b = loaded.execute("MATCH (a:Planet)-[:HAS_MOON]->(b) RETURN id(a), id(b) LIMIT 1").rows[0]
    stored = End(match=Match(label="Planet"))
    text = statement_text(CreateEdges("HAS_MOON", stored, stored, ()), DIALECT)
    found = plan(loaded, text, {"rows": [[0, a, b]]})
    assert "Seq Scan" not in found
    assert found.count("Index") >= 2
