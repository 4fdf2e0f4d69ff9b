"""Run coroutines that never suspend from blocking code.

Logic that talks to a database is ``async def`` but awaits nothing except the driver port. A blocking
port never suspends, so its coroutines finish at the first ``send``: no event loop, no thread, no
greenlet.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from runic.orm.exceptions import InternalError

__all__ = ["run_blocking"]


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
