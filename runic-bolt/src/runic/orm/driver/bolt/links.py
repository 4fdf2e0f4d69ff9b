"""One session of the client, in both colours behind the same awaitable methods.

The blocking one never suspends, so that the port above is written once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

from .sockets import ReadLimit, no_abandoned_socket

__all__ = ["AsyncLink", "BlockingLink", "Link", "Reply"]

type Reply = tuple[tuple[str, ...], list[list[Any]], Any]
"""Column names, rows, and the client's summary."""


class Link(Protocol):
    """A session of the client: at most one transaction at a time."""

    async def begin(self, limit: float | None) -> None:
        """Open a transaction, which the server ends after ``limit`` seconds."""
        ...

    async def run(self, text: str, parameters: Mapping[str, Any]) -> Reply:
        """Run one statement, in the transaction if there is one, and fetch its whole result."""
        ...

    async def open(self, text: str, parameters: Mapping[str, Any]) -> Any:
        """Run one statement and leave its result on the server."""
        ...

    async def fetch(self, cursor: Any, count: int) -> list[list[Any]]:
        """The next rows of an open result; none at its end."""
        ...

    async def finish(self, cursor: Any) -> None:
        """Drop what is left of an open result."""
        ...

    async def commit(self) -> None:
        """Commit the transaction."""
        ...

    async def rollback(self) -> None:
        """Roll the transaction back."""
        ...

    async def close(self) -> None:
        """Give the connection back to the client's pool."""
        ...

    async def kill(self) -> None:
        """Close the connection without another word. Never raises."""
        ...


class BlockingLink:
    """A link whose methods never suspend.

    Args:
        session: a session of the client.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._transaction: Any = None
        self._limit: ReadLimit | None = None

    async def begin(self, limit: float | None) -> None:
        """See :class:`Link`."""
        self._transaction = self._session.begin_transaction(timeout=limit)
        self._limit = ReadLimit(self._session, limit)

    async def run(self, text: str, parameters: Mapping[str, Any]) -> Reply:
        """See :class:`Link`."""
        result = (self._transaction or self._session).run(text, parameters)
        rows = result.values()
        return tuple(result.keys()), rows, result.consume()

    async def open(self, text: str, parameters: Mapping[str, Any]) -> Any:
        """See :class:`Link`."""
        return (self._transaction or self._session).run(text, parameters)

    async def fetch(self, cursor: Any, count: int) -> list[list[Any]]:
        """See :class:`Link`."""
        return [list(record) for record in cursor.fetch(count)]

    async def finish(self, cursor: Any) -> None:
        """See :class:`Link`."""
        cursor.consume()

    async def commit(self) -> None:
        """See :class:`Link`."""
        transaction, self._transaction = self._transaction, None
        transaction.commit()

    async def rollback(self) -> None:
        """See :class:`Link`."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not transaction.closed():
            transaction.rollback()

    async def close(self) -> None:
        """See :class:`Link`."""
        self._lift()
        self._session.close()

    def _lift(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.lift()

    async def kill(self) -> None:
        """See :class:`Link`."""
        self._transaction = None
        with contextlib.suppress(Exception):
            # The blocking session has the same clean-up as the async one, without a public name (6.4).
            self._session._handle_cancellation(message="discarded")
        with contextlib.suppress(Exception):
            self._session.close()


class AsyncLink:
    """A link on an event loop.

    Args:
        session: an async session of the client.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._transaction: Any = None
        self._limit: ReadLimit | None = None

    async def begin(self, limit: float | None) -> None:
        """See :class:`Link`."""
        with no_abandoned_socket():
            self._transaction = await self._session.begin_transaction(timeout=limit)
        self._limit = ReadLimit(self._session, limit)

    async def run(self, text: str, parameters: Mapping[str, Any]) -> Reply:
        """See :class:`Link`."""
        result = await (self._transaction or self._session).run(text, parameters)
        rows = await result.values()
        return tuple(result.keys()), rows, await result.consume()

    async def open(self, text: str, parameters: Mapping[str, Any]) -> Any:
        """See :class:`Link`."""
        return await (self._transaction or self._session).run(text, parameters)

    async def fetch(self, cursor: Any, count: int) -> list[list[Any]]:
        """See :class:`Link`."""
        return [list(record) for record in await cursor.fetch(count)]

    async def finish(self, cursor: Any) -> None:
        """See :class:`Link`."""
        await cursor.consume()

    async def commit(self) -> None:
        """See :class:`Link`."""
        transaction, self._transaction = self._transaction, None
        await transaction.commit()

    async def rollback(self) -> None:
        """See :class:`Link`."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not transaction.closed():
            await transaction.rollback()

    async def close(self) -> None:
        """See :class:`Link`."""
        self._lift()
        await self._session.close()

    def _lift(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.lift()

    async def kill(self) -> None:
        """See :class:`Link`."""
        self._transaction = None
        with contextlib.suppress(Exception):
            self._session.cancel()
        with contextlib.suppress(Exception):
            await self._session.close()
