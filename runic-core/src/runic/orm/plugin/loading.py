"""Turn one installed entry into a checked plugin; whatever is wrong with it is told by name.

Layer: plugin. Stock ``load_setuptools_entrypoints`` is not used: it aborts at the first broken
plugin, and silently takes one of two that claim the same name.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pluggy

from runic.orm.exceptions import BackendLoadError
from runic.orm.plugin import hookspecs
from runic.orm.plugin.backend import API_VERSION, Backend

if TYPE_CHECKING:
    from runic.orm.plugin.discovery import Installed

__all__ = ["attach", "backend_of", "call_hook", "new_plugin_manager"]


def new_plugin_manager() -> pluggy.PluginManager:
    """A pluggy manager that knows runic's hooks and no plugin."""
    manager = pluggy.PluginManager("runic")
    manager.add_hookspecs(hookspecs)
    return manager


def attach(manager: pluggy.PluginManager, installed: Installed, hook: str) -> object:
    """Import the plugin of an entry and register it, if all of its hooks exist and ``hook`` is one.

    Raises:
        BackendLoadError: it cannot be imported, is no plugin, or misspells a hook.
    """
    try:
        plugin = installed.entry_point.load()
    except Exception as error:
        raise broken(installed, f"cannot be imported: {type(error).__name__}: {error}") from error
    key = f"{installed.entry_point.group}:{installed.name}"
    try:
        manager.register(plugin, name=key)
    except pluggy.PluginValidationError as error:
        _forget(manager, plugin, key)
        raise broken(installed, f"has a hook with the wrong parameters: {error}") from error
    except ValueError as error:
        raise broken(
            installed, "is the same object as another plugin; each name needs a plugin object of its own"
        ) from error
    try:
        _check_hooks(manager, plugin, installed, hook)
    except BaseException:
        _forget(manager, plugin, key)
        raise
    return plugin


def _forget(manager: pluggy.PluginManager, plugin: object, key: str) -> None:
    if manager.get_plugin(key) is plugin:
        manager.unregister(plugin, name=key)
    # A misspelt hook would otherwise stay known as a hook without a specification.
    for name in [name for name, caller in vars(manager.hook).items() if not caller.has_spec()]:
        delattr(manager.hook, name)


def _check_hooks(manager: pluggy.PluginManager, plugin: object, installed: Installed, hook: str) -> None:
    callers = manager.get_hookcallers(plugin) or []
    known = sorted(name for name in vars(hookspecs) if name.startswith("runic_"))
    for caller in callers:
        if caller.has_spec() or all(
            each.optionalhook for each in caller.get_hookimpls() if each.plugin is plugin
        ):
            continue
        near = difflib.get_close_matches(caller.name, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; the hooks are: {', '.join(known)}"
        raise broken(installed, f"implements an unknown hook {caller.name!r}{meant}")
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise broken(installed, f"is refused by pluggy: {error}") from error
    if hook not in {caller.name for caller in callers}:
        kind = type(plugin).__name__
        raise broken(
            installed,
            f"is not a plugin: {installed.target} (a {kind}) has no hook {hook}(); "
            "mark it with @runic.orm.plugin.hookspecs.hookimpl",
        )


def call_hook(manager: pluggy.PluginManager, plugin: object, hook: str, **arguments: object) -> Any:
    """Call a hook of one plugin, and of no other."""
    others = [each for each in manager.get_plugins() if each is not plugin]
    return manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)


def backend_of(manager: pluggy.PluginManager, plugin: object, installed: Installed) -> Backend:
    """What the plugin's ``runic_backend`` hook returns, checked.

    Raises:
        BackendLoadError: the hook fails, or what it returns is not a backend of this name for this
            version of the plugin interface.
    """
    try:
        backend = call_hook(manager, plugin, "runic_backend")
    except Exception as error:
        raise broken(installed, f"fails in runic_backend(): {type(error).__name__}: {error}") from error
    if not isinstance(backend, Backend):
        raise broken(installed, f"returns a {type(backend).__name__} from runic_backend(), not a Backend")
    if backend.api_version != API_VERSION:
        older = backend.api_version < API_VERSION
        raise broken(
            installed,
            f"was written for version {backend.api_version} of the plugin interface, and this runic-core has "
            f"version {API_VERSION}: upgrade {installed.distribution if older else 'runic-core'}",
        )
    if backend.name != installed.name:
        raise broken(
            installed,
            f"calls its backend {backend.name!r}, but its entry point is named {installed.name!r}: "
            "the two must be equal",
        )
    return backend


def broken(installed: Installed, reason: str) -> BackendLoadError:
    """The error for a plugin that is installed and cannot be used."""
    error = BackendLoadError(f"the plugin {installed.name!r} of {installed} {reason}", backend=installed.name)
    error.distribution = installed.distribution
    error.version = installed.version
    return error
