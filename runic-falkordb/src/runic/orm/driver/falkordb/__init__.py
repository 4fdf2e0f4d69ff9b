"""FalkorDB for runic, over the network or embedded.

The client library is imported when a connection is made, not before.
"""

from __future__ import annotations

from .dialect import FalkorDBDialect
from .driver import (
    AsyncFalkorDBDriver,
    FalkorDBDriver,
    create_async_falkordb_driver,
    create_falkordb_driver,
)

__all__ = [
    "AsyncFalkorDBDriver",
    "FalkorDBDialect",
    "FalkorDBDriver",
    "create_async_falkordb_driver",
    "create_falkordb_driver",
]
