"""Drivers of a Neo4j database."""

from __future__ import annotations

from typing import Any

from ..bolt.driver import AsyncBoltDriver, BoltDriver
from ..bolt.options import Options
from .dialect import DIALECT

__all__ = ["create_async_neo4j_driver", "create_neo4j_driver"]


def create_neo4j_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> BoltDriver:
    """Make a blocking driver.

    Args:
        host: the server, or any member of a cluster.
        port: its port.
        database: the database; ``None``: the user's home database.
        username: the user; ``None``: no authentication.
        password: the password.
        **options: any other of :class:`~runic.orm.driver.bolt.Options`, e.g. ``encrypted``, ``routing``
            for a cluster, ``token``, ``timeout``, or ``uri``, the client's own URI.

    Example:
        >>> driver = create_neo4j_driver("localhost", 7687, "neo4j", "neo4j", "secret")
        >>> driver.close()
    """
    return BoltDriver.open(_options(host, port, database, username, password, options), DIALECT)


def create_async_neo4j_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> AsyncBoltDriver:
    """Make an async driver, of the same options as :func:`create_neo4j_driver`."""
    return AsyncBoltDriver.open(_options(host, port, database, username, password, options), DIALECT)


def _options(
    host: str,
    port: int,
    database: str | None,
    username: str | None,
    password: str | None,
    others: dict[str, Any],
) -> Options:
    return Options(host=host, port=port, database=database, username=username, password=password, **others)
