"""The port: what a session does with a connection, written once for both colours."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import ConnectionLostError, DriverError, ForkedSessionError, SchemaChangedError

from . import errors
from .encoder import encode_statement
from .names import Names, decode_rows, has_entities
from .topology import is_elsewhere
from .wire import NAMES_QUERY, is_absent_graph, query_command, reply_result, version_mismatch

if TYPE_CHECKING:
    from .links import Link
    from .options import Options

__all__ = ["FalkorDBPort", "NameCache", "Pool"]

_GRACE = 1.1
"""The client waits a little longer than the server's own limit, so that the server's answer wins."""

_READ_ATTEMPTS = 6
_VERSION_ATTEMPTS = 3


class Pool(Protocol):
    """A pool of links; the methods of a blocking one never suspend."""

    async def acquire(self) -> Link:
        """Check a link out."""
        ...

    async def release(self, link: Any, *, discard: bool = False) -> None:
        """Give it back."""
        ...

    async def reroute(self) -> None:
        """Look for the graph's node again."""
        ...


class NameCache:
    """The last known names of a graph; shared by the ports of a driver. Replaced, never changed."""

    __slots__ = ("names",)

    def __init__(self) -> None:
        self.names: Names | None = None


class FalkorDBPort:
    """A connection of a driver's pool, checked out at first use and given back by :meth:`release`.

    FalkorDB has no transactions of several statements: every statement is applied whole or not at
    all, and :meth:`begin`, :meth:`commit` and :meth:`rollback` do nothing.
    """

    def __init__(self, pool: Pool, options: Options, cache: NameCache) -> None:
        self._pool = pool
        self._options = options
        self._graph = options.graph.encode()
        self._cache = cache
        self._link: Link | None = None
        self._busy = False
        self._pid = os.getpid()

    @property
    def options(self) -> Options:
        """What the driver was told."""
        return self._options

    async def execute(self, request: Request) -> QueryResult:
        """See :meth:`runic.orm.driver.port.Port.execute`.

        Raises:
            ConnectionLostError: no connection, or it broke; ``maybe_applied`` tells.
            QueryTimeout: the limit was reached.
            ConstraintViolation: a unique or mandatory constraint refused the write.
            SchemaChangedError: the graph was deleted and made anew while nodes came back.
            ServerError: any other error of the server.
        """
        if self._pid != os.getpid():
            raise ForkedSessionError(
                "this session was opened in another process; open one in this process", backend=errors.BACKEND
            )
        payload = encode_statement(request.text, request.parameters)
        try:
            if request.raw_cells:
                return reply_result(self._checked(await self._send(request, payload), request))
            return await self._named(request, payload)
        except ValueError as error:
            # A reply of another form than this one knows: the connection may be out of step.
            await self._drop()
            raise errors.lost(error, request.text, sent=True, write=request.write) from error

    async def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions of ``page``.

        The server has no cursors (4.22): it sends the whole result, which is held here until the
        last portion was taken. For constant memory, page the statement with SKIP and LIMIT.
        """
        rows = (await self.execute(request)).rows
        rows.reverse()
        while rows:
            portion = rows[-page:]
            del rows[-page:]
            portion.reverse()
            yield portion

    async def begin(self, *, read_only: bool = False) -> None:
        """Do nothing: see the class."""

    async def commit(self) -> None:
        """Do nothing: see the class."""

    async def rollback(self) -> None:
        """Do nothing: see the class."""

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back; one whose reply is still due is closed."""
        link, self._link = self._link, None
        if link is not None and self._pid == os.getpid():
            await self._pool.release(link, discard=discard or self._busy)
        self._busy = False

    # -- one command ----------------------------------------------------------------------------

    async def command(
        self, chunks: list[bytes], *, statement: str | None, write: bool, limit: float | None
    ) -> Any:
        """Send one command and return its reply; error replies are returned.

        A connection that fails is closed, and the next command takes a new one. Only a request that
        cannot have arrived whole is sent again, once.
        """
        for attempt in (1, 2):
            try:
                if self._link is None:
                    self._link = await self._pool.acquire()
                self._busy = True
                reply = await self._link.exchange(chunks, limit)
            except Exception as error:
                await self._drop()
                failure = self._failure(error, statement, write=write, limit=limit)
                if failure is None:
                    raise
                if attempt == 1 and isinstance(failure, ConnectionLostError) and _unsent(error):
                    continue
                raise failure from failure.__cause__
            except BaseException:
                await self._drop()
                raise
            self._busy = False
            if attempt == 1 and is_elsewhere(reply):
                # Nothing was carried out; the new node is asked instead.
                await self._drop()
                await self._pool.reroute()
                continue
            return reply
        raise AssertionError("unreachable")

    def _failure(
        self, error: Exception, statement: str | None, *, write: bool, limit: float | None
    ) -> DriverError | None:
        from .links import ConnectFailed, LinkBroken, LinkTimeout

        if isinstance(error, ConnectFailed):
            return errors.connect_failed(error.native, self._options)
        if isinstance(error, LinkTimeout):
            return errors.timed_out(error.native, statement, seconds=limit, write=write and error.sent)
        if isinstance(error, LinkBroken):
            return errors.lost(error.native, statement, sent=error.sent, write=write)
        return None

    async def _drop(self) -> None:
        self._busy = False
        link, self._link = self._link, None
        if link is not None:
            await self._pool.release(link, discard=True)

    # -- one statement --------------------------------------------------------------------------

    async def _send(self, request: Request, payload: bytes, version: int | None = None) -> Any:
        explicit = request.timeout if request.timeout is not None else self._options.timeout
        server_ms = None
        wait = self._options.socket_timeout
        if explicit is not None:
            wait = explicit * _GRACE
            if not request.write:
                server_ms = max(1, int(explicit * 1000))
        chunks = query_command(
            self._graph, payload, write=request.write, timeout_ms=server_ms, version=version
        )
        reply = await self.command(chunks, statement=request.text, write=request.write, limit=wait)
        if not request.write and is_absent_graph(reply):
            # GRAPH.RO_QUERY needs a graph. An empty one answers every read rightly (RETURN 1, count(*)),
            # and keeps the server's own check that the text does not write; every FalkorDB client
            # makes it on first contact.
            await self.make_graph()
            reply = await self.command(chunks, statement=request.text, write=False, limit=wait)
        return reply

    async def make_graph(self) -> None:
        """Make the graph, empty, unless it exists."""
        chunks = query_command(self._graph, b"RETURN 1", write=True)
        reply = await self.command(chunks, statement=None, write=False, limit=self._options.socket_timeout)
        if isinstance(reply, Exception):
            raise errors.server_error(reply, None, write=False)

    def _checked(self, reply: Any, request: Request) -> Any:
        if type(reply) is list:
            parts = cast("list[object]", reply)
            for part in (parts[0], parts[-1]) if parts else ():
                if isinstance(part, Exception):
                    raise errors.server_error(part, request.text, write=request.write)
            return parts
        if isinstance(reply, Exception):
            raise errors.server_error(reply, request.text, write=request.write)
        raise ValueError(f"a reply that is none of a query: {reply!r:.80}")

    # -- statements that may return nodes, edges and paths -----------------------------------------

    async def _named(self, request: Request, payload: bytes) -> QueryResult:
        """Run a statement whose reply may hold entities, and give them their names.

        The compact reply has numbers for labels, types and property names. Their meaning belongs to
        one graph: another client may delete it and make one of the same name. So the statement
        carries the version of the names known here, and the server refuses to run it for another
        one. The version is a hash of the names in the order of their appearance, whether label or
        property (4.22: ``({A: 1}), (:B)`` and ``(:A), ({B: 1})`` have the same), so that is not
        enough: when entities came back, the names are read again, and the known ones must be
        the beginning of them, since names are only ever added to a graph.
        """
        for attempt in range(_READ_ATTEMPTS):
            known = self._cache.names
            # Where others add names all the time, no version holds until the statement arrives: then
            # names that were just read must do.
            if known is None or attempt >= _VERSION_ATTEMPTS:
                known = await self._fetch_names()
            version = known.version if attempt < _VERSION_ATTEMPTS else None
            reply = await self._send(request, payload, version)
            actual = version_mismatch(reply)
            if actual is not None:
                await self._fetch_names(actual)
                continue
            result = reply_result(self._checked(reply, request))
            if not has_entities(result.rows):
                return QueryResult(
                    decode_rows(result.rows, known), result.columns, result.counters, result.raw
                )
            current = await self._fetch_names(known.version)
            if current.extends(known):
                return QueryResult(
                    decode_rows(result.rows, current), result.columns, result.counters, result.raw
                )
            self._cache.names = None
            if request.write:
                break
        raise SchemaChangedError(
            "the graph was deleted and made anew while the statement ran"
            + (": it was applied, but its result cannot be named" if request.write else ", again and again"),
            backend=errors.BACKEND,
            statement=request.text,
        )

    async def _fetch_names(self, version: int = 0) -> Names:
        """The names as they are now.

        Args:
            version: the graph's version as far as it is known. Names may have been added since: then
                the server refuses the next statement and tells the new one.
        """
        chunks = query_command(self._graph, NAMES_QUERY, write=False)
        reply = await self.command(chunks, statement=None, write=False, limit=self._options.socket_timeout)
        rows: list[Any] = []
        if not is_absent_graph(reply):
            if isinstance(reply, Exception):
                raise errors.server_error(reply, None, write=False)
            rows = reply_result(reply).rows
        names = self._cache.names = Names.of(rows, version)
        return names


def _unsent(error: Exception) -> bool:
    return getattr(error, "sent", True) is False
