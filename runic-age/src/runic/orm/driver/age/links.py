"""Connections as the port uses them: both colours behind one set of coroutines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from .prepared import run_prepared

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .prepared import Names

__all__ = ["AsyncLink", "BlockingLink", "Link"]

type Rows = list[tuple[Any, ...]]


class Link(Protocol):
    """A connection in autocommit mode. The methods of a blocking one never suspend."""

    connection: Any

    async def fetch(self, sql: str, parameters: Sequence[Any] = (), *, prepare: bool | None = False) -> Rows:
        """Run one statement and return its rows; none if it returns none.

        Args:
            sql: the statement.
            parameters: values of ``$1`` and so on.
            prepare: ``None`` leaves it to psycopg whether the server keeps the statement.
        """
        ...

    async def lookup(self, sql: str, parameter: str) -> Rows:
        """The same for a statement of one parameter that is sent again and again.

        The server keeps its plan, and makes it anew when labels come and go (AGE 1.5, 1.8).
        """
        ...

    def portions(self, sql: str, parameters: Sequence[Any], page: int) -> AsyncGenerator[Rows]:
        """The rows in portions, from a cursor of the server."""
        ...

    @property
    def broken(self) -> bool:
        """Whether the connection is of no more use."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, or was broken by an error."""
        ...

    async def close(self) -> None:
        """Close the connection. Never raises."""
        ...


class _Link:
    def __init__(self, connection: Any, names: Names | None = None) -> None:
        self.connection = connection
        self._names = names

    @property
    def broken(self) -> bool:
        """See :class:`Link`."""
        return bool(self.connection.closed) or bool(self.connection.broken)

    @property
    def in_transaction(self) -> bool:
        """See :class:`Link`."""
        return int(self.connection.info.transaction_status) in (2, 3)  # INTRANS, INERROR


class BlockingLink(_Link):
    """A ``psycopg.Connection``.

    Args:
        connection: it.
        names: what was prepared on it; ``None``: nothing is to be.
    """

    async def fetch(self, sql: str, parameters: Sequence[Any] = (), *, prepare: bool | None = False) -> Rows:
        """See :class:`Link`."""
        from psycopg import RawCursor

        with RawCursor(self.connection) as cursor:
            cursor.execute(sql.encode(), parameters or None, prepare=prepare)
            return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []

    async def lookup(self, sql: str, parameter: str) -> Rows:
        """See :class:`Link`."""
        if self._names is None:
            return await self.fetch(sql, (parameter,), prepare=None)
        with self.connection.lock:
            return cast(
                "Rows", self.connection.wait(run_prepared(self.connection, self._names, sql, parameter))
            )

    async def portions(self, sql: str, parameters: Sequence[Any], page: int) -> AsyncGenerator[Rows]:
        """See :class:`Link`."""
        from psycopg import RawServerCursor

        with RawServerCursor(self.connection, "runic_stream") as cursor:
            cursor.execute(sql.encode(), parameters)
            while rows := cursor.fetchmany(page):
                yield rows

    async def close(self) -> None:
        """See :class:`Link`."""
        self.connection.close()


class AsyncLink(_Link):
    """A ``psycopg.AsyncConnection``; see :class:`BlockingLink`."""

    async def fetch(self, sql: str, parameters: Sequence[Any] = (), *, prepare: bool | None = False) -> Rows:
        """See :class:`Link`."""
        from psycopg import AsyncRawCursor

        async with AsyncRawCursor(self.connection) as cursor:
            await cursor.execute(sql.encode(), parameters or None, prepare=prepare)
            return (
                cast("Rows", await cursor.fetchall()) if cursor.pgresult and cursor.pgresult.nfields else []
            )

    async def lookup(self, sql: str, parameter: str) -> Rows:
        """See :class:`Link`."""
        if self._names is None:
            return await self.fetch(sql, (parameter,), prepare=None)
        async with self.connection.lock:
            return cast(
                "Rows", await self.connection.wait(run_prepared(self.connection, self._names, sql, parameter))
            )

    async def portions(self, sql: str, parameters: Sequence[Any], page: int) -> AsyncGenerator[Rows]:
        """See :class:`Link`."""
        from psycopg import AsyncRawServerCursor

        async with AsyncRawServerCursor(self.connection, "runic_stream") as cursor:
            await cursor.execute(sql.encode(), parameters)
            while rows := await cursor.fetchmany(page):
                yield rows

    async def close(self) -> None:
        """See :class:`Link`."""
        await self.connection.close()
