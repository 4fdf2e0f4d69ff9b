"""Passes over a statement tree before it becomes text."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

from runic.orm.query import ir

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["RESERVED", "rename_reserved", "rename_variables"]

RESERVED = frozenset(
    {
        "all", "analyze", "and", "as", "asc", "ascending", "by", "call", "case", "coalesce", "contains",
        "create", "delete", "desc", "descending", "detach", "distinct", "else", "end", "ends", "exists",
        "explain", "false", "in", "is", "limit", "match", "merge", "not", "null", "optional", "or", "order",
        "remove", "return", "set", "skip", "starts", "then", "true", "union", "unwind", "verbose", "when",
        "where", "with", "xor", "yield",
    }
)  # fmt: skip
"""Words that nothing but a label can be called before 1.8, not even in backticks (1.5, each tried)."""

_TAKEN = frozenset({"id", "properties", "start_id", "end_id"})


def rename_variables(statement: ir.Statement) -> ir.Statement:
    """Give variables another name that are called as a column of AGE's tables.

    ``MATCH (id:Person)`` fails in a later clause: column reference "id" is ambiguous (1.8).
    """
    return cast("ir.Statement", _renamed(statement, _TAKEN))


def rename_reserved(statement: ir.Statement) -> ir.Statement:
    """The same, and those that are called as a word that older servers reserve."""
    return cast("ir.Statement", _renamed(statement, _TAKEN | RESERVED))


def _renamed(value: Any, taken: frozenset[str], name: str = "") -> Any:
    if isinstance(value, str):
        return f"{value}__" if value.lower() in taken and name in ("variable", "variables") else value
    if isinstance(value, tuple):
        given = cast("tuple[object, ...]", value)
        items = tuple(_renamed(item, taken, name) for item in given)
        return given if items == given else items
    if not isinstance(value, ir.IRNode):
        return value
    node = cast("DataclassInstance", value)
    changes: dict[str, Any] = {}
    for each in fields(node):
        part = getattr(node, each.name)
        role = "variable" if type(value) is ir.Variable and each.name == "name" else each.name
        other = _renamed(part, taken, role)
        if other is not part and other != part:
            changes[each.name] = other
    return replace(node, **changes) if changes else value
