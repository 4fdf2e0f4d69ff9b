"""Read Cypher text as tokens: what a statement returns, and which parameters it names.

``cypher()`` must be told its columns, so raw text has to be read; a split on commas would read
strings, lists and function calls wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from runic.orm.exceptions import InvalidNameError, QueryError

from .agtype import text_problem
from .membership import refuse_deadly_lists

__all__ = ["MAX_NAME_BYTES", "Reading", "Token", "read"]

MAX_NAME_BYTES = 63
"""PostgreSQL cuts longer names off in silence."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\r\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<parameter>\$[^\W\d][\w$]*)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>0[xX][\da-fA-F]+|\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_WRITES = ("CREATE", "MERGE", "SET", "DELETE", "REMOVE")
_HEADS = ("RETURN", "CALL", "YIELD", *_WRITES)
_ENDS_RETURN = frozenset({"ORDER", "SKIP", "LIMIT", "UNION", "WHERE"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text of a statement says about itself.

    Attributes:
        text: the statement without a semicolon at its end.
        columns: names of the columns it returns; none if it returns nothing.
        parameters: names of the parameters it uses.
        writes: whether it has a clause that writes.
        walks: whether it may look for paths of a variable length.
        asks: whether it has an ``EXISTS { }`` or a ``COUNT { }``.
        explains: whether it asks for the plan, which is lines of text whatever its columns are.
    """

    text: str
    columns: tuple[str, ...]
    parameters: frozenset[str]
    writes: bool
    walks: bool = False
    asks: bool = False
    explains: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement.

    Attributes:
        kind: ``word`` for what may be a word of the grammar, ``name`` for what is written like one and is
            none, ``quoted`` for a name in backticks; ``text``, ``parameter``, ``number``, ``other``.
        text: as it stands there.
        start: where.
        depth: how many parentheses, brackets and braces are open around it.
    """

    kind: str
    text: str
    start: int
    depth: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, which are in capitals."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def name(self) -> str:
        """The text without backticks."""
        return self.text[1:-1].replace("``", "`") if self.kind == "quoted" else self.text


@lru_cache(maxsize=2048)
def read(text: str) -> Reading:
    """Read a statement.

    Raises:
        InvalidNameError: a name that PostgreSQL would cut off.
        QueryError: ``RETURN *``, whose columns only the server knows; a string that does not end; what
            PostgreSQL cannot be sent.
        UnsupportedByBackendError: ``id(n) IN $list`` and the like, which kill the server.
    """
    problem = text_problem(text)
    if problem is not None:
        raise QueryError(f"the statement is {problem}", backend="age")
    tokens = list(_tokens(text))
    while tokens and tokens[-1].text == ";":
        text = text[: tokens.pop().start].rstrip()
    _refuse_long_names(tokens)
    refuse_deadly_lists(tokens)
    names = frozenset(token.text[1:] for token in tokens if token.kind == "parameter")
    writes = any(token.is_word(*_WRITES) for token in tokens)
    explains = bool(tokens) and tokens[0].is_word("EXPLAIN")
    walks = any(token.text == "*" for token in tokens)
    asks = any(word.is_word("EXISTS", "COUNT") and after.text == "{" for word, after in pairwise(tokens))
    return Reading(text, tuple(_columns(text, tokens)), names, writes, walks, asks, explains)


def _refuse_long_names(tokens: list[Token]) -> None:
    for token in tokens:
        # Of two that begin alike one would be lost in silence (1.5, 1.8).
        if len(token.text) > 15 and token.kind in ("word", "name", "quoted"):
            size = len(token.name.encode(errors="surrogatepass"))
            if size > MAX_NAME_BYTES:
                raise InvalidNameError(
                    f"{token.name!r:.100} has {size} bytes, and PostgreSQL keeps {MAX_NAME_BYTES}",
                    backend="age",
                )


def _tokens(text: str) -> Iterator[Token]:
    open_: list[str] = []
    pieces = list(_pieces(text))
    before = ""
    for at, (kind, part, start) in enumerate(pieces):
        if kind == "other" and part in _CLOSE and open_:
            open_.pop()
        if kind == "word":
            after = pieces[at + 1][1] if at + 1 < len(pieces) else ""
            if _is_named(before, after, in_map=open_[-1:] == ["{"]):
                kind = "name"
        yield Token(kind, part, start, len(open_))
        if kind == "other" and part in _OPEN:
            open_.append(part)
        before = "" if kind == "name" else part


def _is_named(before: str, after: str, *, in_map: bool) -> bool:
    """Whether a word between these is a property, an alias, a label or a key, and none of the grammar."""
    if before == "." or before.upper() == "AS":
        return True
    return (after == ":" and before in ("{", ",")) if in_map else before == ":"


def _pieces(text: str) -> Iterator[tuple[str, str, int]]:
    for match in _TOKEN.finditer(text):
        kind, part = match.lastgroup or "", match.group()
        if kind == "other" and part in "'\"`":
            raise QueryError(f"the {part} at offset {match.start()} is never closed", backend="age")
        if kind != "space":
            yield kind, part, match.start()


def _columns(text: str, tokens: list[Token]) -> Iterator[str]:
    """The names of what the last RETURN of the outermost level returns; without one, what a CALL yields."""
    outer = [at for at, token in enumerate(tokens) if token.depth == 0 and token.is_word(*_HEADS)]
    if not outer:
        return
    head, at = tokens[outer[-1]], outer[-1] + 1
    if head.is_word("CALL"):
        yield text[tokens[at].start :] if at < len(tokens) else ""
        return
    if not head.is_word("RETURN", "YIELD"):
        return
    if at < len(tokens) and tokens[at].is_word("DISTINCT"):
        at += 1
    item: list[Token] = []
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


def _name(text: str, item: list[Token]) -> str:
    if len(item) == 1 and item[0].text == "*":
        raise QueryError(
            "RETURN * cannot be sent: cypher() must be told the columns; name them", backend="age"
        )
    if len(item) > 2 and item[-2].is_word("AS"):
        return item[-1].name
    if len(item) == 1:
        return item[0].name
    return text[item[0].start : item[-1].start + len(item[-1].text)] if item else ""
