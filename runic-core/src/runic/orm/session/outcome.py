"""Whether the last unit was applied, though its reply was lost: the marker, and how it is asked.

Only a session that was opened with ``verifiable=True`` has a marker (:mod:`runic.orm.compile.marker`). When
the reply to its commit is lost, its unit is neither taken for stored nor staged again before the marker was
asked, and the session can do nothing else meanwhile.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from runic.orm.compile.marker import MARKER_LABEL, MARKER_STORES, marker_texts
from runic.orm.driver.port import Request
from runic.orm.exceptions import (
    ConnectionLostError,
    DriverError,
    OrmError,
    PoolTimeout,
    QueryError,
    QueryTimeout,
    StaleObjectError,
    TransientConflictError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, Port, QueryResult
    from runic.orm.session.exclusive import Exclusive
    from runic.orm.session.plan import Plan
    from runic.orm.session.sent import SentValues

__all__ = ["PATIENCE", "Outcome", "Unknown", "maybe_applied", "told"]

logger: logging.Logger = logging.getLogger("runic.session")

PATIENCE = 10.0
"""Seconds for which the marker is asked for, while the server is away or still at it."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_PASSING = (ConnectionLostError, TransientConflictError, QueryTimeout, PoolTimeout)


@dataclass(slots=True, eq=False)
class Unknown:
    """A unit of which nobody knows whether it was applied.

    Attributes:
        error: what came instead of the reply.
        plan: what the lost query was made of, where a query is a unit; its objects are staged still.
        sent: what the objects of ``plan`` held when it was sent.
        raw_writes: how many statements of the program's own text were part of it.
        committing: whether it was lost by a commit.
    """

    error: BaseException
    plan: Plan | None = None
    sent: SentValues | None = None
    raw_writes: int = 0
    committing: bool = False


def maybe_applied(error: BaseException) -> bool:
    """Whether what failed with ``error`` may have been carried out all the same."""
    if isinstance(error, OrmError):
        return bool(getattr(error, "maybe_applied", False))
    # Cancelled or interrupted half way.
    return True


def told(error: OrmError, *, applied: bool, whole: bool) -> None:
    """Let ``error`` say what was found out.

    Args:
        error: the error of the lost reply.
        applied: whether the unit was applied.
        whole: whether the unit was all that was written since the last commit.
    """
    error.add_note(f"verify(): it was {'applied' if applied else 'not applied'}")
    if applied or not whole:
        return
    if isinstance(error, ConnectionLostError):
        error.maybe_applied, error.retryable = False, True
    elif isinstance(error, QueryTimeout):
        error.maybe_applied = False


class Outcome:
    """What a session knows of the fate of its units.

    Args:
        driver: where connections come from.
        exclusive: what is closed to everybody while the outcome is unknown.
        verifiable: whether the program asked for it.
        marks: whether units take turns of a marker.
        blocking: how to wait.

    Attributes:
        applied: whether the last commit was applied; ``None``: there was none, or it was taken back.
        unknown: the unit that nobody knows of.
        raw_loss: the lost reply to a statement of the program's own, where that is no part of a unit.
    """

    def __init__(
        self,
        driver: GraphDriver | AsyncGraphDriver,
        exclusive: Exclusive,
        *,
        verifiable: bool,
        marks: bool,
        blocking: bool,
    ) -> None:
        self.driver = driver
        self.dialect: Dialect = driver.dialect
        self.exclusive = exclusive
        self.verifiable = verifiable
        self.marks = marks
        self.blocking = blocking
        self.applied: bool | None = None
        self.unknown: Unknown | None = None
        self.raw_loss: OrmError | None = None
        self._texts = marker_texts(self.dialect)
        self._id: str | None = None
        self._turn = 0
        # Markers that may be there although the reply to their creation was lost.
        self._strays: list[str] = []

    # -- the marker -----------------------------------------------------------------------------

    async def prepare(self, port: Port) -> None:
        """Make the marker, outside of any transaction, unless it is there.

        Raises:
            DriverError: nothing of the unit was sent.
        """
        if not self.marks or self._id is not None:
            return
        made = os.urandom(16).hex()
        self._strays.append(made)
        try:
            await port.execute(self._request(self._texts.create, {"id": made, "at": _now()}, stores=True))
        except (ConnectionLostError, QueryTimeout) as error:
            if not error.maybe_applied:
                raise
            # It is the marker that may be there, and nothing else.
            kind = type(error)
            raise kind(
                f"no reply when the commit marker was made: nothing of the unit was sent ({error})",
                backend=error.backend,
                statement=error.statement,
            ) from error
        self._strays.remove(made)
        self._id, self._turn = made, 0

    def take(self) -> Request:
        """The statement by which a transaction takes its turn."""
        return self._request(
            self._texts.take, {"id": self._id, "turn": self._turn, "next": self._turn + 1, "at": _now()}
        )

    def cell(self) -> list[Any]:
        """The parameter ``marker`` of a unit that is one query."""
        return [self._id, self._turn, self._turn + 1, _now()]

    def took(self) -> None:
        """The unit was applied, and its turn with it."""
        self._turn += 1

    def gone(self) -> StaleObjectError:
        """The marker is not there any more; the next unit has another one."""
        error = StaleObjectError(
            f"somebody deleted the commit marker of this session (:{MARKER_LABEL} {{id: {self._id!r}}})"
            " while it was open; nothing of the unit was written",
            backend=self.dialect.name,
        )
        self._id = None
        return error

    async def is_there(self, send: Callable[[Request], Awaitable[QueryResult]]) -> bool:
        """Whether the next unit can take its turn."""
        rows = (await send(Request(self._texts.read, {"id": self._id}))).rows
        return bool(rows) and rows[0][0] == self._turn

    async def clear(self) -> None:
        """Delete the marker. One that cannot be deleted is left, and logged: the work is done."""
        ids = [*self._strays, *([self._id] if self._id is not None else ())]
        if not ids:
            return
        self._id = None
        self._strays.clear()
        try:
            await self._ask(self._texts.delete, {"ids": ids}, None)
        except OrmError as error:
            logger.warning("could not delete (:%s) with id in %s: %s", MARKER_LABEL, ids, error)

    # -- not knowing ----------------------------------------------------------------------------

    def lose(self, unknown: Unknown) -> None:
        """Nobody knows whether the unit was applied: the session is closed to all but finding out."""
        self.applied = None
        self.unknown = unknown
        self.exclusive.barred = self._refusal

    def settle(self) -> None:
        """The session is open again."""
        self.unknown = None
        self.exclusive.barred = None

    def give_up(self) -> None:
        """Nobody is going to ask."""
        if self.unknown is not None and self._id is not None:
            logger.warning(
                "(:%s {id: %r}) was left in the graph: nobody asked whether turn %d was taken",
                MARKER_LABEL,
                self._id,
                self._turn,
            )
            self._id = None
        self.settle()
        self.applied = self.raw_loss = None

    def _refusal(self) -> NoReturn:
        assert self.unknown is not None
        raise QueryError(
            "whether the last unit was applied is not known yet: call verify(), or rollback() or close() to"
            f" give it up ({self.unknown.error!r})",
            backend=self.dialect.name,
        ) from self.unknown.error

    def known(self) -> bool:
        """What is known without asking.

        Raises:
            QueryError: this session cannot tell.
        """
        if not self.verifiable:
            raise QueryError(
                "this session leaves no commit marker to ask for: open it with verifiable=True",
                backend=self.dialect.name,
            )
        if self.raw_loss is not None:
            raise QueryError(
                "what was lost is the reply to a statement sent with execute(write=True), which is part of no"
                f" unit here: look into the database ({self.raw_loss})",
                backend=self.dialect.name,
            ) from self.raw_loss
        if self.applied is None:
            raise QueryError("there is nothing to verify: this session has not committed anything yet")
        return self.applied

    async def ask(self, patience: float) -> Mapping[str, Any] | None:
        """Ask the database whether the lost unit took its turn, and see that it never does if not.

        Returns:
            What the unit left at the marker if it was applied, else ``None``.

        Raises:
            DriverError: the last of the errors within ``patience`` seconds. The outcome is unknown still.
            QueryError: the marker is gone, so that nobody will ever know.
        """
        deadline = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._asked(max(0.1, deadline - time.monotonic()))
            except _PASSING as error:
                if time.monotonic() + pause > deadline:
                    error.add_note(f"the marker is (:{MARKER_LABEL} {{id: {self._id!r}}}), turn {self._turn}")
                    raise
            await self._wait(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    async def _asked(self, limit: float) -> Mapping[str, Any] | None:
        turn = {"id": self._id, "turn": self._turn, "next": self._turn + 1}
        # This waits for a transaction that has taken the turn, or makes it fail. Afterwards it is decided.
        await self._ask(self._texts.bar, turn, limit)
        rows = (await self._ask(self._texts.read, {"id": self._id}, limit)).rows
        if not rows:
            raise QueryError(
                f"somebody deleted the commit marker (:{MARKER_LABEL} {{id: {self._id!r}}}): nobody will ever"
                " know. Call rollback(), and look into the database",
                backend=self.dialect.name,
            )
        applied = rows[0][1] == self._turn
        self._turn += 1
        if not applied:
            return None
        return rows[0][2] if len(rows[0]) > 2 else {}

    async def _ask(self, text: str, parameters: dict[str, Any], limit: float | None) -> QueryResult:
        """On a connection of its own. As a write, also what only reads: it has to come from the leader."""
        port = self.driver.connect()
        try:
            result = await port.execute(self._request(text, parameters, limit))
        except DriverError:
            await port.release()
            raise
        except BaseException:
            await port.release(discard=True)
            raise
        await port.release()
        return result

    def _request(
        self, text: str, parameters: dict[str, Any], limit: float | None = None, *, stores: bool = False
    ) -> Request:
        under = MARKER_STORES if stores and self.dialect.one_label else ()
        return Request(text, parameters, write=True, timeout=limit, stores=under)

    async def _wait(self, seconds: float) -> None:
        if self.blocking:
            time.sleep(seconds)  # noqa: ASYNC251  # a blocking session has no event loop
        else:
            import asyncio  # only where an event loop runs anyway

            await asyncio.sleep(seconds)


def _now() -> int:
    return time.time_ns() // 1_000_000
