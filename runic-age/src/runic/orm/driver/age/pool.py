"""Pools of prepared connections, by psycopg_pool; and what stands for one around an adopted connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, finalize

from . import errors
from .links import AsyncLink, BlockingLink
from .prepared import names_of
from .setup import prepare_connection

if TYPE_CHECKING:
    from .links import Link
    from .options import Options

__all__ = ["AsyncLinkPool", "LinkPool", "Pool"]

_PATIENCE = 1.0
"""After so many seconds without a connection it is looked whether the server is there at all."""


class Pool(Protocol):
    """What a port takes its connections from; the methods of a blocking one never suspend."""

    options: Options

    async def acquire(self) -> Link:
        """Check a connection out.

        Raises:
            PoolTimeout: all are in use.
            AuthError, ConnectionLostError: none can be made.
        """
        ...

    async def release(self, link: Any, *, discard: bool = False) -> None:
        """Give it back."""
        ...

    async def extra(self) -> Link | None:
        """A connection beside those of the pool, for its own transaction; ``None``: there cannot be one."""
        ...


class LinkPool:
    """Blocking connections; thread-safe. A process that was forked gets connections of its own."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._lock = Lock()
        self._pool: Any = None
        self._pid = os.getpid()
        self._closed = False
        self._end: Any = None

    def _open(self) -> Any:
        with self._lock:
            if self._pid != os.getpid():
                # The other process owns those connections: they are left alone, not closed.
                self._pool, self._pid = None, os.getpid()
            if self._pool is None:
                from psycopg_pool import ConnectionPool

                if self._closed:
                    raise errors.closed()
                self._pool = ConnectionPool(
                    kwargs={**self.options.connect_arguments(), "autocommit": True},
                    min_size=0,
                    max_size=self.options.max_connections,
                    configure=_configure(self.options),
                    reconnect_timeout=2.0,
                    open=True,
                )
                # At the end of a program that does not close its driver, psycopg_pool would wait for
                # each of its threads for five seconds (Python 3.13).
                self._end = finalize(self, _close, self._pool, self._pid)
            return self._pool

    async def acquire(self) -> BlockingLink:
        """See :class:`Pool`."""
        from psycopg_pool import PoolClosed, PoolTimeout

        pool = self._open()
        deadline = time.monotonic() + self.options.pool_timeout
        while True:
            patience = min(_PATIENCE, max(0.01, deadline - time.monotonic()))
            try:
                connection = pool.getconn(timeout=patience)
                return BlockingLink(connection, names_of(connection))
            except PoolClosed as error:
                raise errors.closed() from error
            except PoolTimeout as error:
                if _used(pool) < self.options.max_connections:
                    # There is room, so it is the server: ask it why.
                    link = await self.extra()
                    await link.close()
                if time.monotonic() >= deadline:
                    raise errors.pool_timeout(
                        error, self.options.pool_timeout, self.options.max_connections
                    ) from error

    async def release(self, link: BlockingLink, *, discard: bool = False) -> None:
        """See :class:`Pool`."""
        if discard:
            link.connection.close()
        if self._pool is not None and self._pid == os.getpid():
            self._pool.putconn(link.connection)

    async def extra(self) -> BlockingLink:
        """See :class:`Pool`."""
        import psycopg

        try:
            link = BlockingLink(psycopg.connect(**self.options.connect_arguments(), autocommit=True))
        except psycopg.Error as error:
            raise errors.connect_failed(error, self.options.address) from error
        return await _prepared(link, self.options)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            self._pool, self._closed = None, True
        if self._end is not None:
            self._end()


def _close(pool: Any, pid: int) -> None:
    """Close a pool, unless it is that of the process from which this one was forked."""
    if pid == os.getpid():
        pool.close()


async def _prepared[L: (BlockingLink, AsyncLink)](link: L, options: Options) -> L:
    """A new connection, ready for use; closed if it cannot be."""
    try:
        await prepare_connection(link, options)
    except BaseException:
        await link.close()
        raise
    return link


def _configure(options: Options) -> Any:
    def configure(connection: Any) -> None:
        coroutine = prepare_connection(BlockingLink(connection), options)
        with contextlib.suppress(StopIteration):
            coroutine.send(None)

    return configure


def _used(pool: Any) -> int:
    stats: dict[str, int] = pool.get_stats()
    return stats.get("pool_size", 0) - stats.get("pool_available", 0)


class AsyncLinkPool:
    """Async connections; every event loop has its own."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._pid = os.getpid()
        self._closed = False

    async def _open(self) -> Any:
        if self._pid != os.getpid():
            self._pools, self._pid = WeakKeyDictionary(), os.getpid()
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            from psycopg_pool import AsyncConnectionPool

            if self._closed:
                raise errors.closed()

            async def configure(connection: Any) -> None:
                await prepare_connection(AsyncLink(connection), self.options)

            pool = self._pools[loop] = AsyncConnectionPool(
                kwargs={**self.options.connect_arguments(), "autocommit": True},
                min_size=0,
                max_size=self.options.max_connections,
                configure=configure,
                reconnect_timeout=2.0,
                open=False,
            )
            await pool.open()
        return pool

    async def acquire(self) -> AsyncLink:
        """See :class:`Pool`."""
        from psycopg_pool import PoolClosed, PoolTimeout

        pool = await self._open()
        deadline = time.monotonic() + self.options.pool_timeout
        while True:
            patience = min(_PATIENCE, max(0.01, deadline - time.monotonic()))
            try:
                connection = await pool.getconn(timeout=patience)
                return AsyncLink(connection, names_of(connection))
            except PoolClosed as error:
                raise errors.closed() from error
            except PoolTimeout as error:
                if _used(pool) < self.options.max_connections:
                    link = await self.extra()
                    await link.close()
                if time.monotonic() >= deadline:
                    raise errors.pool_timeout(
                        error, self.options.pool_timeout, self.options.max_connections
                    ) from error

    async def release(self, link: AsyncLink, *, discard: bool = False) -> None:
        """See :class:`Pool`."""
        if discard:
            await link.connection.close()
        pool = self._pools.get(asyncio.get_running_loop())
        if pool is not None and self._pid == os.getpid():
            await pool.putconn(link.connection)

    async def extra(self) -> AsyncLink:
        """See :class:`Pool`."""
        import psycopg

        try:
            connection = await psycopg.AsyncConnection.connect(
                **self.options.connect_arguments(), autocommit=True
            )
        except psycopg.Error as error:
            raise errors.connect_failed(error, self.options.address) from error
        return await _prepared(AsyncLink(connection), self.options)

    async def close(self) -> None:
        """Close the connections of this event loop; those of others are closed with their loops."""
        self._closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()
