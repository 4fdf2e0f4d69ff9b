"""The drivers: a pool of connections to one database that speaks Bolt."""

from __future__ import annotations

import os
import threading
from collections.abc import Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import WeakKeyDictionary

from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import DriverError, UnsupportedByBackendError

from .bookmarks import AsyncBookmarkStore, Bookmarks, BookmarkStore, checked_bookmarks
from .credentials import client_auth, identity
from .errors import broken, mapped
from .links import AsyncLink, BlockingLink
from .options import Options
from .port import BoltPort
from .sockets import Opener, close_client, no_abandoned_socket

if TYPE_CHECKING:
    from types import TracebackType

    from .dialect import BoltDialect

__all__ = ["AsyncBoltDriver", "BoltDriver"]


class _Driver:
    """What both colours share."""

    _options: Options
    _dialect: BoltDialect
    _closed: bool
    _prefix: str | None
    _bookmarks: Bookmarks
    _manager: Any

    def _setup(self, options: Options, dialect: BoltDialect) -> None:
        self._options, self._dialect = options, dialect
        self._closed = False
        self._manager = None
        self._prefix = "" if dialect.language is None else None
        if options.bookmarks and not dialect.bookmarks:
            raise UnsupportedByBackendError(dialect.name, "bookmarks")
        self._bookmarks = Bookmarks(options.bookmarks)

    @property
    def dialect(self) -> BoltDialect:
        """How to talk to this server."""
        return self._dialect

    @property
    def options(self) -> Options:
        """What the driver was told."""
        return self._options

    @property
    def database(self) -> str | None:
        """Name of the database; ``None``: the user's home database."""
        return self._options.database

    @property
    def address(self) -> str:
        """Where the server is, without credentials."""
        return self._options.address

    @property
    def timeout(self) -> float | None:
        """Longest time of a transaction, in seconds."""
        return self._options.timeout

    @property
    def identity(self) -> str:
        """Who it logs in as, for messages; nothing secret."""
        return identity(self._options)

    @property
    def bookmarks(self) -> tuple[str, ...]:
        """What names the commits of this driver, and those that it was told: texts to hand to another.

        A transaction of a driver that knows them sees what those commits wrote, on every member of a
        cluster. Empty where the database has no bookmarks.

        Example:
            >>> other = create_driver(url, bookmarks=driver.bookmarks)  # doctest: +SKIP
        """
        return self._bookmarks.values()

    def add_bookmarks(self, bookmarks: Iterable[str]) -> None:
        """Let every later transaction of this driver wait for commits of another one.

        Args:
            bookmarks: ``bookmarks`` of the other driver, of another process maybe.

        Raises:
            UnsupportedByBackendError: the database has no bookmarks.

        Example:
            >>> driver.add_bookmarks(request.headers["x-bookmarks"].split(","))  # doctest: +SKIP
        """
        if not self._dialect.bookmarks:
            raise UnsupportedByBackendError(self._dialect.name, "bookmarks")
        self._bookmarks.add(checked_bookmarks(bookmarks))

    def _client_settings(self, *, asynchronous: bool) -> dict[str, Any]:
        auth = client_auth(self._options, asynchronous=asynchronous)
        self._manager = auth if hasattr(auth, "handle_security_exception") else None
        settings = {"auth": auth, **self._options.client_config()}
        if self._dialect.silence:
            settings["notifications_min_severity"] = "OFF"
        return settings

    def _session_settings(self, store: object, *, read_only: bool) -> dict[str, Any]:
        import neo4j

        settings: dict[str, Any] = {
            "default_access_mode": neo4j.READ_ACCESS if read_only else neo4j.WRITE_ACCESS,
            "fetch_size": self._options.fetch_size,
        }
        if self._options.database is not None:
            settings["database"] = self._options.database
        if self._options.impersonate is not None:
            settings["impersonated_user"] = self._options.impersonate
        if self._dialect.bookmarks:
            settings["bookmark_manager"] = store
        return settings

    def _learn(self, info: Any) -> str:
        assert self._dialect.language is not None
        self._prefix = self._dialect.language(str(info.agent))
        return self._prefix

    def _refuse_closed(self) -> None:
        if self._closed:
            raise DriverError(f"{self!r} is closed", backend=self._dialect.name)

    def __repr__(self) -> str:
        state = " closed" if self._closed else ""
        database = self._options.database or "default"
        return f"<{type(self).__name__} {self._dialect.name} database={database!r} at {self.address}{state}>"


class BoltDriver(_Driver):
    """A blocking, thread-safe driver of one database.

    Sessions and threads share its pool of connections; each session has a transaction of its own. A
    later transaction sees what an earlier one of this driver committed, on every member of a cluster.

    Args:
        uri: ``bolt://``, ``bolt+s://``, ``bolt+ssc://``, ``neo4j://``, ``neo4j+s://`` or
            ``neo4j+ssc://``, host and port.
        auth: a pair of user name and password, an ``Auth`` of the neo4j client, or ``None``.
        database: name of the database; ``None``: the user's home database.
        dialect: the backend's Cypher.
        encrypted: TLS, for the schemes that do not say it themselves.
        **options: any other of :class:`~.options.Options`.

    Example:
        >>> driver = BoltDriver("bolt://localhost:7687", ("neo4j", "secret"), None, dialect)  # doctest: +SKIP
        >>> driver.begin()                                                                  # doctest: +SKIP
        >>> driver.execute("CREATE (p:Person {name: $name})", {"name": "Ada"})              # doctest: +SKIP
        >>> driver.commit()                                                                 # doctest: +SKIP
    """

    def __init__(
        self,
        uri: str,
        auth: Any,
        database: str | None,
        dialect: BoltDialect,
        *,
        encrypted: bool = True,
        **options: Any,
    ) -> None:
        self._setup(Options(uri=uri, auth=auth, database=database, encrypted=encrypted, **options), dialect)

    def _setup(self, options: Options, dialect: BoltDialect) -> None:
        super()._setup(options, dialect)
        self._lock = threading.Lock()
        self._client: tuple[int, Any] | None = None
        self._transaction: BoltPort | None = None

    @classmethod
    def open(cls, options: Options, dialect: BoltDialect) -> Self:
        """A driver of ``options``. It connects at first use."""
        driver = cls.__new__(cls)
        driver._setup(options, dialect)
        return driver

    @property
    def client(self) -> Any:
        """The neo4j client's own driver, made at first use; a forked process gets one of its own."""
        known = self._client
        if known is not None and known[0] == os.getpid():
            return known[1]
        with self._lock:
            known = self._client
            if known is None or known[0] != os.getpid():
                self._refuse_closed()
                import neo4j

                graphs: Any = neo4j.GraphDatabase
                client = graphs.driver(self._options.client_uri, **self._client_settings(asynchronous=False))
                Opener.install(client, self._options.connect_timeout)
                known = self._client = (os.getpid(), client)
            return known[1]

    def link(self, *, read_only: bool) -> BlockingLink:
        """A session of the client; nothing is sent yet."""
        return BlockingLink(
            self.client.session(**self._session_settings(BookmarkStore(self._bookmarks), read_only=read_only))
        )

    async def language(self) -> str:
        """What stands before statements of runic's own; asks the server once."""
        return self._learn(self.client.get_server_info()) if self._prefix is None else self._prefix

    async def renew(self, refusal: Any) -> bool:
        """Fetch other credentials after a log-in was refused: the client does that later only (6.4)."""
        manager = self._manager
        return manager is not None and bool(manager.handle_security_exception(manager.get_auth(), refusal))

    def connect(self) -> BoltPort:
        """A port; it checks a connection out of the pool when its transaction begins."""
        self._refuse_closed()
        return BoltPort(self)

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement: in the transaction that :meth:`begin` opened, else in one of its own.

        Args:
            cypher: the statement.
            params: values of its parameters.
            write: ``False`` sends it as a read: the server refuses to write, and a cluster may run it
                on any member.
        """
        self._refuse_closed()
        port = self._transaction
        request = Request.raw(cypher, params, write=write)
        return _run(self._alone(request) if port is None else port.execute(request))

    async def _alone(self, request: Request) -> QueryResult:
        port = self.connect()
        try:
            return await port.execute(request)
        finally:
            await port.release()

    def begin(self) -> None:
        """Begin a transaction for the following :meth:`execute` calls of this driver.

        Sessions do not take part in it: each has its own.

        Raises:
            RuntimeError: one is open already.
        """
        if self._transaction is not None:
            raise RuntimeError("a transaction of this driver is open already: commit() or rollback() first")
        port = self.connect()
        _run(port.begin())
        self._transaction = port

    def commit(self) -> None:
        """Commit the transaction opened by :meth:`begin`; without one, nothing."""
        port, self._transaction = self._transaction, None
        if port is not None:
            _run(port.commit())

    def rollback(self) -> None:
        """Roll back the transaction opened by :meth:`begin`; without one, nothing."""
        port, self._transaction = self._transaction, None
        if port is not None:
            _run(port.rollback())

    def verify(self) -> None:
        """See that the server answers and takes the credentials.

        Raises:
            ConnectionLostError, AuthError: it does not.
        """
        try:
            self.client.verify_connectivity()
        except Exception as error:
            if not broken(error):
                raise
            raise mapped(error, self._dialect, address=self.address, identity=self.identity) from error

    def close(self) -> None:
        """Roll back what is open and close every connection. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.rollback()
        known, self._client = self._client, None
        if known is not None and known[0] == os.getpid():
            known[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class AsyncBoltDriver(_Driver):
    """The async driver of one database; every event loop has connections of its own.

    Takes the arguments of :class:`BoltDriver`.
    """

    def __init__(
        self,
        uri: str,
        auth: Any,
        database: str | None,
        dialect: BoltDialect,
        *,
        encrypted: bool = True,
        **options: Any,
    ) -> None:
        self._setup(Options(uri=uri, auth=auth, database=database, encrypted=encrypted, **options), dialect)

    def _setup(self, options: Options, dialect: BoltDialect) -> None:
        super()._setup(options, dialect)
        self._clients: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._transaction: BoltPort | None = None

    @classmethod
    def open(cls, options: Options, dialect: BoltDialect) -> Self:
        """A driver of ``options``. It connects at first use."""
        driver = cls.__new__(cls)
        driver._setup(options, dialect)
        return driver

    @property
    def client(self) -> Any:
        """The neo4j client's own driver for the running event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        known = self._clients.get(loop)
        if known is None:
            self._refuse_closed()
            import neo4j

            graphs: Any = neo4j.AsyncGraphDatabase
            known = graphs.driver(self._options.client_uri, **self._client_settings(asynchronous=True))
            Opener.install(known, self._options.connect_timeout)
            self._clients[loop] = known
        return known

    def link(self, *, read_only: bool) -> AsyncLink:
        """A session of the client; nothing is sent yet."""
        return AsyncLink(
            self.client.session(
                **self._session_settings(AsyncBookmarkStore(self._bookmarks), read_only=read_only)
            )
        )

    async def language(self) -> str:
        """What stands before statements of runic's own; asks the server once."""
        if self._prefix is not None:
            return self._prefix
        with no_abandoned_socket():
            return self._learn(await self.client.get_server_info())

    async def renew(self, refusal: Any) -> bool:
        """See :meth:`BoltDriver.renew`."""
        manager = self._manager
        if manager is None:
            return False
        return bool(await manager.handle_security_exception(await manager.get_auth(), refusal))

    def connect(self) -> BoltPort:
        """A port; it checks a connection out of the pool when its transaction begins."""
        self._refuse_closed()
        return BoltPort(self)

    async def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """See :meth:`BoltDriver.execute`."""
        self._refuse_closed()
        request = Request.raw(cypher, params, write=write)
        if self._transaction is not None:
            return await self._transaction.execute(request)
        port = self.connect()
        try:
            return await port.execute(request)
        finally:
            await port.release()

    async def begin(self) -> None:
        """See :meth:`BoltDriver.begin`."""
        if self._transaction is not None:
            raise RuntimeError("a transaction of this driver is open already: commit() or rollback() first")
        port = self._transaction = self.connect()
        try:
            await port.begin()
        except BaseException:
            self._transaction = None
            raise

    async def commit(self) -> None:
        """See :meth:`BoltDriver.commit`."""
        port, self._transaction = self._transaction, None
        if port is not None:
            await port.commit()

    async def rollback(self) -> None:
        """See :meth:`BoltDriver.rollback`."""
        port, self._transaction = self._transaction, None
        if port is not None:
            await port.rollback()

    async def verify(self) -> None:
        """See :meth:`BoltDriver.verify`."""
        try:
            await self.client.verify_connectivity()
        except Exception as error:
            if not broken(error):
                raise
            raise mapped(error, self._dialect, address=self.address, identity=self.identity) from error

    async def aclose(self) -> None:
        """See :meth:`BoltDriver.close`. Connections of other event loops that still run stay theirs."""
        if self._closed:
            return
        self._closed = True
        await self.rollback()
        import asyncio

        known = self._clients.pop(asyncio.get_running_loop(), None)
        if known is not None:
            await close_client(known)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


def _run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the blocking colour, which never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise AssertionError("a blocking connection suspended")
