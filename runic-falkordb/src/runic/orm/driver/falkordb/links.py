"""One connection to the server, blocking or async, over redis-py's connection objects.

Imported at connect, never before: it imports the client. Both classes have the same ``async def``
methods; those of :class:`BlockingLink` never suspend.

Nothing is ever sent twice. What can be known beforehand (the socket is closed, a stray reply waits
in it) is found before sending and healed by a new connection; after that, every failure closes the
connection, so that a late reply meets nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import select
from typing import Any, Protocol

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

__all__ = ["AsyncLink", "BlockingLink", "ConnectFailed", "Link", "LinkBroken", "LinkTimeout"]


class LinkBroken(Exception):
    """The connection broke. ``sent``: the whole request may have reached the server."""

    def __init__(self, native: BaseException, *, sent: bool) -> None:
        super().__init__(f"{type(native).__name__}: {native}")
        self.native = native
        self.sent = sent


class LinkTimeout(Exception):
    """The reply did not come in time. ``sent`` as in :class:`LinkBroken`."""

    def __init__(self, native: BaseException, *, sent: bool) -> None:
        super().__init__(str(native))
        self.native = native
        self.sent = sent


class ConnectFailed(Exception):
    """No connection could be made."""

    def __init__(self, native: Exception) -> None:
        super().__init__(str(native))
        self.native = native


class Link(Protocol):
    """What a port needs of a connection."""

    async def exchange(self, command: list[bytes], limit: float | None) -> Any:
        """Send one command and return its reply; an error reply is returned, not raised."""
        ...

    async def open(self) -> None:
        """Connect, unless connected already and clean."""
        ...

    async def close(self) -> None:
        """Disconnect. Never raises."""
        ...


# Errors that the server sent as a reply, although redis-py files them under connection errors.
_REPLIES = (ResponseError, BusyLoadingError, AuthenticationError)


class BlockingLink:
    """A blocking connection. Times are limits on the server's silence."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._timeout: float | None = -1.0  # what the socket is set to; unknown

    async def open(self) -> None:
        """See :meth:`Link.open`."""
        connection = self.connection
        if connection.is_connected:
            with contextlib.suppress(RedisError, OSError):
                if not connection.can_read(0):
                    return
            connection.disconnect()
        self._timeout = -1.0
        try:
            connection.connect()
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise ConnectFailed(error) from error

    async def exchange(self, command: list[bytes], limit: float | None) -> Any:
        """See :meth:`Link.exchange`.

        Raises:
            ConnectFailed: there was no connection, and none could be made.
            LinkBroken: the connection broke.
            LinkTimeout: the server was silent for ``limit`` seconds.
        """
        await self.open()
        connection = self.connection
        sent = False
        try:
            if limit != self._timeout:
                connection._sock.settimeout(limit)
                self._timeout = limit
            # An incomplete command is never carried out, so a failure here leaves nothing behind.
            connection.send_packed_command(command, check_health=False)
            sent = True
            return connection.read_response()
        except _REPLIES as error:
            return error
        except (RedisTimeoutError, TimeoutError) as error:
            connection.disconnect()
            raise LinkTimeout(error, sent=sent) from error
        except (RedisError, OSError, UnicodeError) as error:
            connection.disconnect()
            raise LinkBroken(error, sent=sent) from error
        except BaseException:
            connection.disconnect()
            raise

    async def close(self) -> None:
        """See :meth:`Link.close`."""
        self.close_now()

    def restore(self) -> None:
        """Give the socket back its owner's time limit."""
        sock = self.connection._sock
        if sock is not None and self._timeout != -1.0:
            sock.settimeout(self.connection.socket_timeout)

    def close_now(self) -> None:
        """Disconnect, outside of any coroutine."""
        with contextlib.suppress(RedisError, OSError):
            self.connection.disconnect()


class AsyncLink:
    """An async connection."""

    def __init__(self, connection: Any, connect_timeout: float | None) -> None:
        self.connection = connection
        self._connect_timeout = connect_timeout

    async def open(self) -> None:
        """See :meth:`Link.open`."""
        connection = self.connection
        if connection.is_connected:
            if await self._clean():
                return
            await self.close()
        try:
            async with asyncio.timeout(self._connect_timeout):
                await connection.connect()
        except TimeoutError as error:
            await self.close()
            raise ConnectFailed(RedisTimeoutError("no answer in time")) from error
        except (RedisError, OSError) as error:
            await self.close()
            raise ConnectFailed(error) from error
        except BaseException:
            await self.close()
            raise

    async def _clean(self) -> bool:
        try:
            if await self.connection.can_read():
                return False
        except (RedisError, OSError):
            return False
        # The event loop may not have looked at the socket since the server closed it.
        writer = self.connection._writer
        if writer is None:
            return False
        socket = writer.get_extra_info("socket")
        if socket is None or writer.is_closing() or socket.fileno() < 0:
            return False
        poller = select.poll()
        poller.register(socket.fileno(), select.POLLIN)
        return not poller.poll(0)

    async def exchange(self, command: list[bytes], limit: float | None) -> Any:
        """See :meth:`Link.exchange`.

        Raises:
            ConnectFailed: there was no connection, and none could be made.
            LinkBroken: the connection broke.
            LinkTimeout: no whole reply within ``limit`` seconds.
        """
        await self.open()
        connection = self.connection
        try:
            async with asyncio.timeout(limit):
                # From here on the request counts as sent: the event loop buffers what it writes.
                await connection.send_packed_command(command, check_health=False)
                return await connection.read_response(timeout=math.inf)
        except _REPLIES as error:
            return error
        except (TimeoutError, RedisTimeoutError) as error:
            await self.close()
            raise LinkTimeout(error, sent=True) from error
        except (RedisError, OSError, UnicodeError) as error:
            await self.close()
            raise LinkBroken(error, sent=True) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See :meth:`Link.close`."""
        writer = self.connection._writer
        with contextlib.suppress(RedisError, OSError, RuntimeError):
            if writer is not None:
                # Closing alone waits until all is sent: for ever, where the peer does not read.
                writer.transport.abort()
            await self.connection.disconnect(nowait=True)
