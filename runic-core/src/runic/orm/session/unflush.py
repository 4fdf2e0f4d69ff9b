"""Staging again what was flushed, because the database lost it or took it back. No I/O."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.session.changes import relation_difference
from runic.orm.session.identities import identity_of
from runic.orm.session.relating import hide

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runic.orm.session.journal import Flushed, Journal
    from runic.orm.session.links import LinkBook
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["unflush"]


def unflush(unit: UnitOfWork, journal: Journal) -> None:
    """Put everything back to where it was before the flushes of ``journal``; its changes are staged again."""
    pending: list[Any] = []
    gone: set[int] = set()
    for before in reversed(journal.entities):
        entity = before.entity
        state: EntityState = entity._runic_state
        if state.status is Status.PERSISTENT and before.status is not Status.PERSISTENT:
            unit.remove_identity(entity)
            _hide_what_was_removed(entity)
        was_there = state.status in (Status.PERSISTENT, Status.PENDING)
        _restore_changes(unit, before)
        state.status, state.id, state.owner = before.status, before.id, unit.owner
        entity.__dict__.update(before.assigned)
        if before.status is Status.PENDING and id(entity) in unit.deleted:
            # Added and deleted within what was lost.
            del unit.deleted[id(entity)]
            unit.dirty.pop(id(entity), None)
            unit.touched.pop(id(entity), None)
            state.status, state.owner = Status.TRANSIENT, None
            gone.add(id(entity))
        elif before.status is Status.PENDING:
            pending.append((before.merged, entity))
        elif before.status is Status.TRANSIENT:
            state.owner = None
        else:
            cls, key = identity_of(entity)
            unit.part(cls)[key] = entity
            unit.dirty[id(entity)] = entity
            if state.snapshots:
                unit.touched[id(entity)] = entity
            if not was_there:
                unit.deleted[id(entity)] = entity
    for merged in (False, True):
        # In the order in which they were added, and before those added since.
        staged = unit.merged if merged else unit.new
        later = dict(staged)
        staged.clear()
        staged.update(
            (id(entity), entity)
            for was, entity in reversed(pending)
            if was is merged and entity._runic_state.status is Status.PENDING
        )
        staged.update(later)
    for book in reversed(journal.links):
        book.then(unit.links)
        unit.links = book
    if gone:
        unit.links.forget(gone)
        _hide_everywhere(unit, gone)
    flushed = {id(each.entity): each.entity for each in journal.entities}
    for key, entity in flushed.items():
        for name, value in journal.expired.get(key, {}).items():
            entity.__dict__.setdefault(name, value)
    _restore_relations(flushed.values(), unit.links)
    journal.clear()


def _hide_everywhere(unit: UnitOfWork, gone: set[int]) -> None:
    """No relation in memory shows what is in no session any more."""
    for book in (unit.new, unit.merged, *unit.identities.values()):
        for entity in book.values():
            if not isinstance(entity, Edge):
                for relation in node_meta(entity.__class__).relations:
                    hide(entity, relation, gone)


def _hide_what_was_removed(entity: Any) -> None:
    """An entity that is created anew is related to what is in memory, seen from either end.

    What was taken out of its relations since the flush is to be seen from neither.
    """
    state: EntityState = entity._runic_state
    if isinstance(entity, Edge) or not (state.changes or state.snapshots):
        return
    for relation in node_meta(entity.__class__).relations:
        removed, _ = relation_difference(entity, relation) or ((), ())
        for target in removed or ():
            for other in node_meta(target.__class__).relations:
                opposite = other.direction != relation.direction or relation.direction == "BOTH"
                if other.relationship == relation.relationship and opposite:
                    hide(target, other, {id(entity)})


def _restore_changes(unit: UnitOfWork, before: Flushed) -> None:
    """Stage the changes again that were flushed, with those made since."""
    entity = before.entity
    state: EntityState = entity._runic_state
    if before.status is Status.PERSISTENT and state.status is Status.PERSISTENT:
        _merge_changes(state, before)
    elif before.status is Status.PERSISTENT and state.status is Status.PENDING:
        # Deleted, and added again since: what it holds now replaces what the database has.
        fields = node_meta(entity.__class__).fields.values()
        state.changes = {
            field.name: NOT_LOADED for field in fields if not (field.primary_key or field.version)
        }
        state.snapshots = None
        unit.new.pop(id(entity), None)
        unit.merged.pop(id(entity), None)
    else:
        state.changes, state.snapshots = before.changes, before.snapshots


def _merge_changes(state: EntityState, before: Flushed) -> None:
    """Changes made after the flush stay changes, measured from before it."""
    later, copies = state.changes or {}, before.snapshots or {}
    # What was assigned since may have changed in place before.
    copied = {name: copy for name, copy in copies.items() if name in later}
    state.changes = {**later, **copied, **(before.changes or {})} or None
    state.snapshots = {**(state.snapshots or {}), **copies} or None


def _restore_relations(entities: Iterable[Any], links: LinkBook) -> None:
    """Give entities that are staged again the relations that go with the links that are staged again.

    Of those that are not in memory any more: forgotten after a merge or by ``expire()``, or because they
    showed what a failed block did.
    """
    related: dict[tuple[int, str], list[Any]] = {}
    for link in (*links.additions.values(), *links.parallels):
        source, target = (
            (link.end, link.start) if link.field.direction == "INCOMING" else (link.start, link.end)
        )
        related.setdefault((id(source), link.field.name), []).append(target)
    for entity in entities:
        state: EntityState = entity._runic_state
        if isinstance(entity, Edge) or state.owner is None:
            continue
        for field_ in node_meta(entity.__class__).relations:
            name = field_.name
            if name in entity.__dict__:
                continue
            if state.status is Status.PENDING or (state.changes or {}).get(name) is NOT_LOADED:
                found = related.get((id(entity), name), [])
                entity.__dict__[name] = found if field_.uselist else (found or [None])[-1]
                continue
            # What it had and has now is in the links; it is loaded when it is needed.
            for kept in (state.changes, state.snapshots):
                if kept:
                    kept.pop(name, None)
            state.changes, state.snapshots = state.changes or None, state.snapshots or None
