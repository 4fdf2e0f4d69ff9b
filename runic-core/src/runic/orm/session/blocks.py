"""The blocks of ``session.transaction()`` that are open, innermost last, and their savepoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from runic.orm.exceptions import OrmError, QueryError

if TYPE_CHECKING:
    from runic.orm.driver.port import Port, SavepointPort
    from runic.orm.session.connection import Connection
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Block", "Blocks", "take_block_back"]


@dataclass(slots=True, eq=False)
class Block:
    """One block.

    Attributes:
        name: of its savepoint.
        autoflush: whether reads flushed before it began.
        raw_writes: how many statements of the program's own text had been sent when it began.
        saved: whether its savepoint is there: it is made before the first statement of the block.
        flushed: whether something that was flushed in it was taken back by an error.
        broken: the error that took such statements of the block back.
    """

    name: str
    autoflush: bool
    raw_writes: int
    saved: bool = False
    flushed: bool = False
    broken: BaseException | None = None


class Blocks:
    """The open blocks of a session.

    Args:
        savepoints: whether the server has savepoints.

    Attributes:
        lost: the error by which the transaction was lost inside of a block. What was flushed in it is staged
            again when the block has been left, without what belongs to the block.
    """

    def __init__(self, *, savepoints: bool) -> None:
        self.savepoints = savepoints
        self.lost: BaseException | None = None
        self._open: list[Block] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def innermost(self) -> Block:
        """The one that ends first."""
        return self._open[-1]

    @property
    def depth(self) -> int:
        """How many there are."""
        return len(self._open)

    @property
    def raw_writes_before(self) -> int:
        """How many statements of the program's own text the transaction had before the outermost block."""
        return self._open[0].raw_writes

    def enter(self, *, autoflush: bool, raw_writes: int) -> None:
        """A block begins."""
        self._open.append(Block(f"runic_block_{len(self._open) + 1}", autoflush, raw_writes))

    def leave(self) -> None:
        """The innermost one is over."""
        self._open.pop()
        if not self._open:
            self.lost = None

    async def save(self, port: Port) -> None:
        """Make the savepoints that are not there, since something is about to be sent."""
        if self.savepoints and self.lost is None:
            for block in self._open:
                if not block.saved:
                    await cast("SavepointPort", port).savepoint(block.name)
                    block.saved = True

    def transaction_ended(self) -> None:
        """And with it every savepoint. Blocks that are open go on in the next one."""
        for block in self._open:
            block.saved, block.raw_writes = False, 0

    def reset(self) -> None:
        """Everything was taken back."""
        self.transaction_ended()
        self.lost = None
        for block in self._open:
            block.broken = None

    def check_usable(self) -> None:
        """Raise if the innermost block can only be left.

        Raises:
            QueryError: says why.
        """
        if self.lost is not None:
            raise QueryError(
                "the transaction was lost by an error inside of a block: leave the block of"
                " session.transaction(), which takes its changes back and stages again those made before it"
                f" ({self.lost!r})"
            ) from self.lost
        if self._open and self.innermost.broken is not None:
            raise QueryError(
                "an error took back what was done in this block, and with it statements sent with"
                " execute(write=True): leave the block of session.transaction() and start it again"
                f" ({self.innermost.broken!r})"
            ) from self.innermost.broken


async def take_block_back(connection: Connection, unit: UnitOfWork) -> None:
    """The innermost block failed: take its changes back, in the database where it can, and in memory."""
    blocks = connection.blocks
    block = blocks.innermost
    raw = connection.raw_writes > block.raw_writes or block.broken is not None
    taken = True
    try:
        taken = await connection.end_block(failed=True)
    except OrmError:
        # The error that ended the block matters more.
        assert blocks.lost is not None
    finally:
        unit.fail_block(taken=taken, raw=raw, flushed=block.flushed)
        if blocks.lost is not None and blocks.depth == 1:
            # What was flushed before the blocks is lost as well, and not by its own fault.
            unit.restage()
