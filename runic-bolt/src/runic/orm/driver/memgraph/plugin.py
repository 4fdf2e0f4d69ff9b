"""The plugin that the entry point names. Imports no client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.plugin.backend import Backend, Target
from runic.orm.plugin.hookspecs import hookimpl

from ..bolt.options import options_from_url, url_schemes
from .dialect import DIALECT, MemgraphDialect
from .driver import OPTION_NAMES, create_async_memgraph_driver, create_memgraph_driver

if TYPE_CHECKING:
    from .index_adapter import AsyncMemgraphIndexAdapter, MemgraphIndexAdapter

__all__ = ["MemgraphPlugin", "plugin"]


def _index_adapter(handle: Any) -> MemgraphIndexAdapter:
    from .index_adapter import MemgraphIndexAdapter

    return MemgraphIndexAdapter(handle)


def _async_index_adapter(handle: Any) -> AsyncMemgraphIndexAdapter:
    from .index_adapter import AsyncMemgraphIndexAdapter

    return AsyncMemgraphIndexAdapter(handle)


def _dialect() -> MemgraphDialect:
    return DIALECT


def _options_from_url(target: Target) -> dict[str, Any]:
    return options_from_url(target, routing=False, known=OPTION_NAMES)


class MemgraphPlugin:
    """The hooks of the Memgraph backend."""

    @hookimpl
    def runic_backend(self) -> Backend:
        """The backend."""
        return Backend(
            name="memgraph",
            description="Memgraph 3, by its documentation: not tested against a server",
            dialect=_dialect,
            connect=create_memgraph_driver,
            connect_async=create_async_memgraph_driver,
            index_adapter=_index_adapter,
            async_index_adapter=_async_index_adapter,
            url_schemes=url_schemes("memgraph", routing=False),
            options_from_url=_options_from_url,
            options=OPTION_NAMES,
        )


plugin: MemgraphPlugin = MemgraphPlugin()
