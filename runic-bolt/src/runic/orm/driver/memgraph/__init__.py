"""Memgraph for runic, over Bolt. Made by its documentation; not tested against a server.

The client library is imported when a connection is made, not before.
"""

from __future__ import annotations

from .dialect import MemgraphDialect
from .driver import create_async_memgraph_driver, create_memgraph_driver

__all__ = ["MemgraphDialect", "create_async_memgraph_driver", "create_memgraph_driver"]
