"""Cypher inside of SQL: ``SELECT * FROM cypher('graph', $tag$...$tag$, $1) AS (c0 agtype, ...)``.

What stands in the text is never a value: values travel as the third argument, a bound agtype map. The
dollar tag is random and does not occur in the text, so that no text can end it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

from runic.orm.exceptions import InvalidNameError

from .search import GRAPH_SCHEMA
from .tokens import MAX_NAME_BYTES, Reading, read

__all__ = ["MAX_NAME_BYTES", "SQL", "SQLStatement", "identifier", "literal", "validate_graph_name", "wrap"]

SQL = "SQL "
"""What compiled statements begin with that are no Cypher; no Cypher does."""

_INSERTS = Reading("", ("index", "identity"), frozenset({"rows"}), writes=True)
_GRAPH = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{2,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SQLStatement:
    """A statement as it is sent.

    Attributes:
        sql: its text, with one parameter, ``$1``: a map of the parameters.
        reading: what the statement says about itself.
    """

    sql: str
    reading: Reading


@lru_cache(maxsize=4096)
def wrap(graph: str, text: str, compiled: bool = False) -> SQLStatement:
    """The SQL that runs a statement on ``graph``.

    Args:
        graph: name of the graph.
        text: the statement: Cypher, or what begins with :data:`SQL` if it is compiled.
        compiled: whether runic made it, and it may name tables and functions of the graph's schema.

    Raises:
        QueryError: the columns of the text cannot be told.
    """
    if compiled and text.startswith(SQL):
        return SQLStatement(text.removeprefix(SQL).replace(GRAPH_SCHEMA, graph), _INSERTS)
    reading = read(text)
    cypher = reading.text.replace(GRAPH_SCHEMA, f"`{graph}`") if compiled else reading.text
    names = [f"c{number} ag_catalog.agtype" for number in range(len(reading.columns) or 1)]
    tag = _tag(cypher)
    # The graph's name was validated, the text cannot end its dollar quotes, and values are bound.
    call = f"ag_catalog.cypher({literal(graph)}, {tag} {cypher} {tag}, $1)"
    return SQLStatement(f"SELECT * FROM {call} AS ({', '.join(names)})", reading)  # noqa: S608


def _tag(text: str) -> str:
    while True:
        tag = f"$q{secrets.token_hex(6)}$"
        if tag not in text:
            return tag


def identifier(name: str) -> str:
    """An SQL identifier.

    Raises:
        InvalidNameError: longer than PostgreSQL keeps, empty, or with a NUL.
    """
    if not name or "\0" in name or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidNameError(
            f"{name!r:.80} is no name of 1 to {MAX_NAME_BYTES} bytes, which is what PostgreSQL keeps",
            backend="age",
        )
    return '"' + name.replace('"', '""') + '"'


def literal(name: str) -> str:
    """A name as an SQL string literal.

    Raises:
        InvalidNameError: it holds a quote, a backslash or a NUL, which no name here does.
    """
    if not set("'\\\0").isdisjoint(name):
        raise InvalidNameError(f"{name!r:.80} holds a quote or a backslash", backend="age")
    return f"'{name}'"


def validate_graph_name(name: object) -> str:
    """``name``, if it can name a graph.

    Raises:
        InvalidNameError: AGE takes 3 to 63 letters, digits, ``_``, ``.`` and ``-``, a digit not first.
    """
    if not isinstance(name, str) or not _GRAPH.fullmatch(name) or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidNameError(
            f"{name!r:.80} cannot name a graph of Apache AGE: 3 to {MAX_NAME_BYTES} letters, digits and _,"
            " of which the first is no digit",
            backend="age",
        )
    return name
