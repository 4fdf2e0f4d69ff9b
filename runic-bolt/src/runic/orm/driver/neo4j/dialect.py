"""Neo4j's Cypher as data. Imports no client: statements compile without one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import DriverError, InvalidNameError, SearchSyntaxError

from ..bolt.dialect import BoltDialect
from .codecs import CODECS
from .names import FULLTEXT_PREFIX, VECTOR_PREFIX

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.core.kinds import FieldType

__all__ = ["DIALECT", "Neo4jDialect"]

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
        Capability.READ_ONLY,
        Capability.STATEMENT_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.STREAMING,
        Capability.RANGE_INDEX,
        Capability.COMPOSITE_INDEX,
        Capability.EDGE_INDEX,
        Capability.UNIQUE,
        Capability.EDGE_UNIQUE,
        Capability.FULLTEXT_INDEX,
        Capability.EDGE_FULLTEXT_INDEX,
        Capability.VECTOR_INDEX,
        Capability.POINT_INDEX,
        Capability.EDGE_VECTOR_INDEX,
    }
)

_HINTS: Mapping[Capability, str] = {
    Capability.SAVEPOINTS: "an error ends the whole transaction (5.26); do what may fail in one of its own",
    Capability.MANDATORY: "existence constraints need the Enterprise Edition; use Field(required=True)",
    Capability.INTERN: "the server has nothing like it; the text is stored as it is",
    Capability.NONFINITE_FLOAT: "NaN is not even equal to itself in a query",
    Capability.EDGE_MANDATORY: "existence constraints need the Enterprise Edition; use Field(required=True)",
}

_FUNCTIONS: Mapping[str, str] = {"distance": "point.distance"}

# The index's own scores: (1 + cos) / 2 and 1 / (1 + d²), 1 best.
_SIMILARITIES: Mapping[str, str] = {
    "cosine": "vector.similarity.cosine({p}, {vector})",
    "euclidean": "vector.similarity.euclidean({p}, {vector})",
}

_AGENT = re.compile(r"^Neo4j/(\d+)\.(\d+)")


def pinned_language(agent: str) -> str:
    """What pins statements to Cypher 5: an administrator may have made 25 the default of a database.

    Servers before 5.21 do not know the word, and have no other language.
    """
    match = _AGENT.match(agent)
    return "CYPHER 5 " if match and (int(match[1]), int(match[2])) >= (5, 21) else ""


def lucene(query: str, fields: tuple[str, ...]) -> str:
    """A Lucene query restricted to ``fields``, if any are given."""
    return " OR ".join([f"{name}:({query})" for name in fields]) if fields else query


def lucene_words(words: tuple[str, ...], fields: tuple[str, ...]) -> str:
    """The Lucene query for all of ``words``: each is a phrase, so that nothing in it is an operator."""
    if not fields:
        return " ".join([f'+"{word}"' for word in words])
    return " ".join([f"+({' '.join([f'{name}:"{word}"' for name in fields])})" for word in words])


#: What Lucene says about a query, in the words of the exception's class.
_LUCENE = re.compile(r"\blucene\b.*\b(ParseException|TokenMgrError|TooManyClauses)\b", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neo4jDialect(BoltDialect):
    """What Neo4j's Cypher differs in (tried on 5.26 and 2026.08, community).

    Example:
        >>> Neo4jDialect().quote("name")
        '`name`'
    """

    name: str = "neo4j"
    capabilities: frozenset[Capability] = _CAPABILITIES
    batch_size: int = 5000
    page_rows: int = 5000
    identity: str = "elementId({v})"
    identity_type: type[Any] = str
    max_name_bytes: int = 16383
    functions: Mapping[str, str] = field(default_factory=lambda: _FUNCTIONS)
    hints: Mapping[Capability, str] = field(default_factory=lambda: _HINTS)
    # A predicate is not looked at again after the wait for a lock: without it, two writers of one
    # version both succeed. SET n.v = n.v takes none.
    lock: str = "SET {v} += {{}}"
    language: Callable[[str], str] | None = pinned_language
    auto_commit: re.Pattern[str] | None = re.compile(
        r"(?is).*\}\s*IN\s+(\S+\s+)?(CONCURRENT\s+)?TRANSACTIONS\b"
    )
    fulltext: str | None = (
        f"CALL db.index.fulltext.queryNodes('{FULLTEXT_PREFIX}' + {{label}}, {{query}}) YIELD node AS {{v}}"
    )
    fulltext_text: Callable[[str, tuple[str, ...]], str] | None = lucene
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = lucene_words
    vector: str | None = (
        f"CALL db.index.vector.queryNodes('{VECTOR_PREFIX}' + {{label}} + '_' + {{property}},"
        " {k}, {vector}) YIELD node AS {v}, score AS {s}"
    )
    vector_exact: Mapping[str, str] = field(default_factory=lambda: _SIMILARITIES)
    # The transaction's new nodes are not found, its changed ones by their old vectors (5.26, 2026.08).
    vector_fresh: bool = False

    error_texts: tuple[tuple[re.Pattern[str], type[DriverError]], ...] = ((_LUCENE, SearchSyntaxError),)

    # The key of a range index holds 8167 bytes.
    key_test: str = "(len({v}) < 2000 or len({v}.encode()) < 8000)"
    key_problem: str = "text of 8,000 bytes and more does not fit into an index of Neo4j (5.26, 2026.08)"

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type; cached."""
        return CODECS(type_)

    def quote(self, name: str) -> str:
        r"""``name`` in backticks.

        Raises:
            InvalidNameError: the name is empty or holds a NUL, a backtick, or a ``\u``, which the server
                decodes inside of backticks.
        """
        if not name or "\0" in name or "`" in name or "\\" in name:
            raise InvalidNameError(f"{name!r} cannot be quoted for Neo4j", backend="neo4j")
        return f"`{name}`"


DIALECT = Neo4jDialect()
"""The dialect of every driver: caches above it are keyed by the object."""
