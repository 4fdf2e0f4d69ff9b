"""Run the session core from blocking code; see :mod:`runic.orm.core.blocking`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from runic.orm.core.blocking import run_blocking

__all__ = ["check_colour", "iter_blocking", "run_blocking"]


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


def check_colour(driver: object, *, blocking: bool) -> None:
    """Refuse a driver of the other colour: it would fail at first use, or block the event loop.

    Raises:
        TypeError: it is one.
    """
    if blocking and hasattr(driver, "aclose") and not hasattr(driver, "close"):
        raise TypeError(
            f"a Session needs a sync driver, and {type(driver).__name__} is async: make one with"
            " create_driver(), or use AsyncSession"
        )
    if not blocking and hasattr(driver, "close") and not hasattr(driver, "aclose"):
        raise TypeError(
            f"an AsyncSession needs an async driver, and {type(driver).__name__} is sync: make one with"
            " create_async_driver(), or use Session"
        )
