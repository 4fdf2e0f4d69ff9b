"""The drivers: a pool of connections to one graph of Apache AGE."""

from __future__ import annotations

import dataclasses
from collections.abc import Coroutine, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast

from runic.orm.driver.port import QueryResult, Request

from .adopt import AdoptedAsyncPool, AdoptedPool, options_of_connection
from .dialect import dialect_of
from .options import Options
from .pool import AsyncLinkPool, LinkPool
from .port import AGEPort, Shared

if TYPE_CHECKING:
    from types import TracebackType

    from runic.orm.driver.port import Store

    from .dialect import AGEDialect
    from .pool import Pool

__all__ = ["AGEDriver", "AsyncAGEDriver", "create_age_driver", "create_async_age_driver"]


class _Driver:
    """What both colours share."""

    _options: Options
    _pool: Any
    _shared: Shared

    @property
    def dialect(self) -> AGEDialect:
        """How to talk to this server; by its version, once a connection was made."""
        return dialect_of(self._shared.version)

    @property
    def graph_name(self) -> str:
        """Name of the graph."""
        return self._options.graph

    @property
    def options(self) -> Options:
        """What the driver was told."""
        return self._options

    def connect(self) -> AGEPort:
        """A port; it checks a connection out of the pool at first use."""
        return AGEPort(cast("Pool", self._pool), self._shared)

    def with_isolation(self, level: str | None) -> Self:
        """The same driver with another isolation level: it shares the connections of this one.

        Args:
            level: ``"read committed"``, ``"repeatable read"``, ``"serializable"``, or ``None`` for the
                server's own.

        Example:
            >>> with Session(driver.with_isolation("serializable")) as session:  # doctest: +SKIP
            ...     ...
        """
        other = self.__class__.__new__(self.__class__)
        other.__dict__.update(self.__dict__)
        other._options = dataclasses.replace(self._options, isolation_level=level)
        other._shared = self._shared.with_options(other._options)
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} graph={self._options.graph!r} at {self._options.address}>"


class AGEDriver(_Driver):
    """A blocking, thread-safe driver of one graph.

    Args:
        conn: a ``psycopg.Connection`` or a ``psycopg_pool.ConnectionPool``. One connection serves one
            session at a time; closing the driver leaves it open. Without one, use :func:`create_age_driver`.
        graph_name: name of the graph.

    Example:
        >>> driver = create_age_driver("localhost", graph="people")  # doctest: +SKIP
        >>> driver.execute("CREATE (p:Person {name: 'Ada'}) RETURN p.name").rows  # doctest: +SKIP
        [['Ada']]
    """

    def __init__(self, conn: Any, graph_name: str) -> None:
        self._options = options_of_connection(conn, graph_name)
        self._pool = AdoptedPool(conn, self._options)
        self._setup()

    def _setup(self) -> None:
        self._shared = Shared(self._options)
        self._transaction: AGEPort | None = None
        self._lock = Lock()

    @classmethod
    def open(cls, options: Options) -> Self:
        """A driver with a pool of its own."""
        driver = cls.__new__(cls)
        driver._options = options
        driver._pool = LinkPool(options)
        driver._setup()
        return driver

    @property
    def dialect(self) -> AGEDialect:
        """How to talk to this server, by its version."""
        return dialect_of(self._shared.version)

    # -- statements outside of sessions ---------------------------------------------------------

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement outside of any session, in the transaction of :meth:`begin` if one is open.

        Args:
            cypher: the statement.
            params: values of its parameters.
            write: ``False`` runs it in a read-only transaction, where the server refuses to write.
        """
        request = Request.raw(cypher, params, write=write)
        if self._transaction is not None:
            return _run(self._transaction.execute(request))
        return _run(_once(self.connect(), request))

    def begin(self) -> None:
        """Begin a transaction for :meth:`execute`.

        Raises:
            RuntimeError: one is open.
        """
        with self._lock:
            if self._transaction is not None:
                raise RuntimeError("a transaction is open already: commit() or rollback() it first")
            self._transaction = self.connect()
            _run(self._transaction.begin())

    def commit(self) -> None:
        """Commit the transaction of :meth:`begin`; without one, do nothing."""
        self._finish(commit=True)

    def rollback(self) -> None:
        """Roll the transaction of :meth:`begin` back; without one, do nothing."""
        self._finish(commit=False)

    def _finish(self, *, commit: bool) -> None:
        with self._lock:
            port, self._transaction = self._transaction, None
        if port is not None:
            try:
                _run(port.commit() if commit else port.rollback())
            finally:
                _run(port.release())

    def sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run SQL outside of any transaction; its parameters are ``$1``, ``$2``, ..."""
        return _run(_sql(self.connect(), text, parameters))

    def run_sql(self, statements: Sequence[str]) -> None:
        """Run SQL statements in one transaction: all of them take effect, or none."""
        _run(_sql_together(self.connect(), statements))

    def ensure_labels(self, stores: Sequence[Store]) -> None:
        """Make the labels and types that are not there; tables inherit from those of the bases."""
        _run(_ensure(self.connect(), stores))

    def delete_graph(self) -> None:
        """Drop the graph with everything in it. An absent one is left absent."""
        _run(_delete_graph(self.connect()))

    def close(self) -> None:
        """Close the connections. A second call does nothing."""
        self.rollback()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncAGEDriver(_Driver):
    """The async driver of one graph; every event loop has connections of its own.

    Args:
        conn: a ``psycopg.AsyncConnection`` or a ``psycopg_pool.AsyncConnectionPool``; see :class:`AGEDriver`.
        graph_name: name of the graph.
    """

    def __init__(self, conn: Any, graph_name: str) -> None:
        self._options = options_of_connection(conn, graph_name)
        self._pool = AdoptedAsyncPool(conn, self._options)
        self._setup()

    def _setup(self) -> None:
        self._shared = Shared(self._options)

    @classmethod
    def open(cls, options: Options) -> Self:
        """A driver with a pool of its own."""
        driver = cls.__new__(cls)
        driver._options = options
        driver._pool = AsyncLinkPool(options)
        driver._setup()
        return driver

    async def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """See :meth:`AGEDriver.execute`."""
        return await _once(self.connect(), Request.raw(cypher, params, write=write))

    async def sql(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """See :meth:`AGEDriver.sql`."""
        return await _sql(self.connect(), text, parameters)

    async def delete_graph(self) -> None:
        """See :meth:`AGEDriver.delete_graph`."""
        await _delete_graph(self.connect())

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


async def _once(port: AGEPort, request: Request) -> QueryResult:
    try:
        return await port.execute(request)
    finally:
        await port.release()


async def _sql(port: AGEPort, text: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    try:
        return await port.sql(text, parameters)
    finally:
        await port.release()


async def _sql_together(port: AGEPort, statements: Sequence[str]) -> None:
    try:
        await port.begin()
        for text in statements:
            await port.sql(text)
        await port.commit()
    finally:
        await port.release()


async def _ensure(port: AGEPort, stores: Sequence[Store]) -> None:
    try:
        await port.ensure(stores)
    finally:
        await port.release()


async def _delete_graph(port: AGEPort) -> None:
    try:
        await port.drop_graph()
    finally:
        await port.release()


def _run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the blocking colour, which never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise AssertionError("a blocking connection suspended")


def create_age_driver(
    host: str | None = None,
    port: int | str | None = None,
    database: str | None = None,
    graph: str = "graph",
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> AGEDriver:
    """Make a blocking driver.

    Args:
        host: the server; a folder for a unix socket; several with commas between.
        port: its port.
        database: the database.
        graph: name of the graph; it is made if it is not there.
        username: the user.
        password: its password.
        **options: any other of :class:`~.options.Options`, and of libpq's parameters.

    Example:
        >>> driver = create_age_driver("localhost", 5432, "postgres", "g", "postgres")  # doctest: +SKIP
        >>> driver.close()  # doctest: +SKIP
    """
    given = {"host": host, "port": port, "database": database, "username": username, "password": password}
    return AGEDriver.open(Options.of(graph=graph, **given, **options))


def create_async_age_driver(
    host: str | None = None,
    port: int | str | None = None,
    database: str | None = None,
    graph: str = "graph",
    username: str | None = None,
    password: str | None = None,
    **options: Any,
) -> AsyncAGEDriver:
    """Make an async driver, of the same options as :func:`create_age_driver`."""
    given = {"host": host, "port": port, "database": database, "username": username, "password": password}
    return AsyncAGEDriver.open(Options.of(graph=graph, **given, **options))
