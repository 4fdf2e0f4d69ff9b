"""Hydrators: result rows to entities, by a function generated once per class and columns.

Pure but for the identity map it fills. A hydrator runs over the whole result: nothing is looked up
or called per field, and an entity that the session has already is found by its key, not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from runic.orm.core.state import NOT_LOADED, EntityState, Owner, Status
from runic.orm.exceptions import FieldValidationError

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.compile.dialect import Dialect
    from runic.orm.compile.layout import EdgeLayout, NodeLayout
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.core.metadata import EdgeMeta, NodeMeta

__all__ = ["Hydrate", "edge_hydrator", "node_hydrator"]

type Hydrate = Callable[
    [Sequence[Sequence[Any]], dict[Any, Any], Owner | None, list[Any], Callable[[Any], dict[str, Any]]],
    list[Any],
]
"""(rows, identities, owner, siblings, refreshed) -> one entity or ``None`` per row.

``identities`` is the part of the identity map that belongs to the class; ``siblings`` collects the
new entities; ``refreshed`` is called for a stale entity and returns where its new values go.
"""

_cache: WeakKeyDictionary[type, dict[tuple[Any, ...], Hydrate]] = WeakKeyDictionary()


def node_hydrator(layout: NodeLayout, dialect: Dialect, start: int) -> Hydrate:
    """The hydrator of a node whose columns begin at ``start``."""
    cache = _cache.setdefault(layout.meta.cls, {})
    key = (dialect, start, len(layout.positions))
    found = cache.get(key)
    if found is None:
        make = _polymorphic if layout.polymorphic else _monomorphic
        found = cache[key] = make(layout, dialect, start)
    return found


def edge_hydrator(layout: EdgeLayout, dialect: Dialect, start: int) -> Hydrate:
    """The hydrator of an edge whose columns begin at ``start``."""
    cache = _cache.setdefault(layout.meta.cls, {})
    key = (dialect, start)
    found = cache.get(key)
    if found is None:
        found = cache[key] = _edges(layout, dialect, start)
    return found


# -- generated source ---------------------------------------------------------------------------


class _Source:
    """Lines of a generated function and the names it uses."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.env: dict[str, Any] = {
            "State": EntityState,
            "PERSISTENT": Status.PERSISTENT,
            "NOT_LOADED": NOT_LOADED,
            "moved": _moved,
        }

    def value(self, field: FieldDescriptor, column: int) -> str:
        """The expression for one field of ``row``."""
        codec: Codec = self.dialect.codec(field.type)
        cell = f"row[{column}]"
        if self.dialect.properties is not None and not (field.generated and field.primary_key):
            cell += f".get({field.name + codec.writes[0][0]!r})"
        cell = codec.cell.format(c=cell)
        if codec.decode is None:
            return cell
        name = f"decode_{len(self.env)}"
        self.env[name] = codec.decode
        return f"None if (v := {cell}) is None else {name}(v)"

    def fill(
        self, meta: NodeMeta | EdgeMeta, positions: dict[str, int], start: int, indent: str
    ) -> list[str]:
        """Statements that store every field but the key into ``d``."""
        key = getattr(meta, "pk_field_name", None)
        lines = [
            f"{indent}d[{field.name!r}] = {self.value(field, start + positions[field.name])}"
            for field in meta.properties
            if field.name != key
        ]
        return lines or [f"{indent}pass"]

    def key(self, meta: NodeMeta, positions: dict[str, int], start: int) -> str:
        """The expression for the key under which the identity map has the entity."""
        field = meta.primary_key
        if field is None or field.generated:
            return "i"
        return self.value(field, start + positions[field.name])

    def function(self, name: str, lines: list[str], label: str) -> Any:
        exec(compile("\n".join(lines), f"<hydrator of {label}>", "exec"), self.env)
        return self.env[name]


def _no_key(meta: NodeMeta) -> Callable[[Any], FieldValidationError]:
    def error(identity: Any) -> FieldValidationError:
        return FieldValidationError(
            f"a stored {meta.cls.__name__} (server identity {identity!r}) has no"
            f" {meta.pk_field_name!r}: without its primary key it cannot be mapped"
        )

    return error


def _new_entity(key_name: str | None, indent: str) -> list[str]:
    lines = [
        "e = new(cls)",
        "d = e.__dict__",
        "s = d['_runic_state'] = State()",
        *([f"d[{key_name!r}] = k"] if key_name else []),
        "s.status = PERSISTENT",
        "s.owner = owner",
        "s.id = i",
        "s.siblings = siblings",
        "identities[k] = e",
        "append_sibling(e)",
    ]
    return [indent + line for line in lines]


_HEAD = [
    "def hydrate(rows, identities, owner, siblings, refreshed):",
    "    get = identities.get",
    "    append_sibling = siblings.append",
    "    out = []",
    "    append = out.append",
    "    for row in rows:",
]


def _known(indent: str) -> list[str]:
    """What happens to an entity that the session has: it keeps its values unless they are stale."""
    lines = [
        "s = e._runic_state",
        "if s.id != i:",
        "    moved(e, i, siblings)",
        "if not s.stale:",
        "    append(e)",
        "    continue",
        "d = refreshed(e)",
        "s.siblings = siblings",
        "append_sibling(e)",
    ]
    return [indent + line for line in lines]


def _moved(entity: Any, identity: Any, siblings: list[Any]) -> None:
    """A known entity's key came with another identity: its node was deleted and made anew.

    Raises:
        FieldValidationError: both came in one result, so there are two nodes with that key.
    """
    state: EntityState = entity._runic_state
    if state.siblings is siblings:
        raise FieldValidationError(
            f"two nodes in the database have the primary key of {entity!r} (server identities {state.id!r}"
            f" and {identity!r}): one object cannot stand for both. Give the key a unique constraint, and"
            " remove one"
        )
    state.id = identity
    state.stale = True
    values, snapshots = entity.__dict__, state.snapshots or {}
    for relation in entity._runic_meta.relations:
        name = relation.name
        unchanged = name not in (state.changes or ()) and snapshots.get(name) in (None, values.get(name))
        if unchanged:
            values.pop(name, None)
            snapshots.pop(name, None)


def _monomorphic(layout: NodeLayout, dialect: Dialect, start: int) -> Hydrate:
    meta = layout.meta
    positions = layout.positions[meta.cls]
    source = _Source(dialect)
    source.env.update(cls=meta.cls, new=object.__new__, no_key=_no_key(meta))
    lines = [
        *_HEAD,
        f"        i = {dialect.identity_cell.format(c=f'row[{start}]')}",
        "        if i is None:",
        "            append(None)",
        "            continue",
        f"        k = {source.key(meta, positions, start)}",
        "        if k is None:",
        "            raise no_key(i)",
        "        e = get(k)",
        "        if e is None:",
        *_new_entity(meta.pk_field_name, " " * 12),
        "        else:",
        *_known(" " * 12),
        *source.fill(meta, positions, start, " " * 8),
        "        append(e)",
        "    return out",
    ]
    return _guard(
        source.function("hydrate", lines, meta.cls.__name__), layout.positions, dialect, start, meta
    )


def _polymorphic(layout: NodeLayout, dialect: Dialect, start: int) -> Hydrate:
    """Rows may be of several classes: their labels choose a function that fills the entity."""
    meta = layout.meta
    source = _Source(dialect)
    metas = {each.cls: each for each in (meta, *meta.subclasses)}

    def filler(each: NodeMeta) -> Callable[[Any, Any], None]:
        positions = layout.positions[each.cls]
        lines = ["def fill(row, d):", *source.fill(each, positions, start, "    ")]
        made: Callable[[Any, Any], None] = source.function("fill", lines, each.cls.__name__)
        return made

    fillers = {cls: filler(each) for cls, each in metas.items()}
    chosen: dict[tuple[str, ...], tuple[type, Any]] = {}

    def choose(labels: Iterable[str]) -> tuple[type, Any]:
        cls = meta.resolve(labels).cls
        pair = chosen[tuple(labels)] = (cls, fillers[cls])
        return pair

    source.env.update(chosen=chosen.get, choose=choose, new=object.__new__, no_key=_no_key(meta))
    lines = [
        *_HEAD,
        f"        i = {dialect.identity_cell.format(c=f'row[{start}]')}",
        "        if i is None:",
        "            append(None)",
        "            continue",
        f"        labels = tuple({dialect.labels_cell.format(c=f'row[{start + 1}]')})",
        "        cls, fill = chosen(labels) or choose(labels)",
        f"        k = {source.key(meta, layout.positions[meta.cls], start)}",
        "        if k is None:",
        "            raise no_key(i)",
        "        e = get(k)",
        "        if e is None:",
        *_new_entity(meta.pk_field_name, " " * 12),
        "        else:",
        *_known(" " * 12),
        "        fill(row, d)",
        "        append(e)",
        "    return out",
    ]
    return _guard(
        source.function("hydrate", lines, meta.cls.__name__), layout.positions, dialect, start, meta
    )


def _edges(layout: EdgeLayout, dialect: Dialect, start: int) -> Hydrate:
    meta = layout.meta
    source = _Source(dialect)
    source.env.update(cls=meta.cls, new=object.__new__, elsewhere=_elsewhere)
    cell = dialect.identity_cell
    lines = [
        *_HEAD,
        f"        i = {cell.format(c=f'row[{start}]')}",
        "        if i is None:",
        "            append(None)",
        "            continue",
        "        k = i",
        f"        ends = ({cell.format(c=f'row[{start + 1}]')}, {cell.format(c=f'row[{start + 2}]')})",
        "        e = get(k)",
        "        if e is None or elsewhere(e, ends):",
        *_new_entity(None, " " * 12),
        "            s.ends = ends",
        "        else:",
        *_known(" " * 12),
        *source.fill(meta, layout.positions, start, " " * 8),
        "        append(e)",
        "    return out",
    ]
    function = source.function("hydrate", lines, meta.cls.__name__)
    return _guard(function, {meta.cls: layout.positions}, dialect, start, meta)


def _elsewhere(edge: Any, ends: tuple[Any, Any]) -> bool:
    """Whether a known edge has other ends: then it is gone, and its identity was given to this one."""
    state: EntityState = edge._runic_state
    known = tuple(end._runic_state.id if hasattr(end, "_runic_state") else end for end in state.ends or ())
    if known == ends:
        return False
    state.status, state.owner = Status.DETACHED, None
    return True


# -- errors -------------------------------------------------------------------------------------


def _guard(
    hydrate: Hydrate,
    positions: dict[type, dict[str, int]],
    dialect: Dialect,
    start: int,
    meta: NodeMeta | EdgeMeta,
) -> Hydrate:
    """Name the field when a stored value does not fit: the fast path has no room for it."""

    def guarded(
        rows: Sequence[Sequence[Any]],
        identities: dict[Any, Any],
        owner: Owner | None,
        siblings: list[Any],
        refreshed: Callable[[Any], dict[str, Any]],
    ) -> list[Any]:
        try:
            return hydrate(rows, identities, owner, siblings, refreshed)
        except (ValueError, TypeError, KeyError, LookupError, ArithmeticError, AttributeError) as error:
            # Entities of the broken result may be half filled: the session must not keep them.
            for entity in siblings:
                state: EntityState = entity._runic_state
                state.status, state.owner = Status.DETACHED, None
            for key in [k for k, e in identities.items() if e._runic_state.status is Status.DETACHED]:
                del identities[key]
            raise _explain(rows, positions, dialect, start, meta, error) from error

    return guarded


def _explain(
    rows: Sequence[Sequence[Any]],
    positions: dict[type, dict[str, int]],
    dialect: Dialect,
    start: int,
    meta: NodeMeta | EdgeMeta,
    error: Exception,
) -> FieldValidationError:
    metas = [meta, *getattr(meta, "subclasses", ())]
    for each in metas:
        for field in each.properties:
            source = _Source(dialect)
            text = source.value(field, start + positions[each.cls][field.name])
            read = source.function("read", ["def read(row):", f"    return {text}"], field.name)
            for row in rows:
                if row[start] is None:
                    continue
                try:
                    read(row)
                except Exception as problem:  # noqa: BLE001 - whatever a converter raises
                    return FieldValidationError(
                        f"{each.cls.__name__}.{field.name}: the stored value does not fit the field"
                        f" ({type(problem).__name__}: {problem}); the row was {list(row)[start]!r}"
                    )
    return FieldValidationError(f"a row of {meta.cls.__name__} could not be read: {error}")
