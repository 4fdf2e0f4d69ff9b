"""Neo4j for runic, over Bolt.

The client library is imported when a connection is made, not before.
"""

from __future__ import annotations

from .dialect import Neo4jDialect
from .driver import create_async_neo4j_driver, create_neo4j_driver

__all__ = ["Neo4jDialect", "create_async_neo4j_driver", "create_neo4j_driver"]
