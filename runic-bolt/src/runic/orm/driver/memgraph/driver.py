"""Drivers of a Memgraph database."""

from __future__ import annotations

from typing import Any

from ..bolt.driver import AsyncBoltDriver, BoltDriver
from ..bolt.options import OPTION_NAMES as BOLT_OPTIONS
from ..bolt.options import Options
from .dialect import DIALECT

__all__ = ["OPTION_NAMES", "create_async_memgraph_driver", "create_memgraph_driver"]

OPTION_NAMES = BOLT_OPTIONS - {"routing", "impersonate", "kerberos", "bookmarks"}
"""Options of :func:`create_memgraph_driver`."""


def create_memgraph_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> BoltDriver:
    """A driver of a Memgraph server.

    Args:
        host: the server.
        port: its port.
        database: the database; only Memgraph's Enterprise Edition has others than the default one.
        username: the user; ``None`` or ``""``: no authentication.
        password: the password.
        **options: any other of :class:`~runic.orm.driver.bolt.Options`, e.g. ``encrypted`` or ``timeout``.

    Example:
        >>> driver = create_memgraph_driver("localhost", 7687)
        >>> driver.close()
    """
    return BoltDriver.open(_options(host, port, database, username, password, options), DIALECT)


def create_async_memgraph_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> AsyncBoltDriver:
    """An async driver, of the same options as :func:`create_memgraph_driver`."""
    return AsyncBoltDriver.open(_options(host, port, database, username, password, options), DIALECT)


def _options(
    host: str,
    port: int,
    database: str | None,
    username: str | None,
    password: str | None,
    others: dict[str, Any],
) -> Options:
    unknown = sorted(others.keys() - OPTION_NAMES)
    if unknown:
        raise TypeError(f"memgraph has no option {unknown[0]!r}; there are {', '.join(sorted(OPTION_NAMES))}")
    if not username:
        # What Memgraph's own guides pass to the client: a server without users takes it.
        username, password = None, None
        if others.get("auth") is None and others.get("token") is None:
            others = {**others, "auth": ("", "")}
    return Options(host=host, port=port, database=database, username=username, password=password, **others)
