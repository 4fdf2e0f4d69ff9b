"""The hooks that plugins implement, one function each.

A backend is an entry of the group ``runic.backends``; a package that adds commands to the ``runic``
command is one of the group ``runic.cli``. The entry's value is any object (often a module) whose
functions are marked with :data:`hookimpl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from runic.orm.plugin.backend import Backend

__all__ = ["hookimpl", "hookspec"]

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker("runic")
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker("runic")


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


@hookspec
def runic_cli(app: typer.Typer) -> None:
    """Add commands to the ``runic`` command (group ``runic.cli``; needs the extra ``cli``)."""
    raise NotImplementedError
