"""What FalkorDB answers wrongly unless it is asked in another way: comparisons, and paths of one length.

Comparisons that an index must not answer: FalkorDB's range indexes are wrong about some values.

Tried on 4.22.1: a range index compares texts without regard to case and to the bytes beyond the
first few thousand, and does not hold those that are empty, begin or end with white space, or have
a U+0001; it finds those with white space at an end for the text without; and of numbers it keeps
doubles. Without index all answers are right, and ``coalesce()`` of one argument keeps the index out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, cast

from runic.orm.compile.rewrite import with_before
from runic.orm.compile.subqueries import ComputingEmitter
from runic.orm.core.kinds import Kind
from runic.orm.query import ir

if TYPE_CHECKING:
    from runic.orm.compile.emit import Emitter

__all__ = ["KEY_PROBLEM", "KEY_TEST", "FalkorDBEmitter", "UnindexedEmitter", "bound_starts", "emitter_for"]

#: Python source: whether an index finds the text ``{v}`` again.
KEY_TEST = r"({v}.strip(' \t\n\v\f\r') == {v} != '' and '\x01' not in {v} and len({v}) < 1000)"

KEY_PROBLEM = (
    "text that is empty, has white space at an end, a U+0001, or 1,000 characters or more is not found again"
    " by FalkorDB's indexes, and with a unique constraint it ends the server (4.22): give the field another"
    " value"
)

_NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.EXACT_FLOAT, Kind.TIMEDELTA, Kind.BOOLEAN})
_ORDER = frozenset({"<", "<=", ">", ">="})
_EQUALITY = frozenset({"=", "IN"})

_EXACT = 2**53
_EXACT_TIME = timedelta(microseconds=_EXACT)
_WHITE = frozenset(" \t\n\v\f\r")


class FalkorDBEmitter(ComputingEmitter):
    """Keeps indexes out of comparisons of texts by order, and checks what they find for equality.

    EXISTS { } and COUNT { } are no words of the server (4.22); pattern comprehensions are, outside of WHERE.
    """

    kept_out: ClassVar[frozenset[str]] = _ORDER
    spared: ClassVar[frozenset[Kind]] = _NUMBERS

    def compared(self, left: ir.Expression, op: str) -> str:
        """The left side of a comparison."""
        text = self.visit(left)
        if self.display or op not in self.kept_out or not isinstance(left, ir.Property):
            return text
        return text if left.type.kind in self.spared else f"coalesce({text})"

    def visit_Comparison(self, node: ir.Comparison) -> str:  # noqa: N802 - named for the node
        """A comparison; what an index finds for equality is compared once more."""
        text = super().visit_Comparison(node)
        left, op, right = node.left, node.op, node.right
        if (
            self.display
            or op not in _EQUALITY - self.kept_out
            or not isinstance(left, ir.Property)
            or left.type.kind in self.spared
        ):
            return text
        if isinstance(right, ir.Property):
            # What is compared with is not known beforehand.
            return f"coalesce({self.visit(left)}) {op} coalesce({self.visit(right)})"
        # An index gives "a " and " a" for "a" as well.
        return f"({text} AND coalesce({self.visit(left)}) {op} {self._right(left, right)})"


class UnindexedEmitter(FalkorDBEmitter):
    """Keeps them out of equality too: for statements with a value that an index does not hold."""

    kept_out: ClassVar[frozenset[str]] = _ORDER | _EQUALITY
    spared: ClassVar[frozenset[Kind]] = frozenset()


def bound_starts(statement: ir.Statement) -> ir.Statement:
    """Bind where paths of one length greater than one start, before the MATCH that has them.

    Else the server may begin at the end that has a predicate. It then takes the relationship's type for the
    label of the start, and finds nothing (4.22).
    """
    return with_before(
        statement, lambda before, match: _one_length(match) and not isinstance(before, ir.With)
    )


def _one_length(match: ir.Match) -> bool:
    elements = [element for path in match.paths for element in path.elements]
    edges = [element for element in elements if isinstance(element, ir.EdgePattern)]
    return not match.optional and any(edge.min_hops == edge.max_hops != 1 for edge in edges)


def emitter_for(values: Sequence[Any]) -> type[Emitter]:
    """The emitter of a statement with these values."""
    return UnindexedEmitter if any(map(_unindexed, values)) else FalkorDBEmitter


def _unindexed(value: Any) -> bool:
    if isinstance(value, str):
        edges = not value or value[0] in _WHITE or value[-1] in _WHITE
        return edges or len(value) >= 1000 or "\x01" in value
    if isinstance(value, int):  # an index keeps numbers as doubles
        return not -_EXACT < value < _EXACT
    if isinstance(value, timedelta):
        return not -_EXACT_TIME < value < _EXACT_TIME
    if isinstance(value, Enum):
        return _unindexed(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_unindexed, cast("Iterable[object]", value)))
    return isinstance(value, bytes) and (not value or len(value) > 500)
