"""A session's connection: checked out when first needed, given back on every path."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, cast

from runic.orm.compile.dialect import UnitForm
from runic.orm.exceptions import ConnectionLostError, DriverError, OrmError, QueryError
from runic.orm.session.outcome import Outcome, Unknown, maybe_applied

if TYPE_CHECKING:
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, Port, QueryResult, Request, SavepointPort
    from runic.orm.session.blocks import Blocks
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Connection"]

logger: logging.Logger = logging.getLogger("runic.cypher")


class Connection:
    """Sends the statements of one session, in a transaction where the server has them.

    Args:
        driver: where ports come from.
        unit: what has to be staged again when the server loses a transaction.
        outcome: has the marker by which the outcome of a commit is found out.
        blocks: the open blocks, whose savepoints are made before the first statement in them.
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
        blocks: Blocks,
        *,
        read_only: bool,
        log_level: int,
    ) -> None:
        self.driver = driver
        self.unit = unit
        self.outcome = outcome
        self.blocks = blocks
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
            DriverError: what the server refused. Where it has transactions this one is lost then, or what was
                done in the innermost block if there is a savepoint, and what was flushed is staged again.
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
        except BaseException as error:
            # Cancelled or interrupted half way: nobody knows what the connection will say next.
            self.outcome.applied = False
            self._gone(error)
            await self.give_back(discard=True)
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
        if self.blocks:
            await self.blocks.save(port)
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
                    self._gone(error)
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
        self._gone(unknown.error, unknown.raw_writes)

    async def rollback(self) -> None:
        """Roll the transaction back, if one is open, and give the connection back."""
        self._broken = None
        self.blocks.reset()
        port = self._port
        if port is not None and self._begun:
            try:
                await port.rollback()
            except BaseException:
                await self.give_back(discard=True)
                raise
        await self.give_back()

    async def lose(self, error: OrmError) -> None:
        """Give up the transaction because of ``error``, or no more than the innermost block of it."""
        if self.blocks and await self._went_back(error):
            return
        self._gone(error)
        port, self._port, self._begun, self._wrote = self._port, None, False, False
        self.raw_writes = 0
        self.blocks.transaction_ended()
        if port is not None:
            try:
                await port.rollback()
            except OrmError:
                await port.release(discard=True)
            else:
                await port.release()

    def _gone(self, error: BaseException, raw_writes: int | None = None) -> None:
        """The transaction is lost: what was flushed in it is staged again, if need be after the blocks."""
        if not self.transactional:
            return
        if raw_writes is None:
            # Those inside of a block are taken back with it anyway.
            raw_writes = self.blocks.raw_writes_before if self.blocks else self.raw_writes
        if raw_writes:
            self._broken = error
        if self.blocks:
            self.blocks.lost = error
        else:
            self.unit.unflush()

    async def _went_back(self, error: OrmError) -> bool:
        """Take back what was done in the innermost block, where that can be done, and stage it again."""
        block = self.blocks.innermost
        if self._port is None or not block.saved or isinstance(error, ConnectionLostError):
            return False
        try:
            await cast("SavepointPort", self._port).rollback_to(block.name)
        except OrmError:
            return False
        block.flushed = block.flushed or bool(self.unit.journal)
        self.unit.unflush_block()
        if self.raw_writes > block.raw_writes:
            block.broken, self.raw_writes = error, block.raw_writes
        return True

    async def end_block(self, *, failed: bool) -> bool:
        """The innermost block ends: its savepoint is released, or what was done since is taken back before.

        Returns:
            Whether the database has taken back what was flushed and sent in the block.

        Raises:
            DriverError: the transaction is lost.
        """
        block = self.blocks.innermost
        if self.blocks.lost is not None:
            return True
        if not block.saved or self._port is None:
            return self.blocks.savepoints
        port = cast("SavepointPort", self._port)
        try:
            if failed:
                await port.rollback_to(block.name)
                self.raw_writes = block.raw_writes
            await port.release_savepoint(block.name)
        except OrmError as error:
            block.saved = False
            await self.lose(error)
            raise
        except BaseException as error:
            self._gone(error)
            await self.give_back(discard=True)
            raise
        return True

    async def give_back(self, *, discard: bool = False) -> None:
        """Give the connection back; ``discard`` it when its state is unknown."""
        port, self._port, self._begun, self._wrote = self._port, None, False, False
        self.raw_writes = 0
        self.blocks.transaction_ended()
        if port is not None:
            await port.release(discard=discard)

    def check_usable(self) -> None:
        """Raise if statements of the program's own were lost with a transaction, or a block must be left."""
        self.blocks.check_usable()
        if self._broken is not None:
            raise QueryError(
                "the transaction was lost by an error, and with it statements sent with execute(write=True):"
                f" call rollback() and start again ({self._broken})"
            ) from self._broken
