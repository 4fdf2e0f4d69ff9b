"""The plan of a flush: from tracked state to steps. Pure: no driver, no I/O, and nothing changed.

Steps are grouped by what they do, to which labels and which properties, so that k kinds of n objects
make k steps. They are ordered so that each finds what it needs: deletions free unique values before
updates and creations take them, nodes come before their edges.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteEdges,
    DeleteNodes,
    End,
    Match,
    MergeEdges,
    MergeNodes,
    Shape,
    Step,
    UpdateEdges,
    UpdateNodes,
    Write,
)
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Edge
from runic.orm.core.state import Status
from runic.orm.exceptions import ConstraintViolation, DetachedEntityError, FieldValidationError
from runic.orm.mapper.encode import compile_encoder, encode_value, field_write
from runic.orm.session.changes import changed_properties, members, relation_difference
from runic.orm.session.links import Clearing, Link, LinkBook, link_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, NodeMeta
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a flush sends, and what holds afterwards.

    Attributes:
        steps: in the order in which they run.
        clean: entities whose relations changed but no property: clean once the steps have run.
    """

    steps: list[Step]
    clean: list[Any] = field(default_factory=list[Any])


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
        links, clearings = self._links(nodes)
        self._check_keys()
        self._delete_edges(links.removals.values(), clearings)
        self._delete_nodes()
        self._update_nodes(nodes)
        self._create_nodes()
        self._merge_nodes()
        self._link(links)
        self._update_edges(edges)
        return Plan(self.steps, changed)

    # -- relationships --------------------------------------------------------------------------

    def _links(self, changed: list[Any]) -> tuple[LinkBook, list[Clearing]]:
        """Staged links and those that follow from assignments, with nothing that points at the deleted."""
        book = self.unit.links.copy()
        clearings: list[Clearing] = []
        for entity in [*self.unit.new.values(), *self.unit.merged.values()]:
            for relation in node_meta(type(entity)).relations:
                for target in members(entity, relation):
                    self._attach(book, relation, entity, target)
        for entity in changed:
            for relation in node_meta(type(entity)).relations:
                difference = relation_difference(entity, relation)
                if difference is None:
                    continue
                removed, added = difference
                if removed is None:
                    clearings.append(Clearing(relation, entity))
                else:
                    for target in removed:
                        if target._runic_state.status is Status.PERSISTENT:
                            link = link_of(relation, entity, target)
                            if link.key not in book.additions:
                                book.removals.setdefault(link.key, link)
                for target in added:
                    self._attach(book, relation, entity, target)
        deleted = self.unit.deleted
        for entity in deleted.values():
            book.forget(entity)
        for link in [*book.additions.values(), *book.parallels]:
            for end in (link.start, link.end):
                self._require_member(link, end)
        return book, clearings

    def _attach(self, book: LinkBook, relation: FieldDescriptor, source: Any, target: Any) -> None:
        link = link_of(relation, source, target)
        if link.key in book.additions:
            return
        if relation.edge_cls is not None and edge_meta(relation.edge_cls).properties:
            link = link_of(relation, source, target, _default_edge(relation, source))
        book.additions[link.key] = link

    def _require_member(self, link: Link, end: Any) -> None:
        if self.unit.has(end):
            return
        name = f"{type(link.start).__name__}-[{link.type}]->{type(link.end).__name__}"
        raise DetachedEntityError(
            f"cannot write {name} ({link.field.owner.__name__}.{link.field.name}): {end!r} is not in this"
            " session; add() it, or declare the relation with cascade=True"
        )

    def _end(self, entity: Any) -> tuple[End, list[Any]]:
        """How an edge finds ``entity``, and its row columns."""
        place = self.places.get(id(entity))
        if place is not None:
            return End(step=place[0]), [place[1]]
        match, columns = self._match(entity, node_meta(type(entity)))
        return End(match=match), columns

    def _delete_edges(self, removals: Iterable[Link], clearings: Sequence[Clearing]) -> None:
        groups = _Groups()
        for link in removals:
            if link.start._runic_state.status is not Status.PERSISTENT:
                continue
            if link.end._runic_state.status is not Status.PERSISTENT:
                continue
            source, left = self._end(link.start)
            target, right = self._end(link.end)
            groups.add(DeleteEdges(link.type, source, target, None, link.undirected), [*left, *right], link)
        for clearing in clearings:
            relation = clearing.field
            source, columns = self._end(clearing.source)
            assert relation.relationship is not None
            shape = DeleteEdges(
                relation.relationship,
                source,
                None,
                node_meta(relation.target_cls).primary_label,
                relation.direction == "BOTH",
                relation.direction == "INCOMING",
            )
            groups.add(shape, columns, clearing)
        self.steps += groups.steps()

    def _link(self, book: LinkBook) -> None:
        groups = _Groups()
        for link in [*book.additions.values(), *book.parallels]:
            source, left = self._end(link.start)
            target, right = self._end(link.end)
            writes: tuple[Write, ...] = ()
            values: list[list[Any]] = [[]]
            if link.edge is not None:
                writes, fields = _edge_writes(type(link.edge), self.dialect)
                _start_version(link.edge, edge_meta(type(link.edge)))
                compile_encoder(fields, self.dialect)([link.edge], values)
            row = [*left, *right, *values[0]]
            # Nothing can be there yet between nodes of which one is new; after a removal neither.
            fresh = source.step is not None or target.step is not None or link.key in book.removals
            # A merged node may have been there before, and its edges with it.
            if self._merges(source) or self._merges(target):
                fresh = False
            if link.parallel or fresh:
                groups.add(CreateEdges(link.type, source, target, writes), row, link)
            else:
                groups.add(MergeEdges(link.type, source, target, writes, link.undirected), row, link)
        self.steps += groups.steps()

    def _merges(self, end: End) -> bool:
        return end.step is not None and isinstance(self.steps[end.step].shape, MergeNodes)

    def _update_edges(self, changed: list[Any]) -> None:
        groups = _Groups()
        for edge in changed:
            meta = edge_meta(type(edge))
            names = changed_properties(edge, meta)
            if not names:
                continue
            state = edge._runic_state
            source = state.ends[0]
            columns = [getattr(source, "_runic_state", None) and source._runic_state.id or source, state.id]
            fields, values = self._changed_values(edge, meta, names, columns)
            version = meta.version_field.name if meta.version_field else None
            groups.add(UpdateEdges(meta.type, version, _writes(fields, self.dialect)), values, edge)
        self.steps += groups.steps()

    # -- nodes ----------------------------------------------------------------------------------

    def _check_keys(self) -> None:
        """One object per key: the identity map cannot hold two."""
        seen: dict[tuple[type, Any], Any] = {}
        for entity in [*self.unit.new.values(), *self.unit.merged.values()]:
            meta = node_meta(type(entity))
            key_field = meta.primary_key
            if key_field is None or key_field.generated:
                continue
            key = entity.__dict__.get(key_field.name)
            if key is None:
                raise FieldValidationError(f"{meta.cls.__name__}.{key_field.name} is the primary key and was None")
            other = seen.setdefault((meta.root, key), entity)
            if other is entity:
                known = self.unit.identities.get(meta.root, {}).get(key)
                other = known if known is not None and id(known) not in self.unit.deleted else entity
            if other is not entity:
                error = ConstraintViolation(
                    f"two {meta.cls.__name__} objects in this session have {key_field.name}={key!r};"
                    " use session.merge() to update the one that is there"
                )
                error.entity = entity
                raise error

    def _create_nodes(self) -> None:
        groups: dict[type, list[Any]] = defaultdict(list)
        for entity in self.unit.new.values():
            groups[type(entity)].append(entity)
        for cls, entities in groups.items():
            meta = node_meta(cls)
            fields = tuple(each for each in meta.properties if not (each.generated and each.primary_key))
            if meta.version_field is not None:
                for entity in entities:
                    _start_version(entity, meta)
            rows: list[list[Any]] = [[number] for number in range(len(entities))]
            compile_encoder(fields, self.dialect)(entities, rows)
            number = len(self.steps)
            for position, entity in enumerate(entities):
                self.places[id(entity)] = (number, position)
            self.steps.append(Step(CreateNodes(meta.labels, _writes(fields, self.dialect)), rows, entities))

    def _merge_nodes(self) -> None:
        groups: dict[type, list[Any]] = defaultdict(list)
        for entity in self.unit.merged.values():
            groups[type(entity)].append(entity)
        for cls, entities in groups.items():
            meta = node_meta(cls)
            key = meta.primary_key
            assert key is not None
            fields = tuple(each for each in meta.properties if each is not key and not each.version)
            rows: list[list[Any]] = [[number] for number in range(len(entities))]
            compile_encoder((key, *fields), self.dialect)(entities, rows)
            number = len(self.steps)
            for position, entity in enumerate(entities):
                self.places[id(entity)] = (number, position)
            version = meta.version_field.name if meta.version_field else None
            shape = MergeNodes(
                meta.primary_label, meta.labels, field_write(key, self.dialect), _writes(fields, self.dialect), version
            )
            self.steps.append(Step(shape, rows, entities))

    def _update_nodes(self, changed: list[Any]) -> None:
        groups = _Groups()
        for entity in changed:
            meta = node_meta(type(entity))
            names = changed_properties(entity, meta)
            if not names:
                continue
            match, columns = self._match(entity, meta, version=True)
            fields, row = self._changed_values(entity, meta, names, columns)
            groups.add(UpdateNodes(match, _writes(fields, self.dialect)), row, entity)
        self.steps += groups.steps()

    def _delete_nodes(self) -> None:
        groups = _Groups()
        for entity in self.unit.deleted.values():
            match, columns = self._match(entity, node_meta(type(entity)), version=True)
            groups.add(DeleteNodes(match), columns, entity)
        self.steps += groups.steps()

    def _match(self, entity: Any, meta: NodeMeta, *, version: bool = False) -> tuple[Match, list[Any]]:
        """How an existing node is found, and its row columns."""
        columns = [entity._runic_state.id]
        key = None
        field = meta.primary_key
        if field is not None and not field.generated:
            codec = self.dialect.codec(field.type)
            suffix, template = codec.compare
            key = (field.name + suffix, template)
            encode = codec.compare_encode
            value = entity.__dict__[field.name]
            columns.append(encode(value) if encode else encode_value(field, value, self.dialect))
        guard = meta.version_field if version else None
        if guard is not None:
            columns.append(entity.__dict__.get(guard.name))
        return Match(key, guard.name if guard else None), columns

    def _changed_values(
        self, entity: Any, meta: NodeMeta | EdgeMeta, names: dict[str, Any], columns: list[Any]
    ) -> tuple[tuple[FieldDescriptor, ...], list[Any]]:
        """The fields to write, in declaration order, and the row: ``columns`` and their new values."""
        guard = meta.version_field
        fields = tuple(each for each in meta.properties if each.name in names and each is not guard)
        rows = [list(columns)]
        compile_encoder(fields, self.dialect)([entity], rows)
        if guard is None:
            return fields, rows[0]
        version = entity.__dict__.get(guard.name)
        if isinstance(entity, Edge):
            rows[0].insert(len(columns), version)
        return (*fields, guard), [*rows[0], (version or 0) + 1]


class _Groups:
    """Rows by shape, in the order in which the shapes first appear."""

    def __init__(self) -> None:
        self._rows: dict[Shape, tuple[list[list[Any]], list[Any]]] = {}

    def add(self, shape: Shape, columns: list[Any], item: Any) -> None:
        rows, objects = self._rows.setdefault(shape, ([], []))
        rows.append([len(rows), *columns])
        objects.append(item)

    def steps(self) -> list[Step]:
        return [Step(shape, rows, objects) for shape, (rows, objects) in self._rows.items()]


def _writes(fields: tuple[FieldDescriptor, ...], dialect: Dialect) -> tuple[Write, ...]:
    return tuple(field_write(each, dialect) for each in fields)


def _edge_writes(cls: type, dialect: Dialect) -> tuple[tuple[Write, ...], tuple[FieldDescriptor, ...]]:
    fields = edge_meta(cls).properties
    return _writes(fields, dialect), fields


def _start_version(entity: Any, meta: NodeMeta | EdgeMeta) -> None:
    if meta.version_field is not None and entity.__dict__.get(meta.version_field.name) is None:
        entity.__dict__[meta.version_field.name] = 1


def _default_edge(relation: FieldDescriptor, source: Any) -> Any:
    """The edge object of a related entity that was assigned without one."""
    assert relation.edge_cls is not None
    try:
        return relation.edge_cls()
    except (TypeError, FieldValidationError) as error:
        raise FieldValidationError(
            f"{relation.owner.__name__}.{relation.name}: {relation.edge_cls.__name__} needs values, so an edge"
            f" of {source!r} cannot be made by assignment; use session.relate(..., edge="
            f"{relation.edge_cls.__name__}(...))"
        ) from error
