"""``exists()`` and ``count_of()`` where a server has no EXISTS { } or no COUNT { }.

What they find is the length of a pattern comprehension. Servers that have these take them where a row is
made, not where one is tested, so a WITH computes them, and the predicate is about what it computed. Only
the question for a relationship alone is a predicate: a pattern.
"""

# visit_Exists and the like name node classes, and what they do is emit these.
# ruff: noqa: N802, D102

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, cast

from runic.orm.compile.emit import Emitter, all_of
from runic.orm.query import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import DataclassInstance

    from runic.orm.compile.dialect import Dialect

__all__ = ["ComputingEmitter"]

type _Subquery = ir.Exists | ir.CountOf

_MATCHES, _MATCH = "__m", "__r"


class ComputingEmitter(Emitter):
    """Computes subqueries beforehand.

    Attributes:
        computed: which of them are comprehensions; the others are as everywhere.
        beforehand: which of them a result takes from a WITH before it.
    """

    computed: ClassVar[frozenset[type]] = frozenset({ir.Exists, ir.CountOf})
    beforehand: ClassVar[frozenset[type]] = frozenset({ir.Exists, ir.CountOf})

    def __init__(self, dialect: Dialect, *, display: bool) -> None:
        super().__init__(dialect, display=display)
        #: what was computed by the last WITH -> the variable that has it
        self._known: dict[_Subquery, str] = {}
        #: the variables of subqueries -> names of their own: two comprehensions that share one are wrong
        #: about the second (FalkorDB 4.22)
        self._own: dict[str, str] = {}
        self._made = 0

    def name(self, name: str) -> str:
        return super().name(self._own.get(name, name))

    def visit_Exists(self, node: ir.Exists) -> str:
        if ir.Exists not in self.computed:
            return super().visit_Exists(node)
        return f"{self._length(node)} > 0"

    def visit_CountOf(self, node: ir.CountOf) -> str:
        known = self._known.get(node)
        if known is not None:
            return known
        return self._length(node) if ir.CountOf in self.computed else super().visit_CountOf(node)

    def clause(self, node: ir.Clause) -> str:
        if isinstance(node, ir.Match) and node.optional and any(self._to_compute(node.where)):
            return self._optional(node)
        return super().clause(node)

    def where(self, predicate: ir.Expression | None) -> str:
        if predicate is None or not any(self._to_compute(predicate)):
            return super().where(predicate)
        both = isinstance(predicate, ir.Logical) and predicate.op == "AND"
        parts = predicate.operands if both and isinstance(predicate, ir.Logical) else (predicate,)
        # What needs nothing computed is tested first, so that indexes serve it and less is computed.
        tests: list[str] = []
        rest: list[ir.Expression] = []
        for part in parts:
            pattern = self._pattern(part)
            if pattern is not None:
                tests.append(pattern)
            elif any(self._to_compute(part)):
                rest.append(part)
            else:
                text = self.visit(part)
                tests.append(f"({text})" if isinstance(part, ir.Logical) and len(parts) > 1 else text)
        tested = f"\nWHERE {' AND '.join(tests)}" if tests else ""
        if not rest:
            return tested
        computed = self._compute([each for part in rest for each in self._to_compute(part)])
        text = f"{tested}\n{computed}{super().where(all_of(*rest))}"
        self._known = {}
        return text

    def _pattern(self, part: ir.Expression) -> str | None:
        """The pattern that is the predicate, where all of it asks for a relationship and no more.

        Not where it is one of several alternatives: a pattern OR a computed value is a type mismatch
        (FalkorDB 4.22).
        """
        node = part.operand if isinstance(part, ir.Not) else part
        if not isinstance(node, ir.Exists) or node.where is not None or ir.Exists not in self.computed:
            return None
        *path, target = node.path.elements
        assert isinstance(target, ir.NodePattern)
        labels = "".join([f":{self.name(label)}" for label in target.labels])
        text = f"{self.visit(ir.Path(tuple(path)))}({labels})"
        return f"NOT {text}" if node is not part else text

    def before_result(self, result: ir.Return) -> str:
        wanted = (*[item.expression for item in result.items], *[term.expression for term in result.order])
        found = [each for part in wanted for each in _subqueries(part, self.beforehand)]
        return self._compute(found) if found else ""

    def _compute(self, subqueries: Iterable[_Subquery]) -> str:
        """The WITH that computes them."""
        self._known = {}
        found = dict.fromkeys(subqueries)
        names = {each: self.name(f"__q{position}") for position, each in enumerate(found)}
        values = [f"{self._value(each)} AS {name}" for each, name in names.items()]
        items = [*map(self.name, self.bound), *values]
        self._known = names
        return f"WITH {', '.join(items)}"

    def _value(self, node: _Subquery) -> str:
        return self._length(node) if type(node) in self.computed else self.visit(node)

    def _to_compute(self, node: ir.IRNode | None) -> Iterator[_Subquery]:
        """The outermost subqueries in a predicate that a WITH has to compute."""
        return _subqueries(node, self.computed)

    def _length(self, node: _Subquery) -> str:
        known = self._known.get(node)
        if known is not None:
            return known
        outer = self._own
        self._made += 1
        own = [each.variable for each in node.path.elements[1:] if each.variable is not None]
        self._own = {**outer, **{each: f"{each}_{self._made}" for each in own}}
        try:
            pattern = self.visit(node.path)
            if node.where is None:
                return f"size([{pattern} | 1])"
            where = self.visit(node.where)
            if not any(_subqueries(node.where, self.computed)):
                return f"size([{pattern} WHERE {where} | 1])"
            element = self.name(f"__h{self._made}")
            return f"size([{element} IN [{pattern} | {where}] WHERE {element} | 1])"
        finally:
            self._own = outer

    def _optional(self, node: ir.Match) -> str:
        """An optional match whose predicate is computed: all matches of a row, or one of nulls."""
        before = list(self.bound)
        match = super().clause(ir.Match(node.paths, where=node.where))
        found = [each for each in self.bound if each not in before]
        names, own = [*map(self.name, before)], [*map(self.name, found)]
        matches, one = self.name(_MATCHES), self.name(_MATCH)
        nulls = ", ".join(["null"] * len(own))
        carried = [*names, *[f"{one}[{position}] AS {each}" for position, each in enumerate(own)]]
        collected = f"RETURN collect([{', '.join(own)}]) AS {matches}"
        return (
            f"CALL {{\nWITH {', '.join(names)}\n{match}\n{collected}\n}}\n"
            f"UNWIND CASE WHEN size({matches}) = 0 THEN [[{nulls}]] ELSE {matches} END AS {one}\n"
            f"WITH {', '.join(carried)}"
        )


def _parts(node: Any) -> Iterator[ir.IRNode]:
    """The nodes right below one."""
    if not isinstance(node, ir.IRNode):
        return
    for each in fields(cast("DataclassInstance", node)):
        value: Any = getattr(node, each.name)
        for part in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
            if isinstance(part, ir.IRNode):
                yield part


def _subqueries(node: ir.IRNode | None, types: frozenset[type]) -> Iterator[_Subquery]:
    """The outermost subqueries of some types in ``node``."""
    if isinstance(node, ir.Exists | ir.CountOf) and type(node) in types:
        yield node
        return
    for part in _parts(node):
        yield from _subqueries(part, types)
