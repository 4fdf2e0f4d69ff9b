"""The steps of a flush, as data: what one UNWIND batch does, apart from its rows.

A step is a shape plus rows. Shapes are hashable and hold no values, so that their text is compiled
once; rows hold stored values only. Every row starts with its index: results come back with it and
are matched by it, never by position, because servers reorder rows (FalkorDB 4.22 after MERGE,
Apache AGE after joins).

Row layouts, after the index:

==============  ====================================================================
shape           columns
==============  ====================================================================
CreateNodes     one per write
MergeNodes      key, one per write
UpdateNodes     match columns, one per write
DeleteNodes     match columns
CreateEdges     source columns, target columns, one per write
MergeEdges      the same
UpdateEdges     identities of the ends, of the edge, version if any, one per write
DeleteEdges     source columns, target columns (of ``target`` only if it is given)
==============  ====================================================================

Match columns: identity, key value if there is a key, expected version if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runic.orm.driver.port import Store

__all__ = [
    "CreateEdges",
    "CreateNodes",
    "DeleteEdges",
    "DeleteNodes",
    "End",
    "Match",
    "MergeEdges",
    "MergeNodes",
    "Shape",
    "Step",
    "UpdateEdges",
    "UpdateNodes",
    "Write",
]


@dataclass(frozen=True, slots=True)
class Write:
    """One field as it is written: (property name, template over ``{v}``) pairs."""

    targets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """How a node that is in the database is found again.

    The identity finds it fast; the key makes sure that it is still the same node, since servers
    give the identity of a deleted node to a new one.

    Attributes:
        key: (property name, template over ``{v}``), or ``None`` if identity alone must do.
        version: the version property, if the row carries the version it must have.
        label: a label it must have, where there is no key: the node that took over the identity of a
            deleted one is then at least one of its kind.
    """

    key: tuple[str, str] | None = None
    version: str | None = None
    label: str | None = None

    @property
    def width(self) -> int:
        """The number of row columns."""
        return 1 + (self.key is not None) + (self.version is not None)


@dataclass(frozen=True, slots=True)
class End:
    """One end of the edges of a step.

    Attributes:
        step: the position in the plan of the step that creates the node; the row then holds the
            position of the node's row there. ``None``: the node exists, the row holds ``match``.
        match: how an existing node is found. Of one that is created, no more than its label.
    """

    step: int | None = None
    match: Match = field(default_factory=Match)

    @property
    def width(self) -> int:
        """The number of row columns."""
        return 1 if self.step is not None else self.match.width


@dataclass(frozen=True, slots=True)
class CreateNodes:
    """Create nodes with ``labels``.

    Attributes:
        stores: where a node has one label: the labels of its class and bases, its own last.
    """

    labels: tuple[str, ...]
    writes: tuple[Write, ...]
    stores: tuple[Store, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeNodes:
    """Create nodes, or update those that have the key already.

    Attributes:
        match: the labels that are matched; ``labels`` are set as well.
        version: a property that counts the writes, or ``None``.
        stores: as in :class:`CreateNodes`.
    """

    match: tuple[str, ...]
    labels: tuple[str, ...]
    key: Write
    writes: tuple[Write, ...]
    version: str | None = None
    stores: tuple[Store, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateNodes:
    """Set properties of nodes that exist; every row must match."""

    match: Match
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class DeleteNodes:
    """Delete nodes and their edges. Rows must match only if they carry a version."""

    match: Match


@dataclass(frozen=True, slots=True)
class CreateEdges:
    """Create an edge for each row, even beside one of the same type.

    Attributes:
        with_objects: whether the rows stand for edge objects, which need their identities.
    """

    type: str
    source: End
    target: End
    writes: tuple[Write, ...]
    with_objects: bool = False


@dataclass(frozen=True, slots=True)
class MergeEdges:
    """Create an edge unless there is one, and set its properties.

    Attributes:
        undirected: an edge in either direction will do.
        with_objects: whether the rows stand for edge objects, which need their identities.
        keep: whether an edge that is there keeps its properties.
    """

    type: str
    source: End
    target: End
    writes: tuple[Write, ...]
    undirected: bool = False
    with_objects: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class UpdateEdges:
    """Set properties of edges that exist; every row must match."""

    type: str
    version: str | None
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class DeleteEdges:
    """Delete the edges between two nodes, or all of one type at ``source``.

    Attributes:
        target: the other end; ``None``: any node with ``target_labels``.
        undirected: without ``target``, in either direction; ``reverse``: those that enter ``source``.
            With ``target`` always from ``source`` to ``target``.
    """

    type: str
    source: End
    target: End | None = None
    target_labels: tuple[str, ...] = ()
    undirected: bool = False
    reverse: bool = False


type Shape = (
    CreateNodes
    | MergeNodes
    | UpdateNodes
    | DeleteNodes
    | CreateEdges
    | MergeEdges
    | UpdateEdges
    | DeleteEdges
)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One batch: a shape, its rows, and the objects the rows stand for."""

    shape: Shape
    rows: list[list[Any]]
    objects: list[Any]
