"""Run a unit of work again when it was in somebody's way."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from runic.orm.exceptions import OrmError
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session

if TYPE_CHECKING:
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver

__all__ = ["run_in_transaction", "run_in_transaction_async"]

FIRST_PAUSE = 0.05
"""Seconds; doubled for each further attempt, times a random factor so that rivals do not meet again."""

LONGEST_PAUSE = 2.0
"""Seconds."""


def run_in_transaction[T](
    driver: GraphDriver, fn: Callable[[Session], T], attempts: int = 5, **options: Any
) -> T:
    """Call ``fn(session)`` with a fresh session and commit; again if that fails with a retryable error.

    Args:
        driver: a sync driver.
        fn: the unit of work. It may run several times, so it must not have effects of its own.
        attempts: how often it runs at most.
        options: options of :class:`Session`. With ``verifiable=True`` a lost reply to the commit is no
            failure either: the unit is found out about, and run again only if it was not applied.

    Returns:
        What ``fn`` returned in the attempt that was committed.

    Raises:
        OrmError: the last error, if all attempts failed, or one that retrying cannot help.

    Example:
        >>> def deposit(session):                                            # doctest: +SKIP
        ...     session.get(Account, "a1").balance += 10
        >>> run_in_transaction(driver, deposit)                              # doctest: +SKIP
    """
    _check(attempts)
    for attempt in range(1, attempts + 1):
        try:
            with Session(driver, **options) as session:
                result = fn(session)
                if isinstance(result, Coroutine):
                    result.close()
                    raise TypeError(f"{fn!r} is async: use run_in_transaction_async()")
                return result
        except OrmError as error:
            if not error.retryable or attempt == attempts:
                raise
            time.sleep(_pause(attempt))
    raise AssertionError("unreachable")


async def run_in_transaction_async[T](
    driver: AsyncGraphDriver, fn: Callable[[AsyncSession], Awaitable[T]], attempts: int = 5, **options: Any
) -> T:
    """The async twin of :func:`run_in_transaction`: awaits ``fn(session)``."""
    import asyncio  # only where an event loop runs anyway

    _check(attempts)
    for attempt in range(1, attempts + 1):
        try:
            async with AsyncSession(driver, **options) as session:
                result = fn(session)
                if not isinstance(cast("object", result), Awaitable):
                    raise TypeError(f"{fn!r} is not async: use run_in_transaction()")
                return await result
        except OrmError as error:
            if not error.retryable or attempt == attempts:
                raise
            await asyncio.sleep(_pause(attempt))
    raise AssertionError("unreachable")


def _check(attempts: int) -> None:
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, not {attempts}")


def _pause(attempt: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
