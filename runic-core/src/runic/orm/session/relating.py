"""Relate and unrelate: stage relationships, and let relations in memory show them. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Node
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.exceptions import DetachedEntityError, OrmError, QueryError
from runic.orm.session.links import Link, link_of
from runic.orm.session.load import relation_of
from runic.orm.session.staging import refuse_if_read_only

if TYPE_CHECKING:
    from collections.abc import Container

    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.exclusive import Exclusive
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Relating", "before", "hide"]


#: Looking through a list of this length costs less than loading it again.
_LONG = 200

#: Up to this length a list is looked through for a member; a longer one gets a set of what it holds.
_SHORT = 16


class _Relation(NamedTuple):
    """What relating two classes needs to know, worked out once."""

    field: FieldDescriptor
    name: str
    link_type: str
    edge_cls: type[Any] | None
    uselist: bool
    incoming: bool
    undirected: bool
    inverses: tuple[FieldDescriptor, ...]


class Relating:
    """Stages the relationships of one unit of work."""

    def __init__(self, unit: UnitOfWork, exclusive: Exclusive, *, read_only: bool) -> None:
        self.unit = unit
        self.exclusive = exclusive
        self.read_only = read_only
        # by source class, name of the relation, target class
        self._resolved: dict[tuple[type[Any], str, type[Any]], _Relation] = {}
        # (id of source, relation) -> (the list, ids of its members): membership in constant time
        self._members: dict[tuple[int, str], tuple[list[Any], set[int]]] = {}

    def relate(self, source: Any, relation: Any, target: Any, edge: Any, *, parallel: bool) -> None:
        """Stage a relationship."""
        self.exclusive.check()
        if self.read_only:
            refuse_if_read_only(self.read_only, "relate()")
        name: Any = relation if type(relation) is str else getattr(relation, "name", None)
        known = self._resolved.get((source.__class__, name, target.__class__)) or self._resolve(
            source, name, target
        )
        field, name, type_, edge_cls, uselist, incoming, undirected, inverses = known
        implied = edge is None and edge_cls is not None
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
        unit.links.add(Link(field, start, end, type_, undirected, edge, parallel, implied))
        self.show(source, name, target, uselist=uselist)
        if inverses:
            self._show_inverse(target, inverses, source)

    def unrelate(self, source: Any, relation: Any, target: Any) -> None:
        """Stage the removal of a relationship."""
        self.exclusive.check()
        refuse_if_read_only(self.read_only, "unrelate()")
        name = relation if isinstance(relation, str) else getattr(relation, "name", None)
        known = self._resolve(source, name, target)
        for end in (source, target):
            if not self.unit.has(end):
                raise DetachedEntityError(f"{end!r} does not belong to this session: get() or add() it first")
            if id(end) in self.unit.merged:
                raise QueryError(
                    f"{end!r} was merged and is not in the database yet: flush() before unrelate()"
                )
        self.unit.links.remove(link_of(known.field, source, target))
        hide(source, known.field, {id(target)})
        for field in known.inverses:
            _hide_inverse(target, field, source)

    def forget(self) -> None:
        """Forget what was worked out about lists in memory: a flush or rollback has been through them."""
        self._members.clear()

    # -- names ----------------------------------------------------------------------------------

    def _resolve(self, source: Any, name: Any, target: Any) -> _Relation:
        if not isinstance(source, Node) or not isinstance(name, str):
            raise TypeError(f"expected a node and the name of a relation, got {source!r} and {name!r}")
        field = node_meta(source.__class__).fields.get(name)
        if field is None or not field.is_relation:
            field = relation_of(type(source), name)
        if not isinstance(target, field.target_cls):
            raise TypeError(
                f"{field.owner.__name__}.{field.name} relates to {field.target_cls.__name__},"
                f" not to {target!r}"
            )
        inverses = tuple(
            other
            for other in node_meta(target.__class__).relations
            if other.relationship == field.relationship
            and (other.direction != field.direction or field.direction == "BOTH")
            and isinstance(source, other.target_cls)
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

    def show(self, source: Any, name: str, target: Any, *, uselist: bool) -> None:
        """A relation that is in memory shows what was staged, without becoming a change itself."""
        values = source.__dict__
        value: Any = values.get(name, NOT_LOADED)
        if value is NOT_LOADED:
            if source._runic_state.status is Status.PERSISTENT:
                return
            values[name] = value = [] if uselist else None
        state: EntityState = source._runic_state
        if not uselist:
            if name not in (state.changes or ()):
                values[name] = target
            return
        shown = self._is_shown(source, name, value, target)
        if not shown:
            value.append(target)
        if state.changes or state.snapshots:
            for listed in before(state, name):
                # It may stand in the list by assignment alone: relate() makes it what changes start from.
                if not shown or all(each is not target for each in listed):
                    listed.append(target)

    def _is_shown(self, source: Any, name: str, value: list[Any], target: Any) -> bool:
        """Whether ``value``, the list of a relation, has ``target``; notes that it will have it."""
        if len(value) < _SHORT:
            for each in value:  # noqa: SIM110  # any() would make a generator for every edge
                if each is target:
                    return True
            return False
        known = self._members.get((id(source), name))
        if known is None or known[0] is not value or len(known[1]) != len(value):
            known = self._members[id(source), name] = (value, {id(each) for each in value})
        if id(target) in known[1]:
            return True
        known[1].add(id(target))
        return False

    def _show_inverse(self, target: Any, inverses: tuple[FieldDescriptor, ...], source: Any) -> None:
        """The same edge seen from the other end, if that is loaded."""
        state: EntityState = target._runic_state
        if state.status is not Status.PERSISTENT:
            return
        for field in inverses:
            name = field.name
            if field.uselist:
                self.show(target, name, source, uselist=True)
            elif name not in (state.changes or ()) and target.__dict__.get(name) is not source:
                # Which of two edges a relation to one shows is for the database to say.
                target.__dict__.pop(name, None)


def _hide_inverse(target: Any, field: FieldDescriptor, source: Any) -> None:
    """The same edge seen from the other end; a long list that nobody holds is loaded again if needed."""
    state: EntityState = target._runic_state
    value = target.__dict__.get(field.name)
    held = field.name in (state.snapshots or ()) or field.name in (state.changes or ())
    long = isinstance(value, list) and len(cast("list[object]", value)) > _LONG
    if long and not held and state.status is Status.PERSISTENT:
        del target.__dict__[field.name]
    else:
        hide(target, field, {id(source)})


def before(state: EntityState, name: str) -> list[list[Any]]:
    """What changes of a relation to many are measured from.

    It shows what is staged too: taking that out of the list again is then seen as a change.
    """
    kept = ((state.changes or {}).get(name), (state.snapshots or {}).get(name))
    return [each for each in kept if isinstance(each, list)]


def hide(entity: Any, field: FieldDescriptor, gone: Container[int]) -> None:
    """A relation that is in memory does not show entities with these ``id()`` any more."""
    name = field.name
    value: Any = entity.__dict__.get(name, NOT_LOADED)
    if value is NOT_LOADED:
        return
    state: EntityState = entity._runic_state
    if not field.uselist:
        if id(value) in gone and name not in (state.changes or ()):
            entity.__dict__[name] = None
        return
    for listed in (value, *before(state, name)):
        if any(id(each) in gone for each in listed):
            listed[:] = [each for each in listed if id(each) not in gone]


def _default_edge(field: FieldDescriptor, edge_cls: type) -> Any:
    """An edge given by nobody: its defaults, where the class has a default for everything."""
    try:
        return edge_cls()
    except (TypeError, OrmError) as error:
        name = edge_cls.__name__
        raise TypeError(
            f"{field.owner.__name__}.{field.name} has edges of {name}, which needs values:"
            f" pass edge={name}(...)"
        ) from error


def _wrong_edge(field: FieldDescriptor, edge: Any) -> TypeError:
    expected = field.edge_cls.__name__ if field.edge_cls else "none: the relation has no edge_model"
    return TypeError(
        f"{field.owner.__name__}.{field.name} takes no {type(edge).__name__} as edge (it takes {expected})"
    )
