"""What AGE's statements say about themselves, and how they are put into SQL."""

from __future__ import annotations

import pytest

from runic.orm import InvalidNameError, QueryError, UnsupportedByBackendError
from runic.orm.driver.age.dialect import DIALECT, dialect_of
from runic.orm.driver.age.search import whole_text
from runic.orm.driver.age.sql import validate_graph_name, wrap
from runic.orm.driver.age.tokens import read


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("MATCH (n) RETURN n", ("n",)),
        ("MATCH (n) RETURN n.a AS x, n.b", ("x", "n.b")),
        ("MATCH (n) RETURN DISTINCT n.a AS `x y`, count(*)", ("x y", "count(*)")),
        ("RETURN [1, 2], {a: 1, b: 2}, f(1, 2)", ("[1, 2]", "{a: 1, b: 2}", "f(1, 2)")),
        ("RETURN 'a, b' AS x, \"c, 'd\" AS y", ("x", "y")),
        ("RETURN `a, b` ORDER BY 1 SKIP 1 LIMIT 2", ("a, b",)),
        ("RETURN 1 AS a UNION ALL RETURN 2 AS a", ("a",)),
        ("MATCH (n) WITH n, 1 AS one RETURN n, one // , not this", ("n", "one")),
        ("MATCH (n) /* RETURN a, b */ RETURN n", ("n",)),
        ("MATCH (n) WHERE COUNT { MATCH (n)-->(m) RETURN m } > 1 RETURN n.k", ("n.k",)),
        ("CREATE (n:X)", ()),
        ("return 'it\\'s', 2", ("'it\\'s'", "2")),
    ],
)
def test_the_columns_of_a_text_are_told(text: str, columns: tuple[str, ...]) -> None:
    assert read(text).columns == columns


def test_parameters_are_told_from_text_that_looks_like_them() -> None:
    text = "MATCH (n {a: $one}) WHERE n.b = '$two' AND n.`$three` = $four // $five"
    assert read(text).parameters == {"one", "four"}


@pytest.mark.parametrize("text", ["MATCH (n) RETURN *", "RETURN 'never closed", "RETURN `x"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read(text)


@pytest.mark.parametrize(
    "text", ["MATCH (n) WHERE id(n) IN $ids RETURN n", "MATCH (n) WHERE NOT ID ( n ) in [1] RETURN n"]
)
def test_what_kills_the_server_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedByBackendError, match="UNWIND"):
        read(text)


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("MATCH (n) RETURN n.set, n.delete", False),
        ("MATCH (n:Create) RETURN n", False),
        ("MATCH (n) SET n.x = 1", True),
        ("MATCH (n) DETACH DELETE n", True),
    ],
)
def test_a_text_that_writes_is_known(text: str, writes: bool) -> None:
    assert read(text).writes is writes


def test_the_dollar_tag_is_not_in_the_text() -> None:
    sql = wrap("people", "RETURN '$$ $q$' AS x;")
    tag = sql.split(" ")[4]
    assert tag.startswith("$q")
    assert sql.count(tag) == 2
    assert sql.endswith("AS (c0 ag_catalog.agtype)")
    assert ";" not in sql


@pytest.mark.parametrize("name", ["", "ab", "1abc", "a'b", 'a"b', "a;b", "a b", "g" * 64, None, "a\0bc"])
def test_a_bad_graph_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidNameError):
        validate_graph_name(name)


def test_names_that_postgresql_would_cut_are_refused() -> None:
    assert DIALECT.quote("x" * 63) == f"`{'x' * 63}`"
    with pytest.raises(InvalidNameError, match="63"):
        DIALECT.quote("x" * 64)
    with pytest.raises(InvalidNameError, match="63"):
        DIALECT.quote("é" * 32)


@pytest.mark.parametrize(
    ("pattern", "whole"), [("a.*", r"\A(?:a.*)\Z"), ("(?i)a|b", r"(?i)\A(?:a|b)\Z"), ("[)]", r"\A(?:[)])\Z")]
)
def test_a_pattern_is_about_the_whole_text(pattern: str, whole: str) -> None:
    assert whole_text(pattern) == whole


@pytest.mark.parametrize("pattern", ["a)|(b", "(", "***:a"])
def test_a_pattern_that_would_change_what_is_anchored_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        whole_text(pattern)


def test_older_servers_have_a_dialect_of_their_own() -> None:
    assert dialect_of(()) is dialect_of((1, 8, 0)) is DIALECT
    assert dialect_of((1, 6, 0)).on_create is False
