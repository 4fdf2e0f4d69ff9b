"""The GRAPH commands and their compact replies: bytes and lists, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from runic.orm.driver.port import QueryResult

__all__ = ["NAMES_QUERY", "command", "is_absent_graph", "query_command", "reply_result", "version_mismatch"]

_JOIN_LIMIT = 1 << 16


def command(*words: bytes) -> list[bytes]:
    """A Redis command as chunks of bytes; a long word is a chunk of its own, never copied."""
    chunks: list[bytes] = []
    pending = [b"*%d\r\n" % len(words)]
    for word in words:
        pending.append(b"$%d\r\n" % len(word))
        if len(word) > _JOIN_LIMIT:
            chunks += [b"".join(pending), word]
            pending = [b"\r\n"]
        else:
            pending += [word, b"\r\n"]
    chunks.append(b"".join(pending))
    return chunks


def query_command(
    graph: bytes,
    statement: bytes,
    *,
    write: bool,
    timeout_ms: int | None = None,
    version: int | None = None,
) -> list[bytes]:
    """``GRAPH.QUERY`` or ``GRAPH.RO_QUERY`` with a compact reply.

    Args:
        graph: name of the graph.
        statement: header and text.
        write: which of the two commands.
        timeout_ms: the server's own time limit; it has none for writes (4.22).
        version: the version of the graph's names that the client knows; with another one the
            server runs nothing and answers with its own (4.22).
    """
    words = [b"GRAPH.QUERY" if write else b"GRAPH.RO_QUERY", graph, statement, b"--compact"]
    if version is not None:
        words += [b"version", b"%d" % version]
    if timeout_ms is not None:
        words += [b"timeout", b"%d" % timeout_ms]
    return command(*words)


def version_mismatch(reply: Any) -> int | None:
    """The server's version of the names, if it refused to run the statement for another one."""
    if type(reply) is not list or len(parts := cast("list[object]", reply)) != 2:
        return None
    error, version = parts
    return version if isinstance(error, Exception) and isinstance(version, int) else None


def is_absent_graph(error: Any) -> bool:
    """Whether an error reply says that the graph does not exist (4.22)."""
    return isinstance(error, Exception) and "empty key" in str(error)


# One query, so that the three lists are of one moment.
NAMES_QUERY = (
    b"CALL db.labels() YIELD label RETURN 0 AS kind, label AS name UNION ALL "
    b"CALL db.relationshipTypes() YIELD relationshipType AS name RETURN 1 AS kind, name UNION ALL "
    b"CALL db.propertyKeys() YIELD propertyKey RETURN 2 AS kind, propertyKey AS name"
)


def reply_result(reply: Sequence[Any]) -> QueryResult:
    """A compact reply, its cells as they are.

    Raises:
        ValueError: it has not the form of a reply.
    """
    rows: list[list[Any]] = []
    columns: tuple[str, ...] = ()
    if len(reply) == 3:
        header, rows, statistics = reply
        try:
            columns = tuple([name for _, name in header])
        except (TypeError, ValueError):
            raise ValueError(f"a reply header that cannot be read: {header!r:.80}") from None
    elif len(reply) == 1:
        statistics = reply[0]
    else:
        raise ValueError(f"a reply of {len(reply)} parts")
    return QueryResult(rows, columns, _counters(statistics), reply)


def _counters(statistics: Sequence[str]) -> dict[str, int]:
    """``Nodes created: 2`` -> ``{"nodes_created": 2}``; times and cache notes are left out."""
    counters: dict[str, int] = {}
    for line in statistics:
        name, _, value = line.partition(": ")
        if value.isdigit() and not name.startswith("Cached"):
            counters[name.lower().replace(" ", "_")] = int(value)
    return counters
