"""Read entities: by key, by statement, by relation. The only code that turns results into objects.

One mechanism loads relations, lazily for the siblings of one result or eagerly for a ``fetch`` path:
a statement per relation, however many entities it starts from.
"""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from runic.orm.compile.layout import edge_layout, node_layout
from runic.orm.compile.paging import returned, row_by_row
from runic.orm.compile.write import edge_of_row
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import EntityNotFoundError, MetadataError
from runic.orm.mapper.encode import value_encoder
from runic.orm.mapper.hydrate import edge_hydrator, node_hydrator
from runic.orm.session.changes import Beside, changed_properties, relation_difference
from runic.orm.session.links import identity_of_end

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import NodeMeta
    from runic.orm.mapper.hydrate import Hydrate
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Loader", "kind_of", "relation_of"]

type Send = Callable[[Request], Awaitable[QueryResult]]

_INDEX = FieldType(Kind.INTEGER, int)


def relation_of(cls: type, name: str) -> FieldDescriptor:
    """The relation ``name`` of ``cls`` or of one of its subclasses.

    Raises:
        TypeError: ``name`` is no name.
        MetadataError: there is none; lists those that there are.
    """
    meta = node_meta(cls)
    _text(cls, name)
    known: list[str] = []
    for each in (meta, *meta.subclasses):
        field = each.fields.get(name)
        if field is not None and field.is_relation:
            return field
        known += [relation.name for relation in each.relations]
    listed = ", ".join(dict.fromkeys(known)) or "none"
    raise MetadataError(f"{cls.__name__} has no relation {name!r}; its relations are: {listed}")


def _text(cls: type, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a relation of {cls.__name__} is named by text, such as 'friends', not by {name!r}")
    return name


def kind_of(field: FieldDescriptor) -> tuple[Any, ...]:
    """Equal for relations that one statement can load."""
    return field.relationship, field.direction, field.target_cls


class Loader:
    """Loads entities of one session into its identity map."""

    def __init__(self, unit: UnitOfWork, dialect: Dialect, send: Send) -> None:
        self.unit = unit
        self.dialect = dialect
        self.send = send
        # class -> its part of the identity map, for the look-ups that need no statement
        self._parts: dict[type, dict[Any, Any]] = {}

    # -- by key ---------------------------------------------------------------------------------

    def known(self, cls: type, key: Any) -> Any:
        """The entity of the identity map with that key, unless it is stale or about to be deleted."""
        part = self._parts.get(cls)
        if part is None:
            part = self._parts[cls] = self.unit.part(node_meta(cls).root)
        try:
            entity = part.get(key)
        except TypeError:
            raise TypeError(f"{key!r} cannot be the primary key of a {cls.__name__}") from None
        if entity is None or entity._runic_state.stale:
            return None
        if self.unit.deleted and id(entity) in self.unit.deleted:
            return None
        return entity if isinstance(entity, cls) else None

    async def by_keys(self, cls: type, keys: Sequence[Any]) -> list[Any]:
        """The entities with ``keys`` that exist, one statement for each batch; in any order."""
        if not keys:
            return []
        text, field = key_text(cls, self.dialect)
        values = [*map(key_encoder(field, self.dialect), keys)]
        found: list[Any] = []
        size = self.dialect.key_rows or self.dialect.batch_size
        for start in range(0, len(values), size):
            rows = values[start : start + size]
            found += await self.nodes(cls, text, {"keys": rows}, 0)
        return found

    async def by_key(self, cls: type, key: Any) -> Any:
        """The entity with ``key``, read from the database, or ``None``."""
        how = _lookup(cls, self.dialect, len(node_meta(cls).subclasses))
        result = await self.send(self._request(how.text, {"key": how.encode(key)}, lookup=True))
        part = self.unit.part(how.root)
        found = how.hydrate(result.rows, part, self.unit.owner, [], self.refreshed)
        return found[0] if found else None

    def _request(self, text: str, parameters: dict[str, Any], lookup: bool = False) -> Request:
        return Request(text, parameters, raw_cells=True, packed=self.dialect.page_rows > 0, lookup=lookup)

    async def nodes(self, cls: type, text: str, parameters: dict[str, Any], start: int) -> list[Any]:
        """Run a statement of this module and hydrate the nodes of ``cls`` at column ``start``."""
        result = await self.send(self._request(text, parameters))
        return self.hydrate(cls, result.rows, start)

    def hydrate(self, cls: type, rows: Sequence[Sequence[Any]], start: int) -> list[Any]:
        """Entities of the columns that begin at ``start``, one a row; ``None`` for a null node."""
        meta = node_meta(cls)
        hydrate = node_hydrator(node_layout(meta, self.dialect), self.dialect, start)
        return hydrate(rows, self.unit.part(meta.root), self.unit.owner, [], self.refreshed)

    def refreshed(self, entity: Any) -> dict[str, Any]:
        """A stale entity is about to be overwritten by a result: where its values go."""
        entity._runic_state.stale = False
        meta = edge_meta(entity.__class__) if isinstance(entity, Edge) else node_meta(entity.__class__)
        if changed_properties(entity, meta):
            return Beside(entity, meta)
        self.unit.became_clean(entity)
        values: dict[str, Any] = entity.__dict__
        return values

    # -- refresh --------------------------------------------------------------------------------

    async def refresh(self, entities: Sequence[Any], others: Sequence[Any] = ()) -> None:
        """Read entities again and overwrite what they hold; ``others`` on the same occasion.

        Raises:
            EntityNotFoundError: one of ``entities`` is not in the database any more.
        """
        groups: dict[type[Any], list[Any]] = {}
        wanted = {id(entity) for entity in entities}
        for entity in (*entities, *others):
            groups.setdefault(entity.__class__, []).append(entity)
        for cls, group in groups.items():
            relations = () if issubclass(cls, Edge) else node_meta(cls).relations
            key = None if issubclass(cls, Edge) else node_meta(cls).primary_key
            for entity in group:
                entity._runic_state.stale = True
            if issubclass(cls, Edge):
                found = await self._edges(cls, group)
            elif key is None:
                found = await self.nodes(
                    cls, identity_text(cls, self.dialect), {"keys": [e._runic_state.id for e in group]}, 0
                )
            else:
                found = await self.by_keys(cls, [entity.__dict__[key.name] for entity in group])
            present = {id(entity) for entity in found}
            for entity in group:
                if id(entity) not in present:
                    if id(entity) not in wanted:
                        continue
                    raise EntityNotFoundError(
                        f"{entity!r} is not in the database any more: expunge() it, or add it again as a new"
                        " object"
                    )
                for relation in relations if id(entity) in wanted else ():
                    if relation_difference(entity, relation) is None:
                        entity.__dict__.pop(relation.name, None)
                        state: EntityState = entity._runic_state
                        if state.snapshots:
                            state.snapshots.pop(relation.name, None)

    async def _edges(self, cls: type[Edge], edges: Sequence[Any]) -> list[Any]:
        """Read edges of one class again."""
        text = edge_text(cls, self.dialect)  # type: ignore[arg-type]  # mypy takes no type[Edge] for hashable
        rows = [[*map(identity_of_end, edge._runic_state.ends), edge._runic_state.id] for edge in edges]
        result = await self.send(self._request(text, {"rows": rows}))
        hydrate = edge_hydrator(edge_layout(edge_meta(cls), self.dialect), self.dialect, 0)
        return hydrate(result.rows, self.unit.part(cls), self.unit.owner, [], self.refreshed)

    # -- relations ------------------------------------------------------------------------------

    async def fetch(self, cls: type, entities: Sequence[Any], paths: Iterable[str]) -> None:
        """Load the relations named by ``paths`` (``"friends"``, ``"friends.company"``)."""
        if isinstance(paths, str):
            raise TypeError(f"fetch takes a list of names: fetch=[{paths!r}]")
        nested: dict[str, list[str]] = {}
        for path in paths:
            name, dot, rest = _text(cls, path).partition(".")
            nested.setdefault(name, [])
            if dot:
                nested[name].append(rest)
        for name, below in nested.items():
            relation = relation_of(cls, name)
            # Classes of one hierarchy may give a name to relations that differ.
            groups: dict[tuple[Any, ...], tuple[FieldDescriptor, list[Any]]] = {}
            for entity in entities:
                field = None if entity is None else node_meta(entity.__class__).fields.get(name)
                if field is not None and field.is_relation:
                    groups.setdefault(kind_of(field), (field, []))[1].append(entity)
            if not groups:
                # Nothing to load: what remains is to say which names are wrong.
                await self.fetch(relation.target_cls, (), below)
            for field, owners in groups.values():
                await self.relation(owners, field)
                if below:
                    targets = {id(t): t for e in owners for t in _members(e.__dict__.get(name))}
                    await self.fetch(field.target_cls, list(targets.values()), below)

    async def relation(self, entities: Sequence[Any], field: FieldDescriptor) -> None:
        """Load one relation of all ``entities`` that do not have it yet."""
        missing = [
            entity
            for entity in {id(e): e for e in entities}.values()
            if entity.__dict__.get(field.name, NOT_LOADED) is NOT_LOADED
            and entity._runic_state.status is Status.PERSISTENT
        ]
        root = node_meta(missing[0].__class__).root if missing else Node
        same = all(isinstance(entity, root) for entity in missing)
        text = relation_text(root, field, self.dialect, same) if missing else ""
        read = _index_reader(self.dialect)
        for start in range(0, len(missing), self.dialect.batch_size):
            batch = missing[start : start + self.dialect.batch_size]
            rows = [[number, *self._match(entity)] for number, entity in enumerate(batch)]
            result = await self.send(self._request(text, {"rows": rows}))
            targets = self.hydrate(field.target_cls, result.rows, 1)
            related: list[list[Any]] = [[] for _ in batch]
            for row, target in zip(result.rows, targets, strict=True):
                related[read(row[0])].append(target)
            for entity, found in zip(batch, related, strict=True):
                _store(entity, field, found)

    def _match(self, entity: Any) -> list[Any]:
        meta = node_meta(entity.__class__)
        state: EntityState = entity._runic_state
        key = meta.primary_key
        if key is None or key.generated or self.dialect.keeps_identities:
            return [state.id]
        return [state.id, key_encoder(key, self.dialect)(entity.__dict__[key.name])]


def _members(value: Any) -> list[Any]:
    if value is None or value is NOT_LOADED:
        return []
    return [*cast("list[object]", value)] if isinstance(value, list) else [value]


def _store(entity: Any, field: FieldDescriptor, found: list[Any]) -> None:
    # Parallel edges, and both directions of an undirected relation, bring a node more than once.
    distinct = list({id(target): target for target in found if target is not None}.values())
    if field.uselist:
        entity.__dict__[field.name] = distinct
        state: EntityState = entity._runic_state
        if state.snapshots:
            state.snapshots.pop(field.name, None)
        return
    entity.__dict__[field.name] = distinct[0] if distinct else None


@lru_cache(maxsize=1024)
def key_encoder(field: FieldDescriptor | None, dialect: Dialect) -> Callable[[Any], Any]:
    """What makes a key the parameter that it is found by."""
    if field is None or field.generated:
        return lambda key: key
    return dialect.codec(field.type).compare_encode or value_encoder(field, dialect)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """How one node of a class is looked up by its key."""

    text: str
    encode: Callable[[Any], Any]
    root: type
    hydrate: Hydrate


@lru_cache(maxsize=1024)
def _lookup(cls: type, dialect: Dialect, subclasses: int) -> _Lookup:
    del subclasses  # part of the key: a new subclass changes the columns
    meta = node_meta(cls)
    hydrate = node_hydrator(node_layout(meta, dialect), dialect, 0)
    return _Lookup(one_text(cls, dialect), key_encoder(meta.primary_key, dialect), meta.root, hydrate)


# -- texts ---------------------------------------------------------------------------------------


def labels_of(meta: NodeMeta, dialect: Dialect) -> str:
    """The labels that a node of a class is found by, as a pattern has them."""
    labels = (meta.own_label,) if dialect.one_label else meta.match_labels
    return "".join(f":{dialect.quote(label)}" for label in labels)


def _columns(meta: NodeMeta, dialect: Dialect, variable: str) -> list[str]:
    return [column.format(v=variable) for column in node_layout(meta, dialect).columns]


def _key_condition(meta: NodeMeta, dialect: Dialect, variable: str, value: str) -> str:
    field = meta.primary_key
    if field is None:
        raise MetadataError(
            f"{meta.cls.__name__} has no primary key: declare one with Field(primary_key=True), or query it"
        )
    if field.generated:
        return f"{dialect.identity.format(v=variable)} = {value}"
    suffix, template = dialect.codec(field.type).compare
    return f"{variable}.{dialect.quote(field.name + suffix)} = {template.format(v=value)}"


def key_text(cls: type, dialect: Dialect) -> tuple[str, FieldDescriptor | None]:
    """Nodes by a list of keys: parameter ``keys``."""
    meta = node_meta(cls)
    return _key_text(cls, dialect, len(meta.subclasses)), meta.primary_key


@lru_cache(maxsize=1024)
def _key_text(cls: type, dialect: Dialect, subclasses: int) -> str:
    del subclasses  # part of the key: a new subclass changes the columns
    meta = node_meta(cls)
    labels, condition = labels_of(meta, dialect), _key_condition(meta, dialect, "n", "k")
    if condition.endswith(" = k") and not dialect.unwind_keys:
        # With an index the same; without one, one scan for all keys instead of one for each (FalkorDB 4.22:
        # 2,000 keys among 10,000 nodes took 2.5 s by UNWIND, 0.1 s by IN).
        head = f"MATCH (n{labels}) WHERE {condition.removesuffix(' = k')} IN $keys"
    else:
        head = f"{dialect.rows('keys', 'k')} MATCH (n{labels}) WHERE {condition}"
    return f"{head} {returned(_columns(meta, dialect, 'n'), dialect)}"


def one_text(cls: type, dialect: Dialect) -> str:
    """One node by its key: parameter ``key``."""
    meta = node_meta(cls)
    columns = _columns(meta, dialect, "n")
    # There is one row: to collect it would only cost the server time.
    tail = row_by_row(columns) if dialect.page_rows else returned(columns, dialect)
    condition = _key_condition(meta, dialect, "n", "$key")
    return f"MATCH (n{labels_of(meta, dialect)}) WHERE {condition} {tail} LIMIT 1"


def identity_text(cls: type, dialect: Dialect) -> str:
    """Nodes by the server's identities: parameter ``keys``."""
    meta = node_meta(cls)
    return (
        f"{dialect.rows('keys', 'k')} MATCH (n{labels_of(meta, dialect)})"
        f" WHERE {dialect.identity.format(v='n')} = k {returned(_columns(meta, dialect, 'n'), dialect)}"
    )


@lru_cache(maxsize=256)
def edge_text(cls: type[Edge], dialect: Dialect) -> str:
    """Edges by the identities of their ends and their own: parameter ``rows``."""
    meta = edge_meta(cls)
    columns = [column.format(v="r") for column in edge_layout(meta, dialect).columns]
    a, b, r = (dialect.identity.format(v=variable) for variable in "abr")
    if dialect.one_label:
        return f"{dialect.rows()} {edge_of_row(meta.type, 0, dialect)} {returned(columns, dialect)}"
    return (
        f"{dialect.rows()} MATCH (a) WHERE {a} = row[0] MATCH (b) WHERE {b} = row[1] WITH row, a, b"
        f" MATCH (a)-[r:{dialect.quote(meta.type)}]->(b) WHERE {r} = row[2] {returned(columns, dialect)}"
    )


def relation_text(root: type, field: FieldDescriptor, dialect: Dialect, labelled: bool = True) -> str:
    """The targets of one relation for many sources: parameter ``rows``, of (index, identity[, key]).

    ``labelled`` says that all sources are of the class ``root``, whose label may be named.
    """
    target = node_meta(field.target_cls)
    return _relation_text(root, field, dialect, len(target.subclasses), labelled)


@lru_cache(maxsize=1024)
def _relation_text(
    root: type, field: FieldDescriptor, dialect: Dialect, subclasses: int, labelled: bool
) -> str:
    del subclasses
    meta = node_meta(root)
    target = node_meta(field.target_cls)
    condition = f"{dialect.identity.format(v='a')} = row[1]"
    key = meta.primary_key
    if key is not None and not key.generated and not dialect.keeps_identities:
        condition += f" AND {_key_condition(meta, dialect, 'a', 'row[2]')}"
    keyed = key is not None and not key.generated and not dialect.one_label
    label = "" if meta.abstract or keyed or not labelled else labels_of(meta, dialect)
    left = "<-" if field.direction == "INCOMING" else "-"
    right = "->" if field.direction == "OUTGOING" else "-"
    assert field.relationship is not None
    return (
        f"{dialect.rows()} MATCH (a{label}) WHERE {condition}"
        f" MATCH (a){left}[:{dialect.quote(field.relationship)}]{right}(b{labels_of(target, dialect)})"
        f" {returned(['row[0]', *_columns(target, dialect, 'b')], dialect)}"
    )


@lru_cache(maxsize=64)
def _index_reader(dialect: Dialect) -> Callable[[Any], int]:
    cell = dialect.codec(_INDEX).cell.format(c="c")
    reader: Callable[[Any], int] = eval(f"lambda c: {cell}")
    return reader


async def pages(send: Callable[[int, int], Awaitable[list[Any]]], size: int) -> AsyncGenerator[list[Any]]:
    """Portions of ``size`` from a function of (skip, limit), until one comes back short."""
    skip = 0
    while True:
        portion = await send(skip, size)
        if portion:
            yield portion
        if len(portion) < size:
            return
        skip += size
