"""One user at a time: a session is not shared between threads, tasks or processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import NoReturn

from runic.orm.exceptions import ConcurrentUseError, ForkedSessionError

__all__ = ["Exclusive"]


# How often this process was forked off: cheaper to compare than asking the system for its number.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class Exclusive:
    """Marks a session as in use, and refuses a second use at once.

    It does not wait: two uses at a time are a mistake in the program, and waiting would hide it
    until it becomes a deadlock.

    Attributes:
        barred: raises the reason why the session can be used for nothing but :meth:`though_barred`.
    """

    __slots__ = ("_forks", "_lock", "barred")

    def __init__(self) -> None:
        self._lock = Lock()
        self._forks = _forks
        self.barred: Callable[[], NoReturn] | None = None

    def check(self) -> None:
        """Raise if the session is in use, belongs to another process, or is barred."""
        self.check_free()
        if self.barred is not None:
            self.barred()

    def check_free(self) -> None:
        """Raise if the session is in use or belongs to another process."""
        if self._lock.locked():
            self._refuse()
        self._check_process()

    def _check_process(self) -> None:
        if self._forks != _forks:
            raise ForkedSessionError(
                "this session was made before the process forked: open a new session in the child"
            )

    @contextmanager
    def though_barred(self) -> Generator[None]:
        """Use it for what may end the bar."""
        if not self._lock.acquire(blocking=False):
            self._refuse()
        try:
            self._check_process()
            yield
        finally:
            self._lock.release()

    def _refuse(self) -> NoReturn:
        raise ConcurrentUseError(
            "this session is in the middle of another operation: a session belongs to one thread or task"
            " at a time; open one session for each"
        )

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._refuse()
        if self._forks != _forks or self.barred is not None:
            self._lock.release()
            self.check()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._lock.release()
