"""Schema management for runic: indexes and constraints, as the models declare them.

Example:
    >>> from runic.migrate import SchemaManager, create_adapter
    >>> schema = SchemaManager(create_adapter("falkordb", graph="social"))  # doctest: +SKIP
    >>> schema.sync_schema([Person, Knows])  # doctest: +SKIP
"""

from __future__ import annotations

from runic.migrate.schema import IndexManager, SchemaManager, ValidationResult, create_adapter
from runic.orm.schema.index_manager import IndexAdapter, IndexSpec, extract_declared_specs

__all__ = [
    "IndexAdapter",
    "IndexManager",
    "IndexSpec",
    "SchemaManager",
    "ValidationResult",
    "create_adapter",
    "extract_declared_specs",
]
