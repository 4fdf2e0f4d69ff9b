"""Staged relationships: which edges a flush will create, merge or delete."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from runic.orm.core.models import Node
from runic.orm.core.state import Status

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["Clearing", "Link", "LinkBook", "TakenEdges", "edge_key", "identity_of_end", "link_of"]


class Link(NamedTuple):
    """An edge between two entities, in the direction in which it is stored.

    A named tuple, because thousands are made in one flush, and those are the quickest to make.

    Attributes:
        field: the relation through which it was asked for, for messages.
        start: the entity the edge leaves.
        end: the entity it enters.
        type: the relationship type.
        undirected: either direction is the same edge (``direction="BOTH"``).
        edge: the edge object whose properties it carries, if any.
        parallel: create it even beside another one.
        implied: nobody gave ``edge``: it holds defaults, and an edge that is there keeps its own values.
    """

    field: FieldDescriptor
    start: Any
    end: Any
    type: str
    undirected: bool
    edge: Any = None
    parallel: bool = False
    implied: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for two links that mean the same edge."""
        return edge_key(self.type, self.start, self.end, self.undirected)


@dataclass(slots=True, eq=False)
class Clearing:
    """All edges of a relation that was never loaded and has now been replaced."""

    field: FieldDescriptor
    source: Any
    done: bool = False


def edge_key(type_: str, start: Any, end: Any, undirected: bool) -> tuple[str, int, int]:
    """Equal for two links that mean the same edge."""
    first, second = id(start), id(end)
    return (type_, second, first) if undirected and second < first else (type_, first, second)


def link_of(
    field: FieldDescriptor, source: Any, target: Any, edge: Any = None, parallel: bool = False
) -> Link:
    """The link that ``source.<field>`` to ``target`` stands for."""
    start, end = (target, source) if field.direction == "INCOMING" else (source, target)
    assert field.relationship is not None
    return Link(field, start, end, field.relationship, field.direction == "BOTH", edge, parallel)


type Replaced = tuple[FieldDescriptor, Any, Sequence[Any]]
"""A relation that was replaced whatever was in it: (relation, source, related now)."""


class LinkBook:
    """The links staged by ``relate`` and ``unrelate`` since the last flush, in order.

    Attributes:
        additions: the edges to write, by key. ``parallels``: those to write beside others.
        removals: the edges to remove, by key.
        replacements: relations of which everything was removed that earlier books have staged.
    """

    __slots__ = ("additions", "parallels", "removals", "replacements")

    def __init__(self) -> None:
        self.replacements: list[Replaced] = []
        self.additions: dict[tuple[Any, ...], Link] = {}
        self.removals: dict[tuple[Any, ...], Link] = {}
        self.parallels: list[Link] = []

    def __bool__(self) -> bool:
        return bool(self.additions or self.removals or self.parallels)

    def add(self, link: Link) -> None:
        """Stage a link. A removal staged before stays: the edge is then made anew."""
        if link.parallel:
            self.parallels.append(link)
            return
        key = link.key
        if (link.edge is not None and not link.implied) or key not in self.additions:
            self.additions[key] = link

    def remove(self, link: Link) -> None:
        """Stage the removal of a link, and forget that it was to be created."""
        key = link.key
        self.additions.pop(key, None)
        if self.parallels:
            self.parallels = [each for each in self.parallels if each.key != key]
        self.removals[key] = link

    def replaced(self, relations: Sequence[Replaced]) -> None:
        """Drop what is staged of relations that were replaced since."""
        self.replacements += relations
        by_source: dict[tuple[str | None, int], list[tuple[FieldDescriptor, set[int]]]] = {}
        for field, source, others in relations:
            key = (field.relationship, id(source))
            by_source.setdefault(key, []).append((field, {id(other) for other in others}))

        def stays(link: Link) -> bool:
            for end, other, against in (
                (link.start, link.end, "INCOMING"),
                (link.end, link.start, "OUTGOING"),
            ):
                for field, kept in by_source.get((link.type, id(end)), ()):
                    seen = field.direction != against and isinstance(other, field.target_cls)
                    if seen and id(other) not in kept:
                        return False
            return True

        self.additions = {key: link for key, link in self.additions.items() if stays(link)}
        self.parallels = [link for link in self.parallels if stays(link)]

    def taken_back(self) -> None:
        """Drop what was staged from a new entity, and taken out of its relation since."""
        known: dict[tuple[int, str], set[int]] = {}

        def stays(link: Link) -> bool:
            field = link.field
            source, target = (
                (link.end, link.start) if field.direction == "INCOMING" else (link.start, link.end)
            )
            if source._runic_state.status is not Status.PENDING:
                return True
            value: Any = source.__dict__.get(field.name)
            if not field.uselist:
                return value is target
            members = known.get((id(source), field.name))
            if members is None:
                members = known[id(source), field.name] = {id(each) for each in value}
            return id(target) in members

        # As removals, so that the other end does not show them any more after the flush.
        for link in [link for link in (*self.additions.values(), *self.parallels) if not stays(link)]:
            self.remove(link)

    def keys(self) -> set[tuple[Any, ...]]:
        """The keys of all edges to be written."""
        return {*self.additions, *(link.key for link in self.parallels)}

    def written(self, links: Iterable[Link], *, removed: bool) -> None:
        """The database has them: a later flush must not write them again."""
        parallels: set[int] = set()
        for link in links:
            if removed:
                self.removals.pop(link.key, None)
            elif link.parallel:
                parallels.add(id(link))
            else:
                self.additions.pop(link.key, None)
        if parallels:
            self.parallels = [link for link in self.parallels if id(link) not in parallels]

    def forget(self, entities: Container[int]) -> None:
        """Drop everything that concerns entities with these ``id()``."""
        for book in (self.additions, self.removals):
            for key in [
                k for k, link in book.items() if id(link.start) in entities or id(link.end) in entities
            ]:
                del book[key]
        self.parallels = [
            link for link in self.parallels if id(link.start) not in entities and id(link.end) not in entities
        ]
        self.replacements = [each for each in self.replacements if id(each[1]) not in entities]

    def then(self, later: LinkBook) -> None:
        """Stage what ``later`` has, as if it had been staged after this."""
        if later.replacements:
            self.replaced(later.replacements)
        for link in later.removals.values():
            self.remove(link)
        for link in (*later.additions.values(), *later.parallels):
            self.add(link)

    def without(self, other: LinkBook) -> LinkBook:
        """The links that are not in ``other``."""
        book = LinkBook()
        book.additions = {key: link for key, link in self.additions.items() if key not in other.additions}
        book.removals = {key: link for key, link in self.removals.items() if key not in other.removals}
        left = {id(link) for link in other.parallels}
        book.parallels = [link for link in self.parallels if id(link) not in left]
        return book

    def copy(self) -> LinkBook:
        """The same links in a new book."""
        book = LinkBook()
        book.additions = dict(self.additions)
        book.removals = dict(self.removals)
        book.parallels = list(self.parallels)
        book.replacements = list(self.replacements)
        return book

    def clear(self) -> None:
        """Forget all."""
        self.additions.clear()
        self.removals.clear()
        self.parallels.clear()
        self.replacements.clear()


class TakenEdges:
    """Which edge objects a flush leaves without their edge.

    Args:
        nodes: the nodes that it deletes: their edges go with them.
        links: all edges from start to end are removed, or written over.
        clearings: relations whose edges are all removed.
    """

    def __init__(self, nodes: Iterable[Any], links: Iterable[Link], clearings: Iterable[Clearing]) -> None:
        self._nodes = {node._runic_state.id for node in nodes}
        self._pairs: set[tuple[str | None, Any, Any]] = set()
        for link in links:
            start, end = link.start._runic_state.id, link.end._runic_state.id
            self._pairs.add((link.type, start, end))
            if link.undirected:
                self._pairs.add((link.type, end, start))
        #: (type, direction, identity of the source) -> the class at the other end
        self._cleared: dict[tuple[str | None, str | None, Any], type[Any]] = {
            (
                each.field.relationship,
                each.field.direction,
                each.source._runic_state.id,
            ): each.field.target_cls
            for each in clearings
        }

    def __contains__(self, edge: Any) -> bool:
        type_, ends = edge._runic_meta.type, edge._runic_state.ends or (None, None)
        start, end = map(identity_of_end, ends)
        if start in self._nodes or end in self._nodes or (type_, start, end) in self._pairs:
            return True
        for source, other, direction in ((start, ends[1], "OUTGOING"), (end, ends[0], "INCOMING")):
            for seen in (direction, "BOTH"):
                target = self._cleared.get((type_, seen, source))
                if target is not None and (isinstance(other, target) or not isinstance(other, Node)):
                    return True
        return False


def identity_of_end(end: Any) -> Any:
    """The server's identity of an edge's end, which is a node or already an identity."""
    return end._runic_state.id if isinstance(end, Node) else end
