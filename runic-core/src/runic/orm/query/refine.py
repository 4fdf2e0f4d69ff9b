"""The methods that refine a statement whatever it returns: names, predicates, order and extent."""

from __future__ import annotations

from typing import Any, Self, cast

from runic.orm.core.names import check_name
from runic.orm.exceptions import QueryError
from runic.orm.query.assemble import RESERVED_PREFIX
from runic.orm.query.expressions import AggExpr, Expr, OrderExpr
from runic.orm.query.normal import aggregate_key, operand_key, predicate_key
from runic.orm.query.statement import Statement
from runic.orm.query.terms import parse_order

__all__ = ["Refinable", "checked_alias", "whole"]


class Refinable(Statement):
    """A statement that can be filtered, ordered and cut."""

    __slots__ = ()

    def alias(self, name: str) -> Self:
        """Name the variable of the root, or rename the target of the last traversal.

        Args:
            name: the Cypher variable.

        Raises:
            InvalidNameError: no valid name.

        Example::

            select(User).alias("u").where(User.active == True, on="u")
        """
        return self._add(("alias", checked_alias(name)))

    def where(self, expr: Expr | bool, *, on: str | None = None) -> Self:
        """Keep what satisfies a predicate; several calls are combined with AND.

        A predicate belongs to the step that introduces the last of its variables. On a step that is
        optional it says what is joined, and nodes without such a neighbour stay; to drop these, traverse
        with ``optional=False``, or filter after :meth:`with_`.

        Args:
            expr: made by the operators of fields: ``User.age > 18``, combined with ``&``, ``|``, ``~``.
            on: the variable that the predicate is about, where its class stands under several, or to
                name an edge.

        Raises:
            TypeError: ``expr`` is no predicate, e.g. the plain ``bool`` of ``User.name is None``.
            QueryTooComplexError: groups nested too deep.

        Example::

            q.where((User.role == "admin") | (User.role == "mod")).where(Rated.score > 4.0, on="r")
        """
        values: list[Any] = []
        key = predicate_key(expr, values)
        if on is not None:
            checked_alias(on)
        return self._add(("where", key, on), values)

    def with_(self, *aliases: str) -> Self:
        """Close a stage: only the named variables go on, and later predicates filter the rows so far.

        Args:
            *aliases: the variables to carry on.

        Example::

            select(User).alias("u").where(User.active == True).with_("u").traverse(User.posts).alias("p")
        """
        if not aliases:
            raise QueryError("with_() needs the aliases to carry on")
        return self._add(("with", tuple(checked_alias(alias) for alias in aliases)))

    # -- order and extent --------------------------------------------------------------------------

    def order_by(self, field: Any, *, desc: bool = False) -> Self:
        """Add an ORDER BY term.

        Args:
            field: a field (``User.name``), an aggregation that is returned, ``distance(...)``,
                ``score()``, or text: ``"n.created_at DESC"``, or the name of something returned. Text is
                taken apart into names, never pasted.
            desc: largest first. Missing values come last in ascending, first in descending order.

        Raises:
            QueryError: text that is more than names.

        Example::

            q.order_by(User.age).order_by("u.created_at DESC").order_by(count("*"), desc=True)
        """
        if isinstance(field, str):
            builder = self
            for term, descending in parse_order(field, desc):
                builder = builder._add(("order", ("term", term), descending))
            return builder
        if isinstance(field, OrderExpr):
            text = field.raw or ".".join(filter(None, (field.alias, field.prop)))
            return self.order_by(text, desc=desc or field.desc)
        if isinstance(field, AggExpr):
            return self._add(("order", aggregate_key(cast("AggExpr[Any]", field)), desc))  # type: ignore[redundant-cast]
        values: list[Any] = []
        key = operand_key(field, values)
        if not isinstance(key, tuple):
            raise TypeError(f"order_by() takes a field, an expression or text, not {type(field).__name__}")
        return self._add(("order", key, desc), values)

    def limit(self, n: int) -> Self:
        """Return at most ``n`` rows.

        Raises:
            TypeError: ``n`` is no int.
            ValueError: ``n`` is negative.
        """
        whole("limit", n)
        target = self._target()
        target._limit = n
        return target

    def skip(self, n: int) -> Self:
        """Leave out the first ``n`` rows.

        Raises:
            TypeError: ``n`` is no int.
            ValueError: ``n`` is negative.
        """
        whole("skip", n)
        target = self._target()
        target._skip = n
        return target

    def distinct(self) -> Self:
        """Return equal rows once. The order may then only use what is returned."""
        return self._add(("distinct",))


def checked_alias(name: str) -> str:
    """``name``, if it can be a variable.

    Raises:
        InvalidNameError: no valid name.
        QueryError: a reserved one.
    """
    check_name(name, "alias")
    if name.startswith(RESERVED_PREFIX):
        raise QueryError(
            f"the alias {name!r} begins with {RESERVED_PREFIX!r}, which is reserved: choose another"
        )
    return name


def whole(what: str, value: object) -> None:
    """Check a number of rows or hops.

    Raises:
        TypeError: no int.
        ValueError: negative, or too large for any server.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} takes an int, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{what} cannot be negative, and {value} is")
    if value >= 2**63:
        raise ValueError(f"{what}={value} is beyond 64 bits")
