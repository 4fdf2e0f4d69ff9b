"""The plan of a flush: from tracked state to steps. Pure: no driver, no I/O.

Steps are grouped by what they do, to which class and which properties, so that k kinds of n objects
make k steps. They are ordered so that each finds what it needs: deletions free unique values before
updates and creations take them, nodes come before their edges.
"""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteEdges,
    DeleteNodes,
    End,
    MergeEdges,
    MergeNodes,
    Shape,
    Step,
    UpdateEdges,
    UpdateNodes,
    Write,
)
from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge
from runic.orm.core.state import EntityState, Status
from runic.orm.exceptions import ConstraintViolation, FieldValidationError
from runic.orm.mapper.encode import field_write
from runic.orm.session.changes import changed_properties, members
from runic.orm.session.link_plan import plan_links
from runic.orm.session.links import Clearing, Link, LinkBook, TakenEdges, identity_of_end
from runic.orm.session.recipe import EdgeRecipe, NodeRecipe, edge_recipe, node_recipe

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Plan", "make_plan"]

#: (start, end, the link that is removed then, type); an undirected one is looked for in both directions.
type _Way = tuple[Any, Any, Link | None, str]


#: An end that is in no session any more can still be taken out of a relation.
_IN_DATABASE = (Status.PERSISTENT, Status.DETACHED)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a flush sends, and what holds afterwards.

    Attributes:
        steps: in the order in which they run.
        clean: entities that hold what the database holds once the steps have run.
        links: the edges that the steps remove and write, staged ones and those that follow from relations.
    """

    steps: list[Step]
    clean: list[Any] = field(default_factory=list[Any])
    links: LinkBook = field(default_factory=LinkBook)


def make_plan(unit: UnitOfWork, dialect: Dialect) -> Plan:
    """Plan the flush of ``unit``.

    Raises:
        FieldValidationError, ValueNotStorableError: a value that cannot be stored.
        ConstraintViolation: two objects of the session with one primary key.
        DetachedEntityError: a relationship to an object that is in no session.
    """
    return _Planner(unit, dialect).plan()


class _Planner:
    def __init__(self, unit: UnitOfWork, dialect: Dialect) -> None:
        self.unit = unit
        self.dialect = dialect
        self.steps: list[Step] = []
        # id(entity) -> (step, row) of the node that this flush creates.
        self.places: dict[int, tuple[int, int]] = {}

    def plan(self) -> Plan:
        unit = self.unit
        changed = [
            entity
            for entity in {**unit.dirty, **unit.touched}.values()
            if id(entity) not in unit.deleted and entity._runic_state.status is Status.PERSISTENT
        ]
        nodes = [entity for entity in changed if not isinstance(entity, Edge)]
        edges = [entity for entity in changed if isinstance(entity, Edge)]
        created = _by(_class_of, unit.new.values())
        merged = _by(_class_of, unit.merged.values())
        new = [*created.items(), *merged.items()]
        links, clearings = plan_links(unit, nodes, new)
        self._check_keys(new)
        self._delete_edges(links.removals.values(), clearings)
        self._delete_nodes()
        self._update_nodes(nodes)
        self._create_nodes(created)
        self._merge_nodes(merged)
        self._write_links(links)
        if edges:
            given = [link for link in links.additions.values() if link.edge is not None and not link.implied]
            # What is taken away or written over cannot be updated any more.
            taken = TakenEdges(unit.deleted.values(), (*links.removals.values(), *given), clearings)
            edges = [edge for edge in edges if edge not in taken]
            self._update_edges(edges)
        return Plan(self.steps, [*nodes, *edges], links)

    def _nodes(self, cls: type[Any]) -> NodeRecipe:
        return node_recipe(cls, self.dialect)  # type: ignore[arg-type]  # mypy takes no type[Any] for hashable

    def _edges(self, cls: type[Any]) -> EdgeRecipe:
        return edge_recipe(cls, self.dialect)  # type: ignore[arg-type]  # mypy takes no type[Any] for hashable

    # -- relationships --------------------------------------------------------------------------

    def _delete_edges(self, removals: Iterable[Link], clearings: Sequence[Clearing]) -> None:
        stored = [
            link
            for link in removals
            if link.start._runic_state.status in _IN_DATABASE and link.end._runic_state.status in _IN_DATABASE
        ]
        ways: list[_Way] = []
        for link in stored:
            if link.undirected and link.start is not link.end:
                ways.append((link.end, link.start, None, link.type))
            ways.append((link.start, link.end, link, link.type))
        for (kind, start, end), group in _by(_kind_of_way, ways).items():
            left, right = self._nodes(start), self._nodes(end)
            rows = _numbered(group)
            left.find([way[0] for way in group], rows)
            right.find([way[1] for way in group], rows)
            self._add(DeleteEdges(kind, left.end, right.end), rows, [way[2] for way in group])
        for (relation, cls), cleared in _by(_kind_of_clearing, clearings).items():
            recipe = self._nodes(cls)
            rows = _numbered(cleared)
            recipe.find([clearing.source for clearing in cleared], rows)
            self._add(_clearing(relation, recipe.end), rows, cleared)

    def _write_links(self, book: LinkBook) -> None:
        """Group links by type, by where their ends come from, and by their edge class."""
        places, removals = self.places, book.removals
        groups: dict[tuple[Any, ...], list[Link]] = {}
        for link in (*book.additions.values(), *book.parallels):
            _, start, end, type_, undirected, edge, parallel, implied = link
            place, other = places.get(id(start)), places.get(id(end))
            key: tuple[Any, ...] = (
                type_,
                start.__class__ if place is None else place[0],
                end.__class__ if other is None else other[0],
                None if edge is None else edge.__class__,
                implied,
                undirected,
                parallel,
                bool(removals) and not parallel and link.key in removals,
            )
            group = groups.get(key)
            if group is None:
                groups[key] = [link]
            else:
                group.append(link)
        for key, links in groups.items():
            type_, _, _, edge_class, implied, undirected, parallel, replaced = key
            objects = edge_class is not None and not implied
            rows = _numbered(links)
            source = self._end([link.start for link in links], rows)
            target = self._end([link.end for link in links], rows)
            writes: tuple[Write, ...] = ()
            if edge_class is not None:
                recipe = self._edges(edge_class)
                edges = [link.edge for link in links]
                recipe.start_version(edges)
                recipe.encode(edges, rows)
                writes = recipe.all_writes
            # Nothing can be there yet between nodes of which one is new, nor after a removal.
            fresh = replaced or self._is_new(source) or self._is_new(target)
            if parallel or (fresh and not self._may_exist(source) and not self._may_exist(target)):
                self._add(CreateEdges(type_, source, target, writes, objects), rows, links)
            else:
                shape = MergeEdges(type_, source, target, writes, undirected, objects, implied)
                self._add(shape, rows, links)

    def _end(self, entities: list[Any], rows: list[list[Any]]) -> End:
        """One end of a group of edges; appends its columns to the rows."""
        place = self.places.get(id(entities[0]))
        if place is None:
            recipe = self._nodes(entities[0].__class__)
            recipe.find(entities, rows)
            return recipe.end
        places = self.places
        for entity, row in zip(entities, rows, strict=True):
            row.append(places[id(entity)][1])
        return End(place[0], self._nodes(entities[0].__class__).created)

    def _is_new(self, end: End) -> bool:
        return end.step is not None and isinstance(self.steps[end.step].shape, CreateNodes)

    def _may_exist(self, end: End) -> bool:
        """A merged node may have been there before, and its edges with it."""
        return end.step is not None and isinstance(self.steps[end.step].shape, MergeNodes)

    def _update_edges(self, changed: list[Any]) -> None:
        for (cls, names), edges in self._by_changes(changed).items():
            recipe = self._edges(cls)
            rows = _numbered(edges)
            for edge, row in zip(edges, rows, strict=True):
                state: EntityState = edge._runic_state
                assert state.ends is not None
                row += map(identity_of_end, state.ends)
                row.append(state.id)
                if recipe.version is not None:
                    row.append(edge.__dict__.get(recipe.version) or 0)
            writes = self._changed_values(recipe, names, edges, rows)
            self._add(UpdateEdges(recipe.meta.type, recipe.version, writes), rows, edges)

    # -- nodes ----------------------------------------------------------------------------------

    def _check_keys(self, groups: list[tuple[type, list[Any]]]) -> None:
        """One object per key: the identity map cannot hold two."""
        seen: dict[type, dict[Any, Any]] = {}
        deleted = self.unit.deleted
        for cls, entities in groups:
            recipe = self._nodes(cls)
            name = recipe.key
            if name is None:
                continue
            known = self.unit.identities.get(recipe.meta.root) or {}
            keys = seen.setdefault(recipe.meta.root, {})
            for entity in entities:
                key = entity.__dict__.get(name)
                if key is None:
                    raise FieldValidationError(f"{cls.__name__}.{name} is the primary key and was None")
                other = known.get(key)
                if other is not None and other is not entity and id(other) not in deleted:
                    raise _taken(entity, name, key, merged=id(entity) in self.unit.merged)
                if keys.setdefault(key, entity) is not entity:
                    raise _taken(entity, name, key, merged=False)

    def _create_nodes(self, groups: dict[type, list[Any]]) -> None:
        for cls, entities in groups.items():
            recipe = self._nodes(cls)
            recipe.start_version(entities)
            rows = _numbered(entities)
            writes, encode = recipe.writes(frozenset(field.name for field in recipe.stored))
            encode(entities, rows)
            self._place(entities)
            self._add(CreateNodes(recipe.meta.labels, writes, recipe.stores), rows, entities)

    def _merge_nodes(self, groups: dict[type, list[Any]]) -> None:
        for cls, merged in groups.items():
            recipe = self._nodes(cls)
            key, meta = recipe.key_field, recipe.meta
            assert key is not None
            written = field_write(key, self.dialect)
            # What an object does not hold, such as one that was expired and detached, is left as it is.
            for names, entities in _by(recipe.mergeable, merged).items():
                rows = _numbered(entities)
                recipe.writes(frozenset({key.name}))[1](entities, rows)
                writes, encode = recipe.writes(names)
                encode(entities, rows)
                self._place(entities)
                shape = MergeNodes(
                    meta.match_labels, meta.labels, written, writes, recipe.version, recipe.stores
                )
                number = len(self.steps)
                self._add(shape, rows, entities)
                for relation in recipe.relations:
                    if not relation.uselist:
                        self._replace(relation, number, entities)

    def _replace(self, relation: FieldDescriptor, number: int, entities: list[Any]) -> None:
        """A merged node may have had another related entity before: a relation to one keeps one."""
        places = [row for row, entity in enumerate(entities) if members(entity, relation)]
        if places:
            rows = [[index, row] for index, row in enumerate(places)]
            created = End(number, self._nodes(entities[0].__class__).created)
            self._add(_clearing(relation, created), rows, [None] * len(rows))

    def _place(self, entities: list[Any]) -> None:
        rows = zip(repeat(len(self.steps)), range(len(entities)), strict=False)
        self.places.update(zip(map(id, entities), rows, strict=True))

    def _update_nodes(self, changed: list[Any]) -> None:
        for (cls, names), entities in self._by_changes(changed).items():
            recipe = self._nodes(cls)
            rows = _numbered(entities)
            recipe.find(entities, rows, version=True)
            writes = self._changed_values(recipe, names, entities, rows)
            self._add(UpdateNodes(recipe.guarded, writes), rows, entities)

    def _delete_nodes(self) -> None:
        for cls, entities in _by(_class_of, self.unit.deleted.values()).items():
            recipe = self._nodes(cls)
            rows = _numbered(entities)
            recipe.find(entities, rows, version=True)
            self._add(DeleteNodes(recipe.guarded), rows, entities)

    # -- both -----------------------------------------------------------------------------------

    def _by_changes(self, changed: list[Any]) -> dict[tuple[type, frozenset[str]], list[Any]]:
        """Entities by class and by which properties changed; those without any are left out."""
        groups: dict[tuple[type, frozenset[str]], list[Any]] = {}
        for entity in changed:
            cls: type[Any] = entity.__class__
            recipe = self._edges(cls) if isinstance(entity, Edge) else self._nodes(cls)
            names = changed_properties(entity, recipe.meta)
            if names:
                groups.setdefault((cls, frozenset(names)), []).append(entity)
        return groups

    def _changed_values(
        self,
        recipe: NodeRecipe | EdgeRecipe,
        names: frozenset[str],
        entities: list[Any],
        rows: list[list[Any]],
    ) -> tuple[Write, ...]:
        """Append the new values, and the next version, to the rows; returns what they are written to."""
        version = recipe.version
        writes, encode = recipe.writes(names - {version} if version else names)
        encode(entities, rows)
        if version is None:
            return writes
        for entity, row in zip(entities, rows, strict=True):
            row.append((entity.__dict__.get(version) or 0) + 1)
        return (*writes, recipe.version_write)

    def _add(self, shape: Shape, rows: list[list[Any]], objects: list[Any]) -> None:
        self.steps.append(Step(shape, rows, objects))


def _by[T, K](key: Callable[[T], K], items: Iterable[T]) -> dict[K, list[T]]:
    """Items by key, in the order in which the keys first appear."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _class_of(entity: Any) -> type[Any]:
    return entity.__class__  # type: ignore[no-any-return]


def _kind_of_way(way: _Way) -> tuple[str, type[Any], type[Any]]:
    return way[3], way[0].__class__, way[1].__class__


def _kind_of_clearing(clearing: Clearing) -> tuple[FieldDescriptor, type[Any]]:
    return clearing.field, clearing.source.__class__


def _clearing(relation: FieldDescriptor, source: End) -> DeleteEdges:
    """Delete all edges of a relation."""
    assert relation.relationship is not None
    return DeleteEdges(
        relation.relationship,
        source,
        None,
        node_meta(relation.target_cls).match_labels,
        relation.direction == "BOTH",
        relation.direction == "INCOMING",
    )


def _numbered(items: Sequence[Any]) -> list[list[Any]]:
    return [[number] for number in range(len(items))]


def _taken(entity: Any, name: str, key: Any, *, merged: bool) -> ConstraintViolation:
    hint = "use session.merge() to update the one that is there"
    if merged:
        hint = "one was merged, the other read before the flush: flush() in between where reads do not"
    text = f"two {type(entity).__name__} objects in this session have {name}={key!r}; {hint}"
    error = ConstraintViolation(text)
    error.entity = entity
    return error
