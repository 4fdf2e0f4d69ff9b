"""What nodes and edges have in common as objects: attributes, text, copies."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, SupportsIndex

from runic.orm.core import pickling
from runic.orm.core.access import write
from runic.orm.core.construct import ModelSignature, generic_init
from runic.orm.core.declare import suggest
from runic.orm.core.snapshots import is_immutable, is_list, same_value
from runic.orm.core.state import NOT_LOADED, EntityState, Status

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["Entity"]

_texts = reprlib.Repr()
_texts.maxstring = _texts.maxother = 80


class Entity:
    """Base of :class:`~runic.orm.core.models.Node` and :class:`~runic.orm.core.models.Edge`.

    Two entities are equal if they are the same object. A session makes sure that there is one object
    for each stored node.
    """

    # In __dict__ like the values, not in a slot: CPython 3.13 keeps the values of objects inline only in
    # classes without slots, which halves an entity's memory.
    _runic_state: EntityState
    _runic_fields: ClassVar[Mapping[str, FieldDescriptor]] = {}

    if not TYPE_CHECKING:
        # Type checkers make __init__ from the fields, and would take any attribute for declared if they
        # saw __setattr__. There is no __getattr__: it would make every access slower.
        __signature__ = ModelSignature()
        __init__ = generic_init

        def __setattr__(self, name, value):
            field = self._runic_fields.get(name)
            if field is not None:
                state = self._runic_state
                if field.unchecked and state.owner is None and state.status is not Status.DETACHED:
                    self.__dict__[name] = value
                else:
                    write(field, self, value)
            elif name[0] == "_" or hasattr(type(self), name) or name in self._runic_meta.class_names:
                object.__setattr__(self, name, value)
            else:
                # A misspelt field would be lost without a word.
                raise AttributeError(
                    f"{type(self).__name__} has no field {name!r}{suggest(name, self._runic_fields)} "
                    "(attributes of your own need a leading underscore)",
                    name=name,
                    obj=self,
                )

    @property
    def _new(self) -> bool:
        """Whether the entity is not in the database yet."""
        return self._runic_state.status in (Status.TRANSIENT, Status.PENDING)

    @property
    def _dirty(self) -> bool:
        """Whether it has changes that a flush would write."""
        state = self._runic_state
        if self._new:
            return False
        if state.changes:
            return True
        values = self.__dict__
        return any(
            not same_value(before, values.get(name)) for name, before in (state.snapshots or {}).items()
        )

    def __repr__(self) -> str:
        # From memory only: showing an object in a debugger must not send queries.
        values = self.__dict__
        fields = sorted(self._runic_fields.values(), key=lambda field: not field.primary_key)
        shown = [
            f"{field.name}={_texts.repr(values[field.name])}"
            for field in fields
            if not field.is_relation and is_immutable(values.get(field.name, NOT_LOADED))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    # -- copies ------------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        """A copy that belongs to no session; related entities are the same objects, in lists of its own."""
        return self._runic_copy(None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy with property values of its own. Related entities are not copied.

        Following relations would copy whatever part of the graph happens to be in memory.
        """
        return self._runic_copy(memo)

    def _runic_copy(self, memo: dict[int, Any] | None) -> Self:
        cls = type(self)
        twin = cls.__new__(cls)
        if memo is not None:
            memo[id(self)] = twin
        fields = self._runic_fields
        for name, value in self.__dict__.items():
            if value is NOT_LOADED or name == "_runic_state":
                continue
            field = fields.get(name)
            if field is not None and field.is_relation:
                value = list(value) if is_list(value) else value
            elif memo is not None:
                value = copy.deepcopy(value, memo)
            twin.__dict__[name] = value
        twin._runic_state = _apart(self._runic_state)
        return twin

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """For pickle. Related entities that are in memory are pickled too, however many there are.

        Raises:
            DetachedEntityError: this or a related entity belongs to a live session.
        """
        return (
            pickling.reduce_entity(self) if pickling.is_usual(type(self)) else super().__reduce_ex__(protocol)
        )

    def __getstate__(self) -> Any:
        """What is pickled; a class may override it, together with ``__setstate__``."""
        return pickling.get_state(self)

    def __setstate__(self, data: Any) -> None:
        """Take what ``__getstate__`` gave."""
        pickling.set_state(self, data)


pickling.usual_functions.update((Entity.__reduce_ex__, Entity.__getstate__, Entity.__setstate__))


def _apart(original: EntityState) -> EntityState:
    """The state of a copy, which no session knows."""
    state = EntityState()
    state.ends = original.ends
    if original.status not in (Status.TRANSIENT, Status.PENDING):
        state.status = Status.DETACHED
        state.id = original.id
        # Both are replaced as a whole, and what they hold is never changed.
        state.changes = None if original.changes is None else dict(original.changes)
        state.snapshots = None if original.snapshots is None else dict(original.snapshots)
    return state
