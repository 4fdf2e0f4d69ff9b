"""One user at a time: a session is not shared between threads, tasks or processes."""

from __future__ import annotations

import os
from threading import Lock
from types import TracebackType
from typing import NoReturn

from runic.orm.exceptions import ConcurrentUseError, ForkedSessionError

__all__ = ["Exclusive"]


class Exclusive:
    """Marks a session as in use, and refuses a second use at once.

    It does not wait: two uses at a time are a mistake in the program, and waiting would hide it
    until it becomes a deadlock.
    """

    __slots__ = ("_lock", "_process")

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = os.getpid()

    def check(self) -> None:
        """Raise if the session is in use or belongs to another process."""
        if self._lock.locked():
            self._refuse()
        if self._process != os.getpid():
            raise ForkedSessionError(
                "this session was made before the process forked: open a new session in the child"
            )

    def _refuse(self) -> NoReturn:
        raise ConcurrentUseError(
            "this session is in the middle of another operation: a session belongs to one thread or task"
            " at a time; open one session for each"
        )

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._refuse()
        if self._process != os.getpid():
            self._lock.release()
            self.check()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._lock.release()
