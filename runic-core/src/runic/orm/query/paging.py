"""Pages of a statement for streaming: each continues after the last entity of the one before.

Unlike SKIP, that neither repeats nor omits an entity when others write meanwhile, and every page costs
the same. It needs a statement whose rows are the nodes of its root, in no order of the user's own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runic.orm.query import ir

if TYPE_CHECKING:
    from runic.orm.compile.compiler import Readable
    from runic.orm.core.metadata import MetaData

__all__ = ["KeysetPage", "OffsetPage", "by_identity"]


def by_identity(statement: Readable) -> bool:
    """Whether the rows of ``statement`` can be paged by the identity of its root."""
    tree = statement.tree()
    result = tree.result
    if len(tree.clauses) != 1 or not isinstance(tree.clauses[0], ir.Match):
        return False
    plain = not (result.distinct or result.aggregated or result.order or result.skip or result.limit)
    return plain and len(result.items) == 1 and result.items[0].kind is ir.ItemKind.NODE


class KeysetPage:
    """The next ``size`` nodes after the one with identity ``after``, in order of identity.

    Args:
        statement: for which :func:`by_identity` holds.
        after: the last identity of the page before; ``None`` for the first page.
        size: how many.
    """

    def __init__(self, statement: Readable, after: Any, size: int) -> None:
        self._statement = statement
        self._after = after
        self._size = size

    @property
    def registry(self) -> MetaData:
        """The registry of the statement's models."""
        return self._statement.registry

    def shape_key(self) -> Hashable:
        """Equal for pages of one statement, apart from the first."""
        return ("keyset", self._after is None, self._statement.shape_key())

    def slots(self) -> Sequence[Any]:
        """The statement's values, then the size, then the identity."""
        return (*self._statement.slots(), self._size, self._after)

    def tree(self) -> ir.Statement:
        """The statement, narrowed to the page."""
        tree = self._statement.tree()
        item = tree.result.items[0]
        assert isinstance(item.expression, ir.Variable)
        assert item.model is not None
        identity = ir.Identity(item.expression.name, item.model.__name__)
        slot = len(self._statement.slots())
        match = tree.clauses[0]
        assert isinstance(match, ir.Match)
        if self._after is not None:
            after = ir.Comparison(identity, ">", ir.Bind(slot + 1, ir.Role.IDENTITY, identity))
            match = replace(match, where=_both(match.where, after))
        result = replace(tree.result, order=(ir.OrderItem(identity),), limit=ir.Bind(slot, ir.Role.COUNT))
        return ir.Statement((match,), result)


class OffsetPage:
    """``size`` rows after the first ``skip``; the user's order is made definite by the identity.

    Args:
        statement: any statement of nodes.
        skip: how many rows the pages before had, beside what the statement itself skips.
        size: how many rows.
    """

    def __init__(self, statement: Readable, skip: int, size: int) -> None:
        self._statement = statement
        self._skip = skip
        self._size = size

    @property
    def registry(self) -> MetaData:
        """The registry of the statement's models."""
        return self._statement.registry

    def shape_key(self) -> Hashable:
        """Equal for all pages of one statement."""
        return ("offset", self._statement.shape_key())

    def slots(self) -> Sequence[Any]:
        """The statement's values, then the size, then how many rows to leave out."""
        values = self._statement.slots()
        result = self._statement.tree().result
        first = 0 if result.skip is None else int(values[result.skip.slot])
        size = self._size
        if result.limit is not None:
            size = max(0, min(size, int(values[result.limit.slot]) - self._skip))
        return (*values, size, first + self._skip)

    def tree(self) -> ir.Statement:
        """The statement, with its own bounds replaced by those of the page."""
        tree = self._statement.tree()
        slot = len(self._statement.slots())
        result = tree.result
        order = result.order
        if not (result.distinct or result.aggregated):
            ties = [
                ir.OrderItem(ir.Identity(item.expression.name, item.name))
                for item in result.items
                if item.kind is ir.ItemKind.NODE and isinstance(item.expression, ir.Variable)
            ]
            order = (*order, *ties)
        return ir.Statement(
            tree.clauses,
            replace(
                result,
                order=order,
                limit=ir.Bind(slot, ir.Role.COUNT),
                skip=ir.Bind(slot + 1, ir.Role.COUNT),
            ),
        )


def _both(where: ir.Expression | None, other: ir.Expression) -> ir.Expression:
    if where is None:
        return other
    parts = where.operands if isinstance(where, ir.Logical) and where.op == "AND" else (where,)
    return ir.Logical("AND", (*parts, other))
