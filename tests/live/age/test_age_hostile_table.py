"""Hostile text in every position that a text can have: what comes back is exact, or the error is named.

The positions: a parameter (P), a literal in raw text (L), a key of a map (K), the name of a parameter (N), a
label (B), a relationship type (R), a property (Q), each raw and of a model, an alias (A), and a graph (G).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest

from runic.orm import (
    Edge,
    Field,
    InvalidNameError,
    Node,
    OrmError,
    QueryError,
    Relation,
    Session,
    ValueNotStorableError,
    select,
)
from runic.orm.core.metadata import metadata
from runic.orm.driver.age import AGEDriver, create_age_driver
from runic.orm.testing.values import TEXTS
from tests.servers.base import Server

NEVER = ("a\0b", "\0", "\0'}) DETACH DELETE n //", "\ud800", "x\udfff")
BREAKS = (
    "$$) AS (a agtype); DROP TABLE public.canary; --",
    "'}) DETACH DELETE n WITH 1 AS x CREATE (:Pwned) //",
    "`) DETACH DELETE n //",
    '"; DROP TABLE public.canary; --',
    "x' || pg_sleep(9) || '",
    "') $q$ ; DELETE FROM public.canary; --",
    "\\'}) CREATE (:Pwned) //",
    "n`: 1}) CREATE (:Pwned) //",
)
LONG = ("x" * 63, "x" * 64, "é" * 32, "x" * 63 + "`")
NAMED = (ValueNotStorableError, InvalidNameError, QueryError)
PAYLOADS = list(dict.fromkeys((*TEXTS, *NEVER, *BREAKS, *LONG)))


class Hull(Node):
    k: int = Field(primary_key=True)
    text: str | None = None


@pytest.fixture
def guarded(age_server: Server, age_graph: str) -> Iterator[AGEDriver]:
    """A graph with a canary in it, beside a table that is one; both are looked at in the end."""
    registered = metadata.snapshot()
    options = {"host": age_server.host, "port": age_server.port, **age_server.credentials}
    with create_age_driver(**options, graph=age_graph) as driver:
        driver.sql("DROP TABLE IF EXISTS public.canary")
        driver.sql("CREATE TABLE public.canary AS SELECT true AS alive")
        driver.execute("CREATE (:Canary {alive: true})")
        yield driver
        metadata.restore(registered)
        assert driver.execute("MATCH (n:Canary) RETURN n.alive").rows == [[True]]
        assert driver.sql("SELECT l.name FROM ag_catalog.ag_label l WHERE l.name = 'Pwned'") == []
        assert driver.sql("SELECT alive FROM public.canary") == [(True,)]
        driver.sql("DROP TABLE public.canary")


def quoted(text: str) -> str:
    return f"`{text.replace('`', '``')}`"


def parameter(driver: AGEDriver, text: str) -> Any:
    assert driver.execute("RETURN {a: [$v]} AS v", {"v": text}).rows == [[{"a": [text]}]]
    driver.execute("MATCH (n:Hull) DELETE n")
    with Session(driver) as session:
        session.add(Hull(k=1, text=text))
    with Session(driver) as session:
        (found,) = session.query(Hull).where(Hull.text == text).all()
        return found.text


def literal(driver: AGEDriver, text: str) -> Any:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return driver.execute(f"RETURN '{escaped}' AS t").rows[0][0]


def key(driver: AGEDriver, text: str) -> Any:
    (found,) = driver.execute("RETURN $m AS m", {"m": {text: [{text: 1}]}}).rows[0]
    assert found == {text: [{text: 1}]}
    return next(iter(found))


def parameter_name(driver: AGEDriver, text: str) -> Any:
    if text.isidentifier() and text.isascii():
        assert driver.execute(f"RETURN ${text} AS x", {text: 1}).rows == [[1]]
        return text
    assert driver.execute(f"RETURN ${quoted(text)} AS x", {text: 1}).rows == [[1]]
    return text


def label(driver: AGEDriver, text: str) -> Any:
    driver.execute(f"CREATE (n:{quoted(text)} {{k: 1}})")
    (found,) = driver.execute(f"MATCH (n:{quoted(text)}) RETURN labels(n) AS l").rows[0]
    return found[0]


def label_of_a_model(driver: AGEDriver, text: str) -> Any:
    model: Any = type(Node)("Model", (Node,), {"__annotations__": {"k": int}}, labels=[text])
    with Session(driver) as session:
        session.add(model(k=1))
    return driver.execute(f"MATCH (n:{quoted(text)}) RETURN labels(n) AS l").rows[0][0][0]


def relationship_type(driver: AGEDriver, text: str) -> Any:
    driver.execute(f"CREATE (:Hull)-[:{quoted(text)}]->(:Hull)")
    return driver.execute(f"MATCH (:Hull)-[r:{quoted(text)}]->(:Hull) RETURN type(r) AS t").rows[0][0]


def type_of_a_model(driver: AGEDriver, text: str) -> Any:
    class Buoy(Node):
        k: int = Field(primary_key=True)
        others: list[Any] = Relation(relationship=text, direction="OUTGOING", target="Buoy")

    driver.execute("MATCH (n:Buoy) DETACH DELETE n")
    type(Edge)("Rope", (Edge,), {"__annotations__": {}}, type=text)
    with Session(driver) as session:
        a, b = Buoy(k=1), Buoy(k=2)
        session.add_all([a, b])
        session.relate(a, "others", b)
    return driver.execute("MATCH (:Buoy)-[r]->(:Buoy) RETURN type(r) AS t").rows[0][0]


def property_name(driver: AGEDriver, text: str) -> Any:
    driver.execute("MATCH (n:Raft) DELETE n")
    driver.execute(f"CREATE (n:Raft {{{quoted(text)}: 1}})")
    (node,) = driver.execute("MATCH (n:Raft) RETURN n").rows[0]
    found = driver.execute(f"MATCH (n:Raft) RETURN n.{quoted(text)} AS v").rows
    assert found == [[1]]
    return next(iter(node.properties))


def property_of_a_model(driver: AGEDriver, text: str) -> Any:
    model: Any = type(Node)(
        "Punt", (Node,), {"__annotations__": {"k": int, text: int}, "k": Field(primary_key=True)}
    )
    with Session(driver) as session:
        session.add(model(k=1, **{text: 2}))
    (found,) = driver.execute("MATCH (n:Punt) RETURN keys(n) AS k").rows[-1]
    return text if text in found else found


def alias(driver: AGEDriver, text: str) -> Any:
    assert driver.execute(f"WITH 1 AS {quoted(text)} RETURN {quoted(text)} + 1 AS x").rows == [[2]]
    with Session(driver) as session:
        session.scalars(select(Hull).alias(text))
    return driver.execute(f"RETURN 1 AS {quoted(text)}").columns[0]


def graph(driver: AGEDriver, text: str) -> Any:
    options = driver.options
    with create_age_driver(
        options.host, options.port, options.database, text, options.username, options.password
    ) as other:
        try:
            other.execute("CREATE (:Hull {k: 1})")
            assert other.execute("MATCH (n:Hull) RETURN n.k").rows == [[1]]
            return other.sql("SELECT name::text FROM ag_catalog.ag_graph WHERE name = $1", text)[0][0]
        finally:
            other.delete_graph()


POSITIONS: dict[str, tuple[Callable[[AGEDriver, str], Any], int]] = {
    "P": (parameter, len(TEXTS)),
    "L": (literal, len(TEXTS)),
    "K": (key, len(TEXTS)),
    "N": (parameter_name, 3),
    "B": (label, 4),
    "B model": (label_of_a_model, 3),
    "R": (relationship_type, 4),
    "R model": (type_of_a_model, 3),
    "Q": (property_name, 50),
    "Q model": (property_of_a_model, 3),
    "A": (alias, 3),
    "G": (graph, 3),
}
"""What is done in each position, and how many payloads must come back exactly there, at least."""


@pytest.mark.parametrize("position", POSITIONS)
def test_each_cell_is_exact_or_a_named_error(guarded: AGEDriver, position: str) -> None:
    attempt, least = POSITIONS[position]
    outcomes: Counter[str] = Counter()
    unclear: list[tuple[str, OrmError]] = []
    for text in PAYLOADS:
        registered = metadata.snapshot()
        try:
            found = attempt(guarded, text)
        except OrmError as error:
            outcomes[type(error).__name__] += 1
            if text in NEVER and not isinstance(error, NAMED):
                unclear.append((text, error))
        else:
            assert found == text, (position, text)
            outcomes["exact"] += 1
        finally:
            metadata.restore(registered)
    assert unclear == []
    assert outcomes.total() == len(PAYLOADS)
    assert outcomes["exact"] >= least, outcomes


class Text(str):
    __slots__ = ()

    def replace(self, *_: Any) -> str:  # type: ignore[override]
        return "'}) DETACH DELETE n //"


class Whole(int):
    def __str__(self) -> str:
        return "1}) DETACH DELETE n //"


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


SAME: list[Any] = [
    2**63 - 1, -(2**63), 0, True, False, None, 0.1, 1.0, 5e-324, -0.0, 1e22, 1e-7, 0.1 + 0.2, 1e16 + 2,
    1.7976931348623157e308, [1, None, "a"], {}, {"a": [{}, {"b": None}]}, [[]], deep(100),
    "1::vertex", '{"id": 1, "label": "L", "properties": {}}::vertex', "1.5::numeric",
]  # fmt: skip
REFUSED: list[Any] = [
    2**63, 2**64, 10**40, -(2**63) - 1, float("nan"), float("inf"), float("-inf"), b"x", bytearray(b"x"), {1},
    range(3), PurePosixPath("1}) DETACH DELETE n //"), Exception("1}) DETACH DELETE n //"), Text("x"),
    Whole(1),
    {1: "a"}, deep(1000), [2**63], {"a": {"b": float("nan")}}, object(),
]  # fmt: skip


@pytest.mark.parametrize("value", SAME, ids=lambda value: repr(value)[:30])
def test_a_value_comes_back_from_the_server_and_from_a_property(guarded: AGEDriver, value: Any) -> None:
    assert guarded.execute("RETURN $v AS v", {"v": value}).rows == [[value]]
    stored = guarded.execute("CREATE (n:Hull {v: $v}) RETURN n.v AS v", {"v": value}).rows
    assert repr(stored) == repr([[value]])


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: repr(value)[:30])
def test_a_value_that_would_change_on_the_way_is_refused(guarded: AGEDriver, value: Any) -> None:
    with pytest.raises(ValueNotStorableError, match=r"\$v"):
        guarded.execute("CREATE (n:Hull {v: $v})", {"v": value})
    assert guarded.execute("MATCH (n:Hull) RETURN n").rows == []


def test_large_values_come_back(guarded: AGEDriver) -> None:
    for value in ("x" * 10_000_000, list(range(300_000)), {f"k{n}": n for n in range(10_000)}):
        assert guarded.execute("RETURN $v AS v", {"v": value}).rows == [[value]]
    many = {f"p{n}": n for n in range(1000)}
    listed = ", ".join(f"${name}" for name in many)
    assert guarded.execute(f"RETURN [{listed}] AS l", many).rows == [[list(range(1000))]]
