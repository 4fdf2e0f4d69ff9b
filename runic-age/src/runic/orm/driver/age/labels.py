"""Labels as tables: made before the first node is stored, under the tables of their base classes.

A node has one label in AGE, and a label is a table. Where a class has base classes, its table
inherits from theirs, so that a query for a base finds its nodes as well. PostgreSQL's own DDL does
that; ``MATCH`` reads the tables of a label with all that inherit from it (AGE 1.6 to 1.8).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING

from runic.orm.exceptions import InvalidNameError

from .sql import identifier, literal

if TYPE_CHECKING:
    from runic.orm.driver.port import Store

    from .links import Link

__all__ = ["LABELS", "LabelBook", "ensure_labels", "make_labels"]

LABELS = """
SELECT c.oid AS relation, c.relname AS name,
       CASE WHEN s.attname IS NULL THEN 'v' ELSE 'e' END AS kind,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute p ON p.attrelid = c.oid AND p.attname = 'properties'
  LEFT JOIN pg_catalog.pg_attribute s ON s.attrelid = c.oid AND s.attname = 'start_id'
 WHERE n.nspname = $1 AND c.relkind = 'r' AND p.atttypid = 'ag_catalog.agtype'::pg_catalog.regtype
"""
"""The labels and types of a graph, ``$1``. AGE has a list of them too, which not everybody may read."""

_KINDS = {"v": "a label of nodes", "e": "a type of relationships"}
_BASE = {"v": "_ag_label_vertex", "e": "_ag_label_edge"}


class LabelBook:
    """The labels that are known to be there as they should; shared by the ports of a driver."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: frozenset[Store] = frozenset()

    def missing(self, stores: Iterable[Store]) -> list[Store]:
        """Those that have to be looked at."""
        known = self.known
        return [store for store in stores if store not in known]

    def add(self, stores: Iterable[Store]) -> None:
        """Remember them."""
        self.known = self.known.union(stores)

    def forget(self) -> None:
        """The graph is another one now."""
        self.known = frozenset()


async def ensure_labels(link: Link, graph: str, stores: list[Store], *, indexed: bool = True) -> None:
    """Make the labels and types that are missing, in a transaction of their own.

    One maker at a time: two that make one label at once would break the transaction of the second.

    Args:
        link: a connection without a transaction.
        graph: name of the graph.
        stores: what is missing.
        indexed: whether the server makes the indexes over identities and ends itself (1.8).

    Raises:
        InvalidNameError: a name is a label and is wanted as a type, or the other way round.
    """
    await _in_transaction(link, lambda: make_labels(link, graph, stores, indexed=indexed))


async def _in_transaction(link: Link, work: Callable[[], Awaitable[None]]) -> None:
    await link.fetch("BEGIN")
    try:
        await work()
    except BaseException:
        if not link.broken:
            await link.fetch("ROLLBACK")
        raise
    await link.fetch("COMMIT")


async def make_labels(link: Link, graph: str, stores: list[Store], *, indexed: bool = True) -> None:
    """The same, in the transaction that is open."""
    await link.fetch("SET LOCAL lock_timeout = '10s'")
    await link.fetch("SELECT pg_advisory_xact_lock(hashtext('runic labels'), hashtext($1))", (graph,))
    rows = await link.fetch(f"SELECT l.name::text, l.kind, l.owned FROM ({LABELS}) l", (graph,))  # noqa: S608
    kinds: dict[str, str] = {name: kind for name, kind, _ in rows}
    others = {name for name, _, owned in rows if not owned}
    for store in stores:
        wanted = "e" if store.edge else "v"
        found = kinds.get(store.name)
        if found is None:
            make = "create_elabel" if store.edge else "create_vlabel"
            await link.fetch(f"SELECT ag_catalog.{make}({literal(graph)}, {literal(store.name)})")
            kinds[store.name] = wanted
        elif found != wanted:
            raise InvalidNameError(
                f"{store.name!r} is {_KINDS[found]} of the graph {graph!r}, and cannot be {_KINDS[wanted]} as"
                " well: Apache AGE has one namespace for both",
                backend="age",
            )
        if store.bases:
            await _inherit(link, graph, store)
        # Of a table that is somebody else's, indexes are that one's matter.
        if not indexed and store.name not in others:
            await _index(link, graph, store)


async def _index(link: Link, graph: str, store: Store) -> None:
    table = f"{identifier(graph)}.{identifier(store.name)}"
    for column in ("id", "start_id", "end_id") if store.edge else ("id",):
        name = f"runic_{column}_{blake2b(store.name.encode(), digest_size=8).hexdigest()}"
        await link.fetch(f"CREATE INDEX IF NOT EXISTS {identifier(name)} ON {table} ({column})")


async def _inherit(link: Link, graph: str, store: Store) -> None:
    rows = await link.fetch(
        "SELECT p.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_class p ON p.oid = i.inhparent"
        " WHERE n.nspname = $1 AND c.relname = $2",
        (graph, store.name),
    )
    parents = {name for (name,) in rows}
    table = f"{identifier(graph)}.{identifier(store.name)}"
    for base in store.bases:
        if base not in parents:
            await link.fetch(f"ALTER TABLE {table} INHERIT {identifier(graph)}.{identifier(base)}")
    if _BASE["v"] in parents:
        # It is found there through its base; both would list its nodes twice.
        await link.fetch(f"ALTER TABLE {table} NO INHERIT {identifier(graph)}.{identifier(_BASE['v'])}")
