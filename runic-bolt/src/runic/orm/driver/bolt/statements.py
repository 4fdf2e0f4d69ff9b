"""Whether a raw statement writes: for servers that do not keep a READ transaction from it."""

from __future__ import annotations

import re

__all__ = ["writes"]

# Text, comments and quoted names are no keywords; nor is what follows a dot, a colon or a dollar.
_TOKENS = re.compile(
    r"""
      '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:``|[^`])*`
    | //[^\n]* | /\*.*?\*/
    | [.:$]\s*[A-Za-z_]\w*
    | \bCALL\s+(?P<procedure>[A-Za-z_][\w.]*)
    | (?P<word>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_WRITING = frozenset(
    {"CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE", "DROP", "ALTER", "INSERT", "LOAD"}
)
_READING = re.compile(
    r"(?:db\.(?:index\.(?:fulltext|vector)\.query\w+|labels|relationshiptypes|propertykeys|schema\.\w+)"
    r"|dbms\.components|vector\.neighbors|text_search\.\w+|vector_search\.\w+|mg\.\w+)$",
    re.IGNORECASE,
)


def writes(text: str) -> bool:
    """Whether a Cypher statement may change the database.

    A procedure that is not known to read counts as one that writes.

    Example:
        >>> writes("MATCH (n) RETURN n.set"), writes("MATCH (n) SET n.a = 1")
        (False, True)
    """
    for found in _TOKENS.finditer(text):
        word, procedure = found["word"], found["procedure"]
        if word is not None and word.upper() in _WRITING:
            return True
        if procedure is not None and not _READING.match(procedure):
            return True
    return False
