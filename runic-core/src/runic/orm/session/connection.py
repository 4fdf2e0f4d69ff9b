"""A session's connection: checked out when first needed, given back on every path."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from runic.orm.compile.dialect import UnitForm
from runic.orm.exceptions import DriverError, OrmError, QueryError
from runic.orm.session.outcome import Outcome, Unknown, maybe_applied

if TYPE_CHECKING:
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, Port, QueryResult, Request
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Connection"]

logger: logging.Logger = logging.getLogger("runic.cypher")


class Connection:
    """Sends the statements of one session, in a transaction where the server has them.

    Args:
        driver: where ports come from.
        unit: what has to be staged again when the server loses a transaction.
        outcome: has the marker by which the outcome of a commit is found out.
        read_only: open transactions for reading only.
        log_level: at which statements are logged; their values never are.

    Attributes:
        raw_writes: how many writes of the program's own text were sent since the last commit: what they
            did cannot be staged again.
    """

    def __init__(
        self,
        driver: GraphDriver | AsyncGraphDriver,
        unit: UnitOfWork,
        outcome: Outcome,
        *,
        read_only: bool,
        log_level: int,
    ) -> None:
        self.driver = driver
        self.unit = unit
        self.outcome = outcome
        self.read_only = read_only
        self.log_level = log_level
        self.transactional: bool = driver.dialect.unit_form is UnitForm.TRANSACTION
        self.raw_writes: int = 0
        self._port: Port | None = None
        self._begun = False
        self._wrote = False
        self._broken: BaseException | None = None

    async def send(self, request: Request) -> QueryResult:
        """Send one statement.

        Raises:
            DriverError: what the server refused. Where it has transactions this one is lost then, and what
                was flushed in it is staged again.
        """
        started = perf_counter()
        try:
            port = await self.checked_out()
            self._wrote = self._wrote or request.write
            result = await port.execute(request)
        except DriverError as error:
            # Whatever was asked for since the last commit is not committed.
            self.outcome.applied = False
            if self.transactional:
                await self.lose(error)
            raise
        except OrmError:
            # Refused before anything was sent: the connection is as it was.
            raise
        except BaseException:
            # Cancelled or interrupted half way: nobody knows what the connection will say next.
            self.outcome.applied = False
            await self.give_back(discard=True)
            self.unit.unflush()
            raise
        if logger.isEnabledFor(self.log_level):
            duration = (perf_counter() - started) * 1000
            logger.log(self.log_level, "%s [%d rows, %.1f ms]", request.text, len(result.rows), duration)
        return result

    async def checked_out(self) -> Port:
        """The port, in a transaction if the server has them."""
        port = self._port
        if port is None:
            port = self._port = self.driver.connect()
        if self.transactional and not self._begun:
            # Before the transaction, whose view of the graph may be that of its beginning.
            await self.outcome.prepare(port)
            await port.begin(read_only=self.read_only)
            self._begun = True
        return port

    async def commit(self) -> None:
        """Commit the transaction, if one is open, and give the connection back."""
        if self._port is not None and self._begun:
            marked = self.outcome.marks and self._wrote
            if marked:
                await self._take_turn()
            try:
                await self._port.commit()
            except BaseException as error:
                if marked and maybe_applied(error):
                    self.outcome.lose(Unknown(error, raw_writes=self.raw_writes, committing=True))
                else:
                    self.unit.unflush()
                await self.give_back(discard=True)
                raise
            if marked:
                self.outcome.took()
        await self.give_back()

    async def _take_turn(self) -> None:
        if not (await self.send(self.outcome.take())).rows:
            error = self.outcome.gone()
            await self.lose(error)
            raise error

    def not_applied(self, unknown: Unknown) -> None:
        """A transaction whose outcome was unknown turned out to be lost."""
        if unknown.raw_writes:
            self._broken = unknown.error

    async def rollback(self) -> None:
        """Roll the transaction back, if one is open, and give the connection back."""
        self._broken = None
        port = self._port
        if port is not None and self._begun:
            try:
                await port.rollback()
            except BaseException:
                await self.give_back(discard=True)
                raise
        await self.give_back()

    async def lose(self, error: OrmError) -> None:
        """Give up the transaction because of ``error``: what was flushed in it is staged again."""
        if self.raw_writes:
            self._broken = error
        port, self._port, self._begun, self._wrote = self._port, None, False, False
        self.unit.unflush()
        if port is not None:
            try:
                await port.rollback()
            except OrmError:
                await port.release(discard=True)
            else:
                await port.release()

    async def give_back(self, *, discard: bool = False) -> None:
        """Give the connection back; ``discard`` it when its state is unknown."""
        port, self._port, self._begun, self._wrote = self._port, None, False, False
        self.raw_writes = 0
        if port is not None:
            await port.release(discard=discard)

    def check_usable(self) -> None:
        """Raise if statements of the program's own were lost with a transaction."""
        if self._broken is not None:
            raise QueryError(
                "the transaction was lost by an error, and with it statements sent with execute(write=True):"
                f" call rollback() and start again ({self._broken})"
            ) from self._broken
