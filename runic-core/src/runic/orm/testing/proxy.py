"""Wrappers round a driver and its ports: to count what goes through, or to break it on purpose."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from types import TracebackType

    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import Port, QueryResult, Request, SavepointPort

__all__ = ["DriverProxy", "PortProxy", "Recorder", "RecordingPort"]


class PortProxy:
    """A port that hands everything on. Subclasses change what they are about.

    Args:
        port: the real one.
    """

    def __init__(self, port: Port) -> None:
        self.port = port

    async def execute(self, request: Request) -> QueryResult:
        """Send one statement."""
        return await self.port.execute(request)

    async def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions."""
        portions = self.port.stream(request, page)
        try:
            async for portion in portions:
                yield portion
        finally:
            await portions.aclose()

    async def begin(self, *, read_only: bool = False) -> None:
        """Open a transaction."""
        await self.port.begin(read_only=read_only)

    async def commit(self) -> None:
        """Commit it."""
        await self.port.commit()

    async def rollback(self) -> None:
        """Roll it back."""
        await self.port.rollback()

    async def savepoint(self, name: str) -> None:
        """Make a savepoint."""
        await cast("SavepointPort", self.port).savepoint(name)

    async def rollback_to(self, name: str) -> None:
        """Take back what was done since."""
        await cast("SavepointPort", self.port).rollback_to(name)

    async def release_savepoint(self, name: str) -> None:
        """Forget it."""
        await cast("SavepointPort", self.port).release_savepoint(name)

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back."""
        await self.port.release(discard=discard)


class DriverProxy:
    """A driver, of either colour, whose ports are wrapped.

    Args:
        driver: the real one.
        wrap: real port -> the port that sessions get.
    """

    def __init__(self, driver: Any, wrap: Callable[[Port], Port]) -> None:
        self.driver = driver
        self.wrap = wrap

    @property
    def dialect(self) -> Dialect:
        """The real driver's dialect."""
        dialect: Dialect = self.driver.dialect
        return dialect

    def connect(self) -> Port:
        """A wrapped port."""
        return self.wrap(self.driver.connect())

    def execute(self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True) -> Any:
        """The real driver's, unwrapped: a result, or an awaitable of one."""
        return self.driver.execute(cypher, params, write=write)

    def close(self) -> None:
        """Close the real driver."""
        self.driver.close()

    async def aclose(self) -> None:
        """Close the real driver."""
        await self.driver.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Recorder:
    """What the ports of a driver were asked for.

    Attributes:
        requests: every statement, in order.
        in_use: ports that were used and not given back yet.
        discarded: how many were given back as unusable.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.in_use: dict[int, RecordingPort] = {}
        self.discarded = 0

    @property
    def texts(self) -> list[str]:
        """The text of every statement."""
        return [request.text for request in self.requests]

    @contextmanager
    def since(self) -> Generator[list[Request]]:
        """The statements sent inside of a ``with`` block."""
        found: list[Request] = []
        start = len(self.requests)
        yield found
        found += self.requests[start:]


class RecordingPort(PortProxy):
    """A port that writes down what it is asked for."""

    def __init__(self, port: Port, recorder: Recorder) -> None:
        super().__init__(port)
        self.recorder = recorder

    async def execute(self, request: Request) -> QueryResult:
        """Send one statement."""
        self._note(request)
        return await super().execute(request)

    async def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions."""
        self._note(request)
        portions = super().stream(request, page)
        try:
            async for portion in portions:
                yield portion
        finally:
            await portions.aclose()

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back."""
        self.recorder.in_use.pop(id(self), None)
        self.recorder.discarded += discard
        await super().release(discard=discard)

    def _note(self, request: Request) -> None:
        self.recorder.in_use[id(self)] = self
        self.recorder.requests.append(request)
