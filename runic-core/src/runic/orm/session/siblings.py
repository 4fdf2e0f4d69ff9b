"""The entities of one result that lack the same thing, so that it is loaded for all of them at once."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import node_meta
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.session.load import kind_of

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["lacking_siblings", "stale_siblings"]


def lacking_siblings(entity: Any, field: FieldDescriptor) -> list[Any]:
    """The entity and those of the same result that lack the relation as well."""
    state: EntityState = entity._runic_state
    name, kind = field.name, kind_of(field)
    found = [entity]
    for other in state.siblings or ():
        known = other._runic_state
        if other is entity or known.owner is not state.owner or known.status is not Status.PERSISTENT:
            continue
        if other.__dict__.get(name, NOT_LOADED) is not NOT_LOADED:
            continue
        theirs = node_meta(other.__class__).fields.get(name)
        if theirs is not None and theirs.is_relation and kind_of(theirs) == kind:
            found.append(other)
    return found


def stale_siblings(entity: Any) -> list[Any]:
    """Those of the same result and class that have to be read again as well, and have no changes."""
    state: EntityState = entity._runic_state
    return [
        other
        for other in state.siblings or ()
        if other is not entity
        and other._runic_state.owner is state.owner
        and other._runic_state.stale
        and type(other) is type(entity)
        and not other._runic_state.changes
    ]
