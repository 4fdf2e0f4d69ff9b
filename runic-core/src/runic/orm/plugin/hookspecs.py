"""The hooks that a plugin of the ``runic.backends`` entry-point group may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from runic.orm.plugin.backend import Backend

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("runic")
hookimpl = pluggy.HookimplMarker("runic")


@hookspec(firstresult=True)
def runic_backend() -> Backend:
    """Return the backend of this plugin. Must not import the client library."""
    raise NotImplementedError


@hookspec(firstresult=True)
def runic_adopt(handle: object) -> Any:
    """Return a driver around a raw handle of the client library, or ``None`` if it is not yours.

    Must decide without importing the client library: look at ``type(handle).__module__``.
    """
    raise NotImplementedError
