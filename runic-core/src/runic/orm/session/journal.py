"""What was flushed and is not committed yet, and what everything was like before. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runic.orm.compile.steps import Step
    from runic.orm.core.state import Status
    from runic.orm.session.links import LinkBook

__all__ = ["Flushed", "Journal"]


@dataclass(frozen=True, slots=True, eq=False)
class Flushed:
    """What one entity was like before a flush changed its state.

    ``assigned`` holds the values of the properties that a flush itself sets: key and version.
    """

    entity: Any
    status: Status
    id: Any
    changes: dict[str, Any] | None
    snapshots: dict[str, Any] | None
    merged: bool
    assigned: tuple[tuple[str, Any], ...]


@dataclass(slots=True, eq=False)
class Journal:
    """What was flushed since the last commit, or since a block began: its end adds that to the rest.

    Attributes:
        entities: what they were like, in the order of the flushes.
        links: the relationships that each flush wrote and removed.
        unproven: the steps, on servers that check constraints at the commit.
        expired: by ``id()``, values of entities as the flushes left them, which these do not hold any more.
    """

    entities: list[Flushed] = field(default_factory=list["Flushed"])
    links: list[LinkBook] = field(default_factory=list["LinkBook"])
    unproven: list[Step] = field(default_factory=list["Step"])
    expired: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    def __bool__(self) -> bool:
        return bool(self.entities or self.links)

    def add(self, later: Journal) -> None:
        """What was flushed afterwards belongs to this one now."""
        self.entities += later.entities
        self.links += later.links
        self.unproven += later.unproven
        for key, values in later.expired.items():
            self.expired.setdefault(key, {}).update(values)

    def forget(self, entity: Any) -> None:
        """The session does not have it any more."""
        if self.entities:
            self.entities = [each for each in self.entities if each.entity is not entity]
        self.expired.pop(id(entity), None)

    def clear(self) -> None:
        """Forget everything."""
        self.entities.clear()
        self.links.clear()
        self.unproven.clear()
        self.expired.clear()
