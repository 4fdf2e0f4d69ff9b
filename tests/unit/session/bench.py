"""A unit of work without a session: entities by hand, no I/O."""

from __future__ import annotations

from itertools import count
from typing import Any

from runic.orm.core.state import Status
from runic.orm.driver.falkordb.dialect import DIALECT
from runic.orm.session.identities import identity_of
from runic.orm.session.plan import Plan, make_plan
from runic.orm.session.unit_of_work import UnitOfWork

_identities = count(100)


class Owner:
    """Stands for the session: does with its entities what a session does."""

    def __init__(self) -> None:
        self.unit = UnitOfWork(self)

    def entity_changed(self, entity: Any) -> None:
        self.unit.dirty[id(entity)] = entity

    def mutable_read(self, entity: Any) -> None:
        self.unit.touched[id(entity)] = entity

    def load_missing(self, entity: Any, name: str) -> Any:
        raise AssertionError(f"{entity!r}.{name} would have been loaded")

    def stored[T](self, entity: T) -> T:
        """``entity`` as if it had been loaded, with all that it holds."""
        state = entity._runic_state  # type: ignore[attr-defined]
        state.status, state.owner, state.id = Status.PERSISTENT, self, next(_identities)
        cls, key = identity_of(entity)
        self.unit.part(cls)[key] = entity
        return entity

    def plan(self, **changes: Any) -> Plan:
        return make_plan(self.unit, DIALECT.evolve(**changes) if changes else DIALECT)


def kinds(plan: Plan) -> list[str]:
    return [type(step.shape).__name__ for step in plan.steps]
