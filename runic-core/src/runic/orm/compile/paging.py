"""Rows packed into pages: one record of the reply is a list of rows.

Some clients spend far more on a record than on the values in it. A page is a list of lists, so that
nulls keep their places, and its values are read in the order of the columns: a projection has none.
The server holds all pages of a result, so a stream goes row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect

__all__ = ["in_one_page", "in_pages", "returned", "row_by_row"]


def returned(columns: Sequence[str], dialect: Dialect) -> str:
    """The RETURN of ``columns``: in pages where the dialect wants them, else named ``c0``, ``c1``, ..."""
    if dialect.page_rows:
        return in_pages(columns, dialect)
    return "RETURN " + ", ".join(f"{column} AS c{number}" for number, column in enumerate(columns))


def in_pages(columns: Sequence[str], dialect: Dialect) -> str:
    """The RETURN of ``columns`` as pages of ``dialect.page_rows`` rows, whatever their number."""
    rows = dialect.page_rows
    return (
        f"WITH collect([{', '.join(columns)}]) AS __rows"
        f" UNWIND range(0, size(__rows) - 1, {rows:d}) AS __i RETURN __rows[__i..__i + {rows:d}] AS page"
    )


def row_by_row(columns: Sequence[str]) -> str:
    """The RETURN of ``columns`` as pages of one row."""
    return f"RETURN [[{', '.join(columns)}]] AS page"


def in_one_page(columns: Sequence[str]) -> str:
    """The RETURN of ``columns`` as one page: for no more rows than a batch has."""
    return f"RETURN collect([{', '.join(columns)}]) AS page"
