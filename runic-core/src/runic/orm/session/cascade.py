"""Relations declared with ``cascade=True``: add what they reach, delete it with its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.core.models import Edge
from runic.orm.core.state import Status
from runic.orm.session.changes import members, relation_difference
from runic.orm.session.recipe import node_recipe

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.load import Loader
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["cascade"]


async def cascade(unit: UnitOfWork, loader: Loader) -> None:
    """Stage what follows from what is staged.

    Additions follow what is in memory; deletions load the relations they follow.
    """
    _add(unit, loader.dialect)
    wave = list(unit.deleted.values())
    while wave:
        wave = await _delete(unit, loader, wave)


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


async def _delete(unit: UnitOfWork, loader: Loader, wave: list[Any]) -> list[Any]:
    """Delete what the relations of ``wave`` reach; returns that."""
    groups: dict[FieldDescriptor, list[Any]] = {}
    for entity in wave:
        for relation in _relations(entity, loader.dialect):
            groups.setdefault(relation, []).append(entity)
    reached: list[Any] = []
    for relation, owners in groups.items():
        await loader.relation(owners, relation)
        for owner in owners:
            for target in members(owner, relation):
                if unit.has(target) and id(target) not in unit.deleted:
                    unit.delete(target)
                    reached.append(target)
    return reached


def _relations(entity: Any, dialect: Dialect) -> tuple[FieldDescriptor, ...]:
    return () if isinstance(entity, Edge) else node_recipe(entity.__class__, dialect).cascades
