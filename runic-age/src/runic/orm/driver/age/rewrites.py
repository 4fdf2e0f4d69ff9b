"""Passes over a statement tree before it becomes text."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

from runic.orm.query import ir

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["rename_variables"]

_TAKEN = frozenset({"id", "properties", "start_id", "end_id"})


def rename_variables(statement: ir.Statement) -> ir.Statement:
    """Give variables another name that are called as a column of AGE's tables.

    ``MATCH (id:Person)`` fails in a later clause: column reference "id" is ambiguous (1.8).
    """
    return cast("ir.Statement", _renamed(statement))


def _renamed(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return f"{value}__" if value in _TAKEN and name in ("variable", "variables") else value
    if isinstance(value, tuple):
        given = cast("tuple[object, ...]", value)
        items = tuple(_renamed(item, name) for item in given)
        return given if items == given else items
    if not isinstance(value, ir.IRNode):
        return value
    node = cast("DataclassInstance", value)
    changes: dict[str, Any] = {}
    for each in fields(node):
        part = getattr(node, each.name)
        role = "variable" if type(value) is ir.Variable and each.name == "name" else each.name
        other = _renamed(part, role)
        if other is not part and other != part:
            changes[each.name] = other
    return replace(node, **changes) if changes else value
