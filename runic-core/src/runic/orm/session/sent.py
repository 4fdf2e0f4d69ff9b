"""What objects held when a query was sent whose reply was lost, to be compared with once it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.snapshots import NO_SNAPSHOT, is_list, same_value, take_snapshot
from runic.orm.core.state import NOT_LOADED, Status
from runic.orm.session.links import Link

if TYPE_CHECKING:
    from runic.orm.core.metadata import EdgeMeta, NodeMeta
    from runic.orm.session.plan import Plan
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["SentValues"]


class SentValues:
    """The values of all objects of a plan. Nobody is asked when an object that is staged changes once more.

    Args:
        plan: what was sent.
    """

    def __init__(self, plan: Plan) -> None:
        entities = {id(entity): entity for entity in plan.clean}
        for step in plan.steps:
            for item in step.objects:
                each = item.edge if isinstance(item, Link) else item
                if isinstance(each, Node | Edge):
                    entities[id(each)] = each
        self._values = [(entity, _copies(entity)) for entity in entities.values()]

    def later_changes(self) -> list[Later]:
        """What changed since then, in the order of the objects. To be asked before results are applied."""
        return [
            Later(entity, name, old, list(now) if is_list(now) else now)
            for entity, before in self._values
            for name, old in before.items()
            if not _same(old, now := entity.__dict__.get(name, NOT_LOADED))
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """One property or relation of an object that changed after it was sent.

    Attributes:
        entity: the object.
        name: the property or relation.
        old: what was sent.
        now: what it is now; a copy, of a list.
    """

    entity: Any
    name: str
    old: Any
    now: Any

    def stage(self, unit: UnitOfWork) -> None:
        """What was sent is stored now: the difference is for the next flush."""
        state = self.entity._runic_state
        if state.status is not Status.PERSISTENT:
            return
        state.changes = {**(state.changes or {}), self.name: self._stored()}
        unit.dirty[id(self.entity)] = self.entity

    def _stored(self) -> Any:
        """What the database holds: of a relation, with what the flush itself made to be seen in it."""
        shown = self.entity.__dict__.get(self.name, NOT_LOADED)
        if not _related(self.old, self.now) or not is_list(shown):
            return self.old
        old, now = ({id(each): each for each in listed} for listed in (self.old, self.now))
        stored = [each for each in shown if id(each) in old or id(each) not in now]
        return stored + [each for key, each in old.items() if key not in now]


def _meta(entity: Any) -> NodeMeta | EdgeMeta:
    return edge_meta(entity.__class__) if isinstance(entity, Edge) else node_meta(entity.__class__)


def _copies(entity: Any) -> dict[str, Any]:
    copies: dict[str, Any] = {}
    for name, field in _meta(entity).fields.items():
        if field.generated or field.version or name not in entity.__dict__:
            continue
        value = entity.__dict__[name]
        if field.is_relation:
            copies[name] = list(value) if is_list(value) else value
        elif (copy := take_snapshot(value)) is not NO_SNAPSHOT:
            copies[name] = copy
    return copies


def _related(old: Any, new: Any) -> bool:
    """Whether these are the values of a relation to many."""
    return is_list(old) and is_list(new) and any(isinstance(each, Node) for each in (*old, *new))


def _same(old: Any, new: Any) -> bool:
    if _related(old, new):
        return [id(each) for each in old] == [id(each) for each in new]
    return old is new or same_value(old, new)
