"""What a live check holds: sessions of one colour on the backend under test, and what they sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from runic.orm.core.state import Status
from runic.orm.exceptions import LazyLoadError
from runic.orm.schema.index_manager import adapter_of, async_adapter_of
from runic.orm.session.async_session import AsyncSession
from runic.orm.session.blocking import run_blocking
from runic.orm.session.session import Session
from runic.orm.testing.adapter import adapt, adapt_schema
from runic.orm.testing.proxy import DriverProxy, Recorder, RecordingPort

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import GraphDriver, QueryResult, Request
    from runic.orm.schema.index_manager import AsyncIndexAdapter
    from runic.orm.testing.harness import Harness

__all__ = ["COLOURS", "Colour", "Drivers", "Kit"]

type Colour = Literal["sync", "async"]
COLOURS: tuple[Colour, ...] = ("sync", "async")


class Drivers:
    """The drivers of one harness, kept for all tests of a file. The async one is made when needed."""

    def __init__(self, harness: Harness, models: tuple[type, ...]) -> None:
        self.harness = harness
        self.sync: GraphDriver = harness.driver()
        self.version: str = harness.version()
        self._async: Any = None
        self._runner: asyncio.Runner | None = None
        try:
            harness.prepare(self.sync, models)
        except BaseException:
            self.sync.close()
            raise

    @property
    def runner(self) -> asyncio.Runner:
        """One event loop for all async tests: connections belong to the loop that made them."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner

    def of(self, colour: Colour) -> Any:
        """The driver of a colour."""
        if colour == "sync":
            return self.sync
        if self._async is None:
            self._async = self.harness.async_driver()
            # A driver may keep tasks for its pool: they are not left behind by a check.
            self.runner.run(self._async.execute("RETURN 1", write=False))
        return self._async

    def close(self) -> None:
        """Close them all."""
        self.sync.close()
        if self._async is not None:
            self.runner.run(self._async.aclose())
        if self._runner is not None:
            self._runner.close()


class Kit:
    """One live check's hold on the backend.

    Attributes:
        harness: the backend under test.
        colour: whether sessions are blocking or async behind the same methods.
        driver: the driver; every statement through it is recorded.
        recorder: what was sent by sessions.
        version: the server's.
    """

    def __init__(self, drivers: Drivers, colour: Colour) -> None:
        self.drivers = drivers
        self.harness: Harness = drivers.harness
        self.version: str = drivers.version
        self.colour: Colour = colour
        self.recorder: Recorder = Recorder()
        self.driver: DriverProxy = DriverProxy(
            drivers.of(colour), lambda port: RecordingPort(port, self.recorder)
        )

    @property
    def blocking(self) -> bool:
        """Whether attribute access may load."""
        return self.colour == "sync"

    @property
    def dialect(self) -> Dialect:
        """The dialect that sessions use."""
        return self.driver.dialect

    def session(self, **options: Any) -> AsyncSession:
        """A new session; the caller uses it in ``async with``, or closes it."""
        if self.blocking:
            return adapt(Session(self.driver, **options))
        return AsyncSession(self.driver, **options)

    @property
    def schema(self) -> AsyncIndexAdapter:
        """The index adapter of this colour's driver."""
        driver = self.drivers.of(self.colour)
        return adapt_schema(adapter_of(driver)) if self.blocking else async_adapter_of(driver)

    @contextmanager
    def connections(self) -> Generator[list[str]]:
        """The statements of index adapters, past every session: what they send within the block."""
        driver = self.drivers.of(self.colour)
        sent: list[str] = []
        connect = driver.connect
        driver.connect = lambda: _Watched(connect(), sent)
        try:
            yield sent
        finally:
            del driver.connect

    async def rows(self, cypher: str, params: dict[str, Any] | None = None) -> list[list[Any]]:
        """The rows of a raw read, past every session: what the database really holds."""
        result: QueryResult = self.drivers.sync.execute(cypher, params, write=False)
        return result.rows

    async def write(self, cypher: str, params: dict[str, Any] | None = None) -> None:
        """A raw write, past every session: what somebody else does."""
        self.drivers.sync.execute(cypher, params, write=True)

    async def related(self, session: AsyncSession, entity: Any, name: str) -> Any:
        """A relation that was not loaded: by attribute access, or where that cannot load by ``load()``."""
        if not self.blocking and entity._runic_state.status is Status.PERSISTENT:
            if name in entity.__dict__:
                return getattr(entity, name)
            try:
                getattr(entity, name)
            except LazyLoadError:
                await session.load(entity, name)
            else:
                raise AssertionError(f"async attribute access to {name!r} did not raise LazyLoadError")
        return getattr(entity, name)

    async def together(self, *jobs: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Run jobs at once, in threads or tasks; their results in order, exceptions among them."""
        if not self.blocking:
            return await asyncio.gather(*(job() for job in jobs), return_exceptions=True)

        def run(job: Callable[[], Any]) -> Any:
            try:
                return run_blocking(job())
            except Exception as error:  # noqa: BLE001 - as asyncio.gather(return_exceptions=True)
                return error

        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(run, jobs))

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a check, and see that it left nothing behind.

        Raises:
            AssertionError: a connection was not given back, or a task still runs.
        """
        result = run_blocking(coroutine) if self.blocking else self.drivers.runner.run(_alone(coroutine))
        leaked = list(self.recorder.in_use.values())
        assert not leaked, f"{len(leaked)} connections were not given back"
        return result


class _Watched:
    """A port, with whatever methods a backend's own has, that tells what it was asked to write."""

    def __init__(self, port: Any, sent: list[str]) -> None:
        self._port, self._sent = port, sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def execute(self, request: Request) -> QueryResult:
        if request.write:
            self._sent.append(request.text)
        result: QueryResult = await self._port.execute(request)
        return result


async def _alone(coroutine: Coroutine[Any, Any, Any]) -> Any:
    before = asyncio.all_tasks()
    result = await coroutine
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert not left, f"tasks still run: {left}"
    return result
