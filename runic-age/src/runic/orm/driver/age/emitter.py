"""What the text of a statement differs in on Apache AGE."""

# visit_Match and the like name node classes, and what they do is emit these.
# ruff: noqa: N802, D102

from __future__ import annotations

from runic.orm.compile.dialect import Capability
from runic.orm.compile.emit import SCORE, Emitter
from runic.orm.exceptions import QueryError
from runic.orm.query import ir

from .search import function_name, in_graph

__all__ = ["EARTH_RADIUS", "AGEEmitter"]

EARTH_RADIUS = 6378140.0
"""Metres; the one that FalkorDB computes with, so that a program's distances stay what they are."""


class AGEEmitter(Emitter):
    """Makes the text of one statement for Apache AGE."""

    def visit_NodePattern(self, node: ir.NodePattern) -> str:
        # Of several labels the last is the class's own, under which its nodes are stored.
        label = f":{self.name(node.labels[-1])}" if node.labels else ""
        return f"({self.name(node.variable)}{label})"

    def visit_HasLabels(self, node: ir.HasLabels) -> str:
        labels = self.dialect.labels.format(v=self.name(node.variable))
        return " AND ".join([f"'{label}' IN {labels}" for label in node.labels])

    def visit_Comparison(self, node: ir.Comparison) -> str:
        if node.op == ">=" and not isinstance(node.left, ir.Identity):
            # A btree index answers >= as if it were > (1.8: the operator class has them the wrong way round);
            # > and = it answers rightly.
            more, equal = [self.visit(ir.Comparison(node.left, op, node.right)) for op in (">", "=")]
            return f"({more} OR {equal})"
        if node.op != "IN" or not isinstance(node.right, ir.Bind):
            return super().visit_Comparison(node)
        text = super().visit_Comparison(node)
        values = self.visit(node.right)
        if isinstance(node.left, ir.Identity):
            # id(n) IN $list kills the server (1.8); an element of a list is an agtype, and does not.
            return f"[{self.visit(node.left)}][0] IN {values}"
        # null IN [] is null (1.6, 1.7), so that NOT of it would lose rows.
        return f"(size({values}) > 0 AND {text})"

    # -- searches -------------------------------------------------------------------------------
    #
    # A search is a function of the graph's schema, which the index adapter makes with the index. The planner
    # inlines it, so that the index serves it, and the rest of the statement composes with it as always.

    def visit_FulltextSearch(self, node: ir.FulltextSearch) -> str:
        self.dialect.require(Capability.FULLTEXT)
        names = node.query.fields or node.properties
        if not names:
            raise QueryError(
                f"{node.label} has no fulltext index: declare one with Field(index_type='FULLTEXT')",
                backend=self.dialect.name,
            )
        variable, query = self.name(node.variable), self.visit(node.query)
        own = {name: f"{variable}.{self.name(name)}" for name in names}
        matches = [f"{self._function('matches', node.label, name)}({own[name]}, {query})" for name in names]
        text = f"MATCH ({variable}:{self.name(node.label)})\nWHERE {' OR '.join(matches)}"
        if node.score:
            ranks = [
                f"coalesce(toFloat({self._function('rank', node.label, name)}({own[name]}, {query})), 0.0)"
                for name in names
            ]
            text += f"\nWITH {variable}, {' + '.join(ranks)} AS {self.name(SCORE)}"
        elif node.where is not None:
            text += f"\nWITH {variable}"
        return text + self.where(node.where)

    def indexed(self, node: ir.VectorSearch, times: int) -> str:
        variable, score, k = self.name(node.variable), self.name(SCORE), self.visit(node.k)
        own = self.own(node.property)
        distance = f"{self._function('distance', node.label, node.property.name)}({own}, {self.vector(node)})"
        return (
            f"MATCH ({variable}:{self.name(node.label)})\nWHERE {own} IS NOT NULL\n"
            f"WITH {variable}, {distance} AS {score}\nORDER BY {score}\n"
            f"LIMIT {k if times == 1 else f'{k} * {times}'}"
            f"\nWITH {variable}, {score}"
        )

    def similarity(self, node: ir.VectorSearch) -> str | None:
        # As an argument it is no longer what the index is over: that one looks at few nodes (pgvector 0.8),
        # of which a filter may leave none.
        function = self._function("distance", node.label, node.property.name)
        distance = f"toFloat({function}({self.own(node.property)}, {self.vector(node)}))"
        return self.dialect.vector_similarity[node.similarity].format(s=distance)

    def _function(self, kind: str, label: str, name: str) -> str:
        return in_graph(function_name(kind, label, name))

    def visit_Call(self, node: ir.Call) -> str:
        if node.function != "distance":
            return super().visit_Call(node)
        self.dialect.require(Capability.POINT)
        a, b = [self.own(each) for each in node.arguments]
        latitudes = f"sin(radians({b}.latitude - {a}.latitude) / 2) ^ 2"
        longitudes = f"sin(radians({b}.longitude - {a}.longitude) / 2) ^ 2"
        product = f"cos(radians({a}.latitude)) * cos(radians({b}.latitude))"
        return f"({2 * EARTH_RADIUS} * asin(sqrt({latitudes} + {product} * {longitudes})))"
