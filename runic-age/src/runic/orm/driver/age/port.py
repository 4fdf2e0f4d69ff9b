"""The port: what a session does with a connection, written once for both colours."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import THEN, Capability
from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ForkedSessionError,
    MissingParameterError,
    OrmError,
    ServerError,
)

from . import errors, paths
from .agtype import decode_rows, decode_values, encode_checked, encode_trusted
from .dialect import dialect_of
from .labels import LabelBook, ensure_labels
from .setup import graph_exists, prepare_graph, version_of
from .sql import identifier, literal, wrap

if TYPE_CHECKING:
    from runic.orm.driver.port import Store

    from .links import Link
    from .options import Options
    from .pool import Pool
    from .sql import SQLStatement
    from .tokens import Reading

__all__ = ["AGEPort", "Shared"]

logger: logging.Logger = logging.getLogger("runic.age")

_ATTEMPTS = 25
"""Connections of a pool that may all have gone stale, as when the server was started anew."""


class Shared:
    """What the ports of one driver know of the server; only ever added to."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.labels: LabelBook = LabelBook()
        self.version: tuple[int, ...] = ()

    def with_options(self, options: Options) -> Shared:
        """The same for other options of the same server."""
        other = Shared(options)
        other.labels, other.version = self.labels, self.version
        return other


class AGEPort:
    """A connection of a driver's pool, checked out at first use and given back by :meth:`release`.

    A transaction begins with the first statement after :meth:`begin`, so that a session that only
    looks at what it has costs nothing.
    """

    def __init__(self, pool: Pool, shared: Shared) -> None:
        self._pool = pool
        self._shared = shared
        self._options = shared.options
        self._link: Link | None = None
        self._wanted = False
        self._begun = False
        self._read_only = False
        self._wrote = self._walked = False
        self._pid = os.getpid()

    # -- transactions ---------------------------------------------------------------------------

    async def begin(self, *, read_only: bool = False) -> None:
        """Open a transaction with the next statement."""
        self._wanted, self._read_only = True, read_only

    async def commit(self) -> None:
        """Commit it. Without an open transaction: nothing.

        Raises:
            ConnectionLostError: the connection broke; ``maybe_applied`` is true then.
            TransientConflictError: another transaction was in the way (serializable).
        """
        begun, self._wanted, self._begun = self._begun, False, False
        if not begun or self._link is None:
            return
        try:
            await self._link.fetch("COMMIT")
            await self._written(self._link)
        except Exception as error:
            failure = self._failure(error, "COMMIT", write=True)
            if isinstance(failure, ConnectionLostError):
                failure.maybe_applied = not self._read_only
                failure.retryable = self._read_only
            raise failure from error

    async def rollback(self) -> None:
        """Roll it back. Without an open transaction: nothing."""
        begun, self._wanted, self._begun = self._begun, False, False
        if begun and self._link is not None:
            try:
                await self._link.fetch("ROLLBACK")
            except Exception as error:
                raise self._failure(error, "ROLLBACK", write=False) from error

    async def savepoint(self, name: str) -> None:
        """Make a savepoint in the open transaction.

        Raises:
            ConnectionLostError: the connection broke: the transaction is gone.
        """
        await self._ready()
        await self._mark(f"SAVEPOINT {identifier(name)}")

    async def rollback_to(self, name: str) -> None:
        """Take back what was done since the savepoint, also after an error. It stays."""
        await self._mark(f"ROLLBACK TO SAVEPOINT {identifier(name)}")
        if self._remembers_too_much:
            await self._mark(paths.forget(self._options.graph))

    async def release_savepoint(self, name: str) -> None:
        """Forget the savepoint, and those made after it."""
        await self._mark(f"RELEASE SAVEPOINT {identifier(name)}")

    async def _mark(self, text: str) -> None:
        assert self._link is not None
        try:
            await self._link.fetch(text)
        except Exception as error:
            raise self._failure(error, text, write=False) from error

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back, in the state in which every connection of the pool is."""
        link, self._link = self._link, None
        self._wanted = self._begun = False
        if link is None or self._pid != os.getpid():
            return
        try:
            if not discard and link.in_transaction:
                await link.fetch("ROLLBACK")
            if not discard and self._remembers_too_much:
                await link.fetch(paths.forget(self._options.graph))
        except Exception:  # noqa: BLE001  # the connection is no good: it is closed below
            discard = True
        self._wrote = self._walked = False
        await self._pool.release(link, discard=discard or link.broken)

    async def _written(self, link: Link) -> None:
        """What was written is committed: other connections look at the graph again."""
        wrote, self._wrote = self._wrote, False
        if wrote and paths.are_remembered(self._shared.version):
            try:
                await link.fetch(paths.tell(self._options.graph))
            except Exception as error:  # noqa: BLE001  # no error undoes a commit
                logger.warning("others may not see the last commit in paths of variable length: %s", error)

    @property
    def _remembers_too_much(self) -> bool:
        """Whether the connection may remember a graph with what was taken back, or as it was long ago."""
        level = self._options.isolation_level
        early = level is not None and level.lower() != "read committed"
        return self._walked and (self._wrote or early) and paths.are_remembered(self._shared.version)

    # -- statements -----------------------------------------------------------------------------

    async def execute(self, request: Request) -> QueryResult:
        """See :meth:`runic.orm.driver.port.Port.execute`.

        Raises:
            ConstraintViolation: a unique index or a check refused the write.
            TransientConflictError: another transaction was in the way.
            QueryTimeout: the limit was reached.
            ConnectionLostError: no connection, or it broke.
            ServerError: any other error of the server.
        """
        if request.raw_cells and THEN in request.text:
            return await self._one_after_another(request)
        statement, payload = self._prepared(request)
        sql, reading = statement.sql, statement.reading
        link = await self._ready()
        self._refuse_on_old(request, reading)
        if request.stores:
            await self.ensure(request.stores)
        guarded = not request.write and not request.raw_cells and not self._read_only
        self._wrote, self._walked = self._wrote or reading.writes, self._walked or reading.walks
        try:
            if request.timeout is not None:
                await self._limit(link, request.timeout)
            if guarded:
                rows = await self._guarded(link, sql, payload)
            elif request.lookup:
                rows = await link.lookup(sql, payload)
            else:
                rows = await link.fetch(sql, (payload,))
        except Exception as error:
            failure = self._failure(error, request.text, write=request.write)
            # In a transaction, its end takes the limit back.
            if request.timeout is not None and not self._begun and not link.broken:
                await self._limit(link, self._options.timeout)
            raise failure from error
        if request.timeout is not None:
            await self._limit(link, self._options.timeout)
        if not self._begun:
            await self._written(link)
        if reading.explains:
            return QueryResult([list(row) for row in rows], ("plan",), raw=rows)
        columns = request.columns or reading.columns
        if not columns:
            return QueryResult([], ())
        decoded = decode_rows(rows) if request.raw_cells else decode_values(rows)
        return QueryResult(decoded, columns, raw=rows)

    async def _one_after_another(self, request: Request) -> QueryResult:
        """Two statements: the second for the rows of which the first returned nothing."""
        first, second = request.text.split(THEN)
        result = await self.execute(replace(request, text=first))
        done = {row[0] for row in result.rows}
        rows = [row for row in request.parameters["rows"] if row[0] not in done]
        if not rows:
            return result
        rest = await self.execute(replace(request, text=second, parameters={"rows": rows}, stores=()))
        return QueryResult([*result.rows, *rest.rows], result.columns)

    async def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions of ``page``, from a cursor of the server, in constant memory."""
        statement, payload = self._prepared(request)
        sql = statement.sql
        self._walked = self._walked or statement.reading.walks
        if not self._wanted:
            await self.begin(read_only=True)
        link = await self._ready()
        self._refuse_on_old(request, statement.reading)
        # Before 1.8 there are no cursors over cypher() (1.5). Sessions know, and page, but for the first one.
        portions = _whole(link, sql, payload, page) if self._is_old else link.portions(sql, (payload,), page)
        decode = decode_rows if request.raw_cells else decode_values
        try:
            async for rows in portions:
                yield decode(rows)
        except OrmError:
            raise
        except Exception as error:
            raise self._failure(error, request.text, write=request.write) from error
        finally:
            await portions.aclose()

    def _prepared(self, request: Request) -> tuple[SQLStatement, str]:
        if self._pid != os.getpid():
            raise ForkedSessionError(
                "this session was opened in another process; open one in this process", backend=errors.BACKEND
            )
        statement = wrap(self._options.graph, request.text, request.raw_cells)
        absent = statement.reading.parameters - request.parameters.keys()
        if absent:
            # The server would take them for null (AGE 1.8).
            raise MissingParameterError(
                f"the statement names parameters without a value: {', '.join(sorted(absent))}",
                backend=errors.BACKEND,
                statement=request.text,
            )
        encode = encode_trusted if request.raw_cells else encode_checked
        return statement, encode(request.parameters)

    @property
    def _is_old(self) -> bool:
        return bool(self._shared.version) and self._shared.version < (1, 8)

    def _refuse_on_old(self, request: Request, reading: Reading) -> None:
        """Refuse what servers before 1.8 would misunderstand."""
        if not self._is_old:
            return
        if reading.asks:
            # Who compiled it may not have known the version yet.
            dialect_of(self._shared.version).require(Capability.EXISTS_SUBQUERY)
        # AGE lets SET and DELETE through a read-only transaction before 1.8, and they are committed.
        if (self._read_only or not request.write) and reading.writes:
            raise ServerError(
                "the statement would change the graph in a read-only transaction: execute() without"
                " write=True, or read_only=True",
                backend=errors.BACKEND,
                statement=request.text,
            )

    async def _guarded(self, link: Link, sql: str, payload: str) -> list[tuple[Any, ...]]:
        """A read that the server refuses if it writes, whatever the transaction around it may do."""
        if not self._begun:
            await link.fetch("BEGIN READ ONLY")
            try:
                return await link.fetch(sql, (payload,))
            finally:
                if not link.broken:
                    await link.fetch("ROLLBACK")
        await link.fetch("SAVEPOINT runic_read")
        await link.fetch("SET LOCAL transaction_read_only = on")
        rows = await link.fetch(sql, (payload,))
        # The end of the savepoint restores what the transaction may do (PostgreSQL).
        await link.fetch("RELEASE SAVEPOINT runic_read")
        return rows

    async def _limit(self, link: Link, seconds: float | None) -> None:
        milliseconds = 0 if seconds is None else max(1, round(seconds * 1000))
        await link.fetch(f"SET {'LOCAL ' if self._begun else ''}statement_timeout = {milliseconds}")

    # -- the connection -------------------------------------------------------------------------

    async def _ready(self) -> Link:
        """The connection, in a transaction if one was asked for."""
        if self._link is not None and (self._begun or not self._wanted):
            return self._link
        for attempt in range(_ATTEMPTS):
            link = self._link
            if link is None:
                link = self._link = await self._pool.acquire()
            try:
                if not self._shared.version:
                    await self._first(link)
                if self._wanted and not self._begun:
                    await link.fetch(self._begin_text())
                    self._begun = True
            except Exception as error:
                if link.broken and attempt + 1 < _ATTEMPTS:
                    # It went stale in the pool; nothing of the unit was sent over it.
                    await self._drop()
                    continue
                failure = self._failure(error, "BEGIN", write=False)
                await self._drop()
                raise failure from error
            return link
        raise AssertionError("unreachable")

    def _begin_text(self) -> str:
        level = self._options.isolation_level
        isolation = f" ISOLATION LEVEL {level.upper()}" if level else ""
        return f"BEGIN{isolation}{' READ ONLY' if self._read_only else ''}"

    async def _first(self, link: Link) -> None:
        await prepare_graph(link, self._options)
        self._shared.version = await version_of(link)

    async def _drop(self) -> None:
        link, self._link, self._begun = self._link, None, False
        if link is not None:
            await self._pool.release(link, discard=True)

    async def sql(self, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run SQL on this connection."""
        link = await self._ready()
        try:
            return await link.fetch(text, parameters)
        except Exception as error:
            raise self._failure(error, text, write=True) from error

    async def drop_graph(self) -> None:
        """Drop the graph, if it is there."""
        name = self._options.graph
        link = self._link = await self._pool.acquire()
        try:
            if await graph_exists(link, name):
                await link.fetch(f"SELECT ag_catalog.drop_graph({literal(name)}, true)")
        except Exception as error:
            raise self._failure(error, "drop_graph", write=True) from error
        self._shared.labels.forget()
        self._shared.version = ()

    async def ensure(self, stores: Sequence[Store]) -> None:
        """Make the labels and types that are not there."""
        missing = self._shared.labels.missing(stores)
        if not missing:
            return
        await self._ready()
        try:
            link = await self._pool.extra()
            if link is None:
                await self._ensure_here(missing)
                return
            try:
                await ensure_labels(link, self._options.graph, missing, indexed=not self._is_old)
            except Exception as error:
                if link.broken and not isinstance(error, OrmError):
                    # A label that was made is no harm: nothing of the statement was sent.
                    raise errors.of_native(error, "CREATE", broken=True) from error
                raise
            finally:
                await link.close()
        except Exception as error:
            failure = self._failure(error, "CREATE", write=True)
            if isinstance(failure, AuthError):
                names = [store.name for store in missing]
                failure.args = (errors.tables_wanted(names, self._options.graph, str(failure)),)
            raise failure from error
        self._shared.labels.add(missing)

    async def _ensure_here(self, missing: list[Any]) -> None:
        """On the only connection there is, as part of its transaction."""
        from .labels import make_labels

        assert self._link is not None
        await make_labels(self._link, self._options.graph, missing, indexed=not self._is_old)

    def _failure(self, error: Exception, statement: str, *, write: bool) -> OrmError:
        if isinstance(error, OrmError):
            return error
        broken = self._link is not None and self._link.broken
        failure = errors.of_native(error, statement, broken=broken)
        if isinstance(failure, ConnectionLostError) and write and not self._begun:
            failure.maybe_applied, failure.retryable = True, False
        return failure


async def _whole(link: Link, sql: str, payload: str, page: int) -> AsyncGenerator[list[tuple[Any, ...]]]:
    rows = await link.fetch(sql, (payload,))
    for start in range(0, len(rows), page):
        yield rows[start : start + page]
