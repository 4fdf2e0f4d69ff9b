"""The names of parameters in a Cypher text."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["parameter_names"]

# What may hide a dollar sign comes first: strings, quoted names, comments.
_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|\$(?:([A-Za-z_][A-Za-z0-9_]*)|`([^`]*)`)|`[^`]*`""",
    re.DOTALL,
)
_CACHED_LENGTH = 20_000


def parameter_names(text: str) -> frozenset[str]:
    """The names that follow a ``$`` in ``text``, outside of strings, quoted names and comments."""
    if "$" not in text:
        return _NONE
    return _cached(text) if len(text) <= _CACHED_LENGTH else _scan(text)


_NONE: frozenset[str] = frozenset()


def _scan(text: str) -> frozenset[str]:
    return frozenset(plain or quoted for plain, quoted in _TOKEN.findall(text) if plain or quoted)


_cached = lru_cache(maxsize=1024)(_scan)
