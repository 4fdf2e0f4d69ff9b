"""Regular expressions of users, on their way into a longer one that is anchored at both ends."""

from __future__ import annotations

__all__ = ["check_parentheses"]


def check_parentheses(pattern: str) -> None:
    """Refuse a pattern that would close the group which is put around it, or leave it open.

    Raises:
        ValueError: a parenthesis too many or too few.

    Example:
        >>> check_parentheses("a)|(b")
        Traceback (most recent call last):
        ...
        ValueError: the pattern 'a)|(b' has unbalanced parentheses
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
