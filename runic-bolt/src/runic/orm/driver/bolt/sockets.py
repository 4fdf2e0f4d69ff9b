"""What the client has no public name for: its sockets.

Every access is guarded, so that a client of another make loses the extra and nothing else.
"""

from __future__ import annotations

import contextlib
import inspect
import socket
from collections.abc import Generator
from typing import Any
from weakref import WeakSet

__all__ = ["Opener", "ReadLimit", "close_client", "no_abandoned_socket"]

_GRACE = 1.1
"""The client waits a little longer than the server's own limit, so that the server's answer wins."""
_LAST_WORDS = 2.0
"""Seconds for a peer to answer the end of TLS."""


class ReadLimit:
    """The longest silence of a connection while a reply is due, until it goes back to the pool.

    The server ends a transaction at its limit, but a peer that is gone says nothing, and the client
    would wait for it for ever (6.4).

    Args:
        session: a session of the client in a transaction.
        seconds: the transaction's limit; ``None``: whatever the server asked for.
    """

    def __init__(self, session: Any, seconds: float | None) -> None:
        self._socket: Any = None
        if seconds is None:
            return
        with contextlib.suppress(AttributeError):
            found = session._connection.socket
            self._before = found.get_read_timeout()
            found.set_read_timeout(seconds * _GRACE)
            self._socket = found

    def lift(self) -> None:
        """Restore what was there before."""
        found, self._socket = self._socket, None
        if found is not None:
            with contextlib.suppress(AttributeError, OSError):
                found.set_read_timeout(self._before)


class Opener:
    """What the client's pool calls for a new connection, with a limit, and what became of them all.

    TLS, the handshake and the log-in end within the limit as well. The client's own setting is for TCP
    alone: a peer that takes the connection and says nothing is waited for as long as for a free
    connection of the pool (6.4).

    Args:
        real: what the pool called before.
        seconds: longest wait for a connection to be made.
    """

    def __init__(self, real: Any, seconds: float) -> None:
        self._real = real
        self._seconds = seconds
        self._writers: WeakSet[Any] = WeakSet()

    @classmethod
    def install(cls, client: Any, seconds: float) -> None:
        """Stand before the opener of a client's driver, of either colour."""
        pool = getattr(client, "_pool", None)
        real = getattr(pool, "opener", None)
        if pool is not None and real is not None:
            pool.opener = cls(real, seconds)

    def __call__(self, address: Any, auth_manager: Any, deadline: Any) -> Any:
        """A connection, or what is awaited for one."""
        made = self._real(address, auth_manager, min(deadline, type(deadline)(self._seconds)))
        return self._watched(made) if inspect.isawaitable(made) else made

    async def _watched(self, made: Any) -> Any:
        try:
            connection = await made
        except BaseException as error:
            for local in _locals_below(error, "open", ("connection", "s")):
                self._remember(getattr(local, "socket", local))
            raise
        self._remember(connection.socket)
        return connection

    def _remember(self, socket_: Any) -> None:
        writer = getattr(socket_, "_writer", None)
        if writer is not None:
            self._writers.add(writer)

    async def all_closed(self) -> None:
        """Wait until the sockets of closed connections are closed, those that were thrown away too."""
        import asyncio

        for writer in list(self._writers):
            try:
                async with asyncio.timeout(_LAST_WORDS):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                writer.transport.abort()
        await asyncio.sleep(0)  # what was aborted is closed in the next round


async def close_client(client: Any) -> None:
    """Close the client's async driver and its sockets.

    The client leaves the sockets to the background, and the end of TLS takes a while: an event loop that
    ends at once would leave them open (6.4).
    """
    await client.close()
    opener = getattr(getattr(client, "_pool", None), "opener", None)
    if isinstance(opener, Opener):
        await opener.all_closed()


@contextlib.contextmanager
def no_abandoned_socket() -> Generator[None]:
    """Close the socket that the client leaves open when it is cancelled while it connects (6.4)."""
    try:
        yield
    except BaseException as error:
        for found in _locals_below(error, "_connect_secure", ("s",)):
            if isinstance(found, socket.socket):
                found.close()
        raise


def _locals_below(error: BaseException, function: str, names: tuple[str, ...]) -> Generator[Any]:
    """Local variables of a function of the client that an error came through."""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == function:
            yield from (frame.f_locals[name] for name in names if frame.f_locals.get(name) is not None)
        trace = trace.tb_next
