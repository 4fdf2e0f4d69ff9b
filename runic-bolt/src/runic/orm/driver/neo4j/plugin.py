"""The plugin that the entry point names. Imports no client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.plugin.backend import Backend, Target
from runic.orm.plugin.hookspecs import hookimpl

from ..bolt.options import OPTION_NAMES, options_from_url, url_schemes
from .dialect import DIALECT, Neo4jDialect
from .driver import create_async_neo4j_driver, create_neo4j_driver

if TYPE_CHECKING:
    from .index_adapter import AsyncNeo4jIndexAdapter, Neo4jIndexAdapter

__all__ = ["Neo4jPlugin", "plugin"]


def _index_adapter(driver: Any) -> Neo4jIndexAdapter:
    from .index_adapter import Neo4jIndexAdapter

    return Neo4jIndexAdapter(driver)


def _async_index_adapter(handle: Any) -> AsyncNeo4jIndexAdapter:
    from .index_adapter import AsyncNeo4jIndexAdapter

    return AsyncNeo4jIndexAdapter(handle)


def _dialect() -> Neo4jDialect:
    return DIALECT


def _options_from_url(target: Target) -> dict[str, Any]:
    return options_from_url(target, routing=True)


class Neo4jPlugin:
    """The hooks of the Neo4j backend."""

    @hookimpl
    def runic_backend(self) -> Backend:
        """The backend."""
        return Backend(
            name="neo4j",
            description="Neo4j 5 and newer, single servers and clusters",
            dialect=_dialect,
            connect=create_neo4j_driver,
            connect_async=create_async_neo4j_driver,
            index_adapter=_index_adapter,
            async_index_adapter=_async_index_adapter,
            url_schemes=url_schemes("neo4j", routing=True),
            options_from_url=_options_from_url,
            options=OPTION_NAMES,
        )


plugin: Neo4jPlugin = Neo4jPlugin()
