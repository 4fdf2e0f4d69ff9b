"""What changed on one entity since the last flush. Pure; reading never makes an entity dirty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from runic.orm.core.snapshots import same_value
from runic.orm.core.state import NOT_LOADED, EntityState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, NodeMeta

__all__ = ["Beside", "changed_properties", "members", "relation_difference"]

_ABSENT = object()


def changed_properties(entity: Any, meta: NodeMeta | EdgeMeta) -> dict[str, Any]:
    """Property name -> value before, for each property of ``entity`` that differs from the database.

    Assignments are recorded by the descriptors; values that change in place are compared with the
    copy made when they were handed out.
    """
    state: EntityState = entity._runic_state
    values = entity.__dict__
    fields, changes = meta.fields, state.changes or {}
    found = {
        name: old
        for name, old in changes.items()
        if not fields[name].is_relation and not same_value(old, values.get(name, _ABSENT))
    }
    for name, old in (state.snapshots or {}).items():
        known = name in changes or fields[name].is_relation or name not in values
        if not known and not same_value(old, values[name]):
            found[name] = old
    return found


class Beside(dict[str, Any]):
    """Takes what the database has now for an entity with unflushed changes.

    The changes stay, and are measured from the new values. If the class has a version, the values that
    go with the old version stay too: the flush then finds out that somebody else was faster.
    """

    __slots__ = ("_changes", "_kept", "_values")

    def __init__(self, entity: Any, meta: NodeMeta | EdgeMeta) -> None:
        super().__init__()
        state: EntityState = entity._runic_state
        changed = changed_properties(entity, meta)
        self._values: dict[str, Any] = entity.__dict__
        self._changes = {**(state.changes or {}), **changed}
        state.changes = self._changes
        state.snapshots = {
            name: copy for name, copy in (state.snapshots or {}).items() if meta.fields[name].is_relation
        } or None
        self._kept: Mapping[str, Any] = changed
        if meta.version_field is not None:
            self._kept, self._changes = dict(self._values), {}

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._kept:
            self._values[name] = value
        elif name in self._changes:
            self._changes[name] = value


def relation_difference(entity: Any, field: FieldDescriptor) -> tuple[list[Any] | None, list[Any]] | None:
    """(removed, added) related entities of one relation, or ``None`` if it did not change.

    ``removed`` is ``None`` when the relation was replaced without having been loaded: whatever is
    stored has to go.
    """
    state: EntityState = entity._runic_state
    value = entity.__dict__.get(field.name, NOT_LOADED)
    if value is NOT_LOADED:
        return None
    now = _members(value)
    if state.changes is not None and field.name in state.changes:
        old = state.changes[field.name]
    elif state.snapshots is not None and field.name in state.snapshots:
        old = state.snapshots[field.name]
    else:
        return None
    if old is NOT_LOADED:
        return None, now
    before = _members(old)
    known = {id(each) for each in before}
    current = {id(each) for each in now}
    removed = [each for each in before if id(each) not in current]
    added = [each for each in now if id(each) not in known]
    return (removed, added) if removed or added else None


def members(entity: Any, field: FieldDescriptor) -> list[Any]:
    """The related entities that are in memory, each once."""
    return [each for each in _members(entity.__dict__.get(field.name, NOT_LOADED)) if each is not None]


def _members(value: Any) -> list[Any]:
    if value is None or value is NOT_LOADED:
        return []
    if isinstance(value, list | tuple):
        listed = cast("Iterable[object]", value)
        return list({id(each): each for each in listed}.values())
    return [value]
