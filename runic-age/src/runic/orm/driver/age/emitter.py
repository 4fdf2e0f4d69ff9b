"""What the text of a statement differs in on Apache AGE."""

# visit_Match and the like name node classes, and what they do is emit these.
# ruff: noqa: N802, D102

from __future__ import annotations

from runic.orm.compile.dialect import Capability
from runic.orm.compile.emit import Emitter
from runic.orm.query import ir

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
        if node.op != "IN" or not isinstance(node.right, ir.Bind):
            return super().visit_Comparison(node)
        text = super().visit_Comparison(node)
        values = self.visit(node.right)
        if isinstance(node.left, ir.Identity):
            # id(n) IN $list kills the server (1.8); an element of a list is an agtype, and does not.
            return f"[{self.visit(node.left)}][0] IN {values}"
        # null IN [] is null (1.6, 1.7), so that NOT of it would lose rows.
        return f"(size({values}) > 0 AND {text})"

    def visit_Call(self, node: ir.Call) -> str:
        if node.function != "distance":
            return super().visit_Call(node)
        self.dialect.require(Capability.POINT)
        a, b = [self.own(each) for each in node.arguments]
        latitudes = f"sin(radians({b}.latitude - {a}.latitude) / 2) ^ 2"
        longitudes = f"sin(radians({b}.longitude - {a}.longitude) / 2) ^ 2"
        product = f"cos(radians({a}.latitude)) * cos(radians({b}.latitude))"
        return f"({2 * EARTH_RADIUS} * asin(sqrt({latitudes} + {product} * {longitudes})))"
