"""Run the session core from blocking code.

The core is ``async def`` but awaits nothing except the driver port. A blocking port never suspends,
so its coroutines finish at the first ``send``: no event loop, no thread, no greenlet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any

from runic.orm.exceptions import InternalError

__all__ = ["iter_blocking", "run_blocking"]


def run_blocking[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run ``coroutine`` to its end and return its result.

    Raises:
        InternalError: the coroutine suspended, so the driver under it is not a blocking one.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise InternalError(
        "a blocking driver suspended: a Session needs a sync driver (create_driver), an AsyncSession an"
        " async one"
    )


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
