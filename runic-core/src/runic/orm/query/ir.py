"""The statement tree: what a query means, before any database's Cypher.

Frozen, slotted nodes without text and without values: a user's value is a :class:`Bind`, the number
of a slot in the tuple that travels beside the tree. So two statements that differ only in values
are the same tree, and share one compiled text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, Final

from runic.orm.core.kinds import FieldType, Kind

__all__ = [
    "FLOAT",
    "INTEGER",
    "STRING",
    "Aggregate",
    "Bind",
    "Call",
    "Clause",
    "Comparison",
    "Constant",
    "CountOf",
    "EdgePattern",
    "Exists",
    "Expression",
    "FulltextSearch",
    "HasLabels",
    "IRNode",
    "Identity",
    "ItemKind",
    "Logical",
    "Match",
    "NodePattern",
    "Not",
    "NullTest",
    "OrderItem",
    "Path",
    "Property",
    "Return",
    "ReturnItem",
    "Role",
    "Rows",
    "Score",
    "Statement",
    "Variable",
    "VectorSearch",
    "With",
    "node_types",
]

#: The types of what the server computes.
INTEGER: Final = FieldType(Kind.INTEGER, int)
FLOAT: Final = FieldType(Kind.FLOAT, float)
STRING: Final = FieldType(Kind.STRING, str)

_types: dict[str, type[IRNode]] = {}


class IRNode:
    """Base of every node; knows all node classes, so that a compiler can be checked against them."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # dataclass(slots=True) makes each class twice; the last one is the real one.
        _types[cls.__name__] = cls


def node_types() -> dict[str, type[IRNode]]:
    """Every node class by name."""
    return dict(_types)


# -- expressions --------------------------------------------------------------------------------


class Expression(IRNode):
    """Anything with a value."""

    __slots__ = ()


class Role(Enum):
    """What a bound value is for, which decides how it is checked and encoded."""

    VALUE = auto()  # compared with a property
    LIST = auto()  # the right side of IN
    PATTERN = auto()  # a regular expression
    IDENTITY = auto()  # compared with the server's identity
    NUMBER = auto()  # compared with a computed number
    POINT = auto()  # an argument of a distance
    COUNT = auto()  # SKIP and LIMIT
    SEARCH = auto()  # the text of a fulltext search, in the server's language
    WORDS = auto()  # the words of a fulltext search
    VECTOR = auto()  # the vector of a vector search


@dataclass(frozen=True, slots=True)
class Variable(Expression):
    """A node or relationship variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Property(Expression):
    """A property of a variable; ``owner`` is ``Class.field`` for messages."""

    variable: str
    name: str
    type: FieldType
    owner: str


@dataclass(frozen=True, slots=True)
class Identity(Expression):
    """The server's own identity of a node or relationship, which a generated key maps to."""

    variable: str
    owner: str


@dataclass(frozen=True, slots=True)
class Bind(Expression):
    """A bound value.

    Attributes:
        slot: its position among the statement's values.
        role: what it is for.
        target: the property it is compared with, if any.
        name: the parameter's name; ``None``: ``p0``, ``p1``, ... in order of appearance.
        fields: for a search text, the fields it is restricted to.
    """

    slot: int
    role: Role = Role.VALUE
    target: Property | Identity | None = None
    name: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Score(Expression):
    """The score of the statement's fulltext or vector search: in [0, 1], 1 the best."""


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """``left op right``; ``op`` as Cypher spells it, ``=~`` for regular expressions."""

    left: Expression
    op: str
    right: Expression


@dataclass(frozen=True, slots=True)
class NullTest(Expression):
    """``operand IS NULL``, or ``IS NOT NULL`` if negated."""

    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class HasLabels(Expression):
    """Whether a node has all of these labels."""

    variable: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """``AND`` or ``OR`` of two operands or more, none of which is of the same kind."""

    op: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """Negation; never of a negation."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function by runic's name of it; dialects map the name."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Expression):
    """An aggregation; no argument means ``*``."""

    function: str
    argument: Expression | None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Exists(Expression):
    """Whether a path that begins at a bound node leads anywhere.

    Attributes:
        path: one hop; its first node is bound outside, the others here.
        where: a predicate over what the path binds and what is bound outside.
    """

    path: Path
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class CountOf(Expression):
    """How many times a path that begins at a bound node is found; as :class:`Exists`."""

    path: Path
    where: Expression | None = None


# -- patterns and clauses -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NodePattern(IRNode):
    """``(variable:label...)``; without labels a variable bound before, or any node."""

    variable: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgePattern(IRNode):
    """``-[variable:type*min..max]->``; ``direction`` is OUTGOING, INCOMING or BOTH.

    ``min_hops`` and ``max_hops`` are both 1 for a single hop; ``max_hops=None`` is unbounded.
    """

    variable: str | None
    type: str
    direction: str
    min_hops: int = 1
    max_hops: int | None = 1

    @property
    def single(self) -> bool:
        """Whether it is exactly one hop, written without a quantifier."""
        return self.min_hops == 1 and self.max_hops == 1


@dataclass(frozen=True, slots=True)
class Path(IRNode):
    """Node, edge, node, ...: one more node than edges."""

    elements: tuple[NodePattern | EdgePattern, ...]


class Clause(IRNode):
    """A reading clause."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Match(Clause):
    """``[OPTIONAL] MATCH path, ... [WHERE ...]``."""

    paths: tuple[Path, ...]
    optional: bool = False
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class With(Clause):
    """``WITH variables [WHERE ...]``; ``score`` carries the search's score along."""

    variables: tuple[str, ...]
    where: Expression | None = None
    score: bool = False


@dataclass(frozen=True, slots=True)
class FulltextSearch(Clause):
    """The nodes of a label that match a fulltext query.

    Attributes:
        variable: the variable bound to each hit.
        label: the label whose index is searched.
        query: the query text, or the words.
        score: whether the score is used later, if only to order by.
        relative: whether its values are: then they are divided by that of the best hit.
        within: the labels of the class, where others share the index.
        where: a predicate over the hits.
        properties: the properties of the class that have a fulltext index.
    """

    variable: str
    label: str
    query: Bind
    score: bool
    relative: bool = False
    within: HasLabels | None = None
    where: Expression | None = None
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VectorSearch(Clause):
    """The ``k`` nodes of a label nearest to a vector, among those that ``where`` admits.

    Attributes:
        variable: the variable bound to each hit.
        label: the label whose index is searched.
        property: the property that holds the vectors.
        vector: the vector searched for.
        k: how many.
        similarity: the similarity function declared for the field.
        where: a predicate that hits must satisfy; ``k`` counts after it.
        score_where: a predicate over the score.
        exact: whether every node is to be compared, because the index does not know of all.
    """

    variable: str
    label: str
    property: Property
    vector: Bind
    k: Bind
    similarity: str
    where: Expression | None = None
    score_where: Expression | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Rows(Clause):
    """``WITH [DISTINCT] items``: the rows that a result would have."""

    items: tuple[ReturnItem, ...]
    distinct: bool = False


class ItemKind(Enum):
    """What one item of a result is."""

    NODE = "node"
    EDGE = "edge"
    SCALAR = "scalar"
    LIST = "list"  # collect() of a scalar
    NODES = "nodes"  # collect() of a node
    EDGES = "edges"  # collect() of an edge


@dataclass(frozen=True, slots=True)
class ReturnItem(IRNode):
    """One item of the result.

    Attributes:
        expression: its value; the variable, for a node or an edge.
        kind: what it is.
        name: its key in a row.
        alias: the name given by the user with ``as_``.
        model: the class, for nodes and edges and lists of them.
        type: the field type of a scalar, or of a list's elements; ``None``: as the server gives it.
        nullable: whether it comes from an optional match.
    """

    expression: Expression
    kind: ItemKind
    name: str
    alias: str | None = None
    model: type | None = None
    type: FieldType | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class OrderItem(IRNode):
    """One ORDER BY term; ``item`` is the returned item it names, where only those can be named."""

    expression: Expression
    descending: bool = False
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Return(IRNode):
    """``RETURN [DISTINCT] items [ORDER BY ...] [SKIP ...] [LIMIT ...]``."""

    items: tuple[ReturnItem, ...]
    distinct: bool = False
    order: tuple[OrderItem, ...] = ()
    skip: Bind | None = None
    limit: Bind | None = None

    @property
    def aggregated(self) -> bool:
        """Whether any item is an aggregation, so that the others are what it groups by."""
        return any(type(item.expression) is Aggregate for item in self.items)


@dataclass(frozen=True, slots=True)
class Statement(IRNode):
    """A whole read."""

    clauses: tuple[Clause, ...]
    result: Return
