"""Read Cypher text as tokens: what a statement returns, and which parameters it names.

``cypher()`` must be told its columns, so raw text has to be read; a split on commas would read
strings, lists and function calls wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runic.orm.exceptions import QueryError, UnsupportedByBackendError

__all__ = ["Reading", "read"]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<parameter>\$[^\W\d]\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d[\w.]*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_WRITES = ("CREATE", "MERGE", "SET", "DELETE", "REMOVE")
_ENDS_RETURN = frozenset({"ORDER", "SKIP", "LIMIT", "UNION"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text of a statement says about itself.

    Attributes:
        text: the statement without a semicolon at its end.
        columns: names of the columns it returns; none if it returns nothing.
        parameters: names of the parameters it uses.
        writes: whether it has a clause that writes.
    """

    text: str
    columns: tuple[str, ...]
    parameters: frozenset[str]
    writes: bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    depth: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words


@lru_cache(maxsize=2048)
def read(text: str) -> Reading:
    """Read a statement.

    Raises:
        QueryError: ``RETURN *``, whose columns only the server knows; a string that does not end.
        UnsupportedByBackendError: ``id(n) IN $list``, which kills the server (AGE 1.8).
    """
    tokens = list(_tokens(text))
    while tokens and tokens[-1].text == ";":
        text = text[: tokens.pop().start].rstrip()
    _refuse_identity_lists(tokens)
    names = frozenset(token.text[1:] for token in tokens if token.kind == "parameter")
    return Reading(text, tuple(_columns(text, tokens)), names, _writes(tokens))


def _writes(tokens: list[_Token]) -> bool:
    before = ""
    for token in tokens:
        if token.is_word(*_WRITES) and before not in (".", ":"):
            return True
        before = token.text
    return False


def _tokens(text: str) -> Iterator[_Token]:
    depth = 0
    for match in _TOKEN.finditer(text):
        kind, part = match.lastgroup or "", match.group()
        if kind == "space":
            continue
        if kind == "other":
            if part in "'\"`":
                raise QueryError(f"the {part} at offset {match.start()} is never closed", backend="age")
            if part in _CLOSE:
                depth -= 1
        yield _Token(kind, part, match.start(), depth)
        if kind == "other" and part in _OPEN:
            depth += 1


def _refuse_identity_lists(tokens: list[_Token]) -> None:
    for at in range(len(tokens) - 4):
        head, left, _, right, word = tokens[at : at + 5]
        if head.is_word("ID") and left.text == "(" and right.text == ")" and word.is_word("IN"):
            raise UnsupportedByBackendError(
                "age",
                "id(n) IN list",
                "it kills the server (AGE 1.8); write UNWIND $list AS i MATCH (n:Label) WHERE id(n) = i",
            )


def _columns(text: str, tokens: list[_Token]) -> Iterator[str]:
    """The names of what the last RETURN of the outermost level returns."""
    starts = [at for at, token in enumerate(tokens) if token.depth == 0 and token.is_word("RETURN")]
    if not starts:
        return
    at = starts[-1] + 1
    if at < len(tokens) and tokens[at].is_word("DISTINCT"):
        at += 1
    item: list[_Token] = []
    for token in tokens[at:]:
        if token.depth == 0 and token.is_word(*_ENDS_RETURN):
            break
        if token.depth == 0 and token.text == ",":
            yield _name(text, item)
            item = []
        else:
            item.append(token)
    if item:
        yield _name(text, item)


def _name(text: str, item: list[_Token]) -> str:
    if len(item) == 1 and item[0].text == "*":
        raise QueryError(
            "RETURN * cannot be sent: cypher() must be told the columns; name them", backend="age"
        )
    if len(item) > 2 and item[-2].is_word("AS"):
        return _unquoted(item[-1])
    if len(item) == 1:
        return _unquoted(item[0])
    return text[item[0].start : item[-1].start + len(item[-1].text)] if item else ""


def _unquoted(token: _Token) -> str:
    return token.text[1:-1].replace("``", "`") if token.kind == "quoted" else token.text
