"""ArcadeDB for runic: Bolt for statements, HTTP for what Bolt cannot do.

The client library is imported when a connection is made, not before.
"""

from __future__ import annotations

from .dialect import ArcadeDBDialect
from .driver import (
    ArcadeDBDriver,
    AsyncArcadeDBDriver,
    create_arcadedb_driver,
    create_async_arcadedb_driver,
)

__all__ = [
    "ArcadeDBDialect",
    "ArcadeDBDriver",
    "AsyncArcadeDBDriver",
    "create_arcadedb_driver",
    "create_async_arcadedb_driver",
]
