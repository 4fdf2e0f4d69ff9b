"""Reading and writing a field of an entity: the part that is more than a dictionary look-up.

Change tracking is per property. For an entity in a session, a write keeps the value before the first
change; a read of a value that can change in place keeps a copy to compare with. All of it is
bookkeeping in :class:`~runic.orm.core.state.EntityState`; the session does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from runic.orm.core.snapshots import NO_SNAPSHOT, is_immutable, is_list, same_value, take_snapshot
from runic.orm.core.state import NOT_LOADED, EntityState, Owner, Status
from runic.orm.exceptions import FieldValidationError, LazyLoadError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["as_relation_value", "initial_value", "read", "settle", "write"]


def read(field: FieldDescriptor, entity: Any, value: Any) -> Any:
    """The value of ``field``, given what ``entity.__dict__`` has: loads it, or tracks it."""
    state: EntityState = entity._runic_state
    if value is NOT_LOADED:
        value = _missing(field, entity, state)
    if state.snapshots is not None and field.name in state.snapshots:
        return value
    owner = state.owner
    if is_immutable(value):
        return value
    settle(field)
    if field.plain:
        return value
    if not _recorded(state):
        # New; but the program may keep the value, and change it once it is stored.
        _keep(field, state, value)
        return value
    # An assigned value is written anyway, and compared with the one before the assignment.
    assigned = state.changes is not None and field.name in state.changes
    if not assigned and _keep(field, state, value) and owner is not None:
        owner.mutable_read(entity)
    return value


def _recorded(state: EntityState) -> bool:
    """Whether changes are written down: those made to a detached entity count when it is added again."""
    if state.owner is None:
        return state.status is Status.DETACHED
    return state.status is Status.PERSISTENT


def settle(field: FieldDescriptor) -> None:
    """Find out, once per field, whether reading it is a plain look-up."""
    field.plain = not (field.uselist if field.is_relation else field.type.mutable)


def _missing(field: FieldDescriptor, entity: Any, state: EntityState) -> Any:
    owner = state.owner
    if owner is not None:
        if field.is_relation and field.loading == "raise":
            raise LazyLoadError(
                f"{_label(field)} was not loaded, and is declared lazy="
                f"{field.lazy!r}: ask for it with fetch=[{field.name!r}] or session.load(...)"
            )
        return owner.load_missing(entity, field.name)
    if state.status in (Status.TRANSIENT, Status.PENDING):
        # A hand-written __init__ need not mention every field.
        value = entity.__dict__[field.name] = initial_value(field)
        return value
    what = "relation" if field.is_relation else "field"
    before = f" (fetch=[{field.name!r}])" if field.is_relation else ""
    raise LazyLoadError(
        f"the {what} {_label(field)} was not loaded, and the entity belongs to no session any more: "
        f"load it before the session ends{before}, or add the entity to a session"
    )


def initial_value(field: FieldDescriptor) -> Any:
    """The value of ``field`` in a new entity for which none was given."""
    if field.default_factory is not None:
        value = field.default_factory()
    else:
        value = None if field.has_no_default else field.default
    if not field.is_relation:
        return value
    return [] if value is None and field.uselist else as_relation_value(field, value)


def as_relation_value(field: FieldDescriptor, value: Any) -> Any:
    """``value`` if the relation takes it; other collections become lists.

    Raises:
        FieldValidationError: a list for one entity, or no list for many.
    """
    if field.uselist:
        if is_list(value):
            return value
        if isinstance(value, (tuple, set, frozenset)):
            return list(cast("Iterable[Any]", value))
        raise FieldValidationError(
            f"{_label(field)} is a relation to many: it takes a list, not {_describe(value)}"
        )
    if isinstance(cast("object", value), (list, tuple, set, frozenset, dict)):
        raise FieldValidationError(
            f"{_label(field)} is a relation to one: it takes an entity or None, not {_describe(value)}"
        )
    return value


def write(field: FieldDescriptor, entity: Any, value: Any) -> None:
    """Set ``field``, and record the change if the entity is in the database."""
    state: EntityState = entity._runic_state
    if field.is_relation:
        value = as_relation_value(field, value)
    elif field.generated:
        _refuse_key(field, entity, value)
        return
    if not _recorded(state):
        entity.__dict__[field.name] = value
        return
    if field.primary_key:
        _refuse_key(field, entity, value)
        return
    _write_tracked(field, entity, state, state.owner, value)


def _write_tracked(
    field: FieldDescriptor, entity: Any, state: EntityState, owner: Owner | None, value: Any
) -> None:
    name = field.name
    values = entity.__dict__
    old = values.get(name, NOT_LOADED)
    before = old
    if state.snapshots is not None and name in state.snapshots:
        before = state.snapshots[name]
    elif field.is_relation and is_list(old):
        before = list(old)
    changes = state.changes
    if changes is not None and name in changes:
        values[name] = value
        # Back to what the database has: nothing to write.
        if not field.is_relation and is_immutable(value) and same_value(changes[name], value):
            del changes[name]
        return
    if same_value(before, value):
        if old is not value:
            # Equal, but another object, which may change in place from now on.
            if not is_immutable(value):
                _keep(field, state, before)
                if owner is not None:
                    owner.mutable_read(entity)
            values[name] = value
        return
    if changes is None:
        if owner is not None:
            owner.entity_changed(entity)
        changes = state.changes
        if changes is None:
            changes = state.changes = {}
    changes[name] = before
    values[name] = value


def _keep(field: FieldDescriptor, state: EntityState, value: Any) -> bool:
    """Keep a copy of ``value`` to compare with, unless there is one."""
    snapshots = state.snapshots
    if snapshots is None:
        snapshots = state.snapshots = {}
    elif field.name in snapshots:
        return False
    if field.is_relation:
        snapshots[field.name] = list(value) if is_list(value) else value
        return True
    snapshot = take_snapshot(value)
    if snapshot is NO_SNAPSHOT:
        return False
    snapshots[field.name] = snapshot
    return True


def _refuse_key(field: FieldDescriptor, entity: Any, value: Any) -> None:
    """Refuse to change a primary key, unless it does not change."""
    old = entity.__dict__.get(field.name)
    if same_value(old, value):
        return
    if field.generated:
        reason = "it is generated by the database"
    else:
        reason = "it is the primary key of an entity in the database: delete it and add another"
    raise FieldValidationError(f"{_label(field)} cannot be changed from {old!r} to {value!r}: {reason}")


def _label(field: FieldDescriptor) -> str:
    return f"{field.owner.__name__}.{field.name}"


def _describe(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
