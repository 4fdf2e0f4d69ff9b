"""What users write in ``where()``, ``order_by()``, ``project()`` and ``aggregate()``.

Plain values without logic of their own: :mod:`runic.orm.query.normal` gives them their normal form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, overload

from runic.orm.core.names import check_name

if TYPE_CHECKING:
    from runic.orm.core.mapped import Attr
    from runic.orm.core.types import GeoLocation

__all__ = [
    "AggExpr",
    "CompareExpr",
    "CompoundExpr",
    "DistanceExpr",
    "Expr",
    "FilterExpr",
    "NegatedExpr",
    "Operand",
    "OrderExpr",
    "ScoreExpr",
    "avg",
    "collect",
    "count",
    "distance",
    "max_",
    "min_",
    "score",
    "sum_",
]

V_co = TypeVar("V_co", covariant=True)


class Expr:
    """Base of all predicates, which combine by ``&`` (and), ``|`` (or) and ``~`` (not).

    Example::

        q.where((User.age > 18) & ~(User.banned == True))

    Missing values follow the rules of the database: a comparison with a missing value is neither true
    nor false, and such rows are left out, also under ``~``.
    """

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __and__(self, other: Expr) -> CompoundExpr:
        """Both hold."""
        return _combine("AND", self, other)

    def __or__(self, other: Expr) -> CompoundExpr:
        """At least one holds."""
        return _combine("OR", self, other)

    def __invert__(self) -> NegatedExpr:
        """It does not hold."""
        return NegatedExpr(self)

    def __bool__(self) -> bool:
        raise TypeError(
            "a predicate has no truth value in Python: combine predicates with & | ~ instead of"
            " and/or/not, each in parentheses, and do not chain comparisons (a < b < c)"
        )


def _combine(op: str, left: Expr, right: object) -> CompoundExpr:
    if not isinstance(right, Expr):
        symbol = "&" if op == "AND" else "|"
        raise TypeError(
            f"{symbol} combines two predicates, and its right side is {right!r}; put each comparison in"
            f" parentheses: (User.age > 18) {symbol} (User.active == True)"
        )
    return CompoundExpr(op, [left, right])


class FilterExpr(Expr):
    """A comparison of a field: ``alias.prop op value``.

    The operators of fields make these (``User.age > 18``); there is no need to do it by hand.

    Attributes:
        cls: the Node or Edge class that owns the field.
        prop: the name of the field.
        op: the operator as Cypher spells it: ``=``, ``<>``, ``>``, ``>=``, ``<``, ``<=``, ``CONTAINS``,
            ``STARTS WITH``, ``ENDS WITH``, ``=~``, ``IN``, ``IS NULL``, ``IS NOT NULL``.
        value: what it is compared with; ``None`` for the null tests.
        alias: the Cypher variable, if not the one that ``cls`` has in the statement.
        negate: whether the predicate is wrapped in ``NOT``.
    """

    __slots__ = ("alias", "cls", "negate", "op", "prop", "value")

    def __init__(
        self,
        cls: type,
        prop: str,
        op: str,
        value: Any = None,
        alias: str | None = None,
        negate: bool = False,
    ) -> None:
        self.cls: type[Any] = cls
        self.prop: str = prop
        self.op: str = op
        self.value: Any = value
        self.alias: str | None = alias
        self.negate: bool = negate

    def __repr__(self) -> str:
        # Values may be secrets, and reprs end in logs.
        text = f"{self.cls.__name__}.{self.prop} {self.op}"
        if not self.op.endswith("NULL"):
            text += " ..."
        return f"<{'NOT ' if self.negate else ''}{text}>"


class CompareExpr(Expr):
    """A comparison of a computed value: ``distance(User.home, here) < 1000``.

    Attributes:
        left: the computed value.
        op: the operator as Cypher spells it.
        right: a value, a field or another computed value.
    """

    __slots__ = ("left", "op", "right")

    def __init__(self, left: Operand[Any], op: str, right: Any) -> None:
        self.left: Operand[Any] = left
        self.op: str = op
        self.right: Any = right

    def __repr__(self) -> str:
        return f"<{self.left!r} {self.op} ...>"


class CompoundExpr(Expr):
    """``AND`` or ``OR`` of several predicates; made by ``&`` and ``|``.

    Attributes:
        op: ``"AND"`` or ``"OR"``.
        operands: the predicates.
    """

    __slots__ = ("op", "operands")

    def __init__(self, op: str, operands: list[Expr] | None = None) -> None:
        if op not in ("AND", "OR"):
            raise ValueError(f"op is 'AND' or 'OR', not {op!r}")
        self.op: str = op
        self.operands: list[Expr] = [] if operands is None else operands

    def __repr__(self) -> str:
        return f"<{self.op} of {len(self.operands)} predicates>"


class NegatedExpr(Expr):
    """``NOT`` of a predicate; made by ``~``."""

    __slots__ = ("operand",)

    def __init__(self, operand: Expr) -> None:
        self.operand: Expr = operand

    def __repr__(self) -> str:
        return "<NOT of a predicate>"


class Operand(Generic[V_co]):  # noqa: UP046 - covariant, which an unused parameter is not by inference
    """A value computed by the database, to compare, to order by, or to return.

    Attributes:
        label: the key that it has in a row, if given by :meth:`as_`.
    """

    __slots__ = ("label",)

    label: str | None

    def as_(self, name: str) -> Self:
        """The same value under a name of your own, which is its key in a row.

        Raises:
            InvalidNameError: no valid name.
        """
        copy = object.__new__(type(self))
        for cls in type(self).__mro__:
            for slot in getattr(cls, "__slots__", ()):
                setattr(copy, slot, getattr(self, slot))
        copy.label = check_name(name, "result name")
        return copy

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__

    def __eq__(self, other: object) -> CompareExpr:  # type: ignore[override]
        return CompareExpr(self, "=", other)

    def __ne__(self, other: object) -> CompareExpr:  # type: ignore[override]
        return CompareExpr(self, "<>", other)

    def __lt__(self, other: Any) -> CompareExpr:
        return CompareExpr(self, "<", other)

    def __le__(self, other: Any) -> CompareExpr:
        return CompareExpr(self, "<=", other)

    def __gt__(self, other: Any) -> CompareExpr:
        return CompareExpr(self, ">", other)

    def __ge__(self, other: Any) -> CompareExpr:
        return CompareExpr(self, ">=", other)

    def is_null(self) -> CompareExpr:
        """There is no value, e.g. no distance because one of the places is missing."""
        return CompareExpr(self, "IS NULL", None)

    def is_not_null(self) -> CompareExpr:
        """There is a value."""
        return CompareExpr(self, "IS NOT NULL", None)


class DistanceExpr(Operand[float]):
    """The distance of two places in metres; made by :func:`distance`."""

    __slots__ = ("field", "other")

    def __init__(self, field: Any, other: Any) -> None:
        self.label: str | None = None
        self.field: Any = field
        self.other: Any = other

    def __repr__(self) -> str:
        return f"distance({_name(self.field)}, ...)"


class ScoreExpr(Operand[float]):
    """The score of a search; made by :func:`score`."""

    __slots__ = ()

    def __init__(self) -> None:
        self.label: str | None = None

    def __repr__(self) -> str:
        return "score()"


class AggExpr(Generic[V_co]):  # noqa: UP046 - as above
    """An aggregation; made by :func:`count`, :func:`avg`, :func:`sum_` and the like.

    Attributes:
        func: the function as Cypher names it.
        field: a field, the alias of a node, or ``"*"``.
        result_alias: its key in a row.
        distinct: whether equal values count once.
    """

    __slots__ = ("distinct", "field", "func", "result_alias")

    def __init__(
        self, func: str, field: Any = "*", result_alias: str | None = None, distinct: bool = False
    ) -> None:
        self.func: str = func
        self.field: Any = field
        self.result_alias: str | None = result_alias
        self.distinct: bool = distinct

    def as_(self, name: str) -> AggExpr[V_co]:
        """The same aggregation under a name of your own, which is its key in a row.

        Raises:
            InvalidNameError: no valid name.
        """
        return AggExpr(self.func, self.field, check_name(name, "result name"), self.distinct)

    def __repr__(self) -> str:
        return f"{self.func}({'DISTINCT ' if self.distinct else ''}{_name(self.field)})"


class OrderExpr:
    """One ORDER BY term; made by ``order_by()``.

    Attributes:
        alias: the Cypher variable, if given.
        prop: the property, if it is one.
        raw: a term given as text.
        desc: whether it is descending.
    """

    __slots__ = ("alias", "desc", "prop", "raw")

    def __init__(
        self, alias: str | None, prop: str | None, raw: str | None = None, desc: bool = False
    ) -> None:
        self.alias: str | None = alias
        self.prop: str | None = prop
        self.raw: str | None = raw
        self.desc: bool = desc

    def __repr__(self) -> str:
        text = self.raw or ".".join(filter(None, (self.alias, self.prop)))
        return f"<ORDER BY {text}{' DESC' if self.desc else ''}>"


def _name(field: Any) -> str:
    return field if isinstance(field, str) else str(getattr(field, "name", field))


def count(field: Any = "*", *, distinct: bool = False) -> AggExpr[int]:
    """Count rows, or the values of a field that are there.

    Args:
        field: a field, the alias of a node or relationship, or ``"*"`` for rows.
        distinct: count equal values once.

    Example::

        q.aggregate(count())  # count(*)
        q.aggregate(count(User.name, distinct=True))  # count(DISTINCT n.name)
    """
    return AggExpr("count", field, distinct=distinct)


def avg(field: Any) -> AggExpr[float | None]:
    """The mean of a field; ``None`` over nothing.

    Example::

        q.aggregate(avg(User.age).as_("average_age"))
    """
    return AggExpr("avg", field)


@overload
def sum_[V](field: Attr[V], *, distinct: bool = ...) -> AggExpr[V]: ...
@overload
def sum_[V](field: V, *, distinct: bool = ...) -> AggExpr[V]: ...
def sum_(field: Any, *, distinct: bool = False) -> AggExpr[Any]:
    """The sum of a field; an int for ints, also where the server replies with a float.

    Example::

        q.aggregate(sum_(Order.amount).as_("total"))
    """
    return AggExpr("sum", field, distinct=distinct)


@overload
def min_[V](field: Attr[V]) -> AggExpr[V | None]: ...
@overload
def min_[V](field: V) -> AggExpr[V | None]: ...
def min_(field: Any) -> AggExpr[Any]:
    """The least value of a field; ``None`` over nothing.

    Example::

        q.aggregate(min_(User.age).as_("youngest"))
    """
    return AggExpr("min", field)


@overload
def max_[V](field: Attr[V]) -> AggExpr[V | None]: ...
@overload
def max_[V](field: V) -> AggExpr[V | None]: ...
def max_(field: Any) -> AggExpr[Any]:
    """The greatest value of a field; ``None`` over nothing.

    Example::

        q.aggregate(max_(User.age).as_("oldest"))
    """
    return AggExpr("max", field)


def collect(field: Any, *, distinct: bool = False) -> AggExpr[list[Any]]:
    """The values of a field as a list, without the missing ones; for an alias, its nodes.

    Args:
        field: a field, or the alias of a node or relationship.
        distinct: keep equal values once.

    Example::

        q.aggregate(collect(User.name).as_("names"), group_by=User.country)
        q.aggregate(collect("f").as_("friends"), group_by="u")
    """
    return AggExpr("collect", field, distinct=distinct)


def distance(field: Any, other: GeoLocation | Any) -> DistanceExpr:
    """The distance in metres between a :class:`~runic.orm.core.types.GeoLocation` field and a place.

    Args:
        field: the field.
        other: a place, or another such field.

    Example::

        here = GeoLocation(latitude=40.65, longitude=-75.44)
        select(Airport).where(distance(Airport.location, here) < 50_000).order_by(
            distance(Airport.location, here)
        )
    """
    return DistanceExpr(field, other)


def score() -> ScoreExpr:
    """The score of each hit of a fulltext or vector search: in [0, 1], 1 the best, on every backend.

    Of a fulltext search it is relevance as a share of that of the best hit, among all that the search finds
    before any ``where()`` or ``limit()``. Of a vector search it is a similarity.

    Example::

        session.fulltext_search(Post, query="graph").where(score() > 0.5).order_by(score(), desc=True)
    """
    return ScoreExpr()
