"""Codecs: how values of one field type are stored on one backend, and come back.

A codec is data. The mapper's generated encoders and hydrators inline it, the compiler pastes its
Cypher templates; nothing here runs per row by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["ALL_OPERATORS", "EQUALITY", "NULL_TESTS", "ORDER", "TEXT", "Codec", "storable_text"]

NULL_TESTS = frozenset({"IS NULL", "IS NOT NULL"})
EQUALITY = NULL_TESTS | {"=", "<>", "IN"}
ORDER = EQUALITY | {"<", "<=", ">", ">=", "ORDER BY", "min", "max"}
TEXT = frozenset({"CONTAINS", "STARTS WITH", "ENDS WITH", "=~"})
ALL_OPERATORS = ORDER | TEXT | {"sum", "avg"}


@dataclass(frozen=True, slots=True)
class Codec:
    """How one kind of value is stored.

    A field is one row value on the way in and one result cell on the way out, however many
    properties it takes: a value that needs two travels as a list.

    Attributes:
        exact: the exact Python types that need no ``encode``: such a value is stored as it is,
            after the range checks of the mapper (64-bit ints, finite floats, clean text).
        encode: Python value -> stored value, for every other type. Raises ``ValueError`` or
            ``TypeError`` with a reason; the mapper adds class and field. Never called with ``None``.
        trusted: the exact Python types of which ``encode`` always makes a value that every server
            keeps, so that it needs neither a check nor an error message.
        decode: stored value -> Python value; ``None``: as it is. Never called with ``None``.
        cell: Python source, ``{c}`` the reply's cell -> stored value, ``None`` for null.
        writes: the properties to write, as (suffix of the property name, Cypher template with
            ``{v}`` for the row value). Only the first belongs to the user.
        read: Cypher template over the property accesses: ``{p}`` is the field's own property,
            ``{p1}`` that of ``writes[1]``.
        compare: the suffix and template that predicates compare, e.g. ``("", "point({v})")``.
        compare_encode: Python value -> parameter of a predicate, where it differs from ``encode``.
        operators: the operators and aggregates that mean the same on the stored form.
        stored: what is stored, for messages and documentation (``"ISO 8601 text"``).
    """

    exact: tuple[type, ...] = ()
    encode: Callable[[Any], Any] | None = None
    trusted: frozenset[type] = frozenset()
    decode: Callable[[Any], Any] | None = None
    cell: str = "{c}"
    writes: tuple[tuple[str, str], ...] = (("", "{v}"),)
    read: str = "{p}"
    compare: tuple[str, str] = ("", "{v}")
    compare_encode: Callable[[Any], Any] | None = None
    operators: frozenset[str] = EQUALITY
    stored: str = ""


def storable_text(text: str) -> bool:
    """Whether every server can store ``text``: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
