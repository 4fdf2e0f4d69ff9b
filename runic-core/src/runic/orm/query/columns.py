"""Normal forms of what is returned: the arguments of ``project()`` and ``group_by=``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from runic.orm.core.mapped import Attr
from runic.orm.query.expressions import AggExpr, Expr, Operand
from runic.orm.query.normal import Key, aggregate_key, operand_key
from runic.orm.query.terms import parse_name

__all__ = ["column_key", "group_key"]


def column_key(field: object, values: list[Any]) -> tuple[Key, str | None, int]:
    """One returned value: its normal form, the user's name for it, and how many values it binds.

    Raises:
        TypeError: nothing that can be returned.
        QueryError: text that is more than a name.
    """
    if isinstance(field, str):
        return ("term", parse_name(field, "project")), None, 0
    if isinstance(field, AggExpr):
        return aggregate_key(cast("AggExpr[Any]", field)), None, 0  # type: ignore[redundant-cast]
    if isinstance(field, Attr | Operand):
        before = len(values)
        key = cast("Key", operand_key(cast("object", field), values))
        label = field.label if isinstance(field, Operand) else None
        return key, label, len(values) - before
    raise TypeError(_refusal(field))


def group_key(group_by: object) -> tuple[Key, ...]:
    """What an aggregation groups by: nothing, one thing, or several.

    Raises:
        TypeError: nothing that can be grouped by.
    """
    if group_by is None:
        return ()
    several: Iterable[object] = (group_by,)
    if isinstance(group_by, list | tuple):
        several = cast("Iterable[object]", group_by)
    keys: list[Key] = []
    for each in several:
        if isinstance(each, str):
            keys.append(("term", parse_name(each, "aggregate")))
        elif isinstance(each, Attr):
            keys.append(cast("Key", operand_key(cast("object", each), [])))
        else:
            raise TypeError(f"group_by takes aliases and fields, not {type(each).__name__}")
    return tuple(keys)


def _refusal(field: object) -> str:
    if isinstance(field, Expr):
        return f"project() returns values, and {field!r} is a predicate"
    return f"project() takes fields, aliases and expressions, not {type(field).__name__}"
