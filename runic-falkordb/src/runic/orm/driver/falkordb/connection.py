"""Making connections: options to links of redis-py's connection objects, and to pools of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .embedded import lease
from .pool import AsyncPool, BlockingPool
from .topology import Address, Route

if TYPE_CHECKING:
    from .embedded import EmbeddedServer
    from .links import AsyncLink, BlockingLink
    from .options import Options

__all__ = ["open_async_pool", "open_pool"]


def _arguments(options: Options, *, sentinel: bool = False) -> dict[str, Any]:
    """What both colours of redis-py's connections take."""
    return {
        "socket_connect_timeout": options.connect_timeout,
        "username": options.sentinel_username if sentinel else options.username,
        "password": options.sentinel_password if sentinel else options.password,
        "client_name": options.client_name,
        "decode_responses": True,
        "protocol": 2,
        "health_check_interval": 0,
    }


def _network(options: Options, address: Address) -> dict[str, Any]:
    arguments: dict[str, Any] = {"host": address[0], "port": address[1], "socket_keepalive": True}
    if options.tls:
        arguments.update(
            ssl_ca_certs=options.tls_ca_certs,
            ssl_certfile=options.tls_certfile,
            ssl_keyfile=options.tls_keyfile,
            ssl_cert_reqs="required" if options.tls_verify else "none",
            ssl_check_hostname=options.tls_verify,
        )
    return arguments


def open_pool(options: Options) -> tuple[BlockingPool, EmbeddedServer | None]:
    """A pool of blocking links; nothing is connected yet."""
    server = lease(options.path) if options.path is not None else None

    def dial(address: Address | str, *, sentinel: bool = False) -> BlockingLink:
        from redis.backoff import NoBackoff
        from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
        from redis.retry import Retry

        from .links import BlockingLink

        arguments = _arguments(options, sentinel=sentinel)
        # Limits the handshake; a statement sets the socket's limit itself.
        arguments["socket_timeout"] = options.connect_timeout
        arguments["retry"] = Retry(NoBackoff(), 0)
        if isinstance(address, str):
            # redis-py's annotations hold this class for abstract.
            unix: Any = UnixDomainSocketConnection
            return BlockingLink(unix(path=address, **arguments))
        kind: Any = SSLConnection if options.tls else Connection
        return BlockingLink(kind(**_network(options, address), **arguments))

    route = Route(options, dial)

    async def make() -> BlockingLink:
        path = server.socket_path() if server is not None else options.unix_socket
        return await route.open() if path is None else dial(path)

    return BlockingPool(make, options.max_connections, options.pool_timeout, route.forget), server


def open_async_pool(options: Options) -> tuple[AsyncPool, EmbeddedServer | None]:
    """A pool of async links; nothing is connected yet."""
    server = lease(options.path) if options.path is not None else None

    def dial(address: Address | str, *, sentinel: bool = False) -> AsyncLink:
        from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        from .links import AsyncLink

        arguments = _arguments(options, sentinel=sentinel)
        arguments["socket_timeout"] = None
        arguments["retry"] = Retry(NoBackoff(), 0)
        if isinstance(address, str):
            connection: Any = UnixDomainSocketConnection(path=address, **arguments)
        else:
            kind: Any = SSLConnection if options.tls else Connection
            connection = kind(**_network(options, address), **arguments)
        return AsyncLink(connection, options.connect_timeout)

    route = Route(options, dial)

    async def make() -> AsyncLink:
        path = options.unix_socket
        if server is not None:
            path = await asyncio.to_thread(server.socket_path)
        return await route.open() if path is None else dial(path)

    return AsyncPool(make, options.max_connections, options.pool_timeout, route.forget), server
