"""Schema management for runic: indexes and constraints, as the models declare them.

Example:
    >>> from runic.migrate import SchemaManager, create_adapter
    >>> schema = SchemaManager(create_adapter("falkordb", graph="social"))  # doctest: +SKIP
    >>> schema.sync_schema([Person, Knows])  # doctest: +SKIP
"""

from __future__ import annotations

from runic.migrate.async_schema import AsyncIndexManager, AsyncSchemaManager, create_async_adapter
from runic.migrate.compare import ChangedIndex
from runic.migrate.schema import IndexManager, SchemaManager, ValidationResult, create_adapter
from runic.orm.schema.index_manager import AsyncIndexAdapter, IndexAdapter, IndexSpec, extract_declared_specs

__all__ = [
    "AsyncIndexAdapter",
    "AsyncIndexManager",
    "AsyncSchemaManager",
    "ChangedIndex",
    "IndexAdapter",
    "IndexManager",
    "IndexSpec",
    "SchemaManager",
    "ValidationResult",
    "create_adapter",
    "create_async_adapter",
    "extract_declared_specs",
]
