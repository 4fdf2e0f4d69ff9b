"""A TCP proxy that breaks the conversation with a server on purpose, at a chosen request."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import Self

__all__ = ["FaultProxy"]


class FaultProxy:
    """Stands between a client and a server. :meth:`arm` breaks the next requests that hold ``marker``.

    Faults: ``cut_before`` (the request never reaches the server), ``cut_after`` (it does, the reply is
    lost), ``cut_inside`` (half of the reply arrives), ``silent`` (no reply), ``late`` (the reply comes
    after ``delay``), ``slice`` (one byte at a time), ``garbage`` (bytes that are no reply), ``held`` (the
    client's connection is cut, and the request reaches the server when ``let_go`` is set). ``""`` is none.
    """

    def __init__(self, host: str, port: int, marker: bytes = b"GRAPH.") -> None:
        self.marker = marker
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self.let_go = threading.Event()
        self.requests = 0
        self.connections = 0
        self._armed: list[str] = []
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._start(self._accept)

    def arm(self, *faults: str, delay: float = 0.0) -> None:
        """Break the next requests, one fault each."""
        self._armed = list(faults)
        self.delay = delay

    def cut_all(self) -> None:
        """Close every connection, as a server that restarts does."""
        for pair in self._pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)
        for pair in self._pairs:
            for each in pair:
                each.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            ready, _, _ = (
                select.select([self._listener], [], [], 0.1) if self._listener.fileno() >= 0 else ([], [], [])
            )
            if not ready:
                continue
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                continue
            self.connections += 1
            self._pairs.append((client, server))
            self._start(self._serve, client, server)

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._pump(client, server)
        for each in (client, server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        fault = ""
        while not self._closing:
            ready, _, _ = select.select([client, server], [], [], 0.1)
            if client in ready:
                data = client.recv(1 << 20)
                if not data:
                    return
                if self.marker in data:
                    self.requests += 1
                    fault = self._armed.pop(0) if self._armed else ""
                if fault == "cut_before":
                    return
                if fault == "held":
                    client.shutdown(socket.SHUT_RDWR)
                    self.let_go.wait(30)
                server.sendall(data)
                if fault == "held":
                    # The reply has nowhere to go, but the server is given the time to make it.
                    server.recv(1 << 20)
                    return
            if server in ready:
                data = server.recv(1 << 20)
                if not data:
                    return
                if not self._reply(client, data, fault):
                    return

    def _reply(self, client: socket.socket, data: bytes, fault: str) -> bool:
        """Hand the reply on, or what the fault makes of it; false: close the connection."""
        if fault == "cut_after":
            return False
        if fault == "cut_inside":
            client.sendall(data[: len(data) // 2])
            return False
        if fault == "garbage":
            client.sendall(b"?" + data[1:])
            return True
        if fault == "silent":
            return True
        if fault == "late":
            time.sleep(self.delay)
        if fault == "slice":
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(data)):
                client.sendall(data[at : at + 1])
                if at % 50 == 0:
                    time.sleep(0.001)
            return True
        client.sendall(data)
        return True
