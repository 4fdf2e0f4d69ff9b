"""The port: one transaction at a time on one connection, written once for both colours."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import DriverError, ForkedSessionError, QueryError, ServerError

from .errors import broken, is_refused, is_stale, mapped
from .values import checked, plain_rows

if TYPE_CHECKING:
    from .dialect import BoltDialect
    from .links import Link

__all__ = ["BoltPort", "Source"]

_COUNTERS = (
    "nodes_created",
    "nodes_deleted",
    "relationships_created",
    "relationships_deleted",
    "properties_set",
    "labels_added",
    "labels_removed",
    "indexes_added",
    "indexes_removed",
    "constraints_added",
    "constraints_removed",
)
_ATTEMPTS = 3


class Source(Protocol):
    """What a port needs of its driver."""

    @property
    def dialect(self) -> BoltDialect:
        """The backend's."""
        ...

    @property
    def address(self) -> str:
        """Where the server is, without credentials."""
        ...

    @property
    def identity(self) -> str:
        """Who it logs in as, for messages; nothing secret."""
        ...

    @property
    def timeout(self) -> float | None:
        """Longest time of a transaction, in seconds."""
        ...

    def link(self, *, read_only: bool) -> Link:
        """A new session of the client. Nothing is sent yet."""
        ...

    async def language(self) -> str:
        """What stands before statements of runic's own; asks the server once."""
        ...

    async def renew(self, refusal: Any) -> bool:
        """Fetch other credentials, if there is who gives them: the server refused those of a log-in."""
        ...


class BoltPort:
    """A connection of a driver's pool, held from :meth:`begin` to :meth:`release`.

    Outside of a transaction every statement is one of its own, and is committed at its end: never an
    auto-commit statement, whose lost reply the client would take for nothing done (Neo4j 5.26, 2026.08).
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._dialect = source.dialect
        self._link: Link | None = None
        self._read_only = False
        self._ran = False
        self._wrote = False
        self._limit: float | None = None
        self._prefix = ""
        self._pid = os.getpid()

    # -- transactions ---------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Whether one is open."""
        return self._link is not None

    async def begin(self, *, read_only: bool = False) -> None:
        """Open a transaction.

        Args:
            read_only: the server refuses writes in it, and a cluster may run it on any member.

        Raises:
            ConnectionLostError: there is no connection. Nothing was sent.
            PoolTimeout: none became free in time.
        """
        self._check_process()
        await self._open(read_only=read_only)

    async def _open(self, *, read_only: bool, limit: float | None = None) -> None:
        limit = self._source.timeout if limit is None else limit
        self._read_only, self._ran, self._wrote, self._limit = read_only, False, False, limit
        for attempt in range(1, _ATTEMPTS + 1):
            link: Link | None = None
            try:
                if self._dialect.language is not None:
                    self._prefix = await self._source.language()
                link = self._source.link(read_only=read_only)
                await link.begin(limit)
            except Exception as error:
                if link is not None:
                    await link.kill()
                if not broken(error):
                    raise
                if attempt < _ATTEMPTS and (is_stale(error) or await self._renewed(error)):
                    continue
                raise self._error(error, None) from error
            except BaseException:
                if link is not None:
                    await link.kill()
                raise
            self._link = link
            return

    async def _renewed(self, native: Any) -> bool:
        """Whether the server refused the credentials and there are fresh ones."""
        return is_refused(native) and (native.is_retryable() or await self._source.renew(native))

    async def commit(self) -> None:
        """Commit the transaction.

        Raises:
            ConnectionLostError: with ``maybe_applied`` when the server's answer was lost.
        """
        self._check_process()
        link = self._link
        if link is None:
            return
        try:
            await link.commit()
            self._link = None
            await link.close()
        except Exception as error:
            self._link = None
            await link.kill()
            if not broken(error):
                raise
            raise self._error(error, None, commit=True) from error
        except BaseException:
            self._link = None
            await link.kill()
            raise

    async def rollback(self) -> None:
        """Roll the transaction back. A connection that is gone has done so already."""
        self._check_process()
        link, self._link = self._link, None
        if link is None:
            return
        try:
            await link.rollback()
            await link.close()
        except Exception as error:  # whatever it is, the server forgets the transaction
            await link.kill()
            if not broken(error):
                raise
        except BaseException:
            await link.kill()
            raise

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back; an open transaction is rolled back, or dropped with the connection."""
        link, self._link = self._link, None
        if link is None or self._pid != os.getpid():
            return
        if discard:
            await link.kill()
            return
        try:
            await link.close()
        except Exception:  # noqa: BLE001  # never raises
            await link.kill()

    # -- statements -----------------------------------------------------------------------------

    async def execute(self, request: Request) -> QueryResult:
        """See :meth:`runic.orm.driver.port.Port.execute`.

        Raises:
            ConnectionLostError: no connection, or it broke; ``maybe_applied`` tells.
            ConstraintViolation: a constraint refused the write.
            TransientConflictError: another transaction was in the way.
            QueryTimeout: the limit was reached.
            ServerError: any other error of the server.
        """
        self._check_process()
        parameters = self._parameters(request)
        if self._link is not None:
            return await self._in_transaction(request, parameters)
        if self._dialect.auto_commit is not None and self._dialect.auto_commit.match(request.text):
            return await self._alone(request, parameters)
        await self._open(read_only=not request.write, limit=request.timeout)
        try:
            result = await self._in_transaction(request, parameters)
            await self.commit()
        except DriverError:
            await self.rollback()
            raise
        except BaseException:
            await self.release(discard=True)
            raise
        return result

    async def _in_transaction(self, request: Request, parameters: Any) -> QueryResult:
        self._check_read(request)
        for attempt in (1, 2):
            link = self._link
            assert link is not None
            try:
                reply = await link.run(self._text(request), parameters)
            except Exception as error:
                if not broken(error):
                    raise
                if attempt == 1 and not self._ran and is_stale(error):
                    # The connection had died in the pool, or at the first statement: nothing of this
                    # transaction is anywhere.
                    await link.kill()
                    self._link = None
                    await self._open(read_only=self._read_only, limit=self._limit)
                    continue
                raise self._error(error, request.text) from error
            self._ran = True
            self._wrote = self._wrote or request.write
            return self._result(request, reply)
        raise AssertionError("unreachable")

    async def _alone(self, request: Request, parameters: Any) -> QueryResult:
        """Outside of a transaction: for what the server does not take in one."""
        link = self._source.link(read_only=not request.write)
        try:
            reply = await link.run(self._text(request), parameters)
            await link.close()
        except Exception as error:
            await link.kill()
            if not broken(error):
                raise
            self._wrote = request.write
            raise self._error(error, request.text, auto_commit=True) from error
        except BaseException:
            await link.kill()
            raise
        return self._result(request, reply)

    async def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions of ``page``; the server keeps the rest."""
        self._check_process()
        parameters = self._parameters(request)
        own = self._link is None
        if own:
            await self._open(read_only=not request.write, limit=request.timeout)
        self._check_read(request)
        link = self._link
        assert link is not None
        cursor: Any = None
        try:
            cursor = await link.open(self._text(request), parameters)
            self._ran = True
            while rows := await link.fetch(cursor, page):
                yield _unpacked(rows) if request.packed else rows if request.raw_cells else plain_rows(rows)
            if own:
                await self.commit()
        except Exception as error:
            cursor = None
            if not broken(error):
                raise
            raise self._error(error, request.text) from error
        finally:
            if own:
                await self.release(discard=cursor is None)
            elif cursor is not None and self._link is link:
                await self._finish(link, cursor, request)

    async def _finish(self, link: Link, cursor: Any, request: Request) -> None:
        try:
            await link.finish(cursor)
        except Exception as error:
            if not broken(error):
                raise
            raise self._error(error, request.text) from error

    # -- both -----------------------------------------------------------------------------------

    def _parameters(self, request: Request) -> Mapping[str, Any]:
        """The parameters as the client may have them; the mapper's own are checked already."""
        if request.raw_cells:
            return request.parameters
        return checked(request.text, request.parameters, self._dialect.name)

    def _text(self, request: Request) -> str:
        return self._prefix + request.text if request.raw_cells and self._prefix else request.text

    def _result(self, request: Request, reply: tuple[tuple[str, ...], list[list[Any]], Any]) -> QueryResult:
        columns, rows, summary = reply
        if request.packed:
            return QueryResult(_unpacked(rows), columns, raw=summary)
        if request.raw_cells:
            return QueryResult(rows, columns, raw=summary)
        if not request.write and not self._read_only and summary.query_type not in ("r", None):
            # The server could not know: the transaction as a whole may write.
            raise ServerError(
                "the statement changes the database and was sent as a read: pass write=True",
                backend=self._dialect.name,
                statement=request.text,
            )
        counters = summary.counters
        counted = {name: count for name in _COUNTERS if (count := getattr(counters, name, 0))}
        return QueryResult(plain_rows(rows), columns, counted, summary)

    def _check_read(self, request: Request) -> None:
        dialect = self._dialect
        if dialect.enforces_read or dialect.writes is None or request.raw_cells:
            return
        if (self._read_only or not request.write) and dialect.writes(request.text):
            raise QueryError(
                "the statement would change the database and was sent as a read: pass write=True",
                backend=dialect.name,
                statement=request.text,
            )

    def _error(
        self, native: BaseException, statement: str | None, *, commit: bool = False, auto_commit: bool = False
    ) -> DriverError:
        return mapped(
            native,
            self._dialect,
            statement="COMMIT" if commit else statement,
            wrote=self._wrote,
            auto_commit=auto_commit,
            committing=commit,
            address=self._source.address,
            identity=self._source.identity,
        )

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise ForkedSessionError(
                "this session was opened in another process; open one in this process",
                backend=self._dialect.name,
            )


def _unpacked(records: list[list[Any]]) -> list[list[Any]]:
    """The rows of records that are pages of them."""
    return [row for (page,) in records for row in page]
