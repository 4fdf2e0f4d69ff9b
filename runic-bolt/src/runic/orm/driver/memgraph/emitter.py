"""Where Memgraph's Cypher needs another text than the standard one, by its documentation."""

# What a method does is emit what it is named for.
# ruff: noqa: D102

from __future__ import annotations

from typing import ClassVar

from runic.orm.compile.emit import SCORE
from runic.orm.compile.subqueries import ComputingEmitter
from runic.orm.query import ir

__all__ = ["FULLTEXT_PREFIX", "VECTOR_PREFIX", "MemgraphEmitter"]

FULLTEXT_PREFIX = "fulltext_"
VECTOR_PREFIX = "vector_"

#: The index's distances as similarities from 0 to 1, best first: 1 - cos, and the square of the distance.
_SIMILARITIES = {"cosine": "1.0 - distance / 2", "euclidean": "1.0 / (1.0 + distance)"}


class MemgraphEmitter(ComputingEmitter):
    """The standard compiler, with Memgraph's procedures.

    EXISTS { } is documented; COUNT { } is in the grammar and not in the documentation.
    """

    computed: ClassVar[frozenset[type]] = frozenset({ir.CountOf})

    def hits(self, node: ir.FulltextSearch) -> str:
        # One procedure searches everything that is indexed, another one the fields that the query names.
        procedure = "search" if node.query.fields else "search_all"
        text = (
            f"CALL text_search.{procedure}('{FULLTEXT_PREFIX}{node.label}', {self.visit(node.query)})"
            f" YIELD node, score\nWITH node AS {self.name(node.variable)}"
        )
        return f"{text}, score AS {self.name(SCORE)}" if node.score else text

    def indexed(self, node: ir.VectorSearch, times: int) -> str:
        k = self.visit(node.k)
        return (
            f"CALL vector_search.search('{VECTOR_PREFIX}{node.label}_{node.property.name}',"
            f" {k if times == 1 else f'{k} * {times}'}, {self.vector(node)}) YIELD node, distance\n"
            f"WITH node AS {self.name(node.variable)},"
            f" {_SIMILARITIES[node.similarity]} AS {self.name(SCORE)}"
        )
