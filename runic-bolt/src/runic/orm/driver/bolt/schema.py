"""What the schemas of the servers that speak Bolt share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runic.orm.driver.port import Request

if TYPE_CHECKING:
    from .driver import AsyncBoltDriver, BoltDriver

__all__ = ["run_together"]


async def run_together(driver: BoltDriver | AsyncBoltDriver, statements: Sequence[str]) -> None:
    """Run statements in one transaction of their own: all of them, or none."""
    port = driver.connect()
    try:
        await port.begin()
        for each in statements:
            await port.execute(Request(each, {}, write=True))
        await port.commit()
    finally:
        await port.release()
