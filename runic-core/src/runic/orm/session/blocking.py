"""Run the session core from blocking code; see :mod:`runic.orm.core.blocking`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from runic.orm.core.blocking import run_blocking

__all__ = ["iter_blocking", "run_blocking"]


def iter_blocking[T](generator: AsyncGenerator[T]) -> Iterator[T]:
    """Iterate over an async generator that never suspends; closes it on every path."""
    try:
        while True:
            try:
                yield run_blocking(generator.__anext__())
            except StopAsyncIteration:
                return
    finally:
        run_blocking(generator.aclose())
