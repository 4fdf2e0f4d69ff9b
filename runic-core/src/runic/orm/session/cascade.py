"""Relations declared with ``cascade=True``: add what they reach, delete it with its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.core.models import Edge
from runic.orm.core.state import Status
from runic.orm.session.changes import members, relation_difference
from runic.orm.session.links import link_of
from runic.orm.session.recipe import node_recipe

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.load import Loader
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["cascade"]


async def cascade(unit: UnitOfWork, loader: Loader) -> None:
    """Stage what follows from what is staged.

    Additions follow what is in memory; deletions load the relations they follow, and heed what is staged of
    them: what was moved elsewhere stays.
    """
    _add(unit, loader.dialect)
    wave = list(unit.deleted.values())
    if not any(_relations(entity, loader.dialect) for entity in wave):
        return
    staged = _Staged(unit, loader.dialect)
    while wave:
        wave = await _delete(unit, loader, wave, staged)


class _Staged:
    """What the next flush does to edges, as far as it can be told before it is planned."""

    def __init__(self, unit: UnitOfWork, dialect: Dialect) -> None:
        links = unit.links
        # (id of source, relation) -> related
        self.added: dict[tuple[int, str], list[Any]] = {}
        for link in (*links.additions.values(), *links.parallels):
            incoming = link.field.direction == "INCOMING"
            source, target = (link.end, link.start) if incoming else (link.start, link.end)
            self.added.setdefault((id(source), link.field.name), []).append(target)
        self._kept = links.keys()
        self._removed = set(links.removals)
        # id of the source -> its relations whose stored edges all go
        self._cleared: dict[int, list[FieldDescriptor]] = {}
        for entity in {**unit.dirty, **unit.touched}.values():
            if isinstance(entity, Edge) or id(entity) in unit.deleted:
                continue
            for relation in node_recipe(entity.__class__, dialect).relations:
                removed, added = relation_difference(entity, relation) or ((), ())
                self._kept.update(link_of(relation, entity, target).key for target in added)
                if removed is None:
                    self._cleared.setdefault(id(entity), []).append(relation)
                else:
                    self._removed.update(link_of(relation, entity, target).key for target in removed)

    def takes(self, owner: Any, relation: FieldDescriptor, target: Any) -> bool:
        """Whether ``target`` is taken out of a relation of ``owner``."""
        key = link_of(relation, owner, target).key
        if key in self._kept:
            return False
        return key in self._removed or any(
            other.relationship == relation.relationship
            and (other.direction != relation.direction or relation.direction == "BOTH")
            and isinstance(owner, other.target_cls)
            for other in self._cleared.get(id(target), ())
        )


def _add(unit: UnitOfWork, dialect: Dialect) -> None:
    books = (unit.new, unit.merged, unit.dirty, unit.touched)
    queue = [entity for book in books for entity in book.values() if _relations(entity, dialect)]
    seen: set[int] = set()
    while queue:
        entity = queue.pop()
        if id(entity) in seen:
            continue
        seen.add(id(entity))
        stored = entity._runic_state.status is Status.PERSISTENT
        for relation in _relations(entity, dialect):
            if stored and relation_difference(entity, relation) is None:
                continue
            for target in members(entity, relation):
                if target._runic_state.status in (Status.TRANSIENT, Status.DETACHED):
                    unit.add(target)
                queue.append(target)


async def _delete(unit: UnitOfWork, loader: Loader, wave: list[Any], staged: _Staged) -> list[Any]:
    """Delete what the relations of ``wave`` reach; returns that."""
    groups: dict[FieldDescriptor, list[Any]] = {}
    for entity in wave:
        for relation in _relations(entity, loader.dialect):
            groups.setdefault(relation, []).append(entity)
    reached: list[Any] = []
    for relation, owners in groups.items():
        await loader.relation(owners, relation)
        for owner in owners:
            for target in (*members(owner, relation), *staged.added.get((id(owner), relation.name), ())):
                if (
                    unit.has(target)
                    and id(target) not in unit.deleted
                    and not staged.takes(owner, relation, target)
                ):
                    unit.delete(target)
                    reached.append(target)
    return reached


def _relations(entity: Any, dialect: Dialect) -> tuple[FieldDescriptor, ...]:
    return () if isinstance(entity, Edge) else node_recipe(entity.__class__, dialect).cascades
