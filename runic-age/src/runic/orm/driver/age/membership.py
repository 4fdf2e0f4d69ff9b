"""``IN`` over what is no agtype: it kills the server, so such a text is refused.

Where an operand of ``IN`` is of a type of PostgreSQL's own, an identity (1.8) or what a comparison
makes (1.5 and 1.8), the server dies of a segmentation fault while it reads the statement, and every
connection with it. Types are told from the text, on the safe side: a name that stood for such a value
once is not taken for another one later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runic.orm.exceptions import UnsupportedByBackendError

if TYPE_CHECKING:
    from .tokens import Token

__all__ = ["refuse_deadly_lists"]

# Functions of AGE that make no agtype (pg_proc of 1.5 and 1.8; id and the like are columns in 1.8).
_NATIVE = frozenset(
    {
        "ID", "START_ID", "END_ID", "EXISTS", "ISEMPTY", "AVG", "IS_VALID_LABEL_NAME", "VLE",
        "PREPARE_CYPHER", "DELETE_GLOBAL_GRAPHS", "MATCH_TWO_VLE_EDGES", "MATCH_VLE_EDGE_TO_ID_QUAL",
        "MATCH_VLE_TERMINAL_EDGE",
    }
)  # fmt: skip
_COMPARES = frozenset({"AND", "OR", "XOR", "NOT", "IS", "IN"})
_NAMES = frozenset({"word", "name", "quoted"})
_QUANTIFIERS = frozenset({"ANY", "ALL", "NONE", "SINGLE"})
# What may stand before a parenthesis and is no function; and what begins an expression.
_KEYWORDS = frozenset(
    {
        "AND", "OR", "XOR", "NOT", "IN", "IS", "WHERE", "RETURN", "WITH", "DISTINCT", "BY", "WHEN", "THEN",
        "ELSE", "CASE", "UNWIND", "SET", "AS", "ON", "CONTAINS", "STARTS", "ENDS", "LIMIT", "SKIP", "DESC",
        "DESCENDING", "ASC", "ASCENDING", "YIELD", "CALL", "MATCH", "OPTIONAL", "CREATE", "MERGE", "DELETE",
        "DETACH", "REMOVE", "ORDER", "UNION",
    }
)  # fmt: skip
_BEFORE_ALIAS = frozenset({"RETURN", "WITH", "DISTINCT", "YIELD", "UNWIND"})


def refuse_deadly_lists(tokens: Sequence[Token]) -> None:
    """Look at every ``IN`` of a statement.

    Raises:
        UnsupportedByBackendError: for one that the server would not survive.
    """
    if not any(token.is_word("IN") for token in tokens):
        return
    native = frozenset(_native_names(tokens))
    for at, token in enumerate(tokens):
        if not token.is_word("IN") or at in (0, len(tokens) - 1):
            continue
        left, right = _before(tokens, at), _after(tokens, at)
        if (not _binds(tokens, at) and _is_native(left, native)) or _is_native(right, native):
            raise UnsupportedByBackendError(
                "age",
                "IN with an identity or the outcome of a comparison, as in id(n) IN $list",
                "it kills the server (AGE 1.5 to 1.8); write UNWIND $list AS i MATCH (n:Label) WHERE id(n) ="
                " i, or [id(n)][0] IN $list",
            )


def _native_names(tokens: Sequence[Token]) -> Iterator[str]:
    """The names that stand for such values, in order of their appearance."""
    found: set[str] = set()
    for at, token in enumerate(tokens):
        if token.is_word("YIELD"):  # of functions of PostgreSQL: they may be of any type
            for name in tokens[at + 1 :]:
                if name.is_word("WHERE", "RETURN", "WITH"):
                    break
                if name.kind in _NAMES:
                    yield name.name
        if not token.is_word("AS") or at + 1 == len(tokens):
            continue
        start = at
        while start and tokens[start - 1].depth >= token.depth and not _ends_alias(tokens[start - 1], token):
            start -= 1
        unwound = start > 0 and tokens[start - 1].is_word("UNWIND")
        if not unwound and _is_native(tokens[start:at], found):
            found.add(tokens[at + 1].name)
            yield tokens[at + 1].name


def _ends_alias(token: Token, end: Token) -> bool:
    return token.depth == end.depth and (token.text == "," or token.is_word(*_BEFORE_ALIAS))


def _binds(tokens: Sequence[Token], at: int) -> bool:
    """Whether this IN binds a variable: ``[x IN list | ...]``, ``any(x IN list WHERE ...)``."""
    if at < 2 or tokens[at - 1].kind not in _NAMES:
        return False
    if tokens[at - 2].text == "[":
        return True
    return at > 2 and tokens[at - 2].text == "(" and tokens[at - 3].is_word(*_QUANTIFIERS)


# -- operands -------------------------------------------------------------------------------------


def _before(tokens: Sequence[Token], at: int) -> Sequence[Token]:
    """The operand to the left of the IN at ``at``: IN binds tighter than whatever else makes no agtype."""
    start = at - 1
    last = tokens[start]
    if last.is_word("END"):
        while start > 0 and not (tokens[start].is_word("CASE") and _case_depth(tokens[start:at]) == 0):
            start -= 1
        return tokens[start:at]
    if last.is_word("NULL"):  # n.k IS NULL IN list
        while start > 0 and tokens[start - 1].is_word("IS", "NOT"):
            start -= 1
        return tokens[start:at]
    if last.text in (")", "]", "}"):
        while start > 0 and not (tokens[start].depth == last.depth and tokens[start].text in "([{"):
            start -= 1
        if start and tokens[start - 1].kind in _NAMES and not tokens[start - 1].is_word(*_KEYWORDS):
            start -= 1
    while start > 1 and tokens[start - 1].text in (".", ":") and tokens[start - 2].text not in ("{", ","):
        if tokens[start - 1].text == ":" and tokens[start - 2].text != ":":
            break  # the key of a map, or a label
        start -= 2
    return tokens[start:at]


def _after(tokens: Sequence[Token], at: int) -> Sequence[Token]:
    """The operand to the right."""
    first, end = tokens[at + 1], at + 2
    if first.kind in _NAMES:
        while end + 1 < len(tokens) and tokens[end].text == ".":
            end += 2
        if end < len(tokens) and tokens[end].text == "(":
            first = tokens[end]
    if first.text == "(":
        while end < len(tokens) and not (tokens[end].text == ")" and tokens[end].depth == first.depth):
            end += 1
        end += 1
    return tokens[at + 1 : end]


def _case_depth(tokens: Sequence[Token]) -> int:
    return sum(token.is_word("CASE") - token.is_word("END") for token in tokens)


# -- types ----------------------------------------------------------------------------------------


def _is_native(tokens: Sequence[Token], names: frozenset[str] | set[str]) -> bool:
    """Whether an expression may be of a type of PostgreSQL's own."""
    if not tokens:
        return False
    first, last, level = tokens[0], tokens[-1], min(token.depth for token in tokens)
    if first.is_word("CASE") and last.is_word("END"):
        return any(_is_native(part, names) for part in _branches(tokens))
    outer = [token for token in tokens if token.depth == level]
    if any(token.is_word(*_COMPARES) or token.text in "<>=" for token in outer):
        return True
    if any(token.text in "+*/%^" for token in outer):
        return False  # no operator takes an identity
    if last.text == ")":
        return _is_native_call(tokens, names)
    if len(tokens) > 2 and tokens[-2].text == tokens[-3].text == ":":
        return last.name.upper().startswith("PG_")
    return len(tokens) == 1 and last.kind in _NAMES and last.name in names


def _is_native_call(tokens: Sequence[Token], names: frozenset[str] | set[str]) -> bool:
    opening = next(at for at, token in enumerate(tokens) if token.text == "(")
    inner = tokens[opening + 1 : -1]
    if opening == 0:
        return _is_native(inner, names)
    function = tokens[opening - 1].name.upper()
    if opening > 1 and tokens[opening - 2].text == ".":  # a function of any schema
        return True
    if function == "COALESCE":
        return any(_is_native(part, names) for part in _split(inner))
    return function in _NATIVE


def _split(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    level = min((token.depth for token in tokens), default=0)
    commas = [at for at, token in enumerate(tokens) if token.text == "," and token.depth == level]
    starts, ends = [0, *[at + 1 for at in commas]], [*commas, len(tokens)]
    return [tokens[start:end] for start, end in zip(starts, ends, strict=True)]


def _branches(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """What a CASE may come to."""
    start: int | None = None
    for at, token in enumerate(tokens):
        if _case_depth(tokens[: at + 1]) - token.is_word("CASE") not in (0, 1) or not token.is_word(
            "WHEN", "THEN", "ELSE", "END"
        ):
            continue
        if start is not None:
            yield tokens[start:at]
        start = at + 1 if token.is_word("THEN", "ELSE") else None
