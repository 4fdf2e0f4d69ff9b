"""Search texts: what users write, in the form the server's functions take."""

from __future__ import annotations

__all__ = ["in_fields", "whole_text"]


def whole_text(pattern: str) -> str:
    """A regular expression that only matches the whole text, as ``=~`` does elsewhere.

    Raises:
        ValueError: a parenthesis too many or too few, which would change what is anchored.
    """
    depth = 0
    escaped = inside = False
    for char in pattern:
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
    return rf"\A(?:{pattern})\z"


def in_fields(query: str, fields: tuple[str, ...]) -> str:
    """A RediSearch query restricted to ``fields``, if any are given."""
    return f"@{'|'.join(fields)}:({query})" if fields else query
