"""The registry of backends: discovered from metadata, loaded one at a time, at first use.

Layer: plugin. ``discover()`` imports nothing; ``load(name)`` imports that one plugin, so that a
broken, duplicated or misspelt one fails alone and by name. pluggy is imported with the first plugin:
sessions import this module, and declaring models needs none.
"""

from __future__ import annotations

import difflib
import threading
from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import (
    BackendLoadError,
    DuplicateBackendError,
    PluginError,
    UnknownBackendError,
    UnknownHandleError,
)
from runic.orm.plugin.backend import API_VERSION, Backend
from runic.orm.plugin.discovery import (
    GROUP,
    PROTOCOLS,
    RESTRICT,
    Installed,
    extras_with_plugins,
    read_group,
)

if TYPE_CHECKING:
    import pluggy

__all__ = [
    "adopt",
    "discover",
    "in_process",
    "load",
    "names",
    "register_backend",
    "reset",
    "unregister_backend",
]


class _State:
    """All that this module remembers: dropped as a whole by :func:`reset`."""

    def __init__(self) -> None:
        self.pluggy: pluggy.PluginManager | None = None
        self.installed: tuple[Installed, ...] | None = None
        self.hidden: tuple[Installed, ...] = ()
        self.loaded: dict[str, tuple[Backend, object]] = {}
        self.in_process: dict[str, Backend] = {}


_state = _State()
_lock = threading.RLock()


def discover() -> tuple[Installed, ...]:
    """The installed backends, sorted by name, without importing any. Duplicates are all listed."""
    with _lock:
        if _state.installed is None:
            _state.installed, _state.hidden = read_group(GROUP)
        return _state.installed


def in_process() -> tuple[Backend, ...]:
    """The backends that :func:`register_backend` added."""
    return tuple(_state.in_process.values())


def names() -> tuple[str, ...]:
    """Every name that :func:`load` may be asked for, sorted."""
    return tuple(sorted({*(each.name for each in discover()), *_state.in_process}))


def load(name: str) -> Backend:
    """The backend of that name; its plugin, and no other, is imported at the first call.

    Raises:
        UnknownBackendError: nothing installed has that name; says what is, and what to install.
        DuplicateBackendError: several distributions claim it.
        BackendLoadError: its plugin is broken; names the distribution, its version and the reason.
    """
    with _lock:
        if name in _state.in_process:
            return _state.in_process[name]
        return _load_installed(name)[0]


def _hooks() -> pluggy.PluginManager:
    from runic.orm.plugin.loading import new_plugin_manager

    if _state.pluggy is None:
        _state.pluggy = new_plugin_manager()
    return _state.pluggy


def _load_installed(name: str) -> tuple[Backend, object]:
    if name in _state.loaded:
        return _state.loaded[name]
    found = [each for each in discover() if each.name == name]
    if not found:
        raise _unknown(name)
    if len(found) > 1:
        raise DuplicateBackendError(
            f"the backend {name!r} is claimed by {len(found)} distributions: "
            f"{' and '.join(str(each) for each in found)}; uninstall all but one, or choose with {RESTRICT}",
            backend=name,
        )
    from runic.orm.plugin import loading

    hooks = _hooks()
    plugin = loading.attach(hooks, found[0], "runic_backend")
    try:
        backend = loading.backend_of(hooks, plugin, found[0])
    except BackendLoadError:
        hooks.unregister(plugin)
        raise
    _state.loaded[name] = backend, plugin
    return backend, plugin


def _unknown(name: str) -> UnknownBackendError:
    present = names()
    extras = extras_with_plugins()
    hidden = [each for each in _state.hidden if each.name == name]
    near = difflib.get_close_matches(name, [*present, *extras], n=1)
    sentences = [f"no backend named {name!r} is installed."]
    if hidden:
        sentences.append(f"{hidden[0]} has it, but {RESTRICT} leaves that distribution out.")
    elif name in PROTOCOLS:
        sentences.append("That is a protocol which several databases speak: name the database.")
    elif name in extras:
        sentences.append(f'Install it with: pip install "runic-core[{name}]".')
    elif near and near[0] in present:
        sentences.append(f"Did you mean {near[0]!r}?")
    elif near:
        sentences.append(f'Did you mean {near[0]!r}? Install it with: pip install "runic-core[{near[0]}]".')
    sentences.append(f"Installed: {', '.join(present) or 'none'}.")
    return UnknownBackendError(" ".join(sentences), backend=name)


def register_backend(backend: Backend, *, replace: bool = False) -> None:
    """Add a backend of this process: for tests, and for applications that bring their own.

    It is found by :func:`~runic.orm.driver.factory.create_driver` like an installed one, and comes
    before an installed one of the same name.

    Args:
        backend: what a plugin's ``runic_backend`` hook would return.
        replace: take the name even if it is taken.

    Raises:
        DuplicateBackendError: the name is taken, and ``replace`` is not set.
        BackendLoadError: it was made for another version of the plugin interface.

    Example:
        >>> register_backend(my_backend)            # doctest: +SKIP
        >>> driver = create_driver(my_backend.name) # doctest: +SKIP
    """
    if backend.api_version != API_VERSION:
        raise BackendLoadError(
            f"the backend {backend.name!r} was written for version {backend.api_version} of the plugin "
            f"interface, and this runic-core has version {API_VERSION}",
            backend=backend.name,
        )
    with _lock:
        if not replace:
            holders = [str(each) for each in discover() if each.name == backend.name]
            if backend.name in _state.in_process:
                holders.append("register_backend() in this process")
            if holders:
                raise DuplicateBackendError(
                    f"the backend {backend.name!r} is already there, from {' and '.join(holders)}; "
                    "pass replace=True to take its place",
                    backend=backend.name,
                )
        _state.in_process[backend.name] = backend


def unregister_backend(name: str) -> None:
    """Take back a :func:`register_backend`; an installed backend of that name is visible again.

    Raises:
        UnknownBackendError: nothing was registered under that name in this process.
    """
    with _lock:
        if name not in _state.in_process:
            raise UnknownBackendError(
                f"no backend {name!r} was registered in this process "
                f"(registered: {', '.join(sorted(_state.in_process)) or 'none'})",
                backend=name,
            )
        del _state.in_process[name]


def adopt(handle: object) -> Any:
    """A driver around a raw handle of some client library, by the plugin that knows it.

    The plugin named like the handle's own top-level module is asked first, then those that are
    loaded, then the rest; a broken plugin is passed over and only named if nobody takes the handle.

    Raises:
        UnknownHandleError: no installed plugin knows such an object.
    """
    from runic.orm.plugin.loading import call_hook

    roots = {base.__module__.partition(".")[0] for base in type(handle).__mro__}
    troubles: list[str] = []
    with _lock:
        candidates = sorted(
            {each.name for each in discover()},
            key=lambda name: (name not in roots, name not in _state.loaded, name),
        )
        for name in candidates:
            try:
                plugin = _load_installed(name)[1]
            except PluginError as error:
                troubles.append(str(error))
                continue
            driver = call_hook(_hooks(), plugin, "runic_adopt", handle=handle)
            if driver is not None:
                return driver
    kind = f"{type(handle).__module__}.{type(handle).__qualname__}"
    message = (
        f"{kind} is neither a driver nor a handle that an installed backend knows "
        f"(installed: {', '.join(names()) or 'none'}); make a driver with create_driver(name_or_url)"
    )
    raise UnknownHandleError("; ".join([message, *troubles]))


def reset() -> None:
    """Forget everything, also what was registered in process: for tests that change what is installed."""
    global _state
    with _lock:
        _state = _State()
