"""Relate and unrelate: stage relationships, and let relations in memory show them. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Node
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.exceptions import DetachedEntityError, OrmError
from runic.orm.session.links import Link, link_of
from runic.orm.session.load import relation_of
from runic.orm.session.staging import refuse_if_read_only

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.exclusive import Exclusive
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Relating"]


class _Relation(NamedTuple):
    """What relating two classes needs to know, worked out once."""

    field: FieldDescriptor
    name: str
    type: str
    edge_cls: type | None
    uselist: bool
    incoming: bool
    undirected: bool
    inverses: tuple[str, ...]


class Relating:
    """Stages the relationships of one unit of work."""

    def __init__(self, unit: UnitOfWork, exclusive: Exclusive, *, read_only: bool) -> None:
        self.unit = unit
        self.exclusive = exclusive
        self.read_only = read_only
        # by source class, name of the relation, target class
        self._resolved: dict[tuple[type, str, type], _Relation] = {}
        # (id of source, relation) -> (the list, ids of its members): membership in constant time
        self._members: dict[tuple[int, str], tuple[list[Any], set[int]]] = {}

    def relate(self, source: Any, relation: Any, target: Any, edge: Any, *, parallel: bool) -> None:
        """Stage a relationship."""
        self.exclusive.check()
        if self.read_only:
            refuse_if_read_only(True, "relate()")
        name = relation if type(relation) is str else getattr(relation, "name", None)
        known = self._resolved.get((type(source), name, type(target))) or self._resolve(source, name, target)
        field, name, type_, edge_cls, uselist, incoming, undirected, inverses = known
        if edge_cls is not None:
            if edge is None:
                edge = _default_edge(field, edge_cls)
            elif not isinstance(edge, edge_cls):
                raise _wrong_edge(field, edge)
        elif edge is not None:
            raise _wrong_edge(field, edge)
        unit = self.unit
        owner = unit.owner
        if source._runic_state.owner is not owner:
            unit.add(source)
        if target._runic_state.owner is not owner:
            unit.add(target)
        start, end = (target, source) if incoming else (source, target)
        unit.links.add(Link(field, start, end, type_, undirected, edge, parallel))
        self._show(source, name, target, uselist)
        if inverses:
            _forget_inverse(target, inverses)

    def unrelate(self, source: Any, relation: Any, target: Any) -> None:
        """Stage the removal of a relationship."""
        self.exclusive.check()
        refuse_if_read_only(self.read_only, "unrelate()")
        name = relation if isinstance(relation, str) else getattr(relation, "name", None)
        known = self._resolve(source, name, target)
        for end in (source, target):
            if not self.unit.has(end):
                raise DetachedEntityError(f"{end!r} does not belong to this session: get() or add() it first")
        self.unit.links.remove(link_of(known.field, source, target))
        self._hide(source, known.field, target)
        _forget_inverse(target, known.inverses)

    def forget(self) -> None:
        """Forget what was worked out about lists in memory: a flush or rollback has been through them."""
        self._members.clear()

    # -- names ----------------------------------------------------------------------------------

    def _resolve(self, source: Any, name: Any, target: Any) -> _Relation:
        if not isinstance(source, Node) or not isinstance(name, str):
            raise TypeError(f"expected a node and the name of a relation, got {source!r} and {name!r}")
        field = node_meta(type(source)).fields.get(name)
        if field is None or not field.is_relation:
            field = relation_of(type(source), name)
        if not isinstance(target, field.target_cls):
            raise TypeError(
                f"{field.owner.__name__}.{field.name} relates to {field.target_cls.__name__}, not to {target!r}"
            )
        inverses = tuple(
            other.name
            for other in node_meta(type(target)).relations
            if other.relationship == field.relationship
            and (other.direction != field.direction or field.direction == "BOTH")
        )
        assert field.relationship is not None
        found = self._resolved[type(source), name, type(target)] = _Relation(
            field,
            field.name,
            field.relationship,
            field.edge_cls,
            field.uselist,
            field.direction == "INCOMING",
            field.direction == "BOTH",
            inverses,
        )
        return found

    # -- memory ---------------------------------------------------------------------------------

    def _show(self, source: Any, name: str, target: Any, uselist: bool) -> None:
        """A relation that is in memory shows what was staged, without becoming a change itself."""
        values = source.__dict__
        value = values.get(name, NOT_LOADED)
        if value is NOT_LOADED:
            if source._runic_state.status is Status.PERSISTENT:
                return
            value = values[name] = [] if uselist else None
        state: EntityState = source._runic_state
        if not uselist:
            if name not in (state.changes or ()):
                values[name] = target
            return
        known = self._members.get((id(source), name))
        if known is None or known[0] is not value or len(known[1]) != len(value):
            known = self._members[id(source), name] = (value, {id(each) for each in value})
        if id(target) in known[1]:
            return
        known[1].add(id(target))
        value.append(target)
        if state.snapshots and name in state.snapshots:
            state.snapshots[name].append(target)

    def _hide(self, source: Any, field: FieldDescriptor, target: Any) -> None:
        value = source.__dict__.get(field.name, NOT_LOADED)
        if value is NOT_LOADED:
            return
        state: EntityState = source._runic_state
        if not field.uselist:
            if value is target and field.name not in (state.changes or ()):
                source.__dict__[field.name] = None
            return
        for listed in (value, (state.snapshots or {}).get(field.name)):
            if listed is not None:
                listed[:] = [each for each in listed if each is not target]


def _forget_inverse(target: Any, inverses: tuple[str, ...]) -> None:
    """The same edges seen from the other end are loaded again when they are next looked at."""
    state: EntityState = target._runic_state
    if state.status is not Status.PERSISTENT:
        return
    for name in inverses:
        if name not in (state.changes or ()):
            target.__dict__.pop(name, None)
            if state.snapshots:
                state.snapshots.pop(name, None)


def _default_edge(field: FieldDescriptor, edge_cls: type) -> Any:
    """An edge given by nobody: its defaults, where the class has a default for everything."""
    try:
        return edge_cls()
    except (TypeError, OrmError) as error:
        name = edge_cls.__name__
        raise TypeError(
            f"{field.owner.__name__}.{field.name} has edges of {name}, which needs values: pass edge={name}(...)"
        ) from error


def _wrong_edge(field: FieldDescriptor, edge: Any) -> TypeError:
    expected = field.edge_cls.__name__ if field.edge_cls else "none: the relation has no edge_model"
    return TypeError(
        f"{field.owner.__name__}.{field.name} takes no {type(edge).__name__} as edge (it takes {expected})"
    )
