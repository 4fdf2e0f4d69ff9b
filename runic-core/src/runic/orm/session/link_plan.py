"""Which edges a flush removes and writes: those that were staged, and those that follow from relations.

Pure, as the rest of the plan.
"""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.state import NOT_LOADED, Status
from runic.orm.exceptions import DetachedEntityError, FieldValidationError
from runic.orm.session.changes import relation_difference
from runic.orm.session.links import Clearing, Link, LinkBook, edge_key, link_of

if TYPE_CHECKING:
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["plan_links"]

#: A relation of an entity, what went out of it (``None``: what was in it is not known) and what came.
type _Difference = tuple[FieldDescriptor, Any, tuple[list[Any] | None, list[Any]]]


def plan_links(
    unit: UnitOfWork, changed: Iterable[Any], new: Sequence[tuple[type, list[Any]]]
) -> tuple[LinkBook, list[Clearing]]:
    """The edges that a flush removes and writes, none of them at a node that it deletes.

    Args:
        unit: what the session tracks.
        changed: nodes that are stored and were changed.
        new: nodes that will be created or merged, by class.

    Returns:
        The edges, and the relations that are emptied before, since nobody knows what is in them.

    Raises:
        FieldValidationError: a relation holds an object of another class, or one without the edge it needs.
        DetachedEntityError: an edge to an object that is in no session.
    """
    book = unit.links.copy()
    differences = [*_differences(changed)]
    unseen = [
        (relation, entity, added) for relation, entity, (removed, added) in differences if removed is None
    ]
    clearings = [Clearing(relation, entity) for relation, entity, _ in unseen]
    if unseen:
        book.replaced(unseen)
    if new and book:
        book.taken_back()
    unwanted = _unrelate(book, differences)
    # What relate() staged is in the lists in memory as well, and must not be written twice.
    staged = book.keys() | unwanted if new or differences else set[tuple[Any, ...]]()
    for relation, entity, target in _related(new):
        _attach(book, staged, relation, entity, target)
    # Afterwards: what one end of an edge adds stays, though the other end removes it.
    for relation, entity, (_, added) in differences:
        for target in added:
            _attach(book, staged, relation, entity, target)
    if unit.deleted:
        book.forget(unit.deleted)
    owner = unit.owner
    for link in (*book.additions.values(), *book.parallels):
        if link.start._runic_state.owner is not owner or link.end._runic_state.owner is not owner:
            raise _detached(unit, link)
    return book, clearings


def _differences(changed: Iterable[Any]) -> Iterator[_Difference]:
    """The relations of ``changed`` that were assigned to or edited."""
    for entity in changed:
        for relation in node_meta(entity.__class__).relations:
            difference = relation_difference(entity, relation)
            if difference is not None:
                yield relation, entity, difference


def _related(new: Sequence[tuple[type, list[Any]]]) -> Iterator[tuple[FieldDescriptor, Any, Any]]:
    """Relation, entity and target of all that new entities have in their relations."""
    for cls, entities in new:
        for relation in node_meta(cls).relations:
            name, several = relation.name, relation.uselist
            for entity in entities:
                value = entity.__dict__.get(name)
                if value and value is not NOT_LOADED:
                    for target in value if several else (value,):
                        yield relation, entity, target


def _attach(
    book: LinkBook,
    staged: set[tuple[Any, ...]],
    relation: FieldDescriptor,
    source: Any,
    target: Any,
) -> None:
    start, end = (target, source) if relation.direction == "INCOMING" else (source, target)
    key = edge_key(relation.relationship or "", start, end, relation.direction == "BOTH")
    if key in staged:
        return
    if not isinstance(target, relation.target_cls):
        raise FieldValidationError(
            f"{relation.owner.__name__}.{relation.name} relates to {relation.target_cls.__name__};"
            f" {source!r} has {target!r} in it"
        )
    staged.add(key)
    link = link_of(relation, source, target)
    if relation.edge_cls is not None and edge_meta(relation.edge_cls).properties:
        link = link._replace(edge=_default_edge(relation, source), implied=True)
    book.additions[key] = link


def _unrelate(book: LinkBook, differences: list[_Difference]) -> set[tuple[Any, ...]]:
    """Stage the removal of what was taken out of relations.

    Returns:
        Keys of edges to new entities. These were seen there because they were related, and their own
        relations still say so.
    """
    unwanted: set[tuple[Any, ...]] = set()
    for relation, entity, (removed, _) in differences:
        for target in removed or ():
            link = link_of(relation, entity, target)
            book.remove(link)
            if target._runic_state.status is Status.PENDING:
                unwanted.add(link.key)
    return unwanted


def _detached(unit: UnitOfWork, link: Link) -> DetachedEntityError:
    end = link.start if not unit.has(link.start) else link.end
    name = f"{type(link.start).__name__}-[{link.type}]->{type(link.end).__name__}"
    return DetachedEntityError(
        f"cannot write {name} ({link.field.owner.__name__}.{link.field.name}): {end!r} is not in this"
        " session; add() it, or declare the relation with cascade=True"
    )


def _default_edge(relation: FieldDescriptor, source: Any) -> Any:
    """The edge object of a related entity that was assigned without one."""
    assert relation.edge_cls is not None
    try:
        return relation.edge_cls()
    except (TypeError, FieldValidationError) as error:
        raise FieldValidationError(
            f"{relation.owner.__name__}.{relation.name}: {relation.edge_cls.__name__} needs values, so an"
            f" edge of {source!r} cannot be made by assignment; use session.relate(..., edge="
            f"{relation.edge_cls.__name__}(...))"
        ) from error
