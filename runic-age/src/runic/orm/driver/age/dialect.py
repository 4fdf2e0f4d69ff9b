"""Apache AGE's Cypher as data. Imports no client: statements compile without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from runic.orm.compile.dialect import LABELS_PROPERTY, Capability, Dialect
from runic.orm.core.modelmeta import EdgeMeta, NodeMeta
from runic.orm.exceptions import InvalidNameError

from .codecs import CODECS
from .emitter import AGEEmitter, emitter_of
from .rewrites import RESERVED, rename_reserved, rename_variables
from .search import all_words, places, whole_text
from .sql import MAX_NAME_BYTES
from .tables import insert_text

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.emit import Emitter
    from runic.orm.compile.steps import Shape
    from runic.orm.core.kinds import FieldType
    from runic.orm.query.ir import Statement

__all__ = ["DIALECT", "AGEDialect", "dialect_of"]

_CAPABILITIES = frozenset(
    {
        Capability.TRANSACTIONS,
        Capability.SAVEPOINTS,
        Capability.ATOMIC_FLUSH,
        Capability.MULTI_LABEL,
        Capability.REGEX,
        Capability.EXISTS_SUBQUERY,
        Capability.VARIABLE_LENGTH,
        Capability.POINT,
        Capability.FULLTEXT,
        Capability.VECTOR,
        Capability.READ_ONLY,
        Capability.STATEMENT_TIMEOUT,
        Capability.WRITE_TIMEOUT,
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
        Capability.EDGE_VECTOR_INDEX,
    }
)

_HINTS: Mapping[Capability, str] = {
    Capability.INTERN: "the server has no such thing; leave interned=True out",
    Capability.EXISTS_SUBQUERY: "AGE has them since 1.8",
    Capability.STREAMING: "AGE has them since 1.8; page with limit and skip",
    Capability.NONFINITE_FLOAT: "runic keeps NaN and infinity out of every database",
    Capability.POINT_INDEX: "places are maps of numbers; index the properties that a search narrows first",
}


# pgvector computes distances: 1 - cos, and the length (0.8).
_SIMILARITIES: Mapping[str, str] = {"cosine": "1 - {s} / 2", "euclidean": "1 / (1 + {s} * {s})"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AGEDialect(Dialect):
    """What Apache AGE's Cypher differs in (tried on 1.8; what 1.5 cannot is below).

    A node has one label, which is a table: further labels stand in its property ``_labels``, and base
    classes find the nodes of their subclasses by PostgreSQL's table inheritance.

    Example:
        >>> AGEDialect().quote("name")
        '`name`'
    """

    name: str = "age"
    capabilities: frozenset[Capability] = _CAPABILITIES
    batch_size: int = 1000
    max_name_bytes: int = MAX_NAME_BYTES
    source: str | None = "start_id({v})"
    target: str | None = "end_id({v})"
    labels: str = f"coalesce({{v}}.`{LABELS_PROPERTY}`, labels({{v}}))"
    labels_cell: str = "({c} or ())"
    one_label: bool = True
    # 10,000 nodes of 8 properties come in 30 ms instead of 53 (1.8).
    properties: str | None = "properties({v})"
    # A sequence of each label makes them.
    keeps_identities: bool = True
    # IN over a parameter is a scan of the label (1.8), and id(n) IN $list kills the server.
    unwind_keys: bool = True
    # Without the LIMIT the planner counts on a thousand rows, and reads the whole label even for one key:
    # 11.7 ms instead of 0.7 ms for one of 10,000 nodes (1.8).
    unwind: str = "UNWIND {list} AS {v} WITH {v} LIMIT size({list})"
    # The map of a pattern is tested by containment, which no btree index serves, and only superusers may
    # switch that off (1.8). Two statements with a comparison are faster even then.
    merge_nodes: bool = False
    hints: Mapping[Capability, str] = field(default_factory=lambda: _HINTS)
    emitter: type[Emitter] | None = AGEEmitter
    rewrites: tuple[Callable[[Statement], Statement], ...] = (rename_variables,)
    # =~ finds a match anywhere in the text (1.8).
    regex_value: Callable[[str], str] | None = whole_text
    point: str = "{v}"
    # The emitter has its own: what they are is a function of the graph's schema.
    fulltext: str | None = ""
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = all_words
    vector: str | None = ""
    vector_similarity: Mapping[str, str] = field(default_factory=lambda: _SIMILARITIES)
    reserved: frozenset[str] = frozenset()
    """Words that no property can be called, not even in backticks; in lower case."""

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type; cached."""
        return CODECS(type_)

    def step_text(self, shape: Shape) -> str | None:
        """New nodes and edges are inserted into the tables of their labels."""
        return insert_text(shape)

    def emitter_for(self, values: Sequence[Any]) -> type[Emitter] | None:
        """The compiler's class: the words of a search, which is the first value, are looked up one by one."""
        if self.emitter is None or not values or type(values[0]) is not tuple:
            return self.emitter
        words = cast("tuple[str, ...]", values[0])
        return emitter_of(self.emitter, places(len(words)))

    def check_model(self, meta: NodeMeta | EdgeMeta) -> None:
        """Refuse names that the tables of a graph cannot have.

        Raises:
            InvalidNameError: a name that is a label and a relationship type, which are tables of one schema,
                or one that AGE or runic uses itself.
        """
        labels = {label: each.cls for each in meta.metadata.nodes for label in each.labels}
        if isinstance(meta, EdgeMeta):
            types = {meta.type: meta.cls.__name__}
        else:
            types = {each.type: each.cls.__name__ for each in meta.metadata.edges if each.type in meta.labels}
            for relation in meta.relations:
                if relation.relationship is not None:
                    types.setdefault(relation.relationship, f"{meta.cls.__name__}.{relation.name}")
        for name, owner in types.items():
            if name in labels:
                raise InvalidNameError(
                    f"{name!r} is a label of {labels[name].__name__} and the relationship type of {owner}: in"
                    " Apache AGE labels and types share one namespace; rename one",
                    backend=self.name,
                )
        for name in meta.fields:
            if name.lower() in self.reserved:
                raise InvalidNameError(
                    f"{meta.cls.__name__}.{name}: Apache AGE before 1.8 reserves the word {name!r}, even in"
                    " backticks; rename the field",
                    backend=self.name,
                )
        own = meta.labels if isinstance(meta, NodeMeta) else (meta.type,)
        taken = [name for name in (*own, *meta.fields) if name.startswith("_ag_") or name == LABELS_PROPERTY]
        if taken:
            raise InvalidNameError(
                f"{meta.cls.__name__}: {taken[0]!r} is a name that the backend uses itself", backend=self.name
            )

    def quote(self, name: str) -> str:
        """``name`` in backticks.

        Raises:
            InvalidNameError: longer than 63 bytes, beyond which PostgreSQL cuts names off in silence;
                or with a backtick, a backslash or a NUL.
        """
        if len(name) > 15 and len(name.encode()) > MAX_NAME_BYTES:
            raise InvalidNameError(
                f"{name!r:.100} has {len(name.encode())} bytes, and PostgreSQL keeps {MAX_NAME_BYTES}",
                backend="age",
            )
        if not name or "`" in name or "\\" in name or "\0" in name:
            raise InvalidNameError(f"{name!r} cannot be quoted for Apache AGE", backend="age")
        return f"`{name}`"


DIALECT = AGEDialect()
"""The dialect of current servers (1.8): caches above it are keyed by the object."""

# What 1.5 cannot: a SET after a MERGE is lost on what the MERGE has made, and there is no ON CREATE; a
# variable that a SET reads is ambiguous afterwards; ORDER BY knows no name of its own WITH or RETURN; there
# are no list comprehensions.
_OLDEST: AGEDialect = DIALECT.evolve(
    merge_sets=False,
    rows_after_set=False,
    order_by_alias=False,
    list_comprehension=False,
    rewrites=(rename_reserved,),
)
# Nor are there EXISTS { } and COUNT { }, and no cursor reads from cypher(): sessions page.
_BEFORE_18: AGEDialect = _OLDEST.evolve(
    capabilities=_CAPABILITIES - {Capability.EXISTS_SUBQUERY, Capability.STREAMING}, reserved=RESERVED
)


def dialect_of(version: tuple[int, ...]) -> AGEDialect:
    """The dialect of a server's version of the extension; of an unknown one, what all of them take."""
    if not version:
        return _OLDEST
    return DIALECT if version >= (1, 8) else _BEFORE_18
