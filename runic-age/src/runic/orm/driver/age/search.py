"""Search texts: what users write, in the form the server's operators take."""

from __future__ import annotations

import re

__all__ = ["whole_text"]

_OPTIONS = re.compile(r"\(\?([a-z]+)\)")


def whole_text(pattern: str) -> str:
    """A regular expression that only matches the whole text, as ``=~`` does elsewhere.

    Raises:
        ValueError: a parenthesis too many or too few, which would change what is anchored.
    """
    options = _OPTIONS.match(pattern)
    head = options[0] if options else ""
    rest = pattern[len(head) :]
    if rest.startswith("***"):
        raise ValueError(f"the pattern {pattern!r} begins with ***, which PostgreSQL takes for a director")
    depth = 0
    escaped = inside = False
    for char in rest:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif inside:
            inside = char != "]"
        elif char == "[":
            inside = True
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth < 0:
                break
    if depth:
        raise ValueError(f"the pattern {pattern!r} has unbalanced parentheses")
    # $ would also match before a newline at the end.
    return rf"{head}\A(?:{rest})\Z"
