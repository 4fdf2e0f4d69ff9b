"""What a server module hands to the tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


class NotAvailable(Exception):
    """The server cannot be had on this machine; the text is the reason, for the closing table."""


@dataclass(slots=True)
class Server:
    """A running server of one backend.

    Attributes:
        backend: public name.
        version: the server's version, as the closing table shows it.
        how: how it was started.
        socket: path of its unix socket, if it has one.
        credentials: options of ``create_driver`` beside host and port.
        options: further ones, which stand in the query of a URL.
    """

    backend: str
    host: str
    port: int
    version: str
    how: str
    drop: Callable[[str], None]
    stop: Callable[[], None]
    socket: str | None = None
    credentials: dict[str, Any] = field(default_factory=dict[str, Any])
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def url(self) -> str:
        """URL without a graph."""
        user = ""
        if self.credentials:
            user = f"{self.credentials.get('username', '')}:{self.credentials.get('password', '')}@"
        return f"{self.backend}://{user}{self.host}:{self.port}"

    def url_of(self, graph: str) -> str:
        """URL of one graph."""
        query = f"?{urlencode(self.options)}" if self.options else ""
        return f"{self.url}/{graph}{query}"

    def reset(self, graph: str) -> None:
        """Remove a graph with everything in it; one that is not there is fine."""
        self.drop(graph)


def address_from_environment(backend: str) -> str | None:
    """``RUNIC_TEST_<BACKEND>_URL``: a server that is already there beats starting one."""
    return os.environ.get(f"RUNIC_TEST_{backend.upper()}_URL") or None


def free_port() -> int:
    """A TCP port on the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
