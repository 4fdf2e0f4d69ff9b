"""What a connection needs before Cypher runs on it, and what a graph needs before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import DriverError, ServerError

from . import errors
from .sql import literal

if TYPE_CHECKING:
    from .links import Link
    from .options import Options

# - Operators of agtype are looked up by search_path, even when everything is qualified (AGE 1.8).
# - Without containment, {k: $k} in a pattern is a comparison that a btree index serves; with it, MERGE of 300
#   keys among 10,000 nodes takes 6 s instead of 0.03 s (AGE 1.8). That is for raw texts: what is compiled has
#   no such pattern, as only superusers may set it (AGE 1.5, 1.8).
# - An HNSW index alone looks at 40 nodes, however many are asked for (pgvector 0.8).
_SETTINGS = """
SELECT pg_catalog.set_config('search_path', 'ag_catalog, "$user", public', false)
UNION ALL
SELECT pg_catalog.set_config(name, 'off', false) FROM pg_catalog.pg_settings
 WHERE name = 'age.enable_containment' AND pg_catalog.current_setting('is_superuser') = 'on'
UNION ALL
SELECT pg_catalog.set_config('hnsw.iterative_scan', 'strict_order', false) FROM pg_catalog.pg_extension
 WHERE extname = 'vector' AND string_to_array(extversion, '.')::int[] >= '{0,8}'
"""

_EXTENSION = "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'age'"

__all__ = ["graph_exists", "prepare_connection", "prepare_graph", "version_of"]


async def prepare_connection(link: Link, options: Options) -> None:
    """Make the session state of a connection right; in autocommit mode, so that no rollback undoes it.

    Raises:
        DriverError: the database has no AGE, or the user may not use it.
    """
    import psycopg

    try:
        if not await link.fetch(_EXTENSION):
            await _create_extension(link, options)
        # Makes the server load the library. LOAD is for superusers (PostgreSQL 18).
        await link.fetch("SELECT '1'::ag_catalog.agtype")
        await link.fetch(_SETTINGS)
        if options.timeout is not None:
            await link.fetch(f"SET statement_timeout = {max(1, round(options.timeout * 1000))}")
    except psycopg.Error as error:
        raise errors.of_native(error, None, broken=link.broken) from error


async def _create_extension(link: Link, options: Options) -> None:
    import psycopg

    problem: Exception | None = None
    if options.create_graph:
        try:
            await link.fetch("CREATE EXTENSION IF NOT EXISTS age")
        except psycopg.Error as error:
            problem = error
        # Somebody else may have made it meanwhile.
        if not link.broken and await link.fetch(_EXTENSION):
            return
    raise ServerError(
        f"the database at {options.address} has no extension age: install Apache AGE and run CREATE EXTENSION"
        f" age as a superuser{f' ({problem})' if problem else ''}",
        backend="age",
    ) from problem


async def graph_exists(link: Link, graph: str) -> bool:
    """Whether there is such a graph, which is a schema: not everybody may read AGE's own list of them."""
    return bool(
        await link.fetch(
            "SELECT 1 FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid"
            " WHERE n.nspname = $1 AND c.relname = '_ag_label_vertex'",
            (graph,),
        )
    )


async def prepare_graph(link: Link, options: Options) -> None:
    """Make the graph unless it is there.

    Raises:
        ServerError: it is not there, and ``create_graph`` is off or the server is read-only.
    """
    import psycopg

    if await graph_exists(link, options.graph):
        return
    if not options.create_graph:
        raise _no_graph(options)
    try:
        await link.fetch(f"SELECT ag_catalog.create_graph({literal(options.graph)})")
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise _no_graph(options) from error
    except psycopg.Error as error:
        if "during recovery" in str(error):  # how a standby refuses it
            raise _no_graph(options) from error
        # Somebody else made it meanwhile.
        if not await graph_exists(link, options.graph):
            raise


def _no_graph(options: Options) -> DriverError:
    return ServerError(
        f"there is no graph {options.graph!r} at {options.address}: create it with create_graph=True",
        backend="age",
    )


async def version_of(link: Link) -> tuple[int, ...]:
    """The version of the extension: ``(1, 8, 0)``."""
    rows: Any = await link.fetch("SELECT extversion FROM pg_extension WHERE extname = 'age'")
    parts = str(rows[0][0]).split(".") if rows else []
    return tuple(int(part) for part in parts if part.isdigit())
