"""Queries: statements that are values, the expressions in them, and the builders bound to sessions.

The names are imported at first use: the statement tree in this package lies below the compiler, the
builders above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.query.builder import QueryBuilder, select
    from runic.orm.query.expressions import avg, collect, count, distance, max_, min_, score, sum_
    from runic.orm.query.subqueries import count_of, exists

__all__ = [
    "QueryBuilder",
    "avg",
    "collect",
    "count",
    "count_of",
    "distance",
    "exists",
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
        from runic.orm.query import builder, expressions, subqueries

        homes = {"QueryBuilder": builder, "select": builder, "count_of": subqueries, "exists": subqueries}
        return getattr(homes.get(name, expressions), name)
