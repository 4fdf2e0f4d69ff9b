"""The unit of work: what a session has, and what its next flush has to do. No I/O.

The journal holds what was flushed but not committed yet. Undoing it puts every entity back to where
it was, with its changes staged again: after a failed flush nothing of the program's work is lost,
and a rollback is the same with the staged changes taken back as well.
"""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.snapshots import NO_SNAPSHOT, take_snapshot
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.exceptions import DetachedEntityError
from runic.orm.session.identities import identity_of
from runic.orm.session.journal import Flushed, Journal
from runic.orm.session.links import LinkBook
from runic.orm.session.unflush import unflush

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runic.orm.compile.steps import Step
    from runic.orm.core.state import Owner

__all__ = ["UnitOfWork"]


class UnitOfWork:
    """The entities of one session, by what has to happen to them.

    Attributes:
        identities: root class -> key -> entity; one entity per database object.
        new: entities to create. ``merged``: entities to create or update by key.
        dirty: persistent entities that were assigned to. ``touched``: those that handed out a value
            that can change in place. ``deleted``: to delete. All by ``id()``, in insertion order.
        links: staged relationships.
        journal: what was flushed since the last commit, or in the innermost block.
        enclosing: what was flushed before each of the open blocks began, outermost first.
    """

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.identities: dict[type, dict[Any, Any]] = {}
        self.new: dict[int, Any] = {}
        self.merged: dict[int, Any] = {}
        self.dirty: dict[int, Any] = {}
        self.touched: dict[int, Any] = {}
        self.deleted: dict[int, Any] = {}
        self.links: LinkBook = LinkBook()
        self.journal: Journal = Journal()
        self.enclosing: list[Journal] = []

    # -- membership -----------------------------------------------------------------------------

    def part(self, cls: type) -> dict[Any, Any]:
        """The part of the identity map for a node's root class or an edge class."""
        found = self.identities.get(cls)
        if found is None:
            found = self.identities[cls] = {}
        return found

    def has(self, entity: Any) -> bool:
        """Whether ``entity`` belongs to this session."""
        return entity._runic_state.owner is self.owner

    def has_work(self) -> bool:
        """Whether a flush might have anything to send."""
        return bool(self.new or self.merged or self.dirty or self.touched or self.deleted or self.links)

    def add(self, entity: Any, *, merge: bool = False) -> None:
        """Stage an entity for creation; one that is here already stays as it is."""
        if not isinstance(entity, Node):
            why = "is an edge: pass it to relate(..., edge=...)" if isinstance(entity, Edge) else "is none"
            hint = ": use add_all()" if isinstance(entity, list | tuple | set) else ""
            raise TypeError(f"only nodes can be added to a session, and {entity!r} {why}{hint}")
        state: EntityState = entity._runic_state
        if state.owner is not None and state.owner is not self.owner:
            raise DetachedEntityError(f"{entity!r} belongs to another session; expunge it there first")
        if state.status is Status.PENDING:
            return
        if state.status is Status.PERSISTENT:
            # Deleting and adding again before a flush means: keep it.
            self.deleted.pop(id(entity), None)
            return
        if state.status is Status.DETACHED and state.id is not None and not merge:
            self._reattach(entity)
            return
        state.status = Status.PENDING
        state.owner = self.owner
        state.id = None
        (self.merged if merge else self.new)[id(entity)] = entity

    def _reattach(self, entity: Any) -> None:
        """An entity that was persistent in a session that is gone becomes persistent here."""
        cls, key = identity_of(entity)
        part = self.part(cls)
        if part.get(key, entity) is not entity:
            raise DetachedEntityError(
                f"{entity!r} is in this session already as another object; use session.merge()"
            )
        part[key] = entity
        state: EntityState = entity._runic_state
        state.status = Status.PERSISTENT
        state.owner = self.owner
        if state.changes:
            self.dirty[id(entity)] = entity
        if state.snapshots:
            self.touched[id(entity)] = entity

    def delete(self, entity: Any) -> None:
        """Stage a deletion; an entity that was only added is forgotten."""
        if isinstance(entity, Edge):
            raise TypeError(f"{entity!r} is an edge: session.unrelate() removes it")
        if not self.has(entity):
            raise DetachedEntityError(f"{entity!r} does not belong to this session: get() or add() it first")
        if entity._runic_state.status is Status.PENDING:
            self.expunge(entity)
            entity._runic_state.status = Status.TRANSIENT
        else:
            self.deleted[id(entity)] = entity

    def expunge(self, entity: Any) -> None:
        """Forget an entity; nothing happens in the database."""
        if not self.has(entity):
            raise DetachedEntityError(f"{entity!r} does not belong to this session")
        state: EntityState = entity._runic_state
        for book in (self.new, self.merged, self.dirty, self.touched, self.deleted):
            book.pop(id(entity), None)
        if self.links:
            self.links.forget({id(entity)})
        for journal in self._journals():
            journal.forget(entity)
        if state.status is Status.PENDING:
            state.status = Status.TRANSIENT
        else:
            self.remove_identity(entity)
            state.status = Status.DETACHED
        state.owner = None
        state.siblings = None

    def expunge_all(self) -> None:
        """Forget everything."""
        for book in (self.new, self.merged):
            for entity in book.values():
                entity._runic_state.status = Status.TRANSIENT
                entity._runic_state.owner = None
            book.clear()
        for part in self.identities.values():
            for entity in part.values():
                state: EntityState = entity._runic_state
                state.status, state.owner, state.siblings = Status.DETACHED, None, None
            part.clear()
        for each in (self.dirty, self.touched, self.deleted):
            each.clear()
        self.links.clear()
        self.committed()

    def remove_identity(self, entity: Any) -> None:
        """Take an entity out of the identity map."""
        cls, key = identity_of(entity)
        part = self.identities.get(cls)
        if part is not None and part.get(key) is entity:
            del part[key]

    # -- the journal ----------------------------------------------------------------------------

    def record(self, entity: Any) -> None:
        """Write down what ``entity`` is like, before a flush changes its state."""
        state: EntityState = entity._runic_state
        self.journal.entities.append(
            Flushed(
                entity,
                state.status,
                state.id,
                state.changes,
                state.snapshots,
                id(entity) in self.merged,
                tuple([(name, entity.__dict__.get(name)) for name in _assigned(entity.__class__)]),
            )
        )

    def became_persistent(self, created: Sequence[tuple[Any, Any]]) -> None:
        """Entities of one class, created or merged, are in the database now, with these identities."""
        if not created:
            return
        meta = node_meta(created[0][0].__class__)
        key = meta.primary_key
        name = key.name if key is not None else None
        made_by_server = key is None or key.generated
        part, owner = self.part(meta.root), self.owner
        for entity, identity in created:
            state: EntityState = entity._runic_state
            state.status = Status.PERSISTENT
            state.owner = owner
            state.id = identity
            state.stale = False
            state.changes = None
            if state.snapshots:
                self._snapshot_again(entity, state)
            if made_by_server:
                if name is not None:
                    entity.__dict__[name] = identity
                part[identity] = entity
            else:
                part[entity.__dict__[name]] = entity
            self.new.pop(id(entity), None)
            self.merged.pop(id(entity), None)

    def edge_became_persistent(self, edge: Any, identity: Any, ends: tuple[Any, Any]) -> None:
        """An edge object stands for the edge with that identity now."""
        part = self.part(edge.__class__)
        other = part.get(identity)
        if other is not None and other is not edge:
            # It stood for the same edge, or for one that is gone and whose identity was used again.
            self.expunge(other)
        state: EntityState = edge._runic_state
        if state.status is Status.PERSISTENT:
            # Related anew after its edge was removed.
            self.remove_identity(edge)
        state.status, state.owner, state.id, state.ends = Status.PERSISTENT, self.owner, identity, ends
        self.became_clean(edge)
        part[identity] = edge

    def became_clean(self, entity: Any) -> None:
        """What ``entity`` holds is what the database holds."""
        state: EntityState = entity._runic_state
        state.changes = None
        self.dirty.pop(id(entity), None)
        if state.snapshots:
            # The program may still hold the list that it was handed, and change it again.
            self._snapshot_again(entity, state)
        else:
            state.snapshots = None
            self.touched.pop(id(entity), None)

    def _snapshot_again(self, entity: Any, state: EntityState) -> None:
        copies: dict[str, Any] = {}
        for name in state.snapshots or ():
            value = entity.__dict__.get(name, NOT_LOADED)
            copy = list(value) if _is_relation(entity, name) and value else take_snapshot(value)
            if value is not NOT_LOADED and copy is not NO_SNAPSHOT:
                copies[name] = copy
        state.snapshots = copies or None
        self.touched[id(entity)] = entity

    def became_deleted(self, entities: Sequence[Any]) -> None:
        """Entities of one class are not in the database any more."""
        if not entities:
            return
        meta = node_meta(entities[0].__class__)
        key = meta.primary_key
        name = None if key is None or key.generated else key.name
        part = self.part(meta.root)
        books = [book for book in (self.dirty, self.touched) if book]
        for entity in entities:
            state: EntityState = entity._runic_state
            value = state.id if name is None else entity.__dict__.get(name)
            if part.get(value) is entity:
                del part[value]
            for book in books:
                book.pop(id(entity), None)
            self.deleted.pop(id(entity), None)
            state.status = Status.DELETED
            state.owner = state.siblings = None

    def _journals(self) -> tuple[Journal, ...]:
        """From the last flush to the first."""
        return (self.journal, *reversed(self.enclosing))

    @property
    def unproven(self) -> list[Step]:
        """The steps flushed since the last commit, on servers that check constraints at the commit."""
        return [step for journal in reversed(self._journals()) for step in journal.unproven]

    def begin_block(self) -> None:
        """What is flushed from now on is a block's."""
        self.enclosing.append(self.journal)
        self.journal = Journal()

    def end_block(self) -> None:
        """The innermost block's flushes are part of what is around it."""
        inner, self.journal = self.journal, self.enclosing.pop()
        self.journal.add(inner)

    def fail_block(self, *, taken: bool, raw: bool, flushed: bool) -> None:
        """The innermost block failed: what is staged in it is taken back.

        Args:
            taken: whether the database took back what was flushed in it. If not, that stays.
            raw: whether statements of the program's own were taken back there.
            flushed: whether something was taken back there before the block ended.
        """
        flushed = flushed or bool(self.journal)
        if taken:
            self.unflush_block()
        self.discard()
        self.end_block()
        if taken and (flushed or raw):
            self.doubt(stale=raw)

    def restage(self) -> None:
        """Stage again all that was flushed before the blocks that a lost transaction has ended."""
        self.doubt(stale=False)
        self.unflush()

    def committed(self) -> None:
        """What was flushed is durable."""
        for journal in self._journals():
            journal.clear()

    def unflush(self) -> None:
        """Stage again all that was flushed since the last commit, because the database lost it."""
        for journal in self._journals():
            unflush(self, journal)

    def unflush_block(self) -> None:
        """Stage again what was flushed in the innermost block, because the database took it back."""
        unflush(self, self.journal)

    def rollback(self) -> None:
        """Take back everything since the last commit, in memory.

        Values return to what they were; entities that were only added are transient again; whatever
        stays is stale, so that the next result overwrites it.
        """
        self.take_back()
        self.doubt(stale=True)

    def doubt(self, *, stale: bool) -> None:
        """Relations are loaded anew when they are needed, and if ``stale`` everything else as well."""
        for part in self.identities.values():
            for entity in part.values():
                if stale:
                    entity._runic_state.stale = True
                for field in _relations(entity):
                    entity.__dict__.pop(field, None)

    def take_back(self) -> None:
        """Take back, in memory, what was flushed since the last commit and what is staged."""
        self.unflush()
        self.discard()

    def discard(self) -> None:
        """Take back, in memory, what is staged and was not flushed."""
        for entity in [*self.new.values(), *self.merged.values()]:
            state: EntityState = entity._runic_state
            state.status, state.owner, state.changes = Status.TRANSIENT, None, None
        self.new.clear()
        self.merged.clear()
        for entity in {**self.dirty, **self.touched}.values():
            _restore(entity)
        self.dirty.clear()
        self.touched.clear()
        self.deleted.clear()
        for link in [*self.links.additions.values(), *self.links.removals.values(), *self.links.parallels]:
            for end in (link.start, link.end):
                for field in _relations(end) if end._runic_state.status is Status.PERSISTENT else ():
                    end.__dict__.pop(field, None)
        self.links.clear()

    def expire(self, entity: Any) -> None:
        """Forget what a persistent entity holds, changes included."""
        _restore(entity)
        self.became_clean(entity)
        entity._runic_state.stale = True
        meta = edge_meta(entity.__class__) if isinstance(entity, Edge) else node_meta(entity.__class__)
        values = entity.__dict__
        # The version stays: what is written before it is read again is written to that version.
        names = [field.name for field in meta.fields.values() if not (field.primary_key or field.version)]
        if any(self._journals()):
            properties = {field.name for field in meta.properties}
            kept = {name: values[name] for name in names if name in values and name in properties}
            for journal in self._journals():
                held = journal.expired.setdefault(id(entity), {})
                # What a block has flushed over is still what the flushes before it left.
                held.update(kept if journal is self.journal else {**kept, **held})
        for name in names:
            values.pop(name, None)

    def restore(self, entity: Any) -> None:
        """Take back the unflushed changes of one entity."""
        _restore(entity)
        self.dirty.pop(id(entity), None)
        self.touched.pop(id(entity), None)


@lru_cache(maxsize=1024)
def _assigned(cls: type[object]) -> tuple[str, ...]:
    """The properties that a flush sets by itself."""
    meta = edge_meta(cls) if issubclass(cls, Edge) else node_meta(cls)
    return tuple(field.name for field in meta.properties if field.generated or field.version)


def _is_relation(entity: Any, name: str) -> bool:
    return not isinstance(entity, Edge) and node_meta(entity.__class__).fields[name].is_relation


def _relations(entity: Any) -> tuple[str, ...]:
    if isinstance(entity, Edge):
        return ()
    return tuple(field.name for field in node_meta(entity.__class__).relations)


def _restore(entity: Any) -> None:
    state: EntityState = entity._runic_state
    for name, old in {**(state.snapshots or {}), **(state.changes or {})}.items():
        if old is NOT_LOADED:
            entity.__dict__.pop(name, None)
        else:
            entity.__dict__[name] = old
    state.changes = None
    state.snapshots = None
