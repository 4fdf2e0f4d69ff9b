"""What the text of a statement differs in on Apache AGE."""

# visit_Match and the like name node classes, and what they do is emit these.
# ruff: noqa: N802, D102

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from runic.orm.compile.dialect import Capability
from runic.orm.compile.emit import SCORE, all_of
from runic.orm.compile.subqueries import ComputingEmitter
from runic.orm.exceptions import QueryError
from runic.orm.query import ir

from .search import function_name, in_graph

if TYPE_CHECKING:
    from runic.orm.compile.emit import Emitter

__all__ = ["EARTH_RADIUS", "AGEEmitter", "emitter_of"]

EARTH_RADIUS = 6378140.0
"""Metres; the one that FalkorDB computes with, so that a program's distances stay what they are."""


_BY_WORDS: dict[tuple[type[Emitter], int], type[Emitter]] = {}


def emitter_of(emitter: type[Emitter], words: int) -> type[Emitter]:
    """The emitter of statements that look for so many words; always the same, as texts are cached by it."""
    key = (emitter, words)
    if key not in _BY_WORDS:
        _BY_WORDS.setdefault(key, type(f"{emitter.__name__}Of{words}", (emitter,), {"words": words}))
    return _BY_WORDS[key]


class AGEEmitter(ComputingEmitter):
    """Makes the text of one statement for Apache AGE.

    COUNT { } has no place in ORDER BY (1.8: unsupported SubLink), so that a WITH computes it.

    Attributes:
        words: how many words a search for words looks up, if it does in several fields.
    """

    words: ClassVar[int] = 1
    computed: ClassVar[frozenset[type]] = frozenset()
    beforehand: ClassVar[frozenset[type]] = frozenset({ir.CountOf})

    def visit_NodePattern(self, node: ir.NodePattern) -> str:
        # Of several labels the last is the class's own, under which its nodes are stored.
        label = f":{self.name(node.labels[-1])}" if node.labels else ""
        return f"({self.name(node.variable)}{label})"

    def visit_HasLabels(self, node: ir.HasLabels) -> str:
        labels = self.dialect.labels.format(v=self.name(node.variable))
        return " AND ".join([f"'{label}' IN {labels}" for label in node.labels])

    def visit_Comparison(self, node: ir.Comparison) -> str:
        if node.op == ">=" and isinstance(node.left, ir.Property):
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

    def visit_Aggregate(self, node: ir.Aggregate) -> str:
        text = super().visit_Aggregate(node)
        # Over nothing it is null (1.8), and 0 everywhere else.
        return f"coalesce({text}, 0)" if node.function == "sum" else text

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
        variable, score, best = self.name(node.variable), self.name(SCORE), self.name("__best")
        query = self.visit(node.query)
        own = {name: f"{variable}.{self.name(name)}" for name in names}
        text = f"MATCH ({variable}:{self.name(node.label)})\nWHERE {self._found(node, query, own)}"
        if node.query.role is ir.Role.WORDS:
            query += ".some"
        rank = " + ".join(
            [
                f"coalesce(toFloat({self._function('rank', node.label, name)}({own[name]}, {query})), 0.0)"
                for name in names
            ]
        )
        predicate = all_of(node.within, node.where)
        if node.relative:
            # Lists of nodes are slow. Searching twice is not, and a statement sees one state of the database.
            within = "" if node.within is None else f"\nWITH {variable}{self.where(node.within)}"
            carried = within.replace(f"WITH {variable}", f"WITH {variable}, {best}", 1)
            text = f"{text}{within}\nWITH max({rank}) AS {best}\n{text}{carried}"
            text += f"\nWITH {variable}, {self.share(f'({rank})', best)} AS {score}"
            predicate = node.where
        elif node.score:
            text += f"\nWITH {variable}, {rank} AS {score}"
        elif predicate is not None:
            text += f"\nWITH {variable}"
        return text + self.where(predicate)

    def _found(self, node: ir.FulltextSearch, query: str, own: Mapping[str, str]) -> str:
        """Whether a node is a hit."""

        def found(texts: Mapping[str, str], query: str, kind: str = "matches") -> str:
            return " OR ".join(
                [f"{self._function(kind, node.label, name)}({text}, {query})" for name, text in texts.items()]
            )

        if node.query.role is not ir.Role.WORDS:
            return found(own, query)
        if len(own) == 1:
            return found(own, f"{query}.every")
        # Words may be in several fields, each of which has an index. A word that says nothing in its language
        # (the, of) is in every text by these functions, so one of the words must say something.
        tests = [f"({found(own, f'{query}.words[{at}]', 'has')})" for at in range(self.words)]
        tests += [found({name: f"{query}.text"}, f"{query}.some") for name in own]
        return " AND ".join(tests)

    def indexed(self, node: ir.VectorSearch, times: int) -> str:
        variable, score, k = self.name(node.variable), self.name(SCORE), self.visit(node.k)
        own = self.own(node.property)
        distance = f"{self._function('distance', node.label, node.property.name)}({own}, {self.vector(node)})"
        order = score if self.dialect.order_by_alias else distance
        return (
            f"MATCH ({variable}:{self.name(node.label)})\nWHERE {own} IS NOT NULL\n"
            f"WITH {variable}, {distance} AS {score}\nORDER BY {order}\n"
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
