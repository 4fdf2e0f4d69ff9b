"""The dialect: everything a backend's Cypher differs in, as data.

A dialect is a frozen value: capabilities, codecs, quoting, identity and a compiler. A backend
makes one, and refines it by the server's version with :meth:`Dialect.evolve`. Two dialects are
equal only when they are the same object, so that one can be a key of the caches above it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from runic.orm.compile.cache import PlanCache
from runic.orm.exceptions import UnsupportedByBackendError

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.emit import Emitter
    from runic.orm.compile.steps import Shape
    from runic.orm.core.kinds import FieldType
    from runic.orm.core.metadata import EdgeMeta, NodeMeta
    from runic.orm.query.ir import Statement

__all__ = ["LABELS_PROPERTY", "Capability", "Dialect", "UnitForm"]

THEN = "\n;\n"
"""Stands between the two statements of a step, where a server cannot do it in one."""

LABELS_PROPERTY = "_labels"
"""All labels of a node, on servers that give a node one label only, if its class has several."""


class Capability(Enum):
    """What a database can or cannot do; the value is how messages and documentation name it."""

    TRANSACTIONS = "transactions of several statements"
    SAVEPOINTS = "savepoints"
    ATOMIC_FLUSH = "a whole flush that is applied or not at all"
    MULTI_LABEL = "several labels on a node"
    REGEX = "the =~ operator (matches)"
    EXISTS_SUBQUERY = "exists() and count_of(), questions about related nodes"
    VARIABLE_LENGTH = "variable-length paths"
    FULLTEXT = "fulltext search"
    VECTOR = "vector search"
    POINT = "geographic points and distance"
    INTERN = "interned strings"
    READ_ONLY = "read-only statements enforced by the server"
    STATEMENT_TIMEOUT = "a time limit for a statement"
    WRITE_TIMEOUT = "a time limit for a write"
    STREAMING = "results in portions"
    RANGE_INDEX = "range indexes"
    COMPOSITE_INDEX = "composite indexes"
    EDGE_INDEX = "indexes on relationship properties"
    UNIQUE = "unique constraints"
    EDGE_UNIQUE = "unique constraints on relationships"
    MANDATORY = "required properties enforced by the server"
    EDGE_MANDATORY = "required properties of relationships enforced by the server"
    FULLTEXT_INDEX = "fulltext indexes"
    EDGE_FULLTEXT_INDEX = "fulltext indexes on relationships"
    VECTOR_INDEX = "vector indexes"
    EDGE_VECTOR_INDEX = "vector indexes on relationships"
    POINT_INDEX = "indexes that serve distance"
    NONFINITE_FLOAT = "NaN and infinity"


class UnitForm(Enum):
    """How a flush becomes atomic."""

    TRANSACTION = "transaction"
    SINGLE_QUERY = "single query"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """One backend's Cypher.

    Attributes:
        name: the backend's public name.
        capabilities: what it can do.
        unit_form: how a flush becomes atomic.
        batch_size: rows of one UNWIND batch.
        page_rows: rows that come packed into one record of a reply (:mod:`.paging`); 0: each is a record.
        late_constraints: whether the server checks unique values when the transaction commits; then it is the
            error of the commit that names the object.
        lock: Cypher template of a clause that locks ``{v}`` for writing and changes nothing, for servers
            that do not look at a predicate again after they waited for a lock; ``""``: they do.
        unit_rows: most rows of a unit that is sent as one query.
        identity: Cypher template, ``{v}`` a node or edge variable -> the server's identity of it.
        identity_type: the Python type of an identity.
        source: Cypher template, ``{v}`` an edge -> the identity of its start; ``None``: by ``startNode()``.
        target: the same for its end.
        labels: Cypher template, ``{v}`` a node -> the list of its labels.
        one_label: a node has one label, and is stored under it. Statements always name it, since an identity
            is looked for under each label otherwise; of a class with several labels the others stand in the
            property :data:`LABELS_PROPERTY`; and requests say what they store
            (:class:`~..driver.port.Store`).
        properties: Cypher template, ``{v}`` a node or edge -> the map of its properties, where one column of
            them all costs less than one for each; codecs then read a property as it is.
        keeps_identities: an identity is never given to another node or edge, so that it alone finds its own.
        key_rows: most keys of one look-up; 0: as many as a batch has rows.
        unwind_keys: many keys are found by UNWIND: the server has no index for IN over a parameter.
        unwind: how a statement begins that does something for each row of a parameter; ``{list}``, ``{v}``.
        merge_nodes: whether MERGE finds a node by the index of its key. If not, a step that merges nodes is
            two statements with :data:`THEN` between, which the port sends: one creates what is not there, the
            other, for the rows of which the first returned nothing, sets what is.
        merge_sets: whether a SET may follow the MERGE of an edge, and ON CREATE SET. If not, a step that
            merges edges is two statements in the same way.
        rows_after_set: whether what a SET reads can still be returned after it.
        order_by_alias: whether ORDER BY takes the names that its own WITH or RETURN gives.
        list_comprehension: whether the server has them.
        max_name_bytes: the longest label, type or property name.
        labels_cell: Python source: ``{c}`` the cell of ``labels(n)`` -> iterable of names, or None.
        identity_cell: Python source: ``{c}`` the cell of an identity -> its value, or None.
        items_cell: Python source: ``{c}`` the cell of a list -> the cells of its items, or None.
        functions: names of functions that differ, by the name runic uses.
        hints: for what it cannot do, what to do instead.
        emitter: the compiler's class, where the standard one needs overrides.
        rewrites: passes over the statement tree before text is made of it, in order.
        edges_distinct: whether the server keeps the relationships of one pattern distinct. If not, the
            compiler compares their identities.
        regex: Cypher template of ``matches()``, ``{l}`` the text and ``{r}`` the pattern; null for null.
        regex_value: pattern of the user -> parameter, so that the whole text must match.
        integer_sum: Cypher template of the sum of ints, ``{v}`` the list of them; ``None``: ``sum()`` is
            exact on the server.
        point: Cypher template of a place that is a parameter, ``{v}`` a map of latitude and longitude.
        fulltext: Cypher template of a fulltext search: ``{label}`` (a literal), ``{query}``, ``{v}`` the
            variable to bind.
        fulltext_score: what follows it where the score is used, ``{s}`` the score's variable.
        fulltext_text: (text, fields to search or none) -> the query in the server's syntax.
        fulltext_words: (words, fields to search or none) -> the query for nodes that have all of the words,
            in one field or another. Words are free of white space, quotes and backslashes, and have at least
            one letter or digit.
        vector: Cypher template of an indexed vector search: ``{label}`` and ``{property}`` (literals),
            ``{k}``, ``{vector}``, ``{v}`` and ``{s}`` the variables to bind.
        vector_similarity: by similarity function, Cypher template that makes a similarity in [0, 1], 1 the
            best, of what the index scores, ``{s}``: ``(1 + cos) / 2``, and ``1 / (1 + d^2)`` for euclidean;
            empty where the index tells just that.
        vector_exact: by similarity function, Cypher template of the same similarity without index, ``{p}``
            and ``{vector}``; for searches that filter, where an index cannot promise ``k`` hits.
        vector_fresh: whether the index knows what the transaction itself has written. If not, a session
            that has written compares instead.
        vector_overfetch: where there is no such function, how many times ``k`` to ask the index for.
        key_test: Python source, ``{v}`` a text -> whether it may be the value of a key or of a unique field;
            ``""``: any text may.
        key_problem: what is wrong with the others.
        plans: the compiled statements.
    """

    name: str
    capabilities: frozenset[Capability]
    unit_form: UnitForm = UnitForm.TRANSACTION
    batch_size: int = 1000
    page_rows: int = 0
    late_constraints: bool = False
    lock: str = ""
    unit_rows: int = 0
    identity: str = "id({v})"
    identity_type: type[Any] = int
    source: str | None = None
    target: str | None = None
    labels: str = "labels({v})"
    one_label: bool = False
    properties: str | None = None
    keeps_identities: bool = False
    key_rows: int = 0
    unwind_keys: bool = False
    unwind: str = "UNWIND {list} AS {v}"
    merge_nodes: bool = True
    merge_sets: bool = True
    rows_after_set: bool = True
    order_by_alias: bool = True
    list_comprehension: bool = True
    max_name_bytes: int = 255
    labels_cell: str = "{c}"
    identity_cell: str = "{c}"
    items_cell: str = "{c}"
    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    hints: Mapping[Capability, str] = field(default_factory=dict[Capability, str])
    emitter: type[Emitter] | None = None
    rewrites: tuple[Callable[[Statement], Statement], ...] = ()
    edges_distinct: bool = True
    regex: str = "{l} =~ {r}"
    regex_value: Callable[[str], str] | None = None
    integer_sum: str | None = None
    point: str = "point({v})"
    fulltext: str | None = None
    fulltext_score: str = ", score AS {s}"
    fulltext_text: Callable[[str, tuple[str, ...]], str] | None = None
    fulltext_words: Callable[[tuple[str, ...], tuple[str, ...]], Any] | None = None
    vector: str | None = None
    vector_similarity: Mapping[str, str] = field(default_factory=dict[str, str])
    vector_exact: Mapping[str, str] = field(default_factory=dict[str, str])
    vector_fresh: bool = True
    vector_overfetch: int = 10
    key_test: str = ""
    key_problem: str = ""
    plans: PlanCache = field(default_factory=PlanCache, init=False, repr=False)

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type. Backends override it; it must be cheap or cached."""
        raise NotImplementedError

    def quote(self, name: str) -> str:
        """A validated name, quoted."""
        return f"`{name}`"

    def check_model(self, meta: NodeMeta | EdgeMeta) -> None:
        """Refuse a class that the server cannot hold beside the others of its registry.

        Called once for each class, before anything of it is read or written.

        Raises:
            MetadataError: says what is wrong.
        """
        del meta

    def rows(self, parameter: str = "rows", variable: str = "row") -> str:
        """The beginning of a statement that does something for each row of a parameter."""
        return self.unwind.format(list=f"${parameter}", v=variable)

    def require(self, capability: Capability, what: str | None = None) -> None:
        """Raise :class:`UnsupportedByBackendError` unless the backend has ``capability``."""
        if capability not in self.capabilities:
            raise UnsupportedByBackendError(
                self.name, what or capability.value, self.hints.get(capability, "")
            )

    def plain(self, cell: Any) -> Any:
        """The Python value of a cell of which nothing is known but that it is no node, edge or path."""
        return cell

    def step_text(self, shape: Shape) -> str | None:
        """A statement of the backend's own for a step of a flush, where that is better than Cypher.

        It takes the parameter ``rows`` and returns the rows that the Cypher would. ``None``: it is Cypher.
        """
        del shape
        return None

    def emitter_for(self, values: Sequence[Any]) -> type[Emitter] | None:
        """The compiler's class for a statement with these values; texts are cached by it.

        ``None`` is the standard one. For servers where the right text depends on a value.
        """
        del values
        return self.emitter

    def vetoed(self, error: Exception) -> bool:
        """Whether a flush sent as one query failed because a guard in it found a row missing."""
        del error
        return False

    def evolve(self, **changes: Any) -> Self:
        """The same dialect with some attributes changed, e.g. for a server's version."""
        return dataclasses.replace(self, **changes)
