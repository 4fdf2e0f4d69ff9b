"""A Bolt 5.2 server that follows a script: for conversations that no server here can be made to have.

The messages are packed and unpacked by the neo4j client's own PackStream.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from neo4j._codec.packstream._common import PackableBuffer, Structure, UnpackableBuffer
from neo4j._codec.packstream.v1 import Packer, Unpacker

_NAMES = {
    0x01: "HELLO",
    0x02: "GOODBYE",
    0x0F: "RESET",
    0x10: "RUN",
    0x11: "BEGIN",
    0x12: "COMMIT",
    0x13: "ROLLBACK",
    0x2F: "DISCARD",
    0x3F: "PULL",
    0x66: "ROUTE",
    0x6A: "LOGON",
    0x6B: "LOGOFF",
}
_SUCCESS, _RECORD, _IGNORED, _FAILURE = b"\x70", b"\x71", b"\x7e", b"\x7f"
_VERSION = b"\x00\x00\x02\x05"


@dataclass(frozen=True)
class Failure:
    """The server refuses."""

    code: str
    message: str


DROP = Failure("", "the connection is cut")
"""The server closes the connection instead of an answer."""

type Table = tuple[list[str], list[list[Any]]]
type Answer = Table | Failure | Callable[[dict[str, Any]], Table]


@dataclass
class Script:
    """What the server answers.

    Attributes:
        statements: pattern of the text -> answers, one after the other; the last one stays.
        commits: what each COMMIT gets; ``None``, and those after the last one: it succeeds.
        logons: what each LOGON gets, likewise.
        begins: what each BEGIN gets, likewise.
        bookmarks: what each COMMIT that succeeds gives, as long as there are some.
        route: makes the answer to ROUTE: roles and addresses; without one, there is no routing.
        agent: what the server calls itself.
        log: every message of every connection but HELLO and GOODBYE: its name and its fields.
    """

    statements: dict[str, list[Answer]] = field(default_factory=dict)
    commits: list[Failure | None] = field(default_factory=list)
    logons: list[Failure | None] = field(default_factory=list)
    begins: list[Failure | None] = field(default_factory=list)
    bookmarks: list[str] = field(default_factory=list)
    route: Callable[[], dict[str, list[str]] | Failure] | None = None
    agent: str = "Neo4j/v5.11.0 compatible graph database server - Memgraph"
    log: list[tuple[str, list[Any]]] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names of the messages, without those of the log-in and the clean-up."""
        return [name for name, _ in self.log if name not in ("LOGON", "RESET")]

    def runs(self) -> list[tuple[str, dict[str, Any]]]:
        """The statements that were run, with their parameters."""
        return [(fields[0], fields[1]) for name, fields in self.log if name == "RUN"]

    def answer(self, text: str, parameters: dict[str, Any]) -> Table | Failure:
        for pattern, answers in self.statements.items():
            if re.search(pattern, text):
                found = answers.pop(0) if len(answers) > 1 else answers[0]
                return found(parameters) if callable(found) else found
        return [], []


class ScriptedBolt:
    """The server, on a port of the loopback; a context manager."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._sockets.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, EOFError):
            _receive(connection, 20)
            connection.sendall(_VERSION)
            _Conversation(connection, self.script).hold()


class _Conversation:
    def __init__(self, connection: socket.socket, script: Script) -> None:
        self.connection = connection
        self.script = script
        self.rows: Iterator[list[Any]] = iter(())
        self.left = 0
        self.failed = False
        self.kind = "r"

    def hold(self) -> None:
        while True:
            message = _unpack(self._message())
            name = _NAMES.get(message.tag[0], f"{message.tag[0]:#x}")
            if name == "GOODBYE":
                return
            if name != "HELLO":
                self.script.log.append((name, message.fields))
            if self.failed and name != "RESET":
                self._send(_IGNORED)
                continue
            getattr(self, f"_{name.lower()}")(*message.fields)

    def _message(self) -> bytes:
        parts: list[bytes] = []
        while True:
            (size,) = struct.unpack(">H", _receive(self.connection, 2))
            if size:
                parts.append(_receive(self.connection, size))
            elif parts:  # an empty chunk alone keeps a connection alive
                return b"".join(parts)

    def _send(self, tag: bytes, *fields: Any) -> None:
        buffer = PackableBuffer()
        Packer(buffer).pack_struct(tag, fields)
        data = bytes(buffer.data)
        for start in range(0, len(data), 0xFFFF):
            chunk = data[start : start + 0xFFFF]
            self.connection.sendall(struct.pack(">H", len(chunk)) + chunk)
        self.connection.sendall(b"\x00\x00")

    def _reply(self, failure: Failure | None, facts: dict[str, Any] | None = None) -> None:
        if failure is DROP:
            raise EOFError
        if failure is None:
            self._send(_SUCCESS, facts or {})
        else:
            self.failed = True
            self._send(_FAILURE, {"code": failure.code, "message": failure.message})

    def _hello(self, _: dict[str, Any]) -> None:
        self._reply(
            None,
            {"server": self.script.agent, "connection_id": "1"},
        )

    def _logon(self, _: dict[str, Any]) -> None:
        self._reply(self.script.logons.pop(0) if self.script.logons else None)

    def _reset(self) -> None:
        self.failed = False
        self._reply(None)

    def _logoff(self) -> None:
        self._reply(None)

    def _begin(self, _: dict[str, Any]) -> None:
        self._reply(self.script.begins.pop(0) if self.script.begins else None)

    def _route(self, context: dict[str, Any], bookmarks: list[str], extra: dict[str, Any]) -> None:
        assert self.script.route is not None
        table = self.script.route()
        if isinstance(table, Failure):
            self._reply(table)
            return
        servers = [{"role": role, "addresses": addresses} for role, addresses in table.items()]
        self._reply(None, {"rt": {"ttl": 300, "db": extra.get("db") or "neo4j", "servers": servers}})

    def _run(self, text: str, parameters: dict[str, Any], _: dict[str, Any]) -> None:
        answer = self.script.answer(text, parameters)
        if isinstance(answer, Failure):
            self._reply(answer)
            return
        columns, rows = answer
        writes = re.search(r"\b(CREATE|DROP|MERGE|SET)\b", text) is not None
        self.kind = "w" if writes else "r"
        self.rows, self.left = iter(rows), len(rows)
        self._reply(None, {"fields": columns})

    def _pull(self, wanted: dict[str, Any]) -> None:
        count = self.left if wanted["n"] < 0 else min(wanted["n"], self.left)
        for _ in range(count):
            self._send(_RECORD, next(self.rows))
        self.left -= count
        self._reply(None, {"has_more": True} if self.left else {"type": self.kind})

    def _discard(self, _: dict[str, Any]) -> None:
        self.left = 0
        self._reply(None, {"type": self.kind})

    def _commit(self) -> None:
        failure = self.script.commits.pop(0) if self.script.commits else None
        given = {"bookmark": self.script.bookmarks.pop(0)} if not failure and self.script.bookmarks else {}
        self._reply(failure, given)

    def _rollback(self) -> None:
        self._reply(None)


def _receive(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _unpack(data: bytes) -> Structure:
    buffer = UnpackableBuffer(bytearray(data))
    buffer.used = len(data)
    message = Unpacker(buffer).unpack()
    assert isinstance(message, Structure)
    return message
