"""Where ArcadeDB's Cypher needs another text than the standard one (26.10)."""

# visit_Logical names a node class, and what it does is emit it.
# ruff: noqa: N802, D102

from __future__ import annotations

from typing import TYPE_CHECKING

from runic.orm.compile.emit import Emitter

if TYPE_CHECKING:
    from runic.orm.query import ir

__all__ = ["ArcadeDBEmitter"]

#: Longer runs of AND and OR are nested: the server refuses more than 200 terms in a row.
_RUN = 64


class ArcadeDBEmitter(Emitter):
    """The standard compiler, with ArcadeDB's limits and gaps."""

    def name(self, name: str) -> str:
        # The variable of a list comprehension is not found again when it is quoted. Names of runic's own
        # begin with two underscores, and are no reserved words.
        return name if name.startswith("__") else super().name(name)

    def visit_Logical(self, node: ir.Logical) -> str:
        if len(node.operands) <= _RUN:
            return super().visit_Logical(node)
        middle = len(node.operands) // 2
        left, right = (type(node)(node.op, part) for part in (node.operands[:middle], node.operands[middle:]))
        return f"({self.visit_Logical(left)}) {node.op} ({self.visit_Logical(right)})"
