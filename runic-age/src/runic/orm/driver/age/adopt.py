"""Connections and pools of psycopg that the user brings along: the driver borrows them."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import QueryError

from . import errors
from .links import AsyncLink, BlockingLink
from .options import Options
from .setup import prepare_connection
from .sql import validate_graph_name

if TYPE_CHECKING:
    from .links import Link

__all__ = ["AdoptedAsyncPool", "AdoptedPool", "options_of_connection"]

_WAIT = 5.0


def options_of_connection(conn: Any, graph_name: str) -> Options:
    """What is known of a borrowed connection or pool."""
    validate_graph_name(graph_name)
    info = getattr(conn, "info", None)
    if info is None and not hasattr(conn, "getconn"):
        raise TypeError(
            f"expected a connection of psycopg or a pool of psycopg_pool, not {type(conn).__name__}"
        )
    if info is None:
        return Options(graph=graph_name, pool_timeout=float(conn.timeout), max_connections=conn.max_size)
    return Options(
        graph=graph_name, host=info.host or None, port=info.port, database=info.dbname,
        username=info.user, pool_timeout=_WAIT, max_connections=1,
    )  # fmt: skip


def _check_idle(link: Link) -> None:
    if link.in_transaction:
        raise QueryError(
            "the connection given to AGEDriver is in a transaction: commit or roll it back first",
            backend=errors.BACKEND,
        )


class AdoptedPool:
    """A blocking connection, for one session at a time, or a pool of them."""

    def __init__(self, conn: Any, options: Options) -> None:
        self.options = options
        self._conn = conn
        self._is_pool = hasattr(conn, "getconn")
        self._lock = Lock()
        self._autocommit = False

    async def acquire(self) -> BlockingLink:
        """Check a connection out; it is in autocommit mode for that time."""
        if self._is_pool:
            from psycopg_pool import PoolTimeout

            try:
                conn = self._conn.getconn()
            except PoolTimeout as error:
                size = self.options.max_connections
                raise errors.pool_timeout(error, self.options.pool_timeout, size) from error
        else:
            if not self._lock.acquire(timeout=self.options.pool_timeout):
                raise errors.pool_timeout(None, self.options.pool_timeout, 1)
            conn = self._conn
        link = BlockingLink(conn)
        try:
            _check_idle(link)
            self._autocommit = bool(conn.autocommit)
            conn.autocommit = True
            await prepare_connection(link, self.options)
        except BaseException:
            await self.release(link)
            raise
        return link

    async def release(self, link: BlockingLink, *, discard: bool = False) -> None:
        """Give it back as it was."""
        if discard:
            link.connection.close()
        elif not link.in_transaction and not link.broken:
            link.connection.autocommit = self._autocommit
        if self._is_pool:
            self._conn.putconn(link.connection)
        else:
            self._lock.release()

    async def extra(self) -> None:
        """There is no other connection."""

    def close(self) -> None:
        """Leave it open: it is not ours."""


class AdoptedAsyncPool:
    """An async connection, for one session at a time, or a pool of them."""

    def __init__(self, conn: Any, options: Options) -> None:
        self.options = options
        self._conn = conn
        self._is_pool = hasattr(conn, "getconn")
        self._lock = asyncio.Lock()
        self._autocommit = False

    async def acquire(self) -> AsyncLink:
        """Check a connection out; it is in autocommit mode for that time."""
        if self._is_pool:
            from psycopg_pool import PoolTimeout

            try:
                conn = await self._conn.getconn()
            except PoolTimeout as error:
                size = self.options.max_connections
                raise errors.pool_timeout(error, self.options.pool_timeout, size) from error
        else:
            try:
                await asyncio.wait_for(self._lock.acquire(), self.options.pool_timeout)
            except TimeoutError as error:
                raise errors.pool_timeout(error, self.options.pool_timeout, 1) from error
            conn = self._conn
        link = AsyncLink(conn)
        try:
            _check_idle(link)
            self._autocommit = bool(conn.autocommit)
            await conn.set_autocommit(True)
            await prepare_connection(link, self.options)
        except BaseException:
            await self.release(link)
            raise
        return link

    async def release(self, link: AsyncLink, *, discard: bool = False) -> None:
        """Give it back as it was."""
        if discard:
            await link.connection.close()
        elif not link.in_transaction and not link.broken:
            await link.connection.set_autocommit(self._autocommit)
        if self._is_pool:
            await self._conn.putconn(link.connection)
        else:
            self._lock.release()

    async def extra(self) -> None:
        """There is no other connection."""

    async def close(self) -> None:
        """Leave it open: it is not ours."""
