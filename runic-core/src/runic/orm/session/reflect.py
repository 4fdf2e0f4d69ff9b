"""After a flush: let memory show, at both ends, the edges that were written and removed. No I/O."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import DeleteEdges, DeleteNodes
from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge
from runic.orm.core.state import NOT_LOADED, Status
from runic.orm.session.links import Clearing, TakenEdges
from runic.orm.session.relating import hide

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.links import Link, LinkBook
    from runic.orm.session.plan import Plan
    from runic.orm.session.relating import Relating
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Reflection"]


#: In which relations the other end of an edge sees it, by the direction in which this end does.
_OPPOSITE: dict[Any, tuple[str, ...]] = {
    "OUTGOING": ("INCOMING", "BOTH"),
    "INCOMING": ("OUTGOING", "BOTH"),
    "BOTH": ("OUTGOING", "INCOMING", "BOTH"),
}


class Reflection:
    """Carries what a flush did to edges into the relations that are in memory.

    Lists are changed in place, since the program may hold them.
    """

    def __init__(self, unit: UnitOfWork, relating: Relating) -> None:
        self.unit = unit
        self.relating = relating
        # type, classes of start and end, whether undirected, whether a loop
        self._pairs: dict[
            tuple[str, type, type, bool, bool],
            tuple[tuple[FieldDescriptor, ...], tuple[FieldDescriptor, ...]],
        ] = {}
        # type, classes of an end and of the other one, whether the edge leaves and whether it enters it
        self._relations: dict[tuple[str, type, type, bool, bool], tuple[FieldDescriptor, ...]] = {}

    def flushed(self, plan: Plan, left: LinkBook | None = None) -> None:
        """Show what ``plan`` did. Entities that it changed are still to be marked clean.

        Args:
            plan: the plan.
            left: of a plan of several queries that failed, the links that were not written.
        """
        deleted: dict[int, Any] = {}
        cleared: list[Clearing] = []
        for step in plan.steps:
            if isinstance(step.shape, DeleteNodes):
                gone = (entity for entity in step.objects if entity._runic_state.status is Status.DELETED)
                deleted.update((id(entity), entity) for entity in gone)
            elif isinstance(step.shape, DeleteEdges):
                cleared += [item for item in step.objects if isinstance(item, Clearing) and item.done]
        links = plan.links if left is None else plan.links.without(left)
        removals = links.removals.values()
        removed = [link for key, link in links.removals.items() if key not in links.additions]
        if deleted or cleared:
            self._sweep(deleted, cleared)
        if removed:
            self._hide(removed)
        added = (*links.additions.values(), *links.parallels)
        edges = [part for cls, part in self.unit.identities.items() if issubclass(cls, Edge) and part]
        if edges and (deleted or removals or cleared):
            taken = TakenEdges(deleted.values(), removals, cleared)
            self._forget_edges(edges, taken, {id(link.edge) for link in added})
        pairs = self._pairs
        for link in added:
            start, end = link.start, link.end
            seen = pairs.get((link.type, start.__class__, end.__class__, link.undirected, start is end))
            forward, backward = seen or self._pair(link)
            for field in forward:
                if start.__dict__.get(field.name, NOT_LOADED) is not NOT_LOADED:
                    self._show(field, start, end)
            for field in backward:
                if end.__dict__.get(field.name, NOT_LOADED) is not NOT_LOADED:
                    self._show(field, end, start)

    def _pair(self, link: Link) -> tuple[tuple[FieldDescriptor, ...], tuple[FieldDescriptor, ...]]:
        """The relations in which the start shows the end, and those in which the end shows the start."""
        start, end = link.start, link.end
        key = (link.type, start.__class__, end.__class__, link.undirected, start is end)
        pair = (self._seen(link, start, end), self._seen(link, end, start))
        self._pairs[key] = pair
        return pair

    def _show(self, field: FieldDescriptor, end: Any, other: Any) -> None:
        """Let a relation of ``end`` that is in memory have ``other`` in it."""
        values = end.__dict__
        value = values[field.name]
        if value is other:
            return
        if field.uselist:
            self.relating.show(end, field.name, other, uselist=True)
        elif value is None:
            values[field.name] = other
        else:
            # Two edges of a relation to one: whichever the database gives.
            del values[field.name]

    def _hide(self, removed: list[Link]) -> None:
        others: dict[tuple[int, str], tuple[Any, FieldDescriptor, set[int]]] = {}
        for link in removed:
            for end, other in ((link.start, link.end), (link.end, link.start)):
                for field in self._seen(link, end, other):
                    others.setdefault((id(end), field.name), (end, field, set()))[2].add(id(other))
        for end, field, gone in others.values():
            hide(end, field, gone)

    def _sweep(self, deleted: dict[int, Any], cleared: list[Clearing]) -> None:
        """Hide deleted nodes wherever they are shown, and at its other end whose relation was cleared."""
        gone: dict[Any, set[int]] = {}
        for clearing in cleared:
            field = clearing.field
            for direction in _OPPOSITE[field.direction]:
                gone.setdefault((field.relationship, direction), set(deleted)).add(id(clearing.source))
        relations: dict[type, tuple[FieldDescriptor, ...]] = {}
        for cls, part in self.unit.identities.items():
            if issubclass(cls, Edge):
                continue
            for entity in part.values():
                values = entity.__dict__
                fields = relations.get(entity.__class__)
                if fields is None:
                    fields = relations[entity.__class__] = node_meta(entity.__class__).relations
                for field in fields:
                    value = values.get(field.name)
                    if not value:
                        continue
                    hide(entity, field, gone.get((field.relationship, field.direction), deleted))
                    if id(value) in deleted:
                        # Assigned in the same flush: there was nothing to relate to.
                        values[field.name] = None

    def _forget_edges(self, parts: list[dict[Any, Any]], taken: TakenEdges, written: set[int]) -> None:
        """Edge objects whose edge is gone leave the session: the server will use the identity again.

        Not those that this flush has written: their ends may have the identities of nodes that it deleted
        (FalkorDB 4.22).
        """
        for part in parts:
            for edge in list(part.values()):
                if id(edge) not in written and edge in taken:
                    self.unit.expunge(edge)

    def _seen(self, link: Link, end: Any, other: Any) -> tuple[FieldDescriptor, ...]:
        """The relations of ``end`` in which ``other`` is seen through the edge."""
        leaving, entering = link.undirected or end is link.start, link.undirected or end is link.end
        key = (link.type, end.__class__, other.__class__, leaving, entering)
        found = self._relations.get(key)
        if found is None:
            directions = {"BOTH", *(["OUTGOING"] if leaving else ()), *(["INCOMING"] if entering else ())}
            found = self._relations[key] = tuple(
                field
                for field in node_meta(end.__class__).relations
                if field.relationship == link.type
                and field.direction in directions
                and isinstance(other, field.target_cls)
            )
        return found
