"""What the text of a statement is for each version of the extension."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runic.orm import Field, InvalidNameError, Node, Vector, count, select
from runic.orm.compile.compiler import compile_execution
from runic.orm.compile.dialect import THEN, Capability
from runic.orm.compile.steps import End, Match, MergeEdges, MergeNodes, UpdateNodes, Write
from runic.orm.compile.write import statement_text
from runic.orm.core.metadata import metadata, node_meta
from runic.orm.driver.age.dialect import DIALECT, AGEDialect, dialect_of

OLD, UNKNOWN = dialect_of((1, 5, 0)), dialect_of(())
KEY, NAME = Write((("k", "{v}"),)), Write((("name", "{v}"),))
MERGE = MergeNodes(("P",), ("P",), KEY, (NAME,), version="v")
LINK = MergeEdges("T", End(match=Match(label="P")), End(match=Match(label="P")), (NAME,), keep=True)


class Crate(Node):
    k: int = Field(primary_key=True)
    size: int = 0
    place: Vector | None = Field(default=None, index_type="VECTOR", dimension=3)


@pytest.fixture(autouse=True)
def _models_of_this_test() -> Iterator[None]:
    registered = metadata.snapshot()
    yield
    metadata.restore(registered)


def test_the_current_version_merges_edges_in_one_statement() -> None:
    assert " ON CREATE SET r.`name` = row[3] RETURN" in statement_text(LINK, DIALECT)


@pytest.mark.parametrize("dialect", [OLD, UNKNOWN, DIALECT], ids=["old", "unknown", "current"])
def test_merging_nodes_creates_first_and_sets_what_was_there(dialect: AGEDialect) -> None:
    head = "UNWIND $rows AS row WITH row LIMIT size($rows)"
    create, update = statement_text(MERGE, dialect).split(THEN)
    assert create == (
        f"{head} OPTIONAL MATCH (o:`P`) WHERE o.`k` = row[1] WITH row, o WHERE o IS NULL"
        " CREATE (n:`P` {`k`: row[1], `name`: row[2], `v`: 1}) RETURN row[0], id(n), n.`v`"
    )
    before, index = ("", "row[0]") if dialect is DIALECT else ("WITH row, row[0] AS i ", "i")
    assert update == (
        f"{head} {before}MATCH (n:`P`) WHERE n.`k` = row[1]"
        f" SET n.`name` = row[2], n.`v` = coalesce(n.`v`, 0) + 1 RETURN {index}, id(n), n.`v`"
    )


@pytest.mark.parametrize("dialect", [OLD, UNKNOWN], ids=["old", "unknown"])
def test_an_older_one_creates_edges_first_and_sets_what_was_there(dialect: AGEDialect) -> None:
    head = "UNWIND $rows AS row WITH row LIMIT size($rows)"
    ends = "MATCH (a:`P`) WHERE id(a) = row[1] MATCH (b:`P`) WHERE id(b) = row[2]"
    create, update = statement_text(LINK, dialect).split(THEN)
    assert create == (
        f"{head} WITH row, row[0] AS i {ends} OPTIONAL MATCH (a)-[o:`T`]->(b) WITH row, i, a, b, o"
        " WHERE o IS NULL CREATE (a)-[r:`T` {`name`: row[3]}]->(b) RETURN i, min(id(r))"
    )
    assert update == f"{head} WITH row, row[0] AS i {ends} MATCH (a)-[r:`T`]->(b) RETURN i, min(id(r))"


def test_an_older_one_returns_no_variable_that_a_set_has_read() -> None:
    shape = UpdateNodes(Match(label="P"), (NAME,))
    assert statement_text(shape, DIALECT).endswith("SET n.`name` = row[2] RETURN row[0]")
    assert statement_text(shape, OLD).endswith("SET n.`name` = row[2] RETURN i")


def test_an_older_one_orders_by_no_name_of_the_same_clause() -> None:
    grouped = select(Crate).project(Crate.size, count()).order_by(Crate.size)
    assert compile_execution(grouped, DIALECT).text.splitlines()[1:] == [
        "RETURN `n`.`size` AS `c0`, count(*) AS `c1`",
        "ORDER BY `c0`",
    ]
    assert compile_execution(grouped, OLD).text.splitlines()[1:] == [
        "WITH `n`.`size` AS `__s0`, count(*) AS `__s1`",
        "RETURN `__s0` AS `c0`, `__s1` AS `c1`",
        "ORDER BY `__s0`",
    ]


def test_an_older_one_has_no_cursors_and_a_driver_that_knows_nothing_hopes_for_them() -> None:
    assert Capability.STREAMING not in OLD.capabilities
    assert Capability.STREAMING in UNKNOWN.capabilities


def test_a_word_that_an_older_one_reserves_is_no_field_and_no_variable_there() -> None:
    class Shelf(Node):
        k: int = Field(primary_key=True)
        limit: int = 0

    DIALECT.check_model(node_meta(Shelf))
    with pytest.raises(InvalidNameError, match=r"Shelf\.limit.*before 1\.8"):
        OLD.check_model(node_meta(Shelf))
    assert "(`end`:`Crate`)" in compile_execution(select(Crate).alias("end"), DIALECT).text
    assert "(`end__`:`Crate`)" in compile_execution(select(Crate).alias("end"), OLD).text
