"""Random predicates on random data: the server must find what three-valued logic says."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runic.orm import Field, Node, Session, create_driver, select
from runic.orm.core.metadata import MetaData
from runic.orm.query.expressions import CompoundExpr, Expr, FilterExpr, NegatedExpr
from tests.servers.base import Server

GRAPH = "query_oracle"


class Base(Node, metadata=MetaData()):
    """Abstract."""


class Thing(Base, labels=["Thing"]):
    id: int = Field(primary_key=True)
    a: int | None = Field(default=None)
    b: int | None = Field(default=None)
    s: str | None = Field(default=None)
    t: bool | None = Field(default=None)


THINGS = [
    {"id": number, "a": a, "b": b, "s": s, "t": t}
    for number, (a, b, s, t) in enumerate(
        product((None, 1, 2), (None, 2), (None, "x", "xy\n", ""), (None, True, False))
    )
]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "CONTAINS": lambda a, b: b in a,
    "STARTS WITH": str.startswith,
    "ENDS WITH": str.endswith,
    "=~": lambda a, b: re.fullmatch(b, a) is not None,
}


def truth(expr: Expr, thing: dict[str, Any]) -> bool | None:
    """Kleene's logic: None is unknown."""
    if isinstance(expr, NegatedExpr):
        inner = truth(expr.operand, thing)
        return None if inner is None else not inner
    if isinstance(expr, CompoundExpr):
        parts = [truth(part, thing) for part in expr.operands]
        decisive = expr.op == "OR"
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    assert isinstance(expr, FilterExpr)
    left = thing[expr.prop]
    found: bool | None
    if expr.op == "IS NULL" or (expr.op == "=" and expr.value is None):
        found = left is None
    elif expr.op == "IS NOT NULL" or (expr.op == "<>" and expr.value is None):
        found = left is not None
    elif expr.op == "IN":
        # Nothing is in an empty list, whatever it is.
        found = False if not expr.value else None if left is None else left in expr.value
    else:
        right = thing[expr.value.name] if hasattr(expr.value, "name") else expr.value
        found = None if left is None or right is None else _ORDER[expr.op](left, right)
    return found if not expr.negate or found is None else not found


_numbers = st.integers(0, 3)
_strings = st.sampled_from(["", "x", "y", "xy", "xy\n"])
_leaves = st.one_of(
    st.builds(
        lambda field, op, value: FilterExpr(Thing, field, op, value),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
        st.one_of(_numbers, st.just(Thing.a), st.just(Thing.b)),
    ),
    st.builds(
        lambda op, value: FilterExpr(Thing, "s", op, value),
        st.sampled_from(["=", "<>", "<", ">", "CONTAINS", "STARTS WITH", "ENDS WITH"]),
        _strings,
    ),
    st.builds(
        lambda p: FilterExpr(Thing, "s", "=~", p), st.sampled_from(["x", "x|xy", ".*", "", "x.", "[^x]*"])
    ),
    st.builds(
        lambda field, op: FilterExpr(Thing, field, op),
        st.sampled_from(["a", "s", "t"]),
        st.sampled_from(["IS NULL", "IS NOT NULL", "=", "<>"]),
    ),
    st.builds(
        lambda values, negate: FilterExpr(Thing, "a", "IN", values, negate=negate),
        st.lists(_numbers, max_size=3),
        st.booleans(),
    ),
    st.builds(
        lambda values, negate: FilterExpr(Thing, "s", "IN", values, negate=negate),
        st.lists(_strings, max_size=2),
        st.booleans(),
    ),
    st.builds(lambda value: FilterExpr(Thing, "t", "=", value), st.booleans()),
)
_predicates = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def driver(falkordb_server: Server) -> Iterator[Any]:
    falkordb_server.reset(GRAPH)
    with create_driver(falkordb_server.url_of(GRAPH)) as made:
        with Session(made) as session:
            session.add_all([Thing(**values) for values in THINGS])
        yield made
    falkordb_server.reset(GRAPH)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicate=_predicates)
def test_server_finds_what_three_valued_logic_says(driver: Any, predicate: Expr) -> None:
    statement = select(Thing).where(predicate).project(Thing.id)
    with Session(driver, read_only=True) as session:
        found = sorted(session.scalars(statement))
        number = session.count(statement)
    expected = [thing["id"] for thing in THINGS if truth(predicate, thing) is True]
    assert found == expected, str(statement)
    assert number == len(expected)
