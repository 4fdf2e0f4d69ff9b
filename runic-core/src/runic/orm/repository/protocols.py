"""What application code may expect of a repository, whatever is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, overload

__all__ = ["AsyncRepositoryProtocol", "RepositoryProtocol"]


class RepositoryProtocol[T](Protocol):
    """Typed reads of one entity class."""

    def find_all(
        self, fetch: Sequence[str] | None = None, skip: int = 0, limit: int | None = None
    ) -> list[T]:
        """All entities."""
        ...

    @overload
    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: None = None,
        write: bool = False,
    ) -> list[Any]: ...

    @overload
    def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[dict[Any, Any]],
        write: bool = False,
    ) -> list[dict[str, Any]]: ...

    @overload
    def cypher[R](
        self, query: str, params: Mapping[str, Any] | None = None, *, returns: type[R], write: bool = False
    ) -> list[R]: ...

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

    @overload
    async def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: None = None,
        write: bool = False,
    ) -> list[Any]: ...

    @overload
    async def cypher(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        returns: type[dict[Any, Any]],
        write: bool = False,
    ) -> list[dict[str, Any]]: ...

    @overload
    async def cypher[R](
        self, query: str, params: Mapping[str, Any] | None = None, *, returns: type[R], write: bool = False
    ) -> list[R]: ...

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
