"""The drivers: a pool of connections to one FalkorDB graph."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import ServerError

from .adopt import adopted_async_pool, adopted_pool
from .connection import open_async_pool, open_pool
from .dialect import DIALECT
from .options import Options, validate_graph_name
from .port import FalkorDBPort, NameCache

if TYPE_CHECKING:
    from types import TracebackType

    from .dialect import FalkorDBDialect
    from .embedded import EmbeddedServer

__all__ = [
    "AsyncFalkorDBDriver",
    "FalkorDBDriver",
    "create_async_falkordb_driver",
    "create_falkordb_driver",
    "send_command",
]


class _Driver:
    """What both colours share."""

    _options: Options
    _pool: Any
    _names: NameCache
    _server: EmbeddedServer | None
    _closed: bool

    @property
    def dialect(self) -> FalkorDBDialect:
        """How to talk to this server."""
        return DIALECT

    @property
    def graph_name(self) -> str:
        """Name of the graph."""
        return self._options.graph

    @property
    def options(self) -> Options:
        """What the driver was told."""
        return self._options

    def connect(self) -> FalkorDBPort:
        """A port; it checks a connection out of the pool at first use."""
        return FalkorDBPort(self._pool, self._options, self._names)

    def __repr__(self) -> str:
        state = " closed" if self._closed else ""
        return f"<{type(self).__name__} graph={self._options.graph!r} at {self._options.address}{state}>"


class FalkorDBDriver(_Driver):
    """A blocking, thread-safe driver of one graph.

    Args:
        graph: a graph handle of the client library: ``falkordb.FalkorDB(...).select_graph("g")``, or
            falkordblite's. The driver takes its connections from the handle's own pool, and closing
            the driver leaves the handle open. Without a handle, use :func:`create_falkordb_driver`.
        db: the handle's client; taken from the handle if left out.

    Example:
        >>> driver = create_falkordb_driver(path=":memory:", graph="people")
        >>> driver.execute("CREATE (p:Person {name: $name}) RETURN p.name", {"name": "Ada"}).rows
        [['Ada']]
        >>> driver.close()
    """

    def __init__(self, graph: Any, db: Any = None) -> None:
        self._options, self._pool = adopted_pool(graph, db)
        self._setup(None)

    def _setup(self, server: EmbeddedServer | None) -> None:
        self._names = NameCache()
        self._server = server
        self._closed = False

    @classmethod
    def open(cls, options: Options) -> Self:
        """A driver with a pool of its own."""
        driver = cls.__new__(cls)
        driver._options = options
        driver._pool, server = open_pool(options)
        driver._setup(server)
        return driver

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement outside of any session.

        Args:
            cypher: the statement.
            params: values of its parameters.
            write: ``False`` sends it to ``GRAPH.RO_QUERY``, where the server refuses to write.
        """
        return _run(self._execute(Request.raw(cypher, params, write=write)))

    async def _execute(self, request: Request) -> QueryResult:
        port = self.connect()
        try:
            return await port.execute(request)
        finally:
            await port.release()

    def command(self, *words: str) -> Any:
        """Send one command of the server, such as ``GRAPH.CONSTRAINT``, and return its reply.

        Args:
            *words: the command and its arguments; nothing is added to them.

        Raises:
            DriverError: the server's error reply, or a failure of the connection.
        """
        return _run(send_command(self.connect(), words))

    def delete_graph(self) -> None:
        """Delete the whole graph with its indexes and constraints. An absent one is left absent."""
        _run(_delete_graph(self.connect()))

    def close(self) -> None:
        """Close the connections; an embedded server that nobody else uses saves its file and ends."""
        if self._closed:
            return
        self._closed = True
        self._pool.close()
        if self._server is not None:
            self._server.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncFalkorDBDriver(_Driver):
    """The async driver of one graph; every event loop has connections of its own.

    Args:
        graph: a graph handle of ``falkordb.asyncio``, or falkordblite's async one; see
            :class:`FalkorDBDriver`. Without a handle, use :func:`create_async_falkordb_driver`.
    """

    def __init__(self, graph: Any) -> None:
        self._options, self._pool = adopted_async_pool(graph)
        self._setup(None)

    def _setup(self, server: EmbeddedServer | None) -> None:
        self._names = NameCache()
        self._server = server
        self._closed = False

    @classmethod
    def open(cls, options: Options) -> Self:
        """A driver with a pool of its own."""
        driver = cls.__new__(cls)
        driver._options = options
        driver._pool, server = open_async_pool(options)
        driver._setup(server)
        return driver

    async def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """See :meth:`FalkorDBDriver.execute`."""
        port = self.connect()
        try:
            return await port.execute(Request.raw(cypher, params, write=write))
        finally:
            await port.release()

    async def command(self, *words: str) -> Any:
        """See :meth:`FalkorDBDriver.command`."""
        return await send_command(self.connect(), words)

    async def delete_graph(self) -> None:
        """See :meth:`FalkorDBDriver.delete_graph`."""
        await _delete_graph(self.connect())

    async def aclose(self) -> None:
        """See :meth:`FalkorDBDriver.close`."""
        if self._closed:
            return
        self._closed = True
        await self._pool.close()
        if self._server is not None:
            import asyncio

            await asyncio.to_thread(self._server.release)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


async def send_command(port: FalkorDBPort, words: tuple[str, ...]) -> Any:
    """Send one command on a port of its own, which is released, and return the reply."""
    from . import errors
    from .wire import command

    try:
        chunks = command(*[word.encode() for word in words])
        reply = await port.command(chunks, statement=None, write=True, limit=port.options.socket_timeout)
    finally:
        await port.release()
    if isinstance(reply, Exception):
        raise errors.server_error(reply, None, write=True)
    return reply


async def _delete_graph(port: FalkorDBPort) -> None:
    from .wire import is_absent_graph

    try:
        await send_command(port, ("GRAPH.DELETE", port.options.graph))
    except ServerError as error:
        if not is_absent_graph(error):
            raise


def _run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the blocking colour, which never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise AssertionError("a blocking connection suspended")


def create_falkordb_driver(
    host: str = "localhost", port: int = 6379, graph: str = "graph", **options: Any
) -> FalkorDBDriver:
    """Make a blocking driver.

    Args:
        host: the server.
        port: its port.
        graph: name of the graph.
        **options: any of :class:`~.options.Options`, e.g. ``path`` for an embedded server.

    Example:
        >>> driver = create_falkordb_driver(path=":memory:", graph="g")
        >>> driver.close()
    """
    validate_graph_name(graph)
    return FalkorDBDriver.open(Options(host=host, port=port, graph=graph, **options))


def create_async_falkordb_driver(
    host: str = "localhost", port: int = 6379, graph: str = "graph", **options: Any
) -> AsyncFalkorDBDriver:
    """Make an async driver, of the same options as :func:`create_falkordb_driver`."""
    validate_graph_name(graph)
    return AsyncFalkorDBDriver.open(Options(host=host, port=port, graph=graph, **options))
