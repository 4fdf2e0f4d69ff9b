"""Running the core without an event loop, and refusing to be used by two at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

from runic.orm.exceptions import ConcurrentUseError, ForkedSessionError, InternalError
from runic.orm.session import exclusive as module
from runic.orm.session.blocking import iter_blocking, run_blocking
from runic.orm.session.exclusive import Exclusive


async def answer(value: int) -> int:
    return value


def test_a_coroutine_that_never_suspends_runs_to_its_end() -> None:
    async def outer() -> int:
        return await answer(1) + await answer(2)

    assert run_blocking(outer()) == 3


def test_errors_come_out_as_they_are() -> None:
    async def fails(error: BaseException) -> None:
        await answer(1)
        raise error

    for error in (ValueError("x"), KeyboardInterrupt(), StopAsyncIteration()):
        with pytest.raises(type(error)) as caught:
            run_blocking(fails(error))
        assert caught.value is error


def test_a_driver_that_suspends_is_reported_and_its_coroutine_closed() -> None:
    closed = []

    async def suspends() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(True)

    with pytest.raises(InternalError, match="AsyncSession"):
        run_blocking(suspends())
    assert closed == [True]


def test_a_generator_is_closed_however_its_iteration_ends() -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncGenerator[int]:
        try:
            for number in range(3):
                yield await answer(number)
        finally:
            closed.append(name)

    assert list(iter_blocking(numbers("to the end"))) == [0, 1, 2]
    for number in iter_blocking(numbers("left")):
        assert number == 0
        break
    stream = iter_blocking(numbers("thrown out"))
    next(stream)
    with pytest.raises(ZeroDivisionError):
        stream.throw(ZeroDivisionError())  # type: ignore[attr-defined]
    assert closed == ["to the end", "left", "thrown out"]


def test_one_use_at_a_time() -> None:
    exclusive = Exclusive()
    exclusive.check()
    with exclusive:
        with pytest.raises(ConcurrentUseError):
            exclusive.check()
        with pytest.raises(ConcurrentUseError), exclusive:
            pass
        errors: list[BaseException] = []

        def other() -> None:
            try:
                with exclusive:
                    pass
            except ConcurrentUseError as error:
                errors.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(errors) == 1
    exclusive.check()
    with pytest.raises(ZeroDivisionError), exclusive:
        raise ZeroDivisionError
    with exclusive:
        pass


def test_a_forked_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    exclusive = Exclusive()
    monkeypatch.setattr(module, "_forks", 1)
    with pytest.raises(ForkedSessionError):
        exclusive.check()
    for _ in range(2):
        with pytest.raises(ForkedSessionError), exclusive:
            pass
    monkeypatch.undo()
    with exclusive:
        pass
