"""Terms given as text, as in ``order_by("n.created_at DESC")``: parsed into names, never pasted."""

from __future__ import annotations

import re

from runic.orm.exceptions import QueryError

__all__ = ["FUNCTIONS", "Term", "parse_name", "parse_order"]

#: (function or None, alias or None, name): ``toLower(n.name)``, ``n.name``, ``total``.
type Term = tuple[str | None, str | None, str]

#: Functions of one argument that every backend has under the same name.
FUNCTIONS = {
    name.lower(): name for name in ("toLower", "toUpper", "trim", "size", "abs", "ceil", "floor", "round")
}

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_TERM = re.compile(
    rf"\s*(?:(?P<function>{_NAME})\s*\(\s*(?P<inner>(?:{_NAME}\.)?{_NAME})\s*\)|(?P<plain>(?:{_NAME}\.)?{_NAME}))"
    r"(?:\s+(?P<direction>ASC|ASCENDING|DESC|DESCENDING))?\s*",
    re.IGNORECASE | re.ASCII,
)


def parse_order(text: str, desc: bool) -> tuple[tuple[Term, bool], ...]:
    """Parse ``"n.name DESC, total"`` into terms with their direction.

    Raises:
        QueryError: anything else than names, with a direction, in one of a few functions.
    """
    parts = text.split(",")
    parsed: list[tuple[Term, bool]] = []
    for part in parts:
        match = _TERM.fullmatch(part)
        if match is None:
            raise _refused("order_by", text)
        direction = match["direction"]
        descending = desc if direction is None else direction.upper().startswith("DESC")
        if desc and direction is not None and not descending:
            raise QueryError(f"order_by({text!r}, desc=True) contradicts itself")
        parsed.append((_term(match, text), descending))
    return tuple(parsed)


def parse_name(text: str, method: str) -> Term:
    """Parse ``"n.name"``, ``"n"`` or ``"toLower(n.name)"``.

    Raises:
        QueryError: anything else.
    """
    match = _TERM.fullmatch(text)
    if match is None or match["direction"] is not None:
        raise _refused(method, text)
    return _term(match, text)


def _term(match: re.Match[str], text: str) -> Term:
    function = None
    if match["function"] is not None:
        function = FUNCTIONS.get(match["function"].lower())
        if function is None:
            raise QueryError(
                f"{match['function']}() in {text!r} is not one of {', '.join(FUNCTIONS.values())}; use an"
                " expression such as count(), distance() or score()"
            )
    alias, _, name = (match["inner"] or match["plain"]).rpartition(".")
    return function, alias or None, name


def _refused(method: str, text: str) -> QueryError:
    return QueryError(
        f"{method}({text!r}): text may hold names only, as in 'n.created_at DESC', 'total' or"
        " 'toLower(n.name)'; for anything else pass an expression, e.g. User.created_at, count() or"
        " distance(User.home, place)"
    )
