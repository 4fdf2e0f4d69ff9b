"""What a connection needs before Cypher runs on it, and what a graph needs before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import DriverError, ServerError

from .sql import literal

if TYPE_CHECKING:
    from .links import Link
    from .options import Options

__all__ = ["prepare_connection", "prepare_graph", "version_of"]


async def prepare_connection(link: Link, options: Options) -> None:
    """Make the session state of a connection right; in autocommit mode, so that no rollback undoes it."""
    import psycopg

    if not await link.fetch("SELECT 1 FROM pg_extension WHERE extname = 'age'"):
        await _create_extension(link, options)
    try:
        await link.fetch("LOAD 'age'")
    except psycopg.errors.InsufficientPrivilege:
        # Others than superusers may not load it: the server has it in shared_preload_libraries then.
        pass
    # Operators of agtype are looked up by search_path, even when everything is qualified (AGE 1.8).
    await link.fetch('SET search_path = ag_catalog, "$user", public')
    if options.timeout is not None:
        await link.fetch(f"SET statement_timeout = {max(1, round(options.timeout * 1000))}")


async def _create_extension(link: Link, options: Options) -> None:
    import psycopg

    problem: Exception | None = None
    if options.create_graph:
        try:
            await link.fetch("CREATE EXTENSION IF NOT EXISTS age")
        except psycopg.Error as error:
            problem = error
        else:
            return
    raise ServerError(
        f"the database at {options.address} has no extension age: install Apache AGE and run CREATE EXTENSION"
        f" age as a superuser{f' ({problem})' if problem else ''}",
        backend="age",
    ) from problem


async def prepare_graph(link: Link, options: Options) -> None:
    """Make the graph unless it is there.

    Raises:
        ServerError: it is not there, and ``create_graph`` is off or the server is read-only.
    """
    import psycopg

    exists = "SELECT 1 FROM ag_catalog.ag_graph WHERE name = $1"
    if await link.fetch(exists, (options.graph,)):
        return
    if not options.create_graph:
        raise _no_graph(options)
    try:
        await link.fetch(f"SELECT ag_catalog.create_graph({literal(options.graph)})")
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise _no_graph(options) from error
    except psycopg.Error:
        # Somebody else made it meanwhile.
        if not await link.fetch(exists, (options.graph,)):
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
