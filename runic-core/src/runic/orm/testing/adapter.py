"""One face for both sessions, so that every live check is written once.

Tests are written against :class:`~runic.orm.session.async_session.AsyncSession`. In sync runs they
get a blocking session behind the same awaitable methods: nothing in them ever suspends, so
``run_blocking`` drives the whole test, without an event loop.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, cast

from runic.orm.query.builder import QueryBuilder
from runic.orm.query.traversal import TraversalStep
from runic.orm.session.async_session import AsyncSession

if TYPE_CHECKING:
    from types import TracebackType

    from runic.orm.schema.index_manager import AsyncIndexAdapter, IndexAdapter
    from runic.orm.session.session import Session

__all__ = ["adapt", "adapt_schema"]


def adapt(session: Session) -> AsyncSession:
    """``session`` behind the methods of :class:`AsyncSession`."""
    return cast("AsyncSession", _Adapter(session))


def adapt_schema(adapter: IndexAdapter) -> AsyncIndexAdapter:
    """``adapter`` behind the methods of :class:`~runic.orm.schema.index_manager.AsyncIndexAdapter`."""
    return cast("AsyncIndexAdapter", _SchemaAdapter(adapter))


class _SchemaAdapter:
    def __init__(self, adapter: IndexAdapter) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._adapter, name)
        return value if name == "expand" else _awaitable(value)


class _Adapter:
    def __init__(self, session: Session) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._session, name)
        if inspect.iscoroutinefunction(getattr(AsyncSession, name)):
            return _awaitable(value)
        return value

    async def stream(self, stmt: Any, page: int = 1000) -> AsyncGenerator[Any]:
        for entity in self._session.stream(stmt, page):
            yield entity

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        with self._session.transaction():
            yield

    def query(self, cls: type) -> Any:
        return _Builder(self._session.query(cls))

    def fulltext_search(self, cls: type, **options: Any) -> Any:
        return _Builder(self._session.fulltext_search(cls, **options))

    def vector_search(self, cls: type, **options: Any) -> Any:
        return _Builder(self._session.vector_search(cls, **options))

    async def __aenter__(self) -> Self:
        self._session.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, tb)


_TERMINALS = frozenset({"all", "all_rows", "all_with_edges", "count", "one", "scalar", "scalars"})


class _Builder:
    """A bound builder whose terminal methods are awaitable."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._builder, name)
        if name in _TERMINALS:
            return _awaitable(value)
        if not callable(value):
            return value

        @wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = value(*args, **kwargs)
            return _Builder(result) if isinstance(result, QueryBuilder | TraversalStep) else result

        return call


def _awaitable(method: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return call
