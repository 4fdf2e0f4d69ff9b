"""The plugin that the entry point names. Imports no client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.plugin.backend import Backend
from runic.orm.plugin.hookspecs import hookimpl

from ..bolt.options import url_schemes
from .dialect import DIALECT, ArcadeDBDialect
from .driver import OPTION_NAMES, create_arcadedb_driver, create_async_arcadedb_driver, options_from_url

if TYPE_CHECKING:
    from .index_adapter import ArcadeDBIndexAdapter, AsyncArcadeDBIndexAdapter

__all__ = ["ArcadeDBPlugin", "plugin"]


def _index_adapter(handle: Any) -> ArcadeDBIndexAdapter:
    from .index_adapter import ArcadeDBIndexAdapter

    return ArcadeDBIndexAdapter(handle)


def _async_index_adapter(handle: Any) -> AsyncArcadeDBIndexAdapter:
    from .index_adapter import AsyncArcadeDBIndexAdapter

    return AsyncArcadeDBIndexAdapter(handle)


def _dialect() -> ArcadeDBDialect:
    return DIALECT


class ArcadeDBPlugin:
    """The hooks of the ArcadeDB backend."""

    @hookimpl
    def runic_backend(self) -> Backend:
        """The backend."""
        return Backend(
            name="arcadedb",
            description="ArcadeDB, over Bolt, and SQL over HTTP for indexes",
            dialect=_dialect,
            connect=create_arcadedb_driver,
            connect_async=create_async_arcadedb_driver,
            index_adapter=_index_adapter,
            async_index_adapter=_async_index_adapter,
            url_schemes=url_schemes("arcadedb", routing=False),
            options_from_url=options_from_url,
            options=OPTION_NAMES,
        )


plugin: ArcadeDBPlugin = ArcadeDBPlugin()
