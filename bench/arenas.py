"""Where competitors meet: a server that the tests know how to start, with an empty graph for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.raw_bolt import ARCADEDB, MEMGRAPH, NEO4J, Cypher, RawBolt
from bench.with_runic import WithRunic
from runic.orm import create_async_driver, create_driver

if TYPE_CHECKING:
    from bench.competitor import Competitor
    from tests.servers.base import Server

__all__ = ["ARENAS", "Arena"]

RAW, OWN = "bench_raw", "bench_runic"
"""The graphs."""


class Arena(ABC):
    """One server.

    Args:
        server: a running one.
        url: of runic's graph.
        client: the raw client, which is closed in the end.

    Attributes:
        driver: runic's.
    """

    def __init__(self, server: Server, url: str, client: Any) -> None:
        self.server = server
        self.url = url
        self.client = client
        self.driver: Any = create_driver(url)

    @abstractmethod
    def raw(self) -> Competitor:
        """The competitor with the raw client."""

    def own(self) -> WithRunic:
        """The competitor with runic."""
        return WithRunic(self.driver, lambda at_once: create_async_driver(self.url, max_connections=at_once))

    @abstractmethod
    def clear(self) -> None:
        """Empty everything, indexes included."""

    def close(self) -> None:
        """Close the clients; the server goes on."""
        self.driver.close()
        self.client.close()


class FalkorDBArena(Arena):
    """A graph for each."""

    def __init__(self, server: Server) -> None:
        import falkordb

        self.address = {"host": server.host, "port": server.port, **server.credentials}
        super().__init__(server, server.url_of(OWN), falkordb.FalkorDB(**self.address))

    def raw(self) -> Competitor:
        """See :class:`Arena`."""
        from bench.raw_falkordb import RawFalkorDB

        return RawFalkorDB(self.client.select_graph(RAW), self.address)

    def clear(self) -> None:
        """See :class:`Arena`."""
        self.server.reset(RAW)
        self.server.reset(OWN)


class BoltArena(Arena):
    """One database for both, with labels for each: a community server of Neo4j has no second one.

    Args:
        server: a running one.
        cypher: what is special about it.
        database: its name, where the server is told one.
    """

    def __init__(self, server: Server, cypher: Cypher, database: str | None = None) -> None:
        import neo4j

        self.cypher = cypher
        self.database = database
        given = server.credentials
        self.address: dict[str, Any] = {
            "uri": f"bolt://{server.host}:{server.port}",
            "auth": (given["username"], given["password"]) if given else None,
        }
        url = server.url_of(database) if database else server.url
        super().__init__(server, url, neo4j.GraphDatabase.driver(**self.address))

    def raw(self) -> Competitor:
        """See :class:`Arena`."""
        import neo4j

        def open_async(at_once: int) -> Any:
            return neo4j.AsyncGraphDatabase.driver(**self.address, max_connection_pool_size=at_once)

        return RawBolt(self.client, self.database, open_async, self.cypher)

    def clear(self) -> None:
        """See :class:`Arena`."""
        self.server.reset(self.database or "")


class AGEArena(Arena):
    """A graph for each."""

    def __init__(self, server: Server) -> None:
        from bench.raw_age import open_connection

        self.address: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "user": server.credentials["username"],
            "password": server.credentials["password"],
            "dbname": server.credentials["database"],
        }
        super().__init__(server, server.url_of(OWN), open_connection(self.address))

    def raw(self) -> Competitor:
        """See :class:`Arena`."""
        from bench.raw_age import RawAGE

        return RawAGE(self.client, self.address, RAW)

    def clear(self) -> None:
        """See :class:`Arena`."""
        self.client.rollback()
        self.server.reset(RAW)
        self.driver.delete_graph()


ARENAS: dict[str, Callable[[Server], Arena]] = {
    "falkordb": FalkorDBArena,
    "neo4j": lambda server: BoltArena(server, NEO4J),
    "neo4j_2026": lambda server: BoltArena(server, NEO4J),
    "arcadedb": lambda server: BoltArena(server, ARCADEDB, OWN),
    "memgraph": lambda server: BoltArena(server, MEMGRAPH),
    "age": AGEArena,
}
"""Of a server, by the name under which the tests start it."""
