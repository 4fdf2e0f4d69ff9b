"""Names that reach a database: labels, types, properties, aliases.

They are the only text of a statement that is not bound as a parameter, and some servers cannot escape
a backtick inside a quoted name at all. So every name is checked once, where it is declared.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from runic.orm.exceptions import InvalidNameError

__all__ = ["MAX_NAME_LENGTH", "check_name"]

#: The shortest limit among the databases (bytes), beyond which one of them cuts names silently.
MAX_NAME_LENGTH: Final = 63

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_name(name: object, what: str, where: str | None = None) -> str:
    """Return ``name`` if every backend can quote it safely.

    Args:
        name: the candidate.
        what: what it names, for the message: ``"label"``, ``"property"``, ``"alias"``, ...
        where: the class or statement that uses it.

    Raises:
        InvalidNameError: says which name, where, and why; the name is shown escaped.
    """
    if type(name) is str and _NAME.fullmatch(name):
        return name
    prefix = f"{where}: " if where else ""
    raise InvalidNameError(f"{prefix}invalid {what} {name!a}: {_reason(name)}")


def _reason(name: object) -> str:
    if type(name) is not str:
        return f"a name is a str, not {type(name).__name__}"
    if not name:
        return "it is empty"
    for position, char in enumerate(name):
        if not (char.isascii() and (char.isalnum() or char == "_")):
            return (
                f"{_describe(char)} at position {position}; "
                "only ASCII letters, digits and underscores are allowed"
            )
    if len(name) > MAX_NAME_LENGTH:
        return f"it has {len(name)} characters, {MAX_NAME_LENGTH} are the most"
    return "it starts with a digit"


def _describe(char: str) -> str:
    if char == "\0":
        return "a NUL character"
    if char == "`":
        return "a backtick"
    if char in _BIDI:
        return f"the bidirectional control {char!a}"
    category = unicodedata.category(char)
    if category == "Cs":
        return f"the lone surrogate {char!a}"
    if category.startswith("C"):
        return f"the control character {char!a}"
    return f"the character {char!a}"
