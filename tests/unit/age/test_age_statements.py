"""What AGE's statements say about themselves, and how they are put into SQL."""

from __future__ import annotations

import pytest

from runic.orm import InvalidNameError, QueryError, UnsupportedByBackendError
from runic.orm.compile.dialect import Capability
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
        ("RETURN 1 AS a UNION RETURN 2 AS b ORDER BY 1", ("b",)),
        ("RETURN CASE WHEN 1=1 THEN CASE 1 WHEN 1 THEN 'a,b' ELSE 'c' END ELSE 2 END AS x, 3", ("x", "3")),
        ("RETURN {order: 1, return: [2, 3]} AS m, {`limit`: 1}.limit", ("m", "{`limit`: 1}.limit")),
        ("MATCH (n) RETURN n.return, n.order AS o, n.limit", ("n.return", "o", "n.limit")),
        ("UNWIND [1] AS return RETURN 1 AS limit, 2", ("limit", "2")),
        ("MATCH (n:Return) WHERE n:Return RETURN n", ("n",)),
        ("RETURN 'RETURN 1, 2' AS t, \"// no comment\"", ("t", '"// no comment"')),
        ("RETURN 1 // RETURN 2, 3\r, 4", ("1", "4")),
        ("RETURN 1 /* a /* b */ , 2", ("1", "2")),
        ("RETURN 'a''b', \"it's\", 'x\\\\'", ("'a''b'", '"it\'s"', "'x\\\\'")),
        ("RETURN 1 AS `a``b, c`, `d e`", ("a`b, c", "d e")),
        (
            "MATCH (n) RETURN EXISTS { MATCH (n)-->(m) RETURN m }, 2",
            ("EXISTS { MATCH (n)-->(m) RETURN m }", "2"),
        ),
        (
            "MATCH (n) RETURN [x IN [1, 2] WHERE x > 1 | {a: x}], n {.k, .v}",
            ("[x IN [1, 2] WHERE x > 1 | {a: x}]", "n {.k, .v}"),
        ),
        ("CALL pg_catalog.pi() YIELD pi", ("pi",)),
        ("CALL pg_catalog.pi() YIELD pi WHERE pi > 3", ("pi",)),
        ("CALL pg_catalog.pi() YIELD pi RETURN pi AS p, 1", ("p", "1")),
        ("CALL pg_catalog.pi()", ("pg_catalog.pi()",)),
        ("CALL pg_catalog.pi() YIELD pi CREATE (n:X {p: pi})", ()),
        ("EXPLAIN MATCH (n) RETURN n, 2", ("n", "2")),
        ("MATCH (n) RETURN [1,2,3][0..2], 1.5e-3, .5", ("[1,2,3][0..2]", "1.5e-3", ".5")),
        ("MATCH (n) WITH *, 1 AS a RETURN DISTINCT a", ("a",)),
        ("CREATE (n:X) RETURN n.k;  ;", ("n.k",)),
        ("MATCH (n) SET n.k = 1 RETURN n SKIP 1", ("n",)),
    ],
)
def test_the_columns_of_a_text_are_told(text: str, columns: tuple[str, ...]) -> None:
    assert read(text).columns == columns


def test_parameters_are_told_from_text_that_looks_like_them() -> None:
    text = "MATCH (n {a: $one}) WHERE n.b = '$two' AND n.`$three` = $four // $five"
    assert read(text).parameters == {"one", "four"}
    assert read("WITH 1 AS a$b RETURN a$b + $c$d").parameters == {"c$d"}


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n) RETURN *", "MATCH (n) RETURN *, 1 AS a", "MATCH (n) RETURN DISTINCT * LIMIT 1",
        "RETURN 'never closed", "RETURN `x", 'RETURN "a\\"',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        read(text)


DEADLY = [
    "MATCH (n) WHERE id(n) IN $l RETURN n",
    "match (n) where not ID ( n ) in $l return n",
    "MATCH (n) WHERE (id(n)) IN $l RETURN n",
    "MATCH (n) WHERE id((n)) IN $l RETURN n",
    "MATCH (n) WHERE `id`(n) IN $l RETURN n",
    "MATCH (n) WHERE id/* ) */(n)// IN []\nIN\n$l RETURN n",
    "MATCH (n) WHERE NOT (id(n) IN $l) RETURN n",
    "MATCH (n) WHERE n.k = 1 AND id(n) IN $l RETURN n",
    "MATCH (n) WHERE id(n) IN [1, 2] RETURN n",
    "MATCH (n) WHERE id(n) IN n.list RETURN n",
    "MATCH (n) WHERE id(n) IN $m.list RETURN n",
    "MATCH (n) WITH collect(n.k) AS c MATCH (m) WHERE id(m) IN c RETURN m",
    "MATCH (n) WHERE id(n) IN range(1, 3) RETURN n",
    "MATCH (n) WHERE id(n) IN collect(1) RETURN n",
    "MATCH ()-[r]->() WHERE start_id(r) IN $l RETURN r",
    "MATCH ()-[r]->() WHERE end_id(r) IN $l RETURN r",
    "MATCH (n) RETURN id(n) IN $l",
    "MATCH (n) RETURN CASE WHEN id(n) IN $l THEN 1 ELSE 0 END",
    "MATCH (n) WHERE CASE WHEN true THEN id(n) ELSE 0 END IN $l RETURN n",
    "MATCH (n) WHERE CASE 1 WHEN 2 THEN CASE WHEN true THEN id(n) END END IN $l RETURN n",
    "MATCH (n) WHERE coalesce(n.k, id(n)) IN $l RETURN n",
    "MATCH (n {k: id(n) IN $l}) RETURN n",
    "MATCH (n) SET n.z = id(n) IN $l",
    "MATCH (n) WITH n ORDER BY id(n) IN $l RETURN n",
    "MATCH (n) WITH n, id(n) AS i WHERE i IN $l RETURN n",
    "MATCH (n) WITH n, id(n) AS i WITH n, i AS `j` ORDER BY j WHERE j IN $l RETURN n",
    "MATCH (n) WITH id(n) AS a, n.k AS b WITH b AS a, a AS b RETURN b IN $l",
    "MATCH (n) WITH n.k > 1 AS b WHERE b IN $l RETURN b",
    "MATCH (n) WITH n.k IN [1] AS b RETURN b IN $l",
    "MATCH (n) WITH (n.k IS NULL) AS b RETURN b IN $l",
    "MATCH (n) WHERE (n.k IN [1]) IN $l RETURN n",
    "MATCH (n) WHERE (n.k IS NULL) IN $l RETURN n",
    "MATCH (n) WHERE n.k IS NOT NULL IN $l RETURN n",
    "MATCH (n) WHERE (true AND true) IN $l RETURN n",
    "MATCH (n) WHERE isEmpty('a') IN $l RETURN n",
    "MATCH (n) WHERE pg_catalog.random() IN $l RETURN n",
    "MATCH (n) WHERE n.k::pg_bigint IN $l RETURN n",
    "MATCH (n) WHERE 1 + id(n) IN $l RETURN n",
    "MATCH (n) WHERE 1 = id(n) IN $l RETURN n",
    "MATCH (n) WHERE n.k IN (id(n)) RETURN n",
    "MATCH (n) WHERE 1 IN id(n) RETURN n",
    "MATCH (n) RETURN DISTINCT id(n) AS i UNION MATCH (m) RETURN id(m) IN $l AS i",
]
"""Each was sent to a server (1.5 or 1.8), which died of it, or stands for one that was."""

HARMLESS = [
    "MATCH (n) WHERE n.k IN $l RETURN n",
    "MATCH (n) WHERE n.id IN $l AND id(n) = $i RETURN n",
    "MATCH (n) WHERE n.`id` IN $l OR (n.k + 1) IN $l OR -n.k IN $l RETURN n",
    "MATCH (n) WHERE [id(n)][0] IN $l RETURN n",
    "MATCH (n) WHERE [n.k IS NULL][0] IN $l RETURN n",
    "UNWIND $l AS i MATCH (n:P) WHERE id(n) = i AND i IN $m RETURN n",
    "MATCH (n) UNWIND [id(n)] AS i WITH i WHERE i IN $l RETURN i",
    "MATCH (n) WITH id(n) AS i, n RETURN i, n.k IN $l",
    "MATCH (n) WITH collect(id(n)) AS ids, max(id(n)) AS m RETURN 1 IN ids, m IN $l",
    "MATCH (n) WHERE any(x IN $l WHERE x = id(n)) RETURN [x IN $l WHERE x > 1 | x]",
    "MATCH (n) WHERE toInteger(n.k) IN $l AND size(n.t) IN $l AND labels(n)[0] IN $l RETURN n",
    "MATCH (n) WHERE 'a' IN n.list AND $p IN [id(n), 2] AND n.k IN [1, 2] RETURN n",
    "MATCH (n) WHERE coalesce(n.k, 1) IN $l AND CASE WHEN n.a > 1 THEN n.b ELSE n.c END IN $l RETURN n",
    "MATCH (n) WHERE n.k STARTS WITH 'a' AND n.in IN $l RETURN {in: n.k IN $l, b: $x IN $l}",
    "MATCH (n) RETURN 'id(n) IN $l' AS `id(n) IN x` // id(n) IN $l",
    "MATCH (n) WHERE n.a::int IN $l AND true IN $l AND null IN $l RETURN n",
]


@pytest.mark.parametrize("text", DEADLY)
def test_what_kills_the_server_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedByBackendError, match="UNWIND"):
        read(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_lists_are_let_through(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("MATCH (n) RETURN n.set, n.delete", False),
        ("MATCH (n:Create) RETURN n", False),
        ("MATCH (n) SET n.x = 1", True),
        ("MATCH (n) DETACH DELETE n", True),
        ("MATCH (n) WHERE n.k = 1.SET n.x = 2", True),
        ("MATCH (n) WHERE n.k = 1SET n.x = 2", True),
        ("MATCH (n) // read\rSET n.x = 1", True),
        ("RETURN {set: 1, create: {delete: 2}} AS `merge`, 'SET n.x = 1' AS remove", False),
        ("MATCH (n:Set:Create)-[:DELETE]->() RETURN n", False),
    ],
)
def test_a_text_that_writes_is_known(text: str, writes: bool) -> None:
    assert read(text).writes is writes


def test_the_dollar_tag_is_not_in_the_text() -> None:
    sql = wrap("people", "RETURN '$$ $q$' AS x;").sql
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
    assert dialect_of((1, 8, 0)) is dialect_of((1, 9)) is DIALECT
    old = dialect_of((1, 5, 0))
    assert old is dialect_of((1, 7))
    assert Capability.STREAMING not in old.capabilities
    with pytest.raises(UnsupportedByBackendError):
        old.require(Capability.STREAMING)
