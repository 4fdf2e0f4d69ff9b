"""What every competitor can do: runic, and the raw client of each database by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bench.workload import Rows

__all__ = ["AsyncGet", "Competitor", "Connect", "Reader"]

type AsyncGet = Callable[[str], Awaitable[Any]]
"""Look one person up by key."""

type Connect = Callable[[], AbstractAsyncContextManager[AsyncGet]]
"""Take a connection, for gets one after the other."""


class Reader(Protocol):
    """Reads in one session."""

    def get(self, key: str) -> Any:
        """One person by key."""
        ...

    def relations(self, keys: list[str]) -> int:
        """People with their friends; how many friends these are together."""
        ...


class Competitor(Protocol):
    """One way to do the workload of :mod:`bench.workload`."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    def setup(self) -> None:
        """Prepare an empty graph: index the key."""
        ...

    def insert_nodes(self, rows: Rows) -> None:
        """Create every person, commit."""
        ...

    def insert_edges(self, rows: Rows) -> None:
        """Create every edge between people that were inserted before, commit."""
        ...

    def load(self, expected: int) -> None:
        """Read every person."""
        ...

    def update(self, count: int) -> None:
        """Change one property of people that were loaded, commit."""
        ...

    def delete(self, count: int) -> None:
        """Delete people that were loaded, and their edges, commit."""
        ...

    def unit(self, rows: Rows) -> None:
        """Create people and edges in one go, commit."""
        ...

    def reading(self) -> AbstractContextManager[Reader]:
        """A session for reads."""
        ...

    def asynchronous(self, at_once: int) -> AbstractAsyncContextManager[Connect]:
        """An async client with that many connections."""
        ...
