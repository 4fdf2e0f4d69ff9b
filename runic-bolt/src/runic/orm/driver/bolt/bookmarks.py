"""Which commits the next transaction waits for: the bookmarks of one driver, in both colours.

The client asks for them when a transaction begins and hands in that of each commit.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import cast

__all__ = ["AsyncBookmarkStore", "BookmarkStore", "Bookmarks", "checked_bookmarks"]


class Bookmarks:
    """The bookmarks that are known, shared by all threads, tasks and event loops of a driver.

    Args:
        values: those to start with.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values = set(values)

    def values(self) -> tuple[str, ...]:
        """All of them, in a stable order."""
        with self._lock:
            return tuple(sorted(self._values))

    def add(self, values: Iterable[str]) -> None:
        """Know these as well."""
        with self._lock:
            self._values.update(values)

    def replace(self, before: Collection[str] | None, after: Collection[str]) -> None:
        """A transaction that waited for ``before`` has committed: ``after`` implies them."""
        with self._lock:
            self._values.difference_update(before or ())
            self._values.update(after)


class BookmarkStore:
    """What the blocking client asks. It has the methods of ``neo4j.api.BookmarkManager``."""

    def __init__(self, bookmarks: Bookmarks) -> None:
        self._bookmarks = bookmarks

    def get_bookmarks(self) -> Collection[str]:
        """What the next transaction waits for."""
        return self._bookmarks.values()

    def update_bookmarks(
        self, previous_bookmarks: Collection[str] | None, new_bookmarks: Collection[str]
    ) -> None:
        """A transaction has committed."""
        self._bookmarks.replace(previous_bookmarks, new_bookmarks)


class AsyncBookmarkStore:
    """What the async client asks. It has the methods of ``neo4j.api.AsyncBookmarkManager``."""

    def __init__(self, bookmarks: Bookmarks) -> None:
        self._bookmarks = bookmarks

    async def get_bookmarks(self) -> Collection[str]:
        """What the next transaction waits for."""
        return self._bookmarks.values()

    async def update_bookmarks(
        self, previous_bookmarks: Collection[str] | None, new_bookmarks: Collection[str]
    ) -> None:
        """A transaction has committed."""
        self._bookmarks.replace(previous_bookmarks, new_bookmarks)


def checked_bookmarks(values: object) -> tuple[str, ...]:
    """The bookmarks of a caller.

    Raises:
        TypeError: it is one text, or holds something that is no text.
    """
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"bookmarks must be a list of texts, not {type(values).__name__}")
    found: list[str] = []
    for each in cast("Iterable[object]", values):
        if not isinstance(each, str):
            raise TypeError("bookmarks must be a list of texts, one of them is not")
        found.append(each)
    return tuple(found)
