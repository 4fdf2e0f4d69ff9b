"""What a compiled statement is: text, parameters, and what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runic.orm.query.ir import ItemKind

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.layout import EdgeLayout, NodeLayout

__all__ = ["Compiled", "Item", "ItemKind", "Shape"]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a result.

    Attributes:
        kind: a node, an edge, a scalar, a list of scalars (``collect``), of nodes or of edges.
        name: its key in a row.
        alias: the variable, for nodes and edges.
        cls: the class of nodes and edges, of lists of them too.
        codec: how a scalar, or each element of a list, is read; ``None``: as the server gives it.
        start: its first column.
        width: how many columns it takes. Lists take one: a list of nodes is a list of rows, each
            with the columns of ``layout``.
        nullable: whether it comes from an optional match, so that there may be none.
        layout: the columns of nodes and edges; ``None`` in the form for display.
    """

    kind: ItemKind
    name: str
    alias: str | None
    cls: type | None
    codec: Codec | None
    start: int
    width: int
    nullable: bool = False
    layout: NodeLayout | EdgeLayout | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The items of a result, in order.

    Attributes:
        items: the items.
        columns: the names of the columns, for servers that must be told beforehand.
    """

    items: tuple[Item, ...]
    columns: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether a row is one value, rather than a tuple of several."""
        return len(self.items) == 1


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for one backend.

    Attributes:
        text: the Cypher.
        parameters: the values as the server takes them.
        shape: what the result's columns mean.
        packed: whether the rows come in pages (:mod:`runic.orm.compile.paging`).
    """

    text: str
    parameters: Mapping[str, Any]
    shape: Shape
    packed: bool = False

    def __str__(self) -> str:
        return self.text
