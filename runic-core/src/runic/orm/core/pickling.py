"""Pickling of entities, without recursion.

Pickle follows references depth first, and a chain of related entities would exhaust the stack. So the
first entity that is pickled brings everything that is reachable from it as one flat list, a
:class:`_Graph`, in which related entities are positions. Entities that are met later in the same
pickle refer to that graph, so that identity is kept.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from runic.orm.core.snapshots import is_list
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.exceptions import DetachedEntityError

__all__ = ["get_state", "is_usual", "reduce_entity", "set_state", "usual_functions"]

_Changes = dict[str, Any] | None
_State = tuple[dict[str, Any], str, Any, Any, _Changes, _Changes]

# id(entity) -> graph that is being pickled. The pickler keeps the graph, the graph its entities: so
# neither outlives the pickling, and no id is used twice meanwhile.
_graphs: WeakValueDictionary[int, _Graph] = WeakValueDictionary()


def get_state(entity: Any) -> _State:
    """What is kept of an entity: loaded values, status, identity, the ends of an edge, unwritten changes.

    Raises:
        DetachedEntityError: it belongs to a session.
    """
    state: EntityState = entity._runic_state
    if state.owner is not None:
        raise DetachedEntityError(
            f"{entity!r} belongs to a live session and cannot be pickled: session.expunge() it, "
            "or close the session first"
        )
    values = {
        name: value
        for name, value in entity.__dict__.items()
        if value is not NOT_LOADED and name != "_runic_state"
    }
    return values, state.status.name, state.id, state.ends, state.changes, state.snapshots


def set_state(entity: Any, data: _State) -> None:
    """Fill a new entity with what :func:`get_state` kept."""
    values, status, identity, ends, changes, snapshots = data
    entity.__dict__.update(values)
    entity._runic_state = state = EntityState()
    state.status = Status[status]
    state.id = identity
    state.ends = ends
    state.changes = changes
    state.snapshots = snapshots


def reduce_entity(entity: Any) -> tuple[Any, ...]:
    """The ``__reduce__`` value of an entity."""
    graph = _graphs.get(id(entity))
    if graph is None:
        graph = _Graph(_reachable(entity))
        for each in graph.entities:
            _graphs[id(each)] = graph
    return _pick, (graph, graph.positions[id(entity)])


def _pick(graph: _Graph, position: int) -> Any:
    return graph.entities[position]


class _Graph:
    """Entities that refer to each other, as a flat list."""

    def __init__(self, entities: list[Any]) -> None:
        self.entities = entities
        self.positions = {id(entity): position for position, entity in enumerate(entities)}

    def __reduce__(self) -> tuple[Any, ...]:
        # The empty entities come first: their contents may refer to them again.
        return _empty_graph, ([type(each) for each in self.entities],), [*map(self._flat, self.entities)]

    def __setstate__(self, states: list[tuple[_State, dict[str, Any], Any]]) -> None:
        for entity, (state, relations, ends) in zip(self.entities, states, strict=True):
            for name, value in relations.items():
                state[0][name] = [*map(self._entity, value)] if is_list(value) else self._entity(value)
            values, status, identity, _, changes, snapshots = state
            ends = ends and tuple(map(self._entity, ends))
            set_state(entity, (values, status, identity, ends, changes, snapshots))

    def _flat(self, entity: Any) -> tuple[_State, dict[str, Any], Any]:
        values, status, identity, ends, changes, snapshots = get_state(entity)
        relations: dict[str, Any] = {}
        for name, field in entity._runic_fields.items():
            if field.is_relation and name in values:
                value = values.pop(name)
                relations[name] = [*map(self._place, value)] if is_list(value) else self._place(value)
        state = (values, status, identity, None, changes, snapshots)
        return state, relations, ends and tuple(map(self._place, ends))

    def _place(self, value: Any) -> tuple[int, Any]:
        """(position, None) of one of these entities, (-1, value) of anything else."""
        position = self.positions.get(id(value), -1)
        return (position, None) if position >= 0 else (-1, value)

    def _entity(self, place: tuple[int, Any]) -> Any:
        position, value = place
        return value if position < 0 else self.entities[position]


def _empty_graph(classes: list[type[Any]]) -> _Graph:
    makers: list[Any] = [*classes]
    return _Graph([cls.__new__(cls) for cls in makers])


def _reachable(entity: Any) -> list[Any]:
    """``entity`` and what it leads to, as far as no graph has it already."""
    found = {id(entity): entity}
    waiting = [entity]
    while waiting:
        for other in _related(waiting.pop()):
            if id(other) not in found and id(other) not in _graphs:
                found[id(other)] = other
                waiting.append(other)
    return list(found.values())


def _related(entity: Any) -> list[Any]:
    """The entities that an entity refers to, which are pickled in the usual way."""
    state: EntityState = entity._runic_state
    others: list[Any] = [*(state.ends or ())]
    for name, field in entity._runic_fields.items():
        if field.is_relation:
            for values in (entity.__dict__, state.changes, state.snapshots):
                value = None if values is None else values.get(name)
                others += value if is_list(value) else (value,)
    return [other for other in others if is_usual(other.__class__)]


#: The functions of Entity that pickling consists of.
usual_functions: set[Any] = {object.__reduce__}


def is_usual(cls: Any) -> bool:
    """Whether ``cls`` is a model that leaves pickling to runic."""
    return hasattr(cls, "_runic_fields") and usual_functions.issuperset(
        (cls.__reduce__, cls.__reduce_ex__, cls.__getstate__, cls.__setstate__)
    )
