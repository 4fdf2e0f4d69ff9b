"""The state every entity carries: where it belongs, what changed, what was loaded.

Descriptors write it, the session core reads it. It holds no logic of its own, so that models know
nothing of sessions: what a session does for an entity goes through :class:`Owner`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Final, Protocol

__all__ = ["NOT_LOADED", "EntityState", "NotLoaded", "Owner", "Status"]


class Status(Enum):
    """Where an entity is in its life."""

    TRANSIENT = auto()  # made by the program, known to no session
    PENDING = auto()  # added, not yet in the database
    PERSISTENT = auto()  # in the database and in a session
    DELETED = auto()  # deleted by a flush
    DETACHED = auto()  # was persistent, its session is gone


class NotLoaded(Enum):
    """The value of a relation (or an expired property) that was not loaded yet."""

    NOT_LOADED = auto()

    def __bool__(self) -> bool:
        return False


NOT_LOADED: Final = NotLoaded.NOT_LOADED


class Owner(Protocol):
    """What a session does for the descriptors of its entities. All methods are synchronous."""

    def entity_changed(self, entity: Any) -> None:
        """A property or relation of a persistent entity is about to change for the first time."""
        ...

    def mutable_read(self, entity: Any) -> None:
        """A value that can change in place was handed out for the first time."""
        ...

    def load_missing(self, entity: Any, name: str) -> Any:
        """Load a relation or an expired property, store it in ``__dict__`` and return it.

        Raises:
            LazyLoadError: where attribute access cannot load.
        """
        ...


class EntityState:
    """Bookkeeping of one entity; see the module docstring.

    Attributes:
        status: where the entity is in its life.
        owner: the session that has it, or ``None``.
        id: the server's identity, once it has one.
        changes: name -> value before the first change since the last flush; ``None``: unchanged.
        snapshots: name -> deep copy of a mutable value, made when it was first handed out.
        siblings: the entities that came with the same result, for batched lazy loading.
        ends: for an edge, the (source, target) entities or identities.
        stale: whether the next result that contains the entity overwrites what it holds.
    """

    __slots__ = ("changes", "ends", "id", "owner", "siblings", "snapshots", "stale", "status")

    def __init__(self) -> None:
        self.status: Status = Status.TRANSIENT
        self.owner: Owner | None = None
        self.id: Any = None
        self.changes: dict[str, Any] | None = None
        self.snapshots: dict[str, Any] | None = None
        self.siblings: list[Any] | None = None
        self.ends: tuple[Any, Any] | None = None
        self.stale: bool = False
