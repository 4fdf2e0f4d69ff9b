"""Memgraph's Cypher as data, by its documentation and source. Imports no client."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import (
    ConstraintViolation,
    DriverError,
    QueryTimeout,
    SearchSyntaxError,
    TransientConflictError,
)

from ..bolt.dialect import BoltDialect
from ..bolt.statements import writes
from .codecs import CODECS
from .emitter import MemgraphEmitter

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.emit import Emitter
    from runic.orm.core.kinds import FieldType

__all__ = ["DIALECT", "MemgraphDialect"]

_CAPABILITIES = frozenset(
    {
        Capability.TRANSACTIONS,
        Capability.ATOMIC_FLUSH,
        Capability.MULTI_LABEL,
        Capability.REGEX,
        Capability.EXISTS_SUBQUERY,
        Capability.VARIABLE_LENGTH,
        Capability.FULLTEXT,
        Capability.VECTOR,
        Capability.POINT,
        Capability.STATEMENT_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.STREAMING,
        Capability.RANGE_INDEX,
        Capability.COMPOSITE_INDEX,
        Capability.EDGE_INDEX,
        Capability.UNIQUE,
        Capability.MANDATORY,
        Capability.FULLTEXT_INDEX,
        Capability.EDGE_FULLTEXT_INDEX,
        Capability.VECTOR_INDEX,
        Capability.POINT_INDEX,
        Capability.EDGE_VECTOR_INDEX,
    }
)

_HINTS: Mapping[Capability, str] = {
    Capability.SAVEPOINTS: "the server has none; use a transaction of its own",
    Capability.READ_ONLY: "only replicas refuse writes; runic refuses them before",
    Capability.INTERN: "the server has no such function",
    Capability.NONFINITE_FLOAT: "NaN equals nothing and has no place in an order",
    Capability.EDGE_UNIQUE: "the server has constraints on nodes only",
    Capability.EDGE_MANDATORY: "the server has constraints on nodes only; use Field(required=True)",
}

_DOT = "reduce(t = 0.0, i IN range(0, size({a}) - 1) | t + {a}[i] * {b}[i])"


def _cosine() -> str:
    dot, own, other = (
        _DOT.format(a=a, b=b) for a, b in (("{p}", "{vector}"), ("{p}", "{p}"), ("{vector}", "{vector}"))
    )
    return f"(1.0 + {dot} / (sqrt({own}) * sqrt({other}))) / 2"


# The same numbers as the index gives, for searches that filter: they look at every node that passes.
_EXACT_SCORES: Mapping[str, str] = {
    "cosine": _cosine(),
    "euclidean": (
        "1.0 / (1.0 + reduce(t = 0.0, i IN range(0, size({vector}) - 1)"
        " | t + ({p}[i] - {vector}[i]) * ({p}[i] - {vector}[i])))"
    ),
}

_TEXTS: tuple[tuple[re.Pattern[str], type[DriverError]], ...] = (
    (re.compile(r"(?i)constraint violation"), ConstraintViolation),
    (re.compile(r"(?i)conflicting transactions|serialization error"), TransientConflictError),
    (
        re.compile(r"(?i)transaction was asked to abort.*timeout|query timeout|transaction timeout"),
        QueryTimeout,
    ),
    # By the source of mgcxx.
    (re.compile(r"(?i)unable to create search query"), SearchSyntaxError),
)

_DDL = re.compile(
    r"(?is)\s*(?:(?:CREATE|DROP)\s+(?:GLOBAL\s+)?(?:(?:EDGE|TEXT|TEXT\s+EDGE|VECTOR|VECTOR\s+EDGE|POINT)\s+)?"
    r"(?:INDEX|CONSTRAINT)\b|SHOW\s|ANALYZE\s+GRAPH|STORAGE\s+MODE|FREE\s+MEMORY)"
)


def _fields(query: str, fields: tuple[str, ...]) -> str:
    """A Tantivy query restricted to ``fields``, if any are given."""
    return " OR ".join([f"data.{name}:({query})" for name in fields]) if fields else query


def _words(words: tuple[str, ...], fields: tuple[str, ...]) -> str:
    """The Tantivy query for all of ``words``: each is a phrase, so that nothing in it is an operator."""
    if not fields:
        # search_all puts "all:" before the query, which names the field of its first phrase only.
        return " AND all:".join([f'"{word}"' for word in words])
    return " AND ".join([f"({' OR '.join([f'data.{name}:"{word}"' for name in fields])})" for word in words])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemgraphDialect(BoltDialect):
    """What Memgraph 3's Cypher differs in, by its documentation. It was not tried on a server.

    Example:
        >>> MemgraphDialect().identity
        'id({v})'
    """

    name: str = "memgraph"
    capabilities: frozenset[Capability] = _CAPABILITIES
    batch_size: int = 5000
    page_rows: int = 5000
    identity: str = "id({v})"
    identity_type: type[Any] = int
    functions: Mapping[str, str] = field(default_factory=lambda: {"distance": "point.distance"})
    hints: Mapping[Capability, str] = field(default_factory=lambda: _HINTS)
    emitter: type[Emitter] | None = MemgraphEmitter
    fulltext: str | None = ""  # the emitter's
    fulltext_text: Callable[[str, tuple[str, ...]], str] | None = _fields
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = _words
    vector: str | None = ""  # the emitter's
    vector_exact: Mapping[str, str] = field(default_factory=lambda: _EXACT_SCORES)
    # "Index manipulation not allowed in multicommand transactions", nor are constraints and SHOW ... INFO.
    auto_commit: re.Pattern[str] | None = _DDL
    # "Unable to commit due to unique constraint violation"
    late_constraints: bool = True
    bookmarks: bool = False
    silence: bool = False
    enforces_read: bool = False
    writes: Callable[[str], bool] | None = writes
    error_texts: tuple[tuple[re.Pattern[str], type[DriverError]], ...] = _TEXTS

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type; cached."""
        return CODECS(type_)

    def quote(self, name: str) -> str:
        """``name`` in backticks; one inside is doubled."""
        return f"`{name.replace('`', '``')}`"


DIALECT = MemgraphDialect()
"""The dialect of every driver: caches above it are keyed by the object."""
