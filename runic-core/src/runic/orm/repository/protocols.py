"""What application code may expect of a repository, whatever is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["AsyncRepositoryProtocol", "RepositoryProtocol"]


class RepositoryProtocol[T](Protocol):
    """Typed reads of one entity class."""

    def find_all(
        self, fetch: Sequence[str] | None = None, skip: int = 0, limit: int | None = None
    ) -> list[T]:
        """All entities."""
        ...

    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[Any] | None = None,
        write: bool = False,
    ) -> list[Any]:
        """Raw Cypher with typed results."""
        ...


class AsyncRepositoryProtocol[T](Protocol):
    """The async twin of :class:`RepositoryProtocol`."""

    async def find_all(
        self, fetch: Sequence[str] | None = None, skip: int = 0, limit: int | None = None
    ) -> list[T]:
        """All entities."""
        ...

    async def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[Any] | None = None,
        write: bool = False,
    ) -> list[Any]:
        """Raw Cypher with typed results."""
        ...
