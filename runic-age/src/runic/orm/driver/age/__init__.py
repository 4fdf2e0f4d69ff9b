"""Apache AGE on PostgreSQL: sync and async drivers, the dialect, and real indexes."""

from __future__ import annotations

from .dialect import AGEDialect
from .driver import AGEDriver, AsyncAGEDriver, create_age_driver, create_async_age_driver

__all__ = ["AGEDialect", "AGEDriver", "AsyncAGEDriver", "create_age_driver", "create_async_age_driver"]
