"""Pools of connections, thread-safe or for event loops, and safe to take through ``os.fork()``.

Neither knows the client library: a factory makes the links.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from runic.orm.exceptions import DriverError, PoolTimeout

if TYPE_CHECKING:
    from .links import AsyncLink, BlockingLink

__all__ = ["AsyncPool", "BlockingPool"]


def _exhausted(size: int, seconds: float | None) -> PoolTimeout:
    return PoolTimeout(
        f"all {size} connections stayed in use for {seconds:g} s; close sessions sooner, or raise"
        " max_connections or pool_timeout",
        backend="falkordb",
    )


def _closed() -> DriverError:
    return DriverError("the driver is closed", backend="falkordb")


class BlockingPool:
    """A pool of blocking links for any number of threads. The methods never suspend."""

    def __init__(
        self,
        make: Callable[[], Awaitable[BlockingLink]],
        size: int,
        timeout: float | None,
        forget: Callable[[], None],
    ) -> None:
        self._make = make
        self._forget = forget
        self._size = size
        self._timeout = timeout
        self._closed = False
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._slots = threading.Semaphore(self._size)
        self._idle: deque[BlockingLink] = deque()
        self._in_use = 0
        self._counting = threading.Lock()

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            # A forked child: the sockets are the parent's. Forget them; redis-py closes the child's
            # copies without shutting the connections down.
            self._reset()

    @property
    def in_use(self) -> int:
        """The number of links that are checked out."""
        return self._in_use

    @property
    def idle(self) -> int:
        """The number of open links that wait for use."""
        return len(self._idle)

    async def acquire(self) -> BlockingLink:
        """Check a link out.

        Raises:
            PoolTimeout: none became free in time.
            DriverError: the pool is closed.
        """
        self._check_process()
        if self._closed:
            raise _closed()
        if not self._slots.acquire(timeout=self._timeout):
            raise _exhausted(self._size, self._timeout)
        try:
            link = self._take_idle() or await self._make()
        except BaseException:
            self._slots.release()
            raise
        with self._counting:
            self._in_use += 1
        return link

    def _take_idle(self) -> BlockingLink | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    async def reroute(self) -> None:
        """Forget where the graph was, and every link that led there."""
        self._forget()
        while (link := self._take_idle()) is not None:
            link.close_now()

    async def release(self, link: BlockingLink, *, discard: bool = False) -> None:
        """Give a link back; ``discard`` closes it."""
        if self._pid != os.getpid():
            return
        if discard or self._closed:
            link.close_now()
        else:
            self._idle.append(link)
        with self._counting:
            self._in_use -= 1
        self._slots.release()

    def close(self) -> None:
        """Close the idle links; those in use are closed when they come back."""
        self._closed = True
        if self._pid != os.getpid():
            return
        while (link := self._take_idle()) is not None:
            link.close_now()


class _LoopState:
    """The part of an async pool that belongs to one event loop."""

    def __init__(self, size: int) -> None:
        self.slots = asyncio.Semaphore(size)
        self.idle: list[AsyncLink] = []
        self.in_use = 0


class AsyncPool:
    """A pool of async links; every event loop has connections of its own."""

    def __init__(
        self,
        make: Callable[[], Awaitable[AsyncLink]],
        size: int,
        timeout: float | None,
        forget: Callable[[], None],
    ) -> None:
        self._make = make
        self._forget = forget
        self._size = size
        self._timeout = timeout
        self._closed = False
        self._pid = os.getpid()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopState] = WeakKeyDictionary()

    def _state(self) -> _LoopState:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._loops = WeakKeyDictionary()
        loop = asyncio.get_running_loop()
        state = self._loops.get(loop)
        if state is None:
            state = self._loops[loop] = _LoopState(self._size)
        return state

    @property
    def in_use(self) -> int:
        """The number of links that are checked out, of all event loops."""
        return sum(state.in_use for state in self._loops.values())

    @property
    def idle(self) -> int:
        """The number of open links that wait for use, of all event loops."""
        return sum(len(state.idle) for state in self._loops.values())

    async def acquire(self) -> AsyncLink:
        """Check a link out.

        Raises:
            PoolTimeout: none became free in time.
            DriverError: the pool is closed.
        """
        if self._closed:
            raise _closed()
        state = self._state()
        try:
            async with asyncio.timeout(self._timeout):
                await state.slots.acquire()
        except TimeoutError:
            raise _exhausted(self._size, self._timeout) from None
        try:
            link = state.idle.pop() if state.idle else await self._make()
        except BaseException:
            state.slots.release()
            raise
        state.in_use += 1
        return link

    async def release(self, link: AsyncLink, *, discard: bool = False) -> None:
        """Give a link back; ``discard`` closes it."""
        if self._pid != os.getpid():
            return
        state = self._state()
        # No await before the slot is free again: a cancellation must not lose it.
        state.in_use -= 1
        state.slots.release()
        if discard or self._closed:
            await link.close()
        else:
            state.idle.append(link)

    async def reroute(self) -> None:
        """Forget where the graph was, and every link that led there."""
        self._forget()
        await self.drain()

    async def drain(self) -> None:
        """Close the idle links of this event loop, before the loop itself is closed."""
        if self._pid == os.getpid():
            state = self._state()
            while state.idle:
                await state.idle.pop().close()

    async def close(self) -> None:
        """Close the idle links of this event loop; those in use are closed when they come back."""
        self._closed = True
        await self.drain()
