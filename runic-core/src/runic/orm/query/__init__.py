"""Queries: statements that are values, the expressions in them, and the builders bound to sessions.

The names are imported at first use: the statement tree in this package lies below the compiler, the
builders above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.query.builder import QueryBuilder, select
    from runic.orm.query.expressions import avg, collect, count, distance, max_, min_, score, sum_

__all__ = [
    "QueryBuilder",
    "avg",
    "collect",
    "count",
    "distance",
    "max_",
    "min_",
    "score",
    "select",
    "sum_",
]


if not TYPE_CHECKING:  # else a type checker would take any misspelt name for an export

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from runic.orm.query import builder, expressions

        return getattr(builder if name in ("QueryBuilder", "select") else expressions, name)
