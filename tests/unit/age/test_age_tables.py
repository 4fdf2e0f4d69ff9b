"""Steps of a flush as SQL over the tables of labels, and those that have to be Cypher."""

from __future__ import annotations

import pytest

from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteNodes,
    End,
    Match,
    MergeNodes,
    Shape,
    UpdateNodes,
    Write,
)
from runic.orm.compile.write import statement_text
from runic.orm.driver.age.dialect import DIALECT
from runic.orm.driver.age.sql import wrap
from runic.orm.driver.age.tables import insert_text
from runic.orm.driver.port import Store

NAME = Write((("name", "{v}"),))
NEW, STORED = End(0, Match(label="Person")), End(match=Match(label="Person"))


def nodes(*writes: Write, labels: tuple[str, ...] = ("Person",)) -> CreateNodes:
    return CreateNodes(labels, writes, tuple(Store(label) for label in labels))


def test_new_nodes_go_into_the_table_of_their_own_label() -> None:
    sql = wrap(
        "people", statement_text(nodes(NAME, labels=("Person", "Employee")), DIALECT), compiled=True
    ).sql
    assert 'INSERT INTO "people"."Employee" (id, properties)' in sql
    assert """'_labels'::text, '["Person", "Employee"]'::ag_catalog.agtype""" in sql
    assert "'name'::text, r -> 1" in sql
    assert "cypher(" not in sql
    assert "`" not in sql


def test_only_ends_that_the_unit_did_not_make_are_looked_for() -> None:
    sql = insert_text(CreateEdges("KNOWS", NEW, STORED, (NAME,)))
    assert sql is not None
    assert sql.count(" JOIN ") == 1
    assert '"."Person" AS b ON b.id = (r -> 2)::ag_catalog.graphid' in sql
    assert "(r -> 1)::ag_catalog.graphid AS start_id, b.id AS end_id" in sql
    assert "'name'::text, r -> 3" in sql
    assert "JOIN" not in (insert_text(CreateEdges("KNOWS", NEW, NEW, ())) or "")


def test_many_properties_are_several_maps() -> None:
    """A function of PostgreSQL takes 100 arguments."""
    sql = insert_text(nodes(*(Write(((f"p{n}", "{v}"),)) for n in range(120))))
    assert sql is not None
    assert sql.count("agtype_build_map_nonull(") == 3
    assert sql.count(" || ") == 2


def test_no_property_is_an_empty_map() -> None:
    assert "SELECT id, '{}'::ag_catalog.agtype FROM made" in (insert_text(nodes()) or "")


def test_names_are_quoted_as_sql_wants_it() -> None:
    sql = insert_text(nodes(Write((("it's", "{v}"),)), labels=('a"b',)))
    assert sql is not None
    assert '"."a""b" (id' in sql
    assert "'it''s'::text" in sql


@pytest.mark.parametrize(
    "shape",
    [
        nodes(Write((("place", "point({v})"),))),
        CreateEdges("KNOWS", NEW, End(match=Match()), ()),
        CreateEdges("KNOWS", End(match=Match(("k", "{v}"), label="Person")), NEW, ()),
        CreateEdges("KNOWS", NEW, NEW, (Write((("place", "point({v})"),)),)),
        MergeNodes(("Person",), ("Person",), NAME, (), stores=(Store("Person"),)),
        UpdateNodes(Match(label="Person"), (NAME,)),
        DeleteNodes(Match(label="Person")),
    ],
)
def test_the_rest_is_cypher(shape: Shape) -> None:
    assert insert_text(shape) is None
    assert "UNWIND $rows" in statement_text(shape, DIALECT)


def test_raw_text_is_never_taken_for_sql() -> None:
    text = insert_text(nodes(NAME)) or ""
    assert "cypher(" in wrap("people", text).sql
