"""Load relations by name: what ``session.rel_loader`` gives to code of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.core.state import NOT_LOADED
from runic.orm.exceptions import DetachedEntityError
from runic.orm.session.load import relation_of

if TYPE_CHECKING:
    from runic.orm.session.core import SessionCore

__all__ = ["RelationshipLoader"]


class RelationshipLoader:
    """The relation loading of one session.

    The same for both colours: loading is ``await``-able in an async session only, and done by
    ``session.load(...)`` there.
    """

    def __init__(self, core: SessionCore) -> None:
        self._core = core

    def load(self, entity: Any, name: str) -> Any:
        """The related entities of ``entity``, loaded now if they were not (sync sessions).

        Raises:
            LazyLoadError: in an async session, unless the relation is loaded already.
            MetadataError: the entity has no such relation.
            DetachedEntityError: it does not belong to this session.
        """
        relation_of(entity.__class__, name)
        if not self._core.unit.has(entity):
            raise DetachedEntityError(f"{entity!r} does not belong to this session: get() or add() it first")
        value = entity.__dict__.get(name, NOT_LOADED)
        return self._core.load_missing(entity, name) if value is NOT_LOADED else value

    def is_loaded(self, entity: Any, name: str) -> bool:
        """Whether access to ``entity.<name>`` needs no statement."""
        return entity.__dict__.get(name, NOT_LOADED) is not NOT_LOADED
