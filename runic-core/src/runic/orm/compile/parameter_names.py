"""The names of parameters in a Cypher text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from runic.orm.exceptions import MissingParameterError

__all__ = ["check_parameters", "parameter_names"]

# What may hide a dollar sign comes first: strings, quoted names, comments.
_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|\$(?:(\w+)|`([^`]*)`)|`[^`]*`""",
    re.DOTALL,
)
_CACHED_LENGTH = 20_000
_NONE: frozenset[str] = frozenset()


def parameter_names(text: str) -> frozenset[str]:
    """The names that follow a ``$`` in ``text``, outside of strings, quoted names and comments."""
    if "$" not in text:
        return _NONE
    return _cached(text) if len(text) <= _CACHED_LENGTH else _scan(text)


def check_parameters(text: str, parameters: Mapping[str, Any], backend: str) -> None:
    """See that ``parameters`` are those that ``text`` uses.

    Raises:
        MissingParameterError: a name of the text has no value, or a value has no name in the text.
    """
    used = parameter_names(text)
    if not used.symmetric_difference(parameters):
        return
    missing = sorted(used - parameters.keys())
    if missing:
        names = ", ".join(f"${name}" for name in missing)
        raise MissingParameterError(f"no value for {names}", backend=backend, statement=text)
    extra = ", ".join(sorted(map(repr, parameters.keys() - used)))
    raise MissingParameterError(
        f"the statement does not use the parameter {extra}", backend=backend, statement=text
    )


def _scan(text: str) -> frozenset[str]:
    return frozenset(plain or quoted for plain, quoted in _TOKEN.findall(text) if plain or quoted)


_cached = lru_cache(maxsize=1024)(_scan)
