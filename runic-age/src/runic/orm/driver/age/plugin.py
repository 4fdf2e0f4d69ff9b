"""The plugin that the entry point names. Imports no client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runic.orm.plugin.backend import Backend
from runic.orm.plugin.hookspecs import hookimpl

from .dialect import DIALECT, AGEDialect
from .driver import create_age_driver, create_async_age_driver
from .options import OPTION_NAMES, URL_SCHEMES, options_from_url

if TYPE_CHECKING:
    from .index_adapter import AGEIndexAdapter, AsyncAGEIndexAdapter

__all__ = ["AGEPlugin", "plugin"]


def _index_adapter(handle: Any) -> AGEIndexAdapter:
    from .index_adapter import AGEIndexAdapter

    return AGEIndexAdapter(handle)


def _async_index_adapter(handle: Any) -> AsyncAGEIndexAdapter:
    from .index_adapter import AsyncAGEIndexAdapter

    return AsyncAGEIndexAdapter(handle)


def _dialect() -> AGEDialect:
    return DIALECT


class AGEPlugin:
    """The hooks of the Apache AGE backend."""

    @hookimpl
    def runic_backend(self) -> Backend:
        """The backend."""
        return Backend(
            name="age",
            description="Apache AGE on PostgreSQL",
            dialect=_dialect,
            connect=create_age_driver,
            connect_async=create_async_age_driver,
            index_adapter=_index_adapter,
            async_index_adapter=_async_index_adapter,
            url_schemes=URL_SCHEMES,
            options_from_url=options_from_url,
            options=OPTION_NAMES,
        )


plugin: AGEPlugin = AGEPlugin()
