"""What the client has no public name for: its sockets.

Every access is guarded, so that a client of another make loses the extra and nothing else.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator
from typing import Any

__all__ = ["ReadLimit", "no_abandoned_socket"]

_GRACE = 1.1
"""The client waits a little longer than the server's own limit, so that the server's answer wins."""


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


@contextlib.contextmanager
def no_abandoned_socket() -> Generator[None]:
    """Close the socket that the client leaves open when it is cancelled while it connects (6.4)."""
    try:
        yield
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_name == "_connect_secure":
                found = trace.tb_frame.f_locals.get("s")
                if isinstance(found, socket.socket):
                    found.close()
            trace = trace.tb_next
        raise
