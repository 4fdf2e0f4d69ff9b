"""The normal form of what users write: nested tuples without values, and the values beside them.

The tuples are hashable, so they are the key under which compiled text is cached; equal ones mean equal
statements. Chains of ``&`` and ``|`` become flat, double negation goes away, and comparisons with
``None`` become null tests, whatever way the expression objects were nested. Nothing is resolved here:
that needs the whole statement (:mod:`runic.orm.query.assemble`), and happens once per key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from runic.orm.core.mapped import Attr
from runic.orm.exceptions import QueryError, QueryTooComplexError
from runic.orm.query.expressions import (
    AggExpr,
    CompareExpr,
    CompoundExpr,
    DistanceExpr,
    Expr,
    FilterExpr,
    NegatedExpr,
    Operand,
    ScoreExpr,
)
from runic.orm.query.subqueries import ExistsExpr, RelatedCount

__all__ = ["MAX_DEPTH", "VALUE", "Key", "aggregate_key", "operand_key", "predicate_key"]

#: A normal form.
type Key = tuple[Any, ...]

#: Stands for a bound value in a key.
VALUE: Final = "?"

#: Groups within groups. Beyond it, one server's parser takes exponential time in the nesting
#: (FalkorDB 4.22: 16 parentheses 0.24 s, 22 of them 19 s, and the graph is blocked meanwhile).
MAX_DEPTH: Final = 12

_SCALARS = frozenset({str, int, float, bool})
_OPERATORS = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "CONTAINS", "STARTS WITH", "ENDS WITH", "=~", "IN"}
    | {"IS NULL", "IS NOT NULL"}
)


def predicate_key(expr: object, values: list[Any]) -> Key:
    """The normal form of a predicate; its values are appended to ``values`` in order.

    Raises:
        TypeError: it is no predicate, e.g. a plain ``bool``.
        QueryTooComplexError: groups nested too deep.
    """
    if type(expr) is FilterExpr:
        return _filter_key(expr, values)
    return _normal(expr, values, 1)


def _normal(expr: object, values: list[Any], depth: int) -> Key:
    expr, negated = _peel(expr)
    if type(expr) is CompoundExpr:
        if depth > MAX_DEPTH:
            raise QueryTooComplexError(
                f"the predicate nests AND, OR and NOT groups more than {MAX_DEPTH} deep; flatten it, or"
                " filter in several stages with with_()"
            )
        parts: list[Key] = []
        # A chain a & b & c ... is nested to the left as deep as it is long: no recursion along it.
        stack: list[object] = [*reversed(expr.operands)]
        while stack:
            part, negative = _peel(stack.pop())
            if not negative and type(part) is CompoundExpr and part.op == expr.op:
                stack.extend(reversed(part.operands))
            else:
                parts.append(_not(_normal(part, values, depth + 1), negated=negative))
        if not parts:
            raise QueryError(f"an {expr.op} of no predicates")
        key: Key = parts[0] if len(parts) == 1 else (expr.op, *parts)
    elif type(expr) is FilterExpr:
        key = _filter_key(expr, values)
    elif type(expr) is CompareExpr:
        left = operand_key(expr.left, values, depth)
        key = _comparison(left, repr(expr.left), expr.op, expr.right, values, depth)
    elif type(expr) is ExistsExpr:
        key = _related_key("exists", expr, values, depth)
    elif isinstance(expr, Attr):
        # where(User.active): a boolean field is a predicate of its own.
        key = ("flag", expr.owner, expr.name)
    else:
        raise TypeError(_no_predicate(expr))
    return _not(key, negated=negated)


def _peel(expr: object) -> tuple[object, bool]:
    """The expression inside any number of negations and one-part groups, and whether it is negated."""
    negated = False
    while True:
        if type(expr) is NegatedExpr:
            expr = expr.operand
            negated = not negated
        elif type(expr) is CompoundExpr and len(expr.operands) == 1:
            expr = expr.operands[0]
        else:
            return expr, negated


def _not(key: Key, *, negated: bool) -> Key:
    if not negated:
        return key
    if key[0] == "NOT":
        inner: Key = key[1]
        return inner
    if key[0] == "null":
        return ("null", key[1], not key[2])
    return ("NOT", key)


def _filter_key(expr: FilterExpr, values: list[Any]) -> Key:
    left = ("field", expr.cls, expr.prop, expr.alias)
    value = expr.value
    op = expr.op
    if type(value) in _SCALARS and op != "IN" and op in _OPERATORS:
        values.append(value)
        key: Key = ("compare", left, op, VALUE)
    else:
        key = _comparison(left, f"{expr.cls.__name__}.{expr.prop}", op, value, values)
    return _not(key, negated=True) if expr.negate else key


def _related_key(kind: str, expr: ExistsExpr | RelatedCount, values: list[Any], depth: int) -> Key:
    """A relation that is followed, and what must hold where it leads."""
    predicate: Key | None = None
    if expr.predicates:
        if depth > MAX_DEPTH:
            raise QueryTooComplexError(f"exists() and count_of() are nested more than {MAX_DEPTH} deep")
        predicate = _normal(CompoundExpr("AND", [*expr.predicates]), values, depth + 1)
    return (kind, expr.relation.owner, expr.relation.name, predicate)


def _comparison(left: Key | str, name: str, op: str, value: Any, values: list[Any], depth: int = 1) -> Key:
    if op not in _OPERATORS:
        raise QueryError(f"{name}: unknown operator {op!r}; known are {', '.join(sorted(_OPERATORS))}")
    if op == "IN":
        return _membership(left, name, value, values)
    if op.endswith("NULL") or value is None:
        if op not in ("=", "<>", "IS NULL", "IS NOT NULL"):
            raise TypeError(f"{name} {op} None is never true: test for a missing value with is_null()")
        return ("null", left, op in ("<>", "IS NOT NULL"))
    return ("compare", left, op, operand_key(value, values, depth))


def _membership(left: Key | str, name: str, members: object, values: list[Any]) -> Key:
    if isinstance(members, str | bytes) or not isinstance(members, Iterable):
        raise TypeError(f"{name}: in_() takes several values, not {type(members).__name__}")
    items = list(cast("Iterable[object]", members))
    if not items:
        # `null IN []` is null on some servers and false on others, so the text must not depend on it.
        return ("never", left)
    if any(item is None for item in items):
        raise TypeError(f"{name}: in_() cannot look for None: add `| {name}.is_null()`")
    values.append(items)
    return ("compare", left, "IN", VALUE)


def operand_key(operand: object, values: list[Any], depth: int = 1) -> Key | str:
    """The normal form of one side of a comparison, of a sort key or of a returned value."""
    if isinstance(operand, Attr):
        return ("field", operand.owner, operand.name, None)
    if type(operand) is DistanceExpr:
        return ("distance", operand_key(operand.field, values), operand_key(operand.other, values))
    if type(operand) is ScoreExpr:
        return ("score",)
    if type(operand) is RelatedCount:
        return _related_key("count_of", operand, values, depth)
    if isinstance(operand, Expr | AggExpr):
        raise TypeError(f"{operand!r} is not a value that can be compared or returned here")
    # A statement is a value: a list changed later must not change it.
    if type(operand) is list:
        operand = list(cast("list[object]", operand))
    values.append(operand)
    return VALUE


def aggregate_key(aggregate: AggExpr[Any]) -> Key:
    """The normal form of an aggregation: function, argument, distinct, name."""
    values: list[Any] = []
    field = aggregate.field
    argument = field if isinstance(field, str) else operand_key(field, values)
    if values:
        raise TypeError(f"{aggregate.func}() takes a field, an alias or '*', not {type(field).__name__}")
    return ("aggregate", aggregate.func, argument, aggregate.distinct, aggregate.result_alias)


def _no_predicate(expr: object) -> str:
    if isinstance(expr, bool):
        return (
            f"where() takes a predicate and got the plain {expr}: `User.name is None`, `not User.x`, `and`,"
            " `or` and `in` are decided by Python before the query sees them. Write User.name == None or"
            " User.name.is_null(), combine with & | ~, and use User.name.in_([...])"
        )
    if isinstance(expr, str):
        return (
            "where() takes a predicate, not text: write User.name == 'Alice', or run raw Cypher with"
            " session.execute()"
        )
    if isinstance(expr, Operand | AggExpr):
        return f"where() takes a predicate: compare {expr!r} with something"
    return f"where() takes a predicate such as User.age > 18, not {type(expr).__name__}"
