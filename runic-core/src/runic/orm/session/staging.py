"""Staging: what a program asks of a session before anything is sent. No I/O."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.state import NOT_LOADED, Status
from runic.orm.exceptions import DetachedEntityError, MetadataError, QueryError

if TYPE_CHECKING:
    from runic.orm.core.metadata import NodeMeta
    from runic.orm.session.exclusive import Exclusive
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Staging", "refuse_if_read_only", "require_persistent", "several"]


def refuse_if_read_only(read_only: bool, what: str) -> None:
    """Raise for a write in a read-only session."""
    if read_only:
        raise QueryError(f"{what}: this session is read-only")


def require_persistent(unit: UnitOfWork, entity: Any, what: str) -> None:
    """Raise unless ``entity`` is in the database and in this session.

    Raises:
        TypeError: it is no entity.
        DetachedEntityError: it is not.
    """
    _require_entity(entity, what)
    if not unit.has(entity) or entity._runic_state.status is not Status.PERSISTENT:
        raise DetachedEntityError(f"{what}: {entity!r} is not a persistent entity of this session")


def _require_entity(entity: object, what: str) -> None:
    if not isinstance(entity, Node | Edge):
        raise TypeError(f"{what} takes an entity, not {entity!r}")


def several(given: object, what: str) -> list[Any]:
    """``given`` as a list.

    Raises:
        TypeError: it is one value; ``what`` says what takes several.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"{what}, as a list or so, not {given!r}")
    return list(cast("Iterable[Any]", given))  # type: ignore[redundant-cast]


class _ByKey:
    """Staged entities by key. Looks at each of them once, as long as more are staged."""

    def __init__(self, book: dict[int, Any]) -> None:
        self._book = book
        self._found: dict[tuple[type, Any], Any] = {}
        self._seen = 0
        self._last = 0

    def get(self, root: type, name: str, key: Any) -> Any:
        """The staged entity of that hierarchy whose field ``name`` is ``key``, or ``None``."""
        book = self._book
        if self._last not in book or len(book) < self._seen:
            self._seen = 0
            self._found.clear()
        if len(book) > self._seen:
            for entity in islice(book.values(), self._seen, None):
                self._note(entity)
        self._seen = len(book)
        found = self._found.get((root, key))
        # It may have been expunged, or given another key, since.
        return found if id(found) in book and found.__dict__.get(name) == key else None

    def staged(self, entity: Any) -> None:
        """``entity`` was staged last."""
        if len(self._book) == self._seen + 1:
            self._note(entity)
            self._seen += 1

    def _note(self, entity: Any) -> None:
        meta = node_meta(entity.__class__)
        if meta.pk_field_name is not None:
            self._found[meta.root, entity.__dict__.get(meta.pk_field_name)] = entity
        self._last = id(entity)


class Staging:
    """Adds, deletes, merges and forgets entities of one unit of work."""

    def __init__(self, unit: UnitOfWork, exclusive: Exclusive, *, read_only: bool) -> None:
        self.unit = unit
        self.exclusive = exclusive
        self.read_only = read_only
        self._staged = (_ByKey(unit.merged), _ByKey(unit.new))

    def add(self, entities: Iterable[Any]) -> None:
        """Stage entities for creation."""
        self.exclusive.check()
        refuse_if_read_only(self.read_only, "add()")
        add = self.unit.add
        for entity in entities:
            add(entity)

    def add_all(self, entities: Iterable[Any]) -> None:
        """Stage many entities for creation."""
        if not isinstance(cast("object", entities), Iterable):
            raise TypeError(f"add_all() takes several entities, as a list or so, not {entities!r}: use add()")
        self.add(entities)

    def delete(self, entity: Any) -> None:
        """Stage a deletion."""
        self.exclusive.check()
        if self.read_only:
            refuse_if_read_only(self.read_only, "delete()")
        _require_entity(entity, "delete()")
        self.unit.delete(entity)

    def expunge(self, entity: Any) -> None:
        """Forget an entity."""
        self.exclusive.check()
        _require_entity(entity, "expunge()")
        self.unit.expunge(entity)

    def expire(self, entity: Any) -> None:
        """Forget what a persistent entity holds, changes included."""
        self.exclusive.check()
        require_persistent(self.unit, entity, "expire()")
        self.unit.expire(entity)

    def merge(self, entity: Any) -> Any:
        """Stage an upsert by key; returns the entity that the session keeps."""
        self.exclusive.check()
        refuse_if_read_only(self.read_only, "merge()")
        if not isinstance(entity, Node):
            raise TypeError(f"merge() takes a node, not {entity!r}")
        meta = node_meta(entity.__class__)
        key = meta.primary_key
        if key is None or key.generated:
            raise MetadataError(
                f"merge() needs a primary key that the program chooses; {meta.cls.__name__} has none:"
                " use add()"
            )
        known = self._known(meta, key.name, entity.__dict__.get(key.name))
        if known is None or known is entity:
            if not self.unit.has(entity):
                self.unit.add(entity, merge=True)
                self._staged[0].staged(entity)
            return entity
        for field in meta.fields.values():
            if field.primary_key or field.version or field.name not in entity.__dict__:
                continue
            given = entity.__dict__[field.name]
            if not (field.is_relation and (given is NOT_LOADED or not given)):
                setattr(known, field.name, given)
        return known

    def _known(self, meta: NodeMeta, name: str, key: Any) -> Any:
        """The entity with that key that the session has and keeps, be it persistent or only staged."""
        unit = self.unit
        found = unit.part(meta.root).get(key)
        if found is not None and id(found) not in unit.deleted:
            return found
        return next((each for book in self._staged if (each := book.get(meta.root, name, key))), None)

    def register_or_get(self, entity: Any) -> Any:
        """The entity of the identity map that has the same key, or ``entity``, now registered."""
        self.exclusive.check()
        meta = node_meta(entity.__class__)
        key = meta.primary_key
        value = entity._runic_state.id if key is None or key.generated else entity.__dict__.get(key.name)
        known = self.unit.part(meta.root).get(value)
        if known is not None:
            return known
        if entity._runic_state.id is None:
            raise DetachedEntityError(
                f"{entity!r} did not come from the database: add() creates it, merge() creates or updates it"
            )
        self.unit.add(entity)
        return entity
