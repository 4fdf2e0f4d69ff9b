"""The plugin that the entry point names. Imports no client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.plugin.backend import Backend
from runic.orm.plugin.hookspecs import hookimpl

from .adopt import is_async_handle, is_sync_handle
from .dialect import DIALECT, FalkorDBDialect
from .driver import (
    AsyncFalkorDBDriver,
    FalkorDBDriver,
    create_async_falkordb_driver,
    create_falkordb_driver,
)
from .options import OPTION_NAMES, URL_SCHEMES, options_from_url

if TYPE_CHECKING:
    from .index_adapter import AsyncFalkorDBIndexAdapter, FalkorDBIndexAdapter

__all__ = ["FalkorDBPlugin", "plugin"]


def _index_adapter(handle: Any) -> FalkorDBIndexAdapter:
    from .index_adapter import FalkorDBIndexAdapter

    return FalkorDBIndexAdapter(handle)


def _async_index_adapter(handle: Any) -> AsyncFalkorDBIndexAdapter:
    from .index_adapter import AsyncFalkorDBIndexAdapter

    return AsyncFalkorDBIndexAdapter(handle)


def _dialect() -> FalkorDBDialect:
    return DIALECT


class FalkorDBPlugin:
    """The hooks of the FalkorDB backend."""

    @hookimpl
    def runic_backend(self) -> Backend:
        """The backend."""
        return Backend(
            name="falkordb",
            description="FalkorDB, over the network or embedded",
            dialect=_dialect,
            connect=create_falkordb_driver,
            connect_async=create_async_falkordb_driver,
            index_adapter=_index_adapter,
            async_index_adapter=_async_index_adapter,
            url_schemes=URL_SCHEMES,
            options_from_url=options_from_url,
            options=OPTION_NAMES,
        )

    @hookimpl
    def runic_adopt(self, handle: object) -> FalkorDBDriver | AsyncFalkorDBDriver | None:
        """A driver around a graph handle of falkordb or falkordblite; ``None`` for anything else."""
        if is_async_handle(handle):
            return AsyncFalkorDBDriver(handle)
        if is_sync_handle(handle):
            return FalkorDBDriver(handle)
        return None


plugin: FalkorDBPlugin = FalkorDBPlugin()
