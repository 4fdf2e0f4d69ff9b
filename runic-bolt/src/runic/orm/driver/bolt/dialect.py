"""What every database that speaks Bolt shares, as data; each brings a dialect of its own on top."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runic.orm.compile.dialect import Dialect, UnitForm
from runic.orm.exceptions import DriverError

__all__ = ["BoltDialect"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoltDialect(Dialect):
    """One Bolt database's Cypher, and how its server behaves.

    Attributes:
        language: (server's agent) -> what runic puts in front of statements of its own, to pin the
            version of Cypher; raw statements go out as they are.
        auto_commit: statements that the server runs outside of explicit transactions only.
        bookmarks: whether commits give bookmarks that later transactions can wait for.
        silence: whether the server can be told to send no notifications (Bolt 5.2).
        enforces_read: whether the server refuses writes in a READ transaction.
        writes: whether a statement writes, where the server does not enforce it: then this does.
        error_codes: kinds of errors by the server's code, beside those that all servers share.
        error_texts: kinds by a pattern of the message and the code, where the code alone says too little.
    """

    unit_form: UnitForm = UnitForm.TRANSACTION
    language: Callable[[str], str] | None = None
    auto_commit: re.Pattern[str] | None = None
    bookmarks: bool = True
    silence: bool = True
    enforces_read: bool = True
    writes: Callable[[str], bool] | None = None
    error_codes: Mapping[str, type[DriverError]] = field(default_factory=dict[str, type[DriverError]])
    error_texts: tuple[tuple[re.Pattern[str], type[DriverError]], ...] = ()

    def plain(self, cell: Any) -> Any:
        """The Python value of a cell that is no node, edge or path."""
        from .values import plain

        return plain(cell)
