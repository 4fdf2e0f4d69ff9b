"""ArcadeDB's Cypher as data. Imports no client: statements compile without one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability
from runic.orm.core.metadata import EdgeMeta, NodeMeta
from runic.orm.exceptions import ConstraintViolation, DriverError, MetadataError, SearchSyntaxError

from ..bolt.dialect import BoltDialect
from ..bolt.statements import writes
from ..neo4j.dialect import lucene, lucene_words
from .codecs import CODECS
from .emitter import ArcadeDBEmitter

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.emit import Emitter
    from runic.orm.core.kinds import FieldType

__all__ = ["DIALECT", "FULLTEXT_PREFIX", "ArcadeDBDialect"]

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
        Capability.STREAMING,
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
    }
)

_HINTS: Mapping[Capability, str] = {
    Capability.SAVEPOINTS: "the server has none; use a transaction of its own",
    Capability.READ_ONLY: "the server runs writes in READ transactions (26.10); runic refuses them before",
    Capability.STATEMENT_TIMEOUT: "the server ignores it (26.10)",
    Capability.WRITE_TIMEOUT: "the server ignores it (26.10)",
    Capability.NONFINITE_FLOAT: "NaN equals nothing and has no place in an order",
    Capability.INTERN: "the server has no such function",
    Capability.EDGE_VECTOR_INDEX: "the server cannot search them (26.10)",
    Capability.POINT_INDEX: "the server keeps a range index instead, which serves no distance (26.10)",
}

FULLTEXT_PREFIX = "fulltext_"
"""The name of a label's fulltext index, before the label: searches address it by name."""

_VECTOR_SCORES: Mapping[str, str] = {
    # The scores that the index gives, of functions that give the raw measure.
    "cosine": "(1 + vector.similarity.cosine({p}, {vector})) / 2",
    "euclidean": "1 / (1 + vector.distance.euclidean({p}, {vector}) ^ 2)",
}

# A required property, or the type of one that has an index: the server repeats the statement, no more.
_SCHEMA = re.compile(r"(?is)^Error executing Cypher command: .*\b(CREATE|MERGE|SET|REMOVE)\b")


# No more than the code tells it from an index that is missing, which is a SemanticError (26.10).
_QUERY = re.compile(r"(?is)executing procedure: db\.index\.fulltext\.querynodes.*\bSyntaxError\b")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArcadeDBDialect(BoltDialect):
    """What ArcadeDB's Cypher differs in (tried on 26.10).

    Labels and relationship types are the server's types and share one namespace. Identities are record
    ids: they change when a node gets or loses a label, and are used again.

    Example:
        >>> ArcadeDBDialect().identity
        'elementId({v})'
    """

    name: str = "arcadedb"
    capabilities: frozenset[Capability] = _CAPABILITIES
    batch_size: int = 5000
    page_rows: int = 5000
    # Every node that an index finds for IN is looked for in the whole list (26.10): 2,000 keys at once took
    # 100 ms, by 500 it is 40.
    key_rows: int = 500
    identity: str = "elementId({v})"
    identity_type: type[str] = str
    hints: Mapping[Capability, str] = field(default_factory=lambda: _HINTS)
    # The page of a record joins the transaction when it is written. A predicate that was tested before may
    # have seen an older one: of 1,500 increments by six writers up to four were lost without this.
    lock: str = "SET {v} += {{}}"
    emitter: type[Emitter] | None = ArcadeDBEmitter
    # WITH gives the names: one that YIELD gave in quotes is not found again (26.10).
    fulltext: str | None = (
        f"CALL db.index.fulltext.queryNodes('{FULLTEXT_PREFIX}' + {{label}}, {{query}}) YIELD node, score\n"
        "WITH node AS {v}"
    )
    fulltext_text: Callable[[str, tuple[str, ...]], str] | None = lucene
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = lucene_words
    vector: str | None = (
        "CALL db.index.vector.queryNodes({label} + '[' + {property} + ']', {k}, {vector})"
        " YIELD node, score\nWITH node AS {v}, score AS {s}"
    )
    vector_exact: Mapping[str, str] = field(default_factory=lambda: _VECTOR_SCORES)
    # "Duplicated key" comes at the commit of an explicit transaction (26.10).
    late_constraints: bool = True
    bookmarks: bool = False
    enforces_read: bool = False
    writes: Callable[[str], bool] | None = writes
    error_texts: tuple[tuple[re.Pattern[str], type[DriverError]], ...] = (
        (_SCHEMA, ConstraintViolation),
        (_QUERY, SearchSyntaxError),
    )

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type; cached."""
        return CODECS(type_)

    def quote(self, name: str) -> str:
        """``name`` in backticks; one inside is doubled."""
        return f"`{name.replace('`', '``')}`"

    def check_model(self, meta: NodeMeta | EdgeMeta) -> None:
        """Refuse names that are both a label and a relationship type.

        The server would refuse the statement with an error that only repeats it.

        Raises:
            MetadataError: names both.
        """
        labels = {label: each.cls for each in meta.metadata.nodes for label in each.labels}
        if isinstance(meta, EdgeMeta):
            types = {meta.type: meta.cls.__name__}
        else:
            types = {each.type: each.cls.__name__ for each in meta.metadata.edges}
            for each in meta.metadata.nodes:
                for relation in each.relations:
                    if relation.relationship is not None:
                        types.setdefault(relation.relationship, f"{each.cls.__name__}.{relation.name}")
        for name, owner in types.items():
            if name in labels and (isinstance(meta, EdgeMeta) or name in meta.labels or _own(meta, name)):
                raise MetadataError(
                    f"{name!r} is a label of {labels[name].__name__} and the relationship type of {owner}:"
                    " on ArcadeDB labels and types share one namespace; rename one",
                    backend=self.name,
                )


def _own(meta: NodeMeta, type_: str) -> bool:
    return any(relation.relationship == type_ for relation in meta.relations)


DIALECT = ArcadeDBDialect()
"""The dialect of every driver: caches above it are keyed by the object."""
