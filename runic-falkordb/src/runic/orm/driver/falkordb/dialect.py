"""FalkorDB's Cypher as data. Imports no client: statements compile without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability, Dialect, UnitForm
from runic.orm.exceptions import InvalidNameError

from .cells import scalar
from .codecs import make_codec
from .emitter import KEY_PROBLEM, KEY_TEST, bound_starts, emitter_for
from .search import all_words, in_fields, whole_text

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.emit import Emitter
    from runic.orm.core.kinds import FieldType
    from runic.orm.query.ir import Statement

__all__ = ["DIALECT", "FalkorDBDialect"]

_CAPABILITIES = frozenset(
    {
        Capability.ATOMIC_FLUSH,
        Capability.MULTI_LABEL,
        Capability.REGEX,
        Capability.EXISTS_SUBQUERY,
        Capability.VARIABLE_LENGTH,
        Capability.FULLTEXT,
        Capability.VECTOR,
        Capability.POINT,
        Capability.INTERN,
        Capability.READ_ONLY,
        Capability.STATEMENT_TIMEOUT,
        Capability.RANGE_INDEX,
        Capability.COMPOSITE_INDEX,
        Capability.EDGE_INDEX,
        Capability.UNIQUE,
        Capability.EDGE_UNIQUE,
        Capability.MANDATORY,
        Capability.EDGE_MANDATORY,
        Capability.FULLTEXT_INDEX,
        Capability.EDGE_FULLTEXT_INDEX,
        Capability.VECTOR_INDEX,
        Capability.POINT_INDEX,
        Capability.EDGE_VECTOR_INDEX,
    }
)

_HINTS: Mapping[Capability, str] = {
    Capability.TRANSACTIONS: "a flush is one atomic query; do what belongs together in one flush",
    Capability.SAVEPOINTS: "a flush is one atomic query; there is nothing to go back to within it",
    Capability.WRITE_TIMEOUT: "the server ignores it (4.22); the client's own limit still applies",
    Capability.STREAMING: "the server has no cursors; page with limit and skip",
    Capability.NONFINITE_FLOAT: "the server does not parse NaN and infinity",
}


# The index tells the distances that these functions compute: 1 - cos, and the length (tried on 4.22).
# The first is rounded so that it may be -1.2e-7, or as much above 2.
_COSINE = "CASE WHEN {s} < 0 THEN 1.0 WHEN {s} > 2 THEN 0.0 ELSE 1 - {s} / 2 END"
_SIMILARITIES: Mapping[str, str] = {"cosine": _COSINE, "euclidean": "1 / (1 + {s} * {s})"}
_EXACT: Mapping[str, str] = {
    "cosine": f"[d IN [vec.cosineDistance({{p}}, {{vector}})] | {_COSINE.format(s='d')}][0]",
    "euclidean": "1 / (1 + vec.euclideanDistance({p}, {vector}) * vec.euclideanDistance({p}, {vector}))",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FalkorDBDialect(Dialect):
    """What FalkorDB's Cypher differs in (tried on 4.22).

    A flush goes out as one query, which the server applies or not at all. Result cells are those
    of the compact reply, ``[type, value]``.

    Example:
        >>> FalkorDBDialect().quote("name")
        '`name`'
    """

    name: str = "falkordb"
    capabilities: frozenset[Capability] = _CAPABILITIES
    unit_form: UnitForm = UnitForm.SINGLE_QUERY
    batch_size: int = 5000
    # One query of 50,000 rows took 0.7 s and grows linearly; beyond that the text itself gets heavy.
    unit_rows: int = 100_000
    # The server refuses labels of more than 512 bytes.
    max_name_bytes: int = 511
    identity_cell: str = "{c}[1]"
    items_cell: str = "{c}[1]"
    labels_cell: str = "[x[1] for x in {c}[1] or ()]"
    hints: Mapping[Capability, str] = field(default_factory=lambda: _HINTS)
    # (a)-[r1:T]->(b)<-[r2:T]-(c) binds r1 = r2 (4.22).
    edges_distinct: bool = False
    rewrites: tuple[Callable[[Statement], Statement], ...] = (bound_starts,)
    # There is no =~ (4.22). The function searches, and says false for null.
    regex: str = "CASE WHEN {l} IS NULL THEN null ELSE size(string.matchRegEx({l}, {r})) > 0 END"
    regex_value: Callable[[str], str] | None = whole_text
    # sum() of ints is a double, of which the reply has 15 digits.
    integer_sum: str | None = "reduce(t = 0, x IN {v} | t + x)"
    fulltext: str | None = "CALL db.idx.fulltext.queryNodes({label}, {query}) YIELD node AS {v}"
    fulltext_text: Callable[[str, tuple[str, ...]], str] | None = in_fields
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = all_words
    vector: str | None = (
        "CALL db.idx.vector.queryNodes({label}, {property}, {k}, {vector}) YIELD node AS {v}, score AS {s}"
    )
    vector_similarity: Mapping[str, str] = field(default_factory=lambda: _SIMILARITIES)
    vector_exact: Mapping[str, str] = field(default_factory=lambda: _EXACT)

    key_test: str = KEY_TEST
    key_problem: str = KEY_PROBLEM

    def emitter_for(self, values: Sequence[Any]) -> type[Emitter] | None:
        """The compiler's class: indexes must not answer for texts that they do not hold."""
        return emitter_for(values)

    def codec(self, type_: FieldType, interned: bool = False) -> Codec:
        """The codec of a field type; cached.

        Args:
            type_: what the field holds.
            interned: write text through ``intern()``.
        """
        return _codec(type_, interned or type_.interned)

    def plain(self, cell: Any) -> Any:
        """The Python value of a cell that is no node, edge or path."""
        return scalar(cell)

    def vetoed(self, error: Exception) -> bool:
        """Whether a guard divided by zero, which is how a part of a query refuses the whole of it."""
        return "Division by zero" in str(error)

    def quote(self, name: str) -> str:
        """``name`` in backticks.

        Raises:
            InvalidNameError: the name holds a backtick, which FalkorDB cannot escape, or a NUL,
                which cuts the statement off.
        """
        if "`" in name or "\0" in name or not name:
            raise InvalidNameError(f"{name!r} cannot be quoted for FalkorDB", backend="falkordb")
        return f"`{name}`"


DIALECT = FalkorDBDialect()
"""The dialect of every driver: caches above it are keyed by the object."""


@lru_cache(maxsize=1024)
def _codec(type_: FieldType, interned: bool) -> Codec:
    return make_codec(type_, interned)
