"""Drivers by name, by URL, or from the environment.

Switching the database is a change of configuration: the same program runs on whatever ``RUNIC_URL``
names.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, cast

from runic.orm.exceptions import BackendLoadError, InvalidURLError, OrmError, UnknownOptionError
from runic.orm.plugin import manager
from runic.orm.plugin.url import backend_for, parse_url, unknown_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
    from runic.orm.plugin.backend import Backend, Target

__all__ = ["URL_VARIABLE", "create_async_driver", "create_driver"]

URL_VARIABLE = "RUNIC_URL"
"""Environment variable with the URL (or plain name) of the database, for calls that name none."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def create_driver(
    name_or_url: str | None = None, *, backend: str | None = None, **options: Any
) -> GraphDriver:
    """A driver: a thread-safe pool of connections to one graph, and a context manager.

    Args:
        name_or_url: a backend's name or a URL; without it, the environment's ``RUNIC_URL``.
        backend: the same, as a keyword.
        options: the backend's own (``host``, ``port``, ``graph``, ...). Beside a URL, an option
            given here wins over the URL's.

    Raises:
        UnknownBackendError: no such backend is installed; says what to install. Is a ``ValueError``.
        UnknownOptionError: the backend takes no such option; names the closest. Is a ``TypeError``.
        InvalidURLError: the URL cannot be read, or names none. Is a ``ValueError``.
        PluginError: the backend's plugin is broken, or claimed twice.

    Example:
        >>> with create_driver("somedb", host="localhost", graph="g") as driver:  # doctest: +SKIP
        ...     driver.execute("RETURN 1").rows
        [[1]]
        >>> driver = create_driver("somedb://ann:secret@host:6379/g")  # doctest: +SKIP
    """
    chosen, arguments = _resolve(name_or_url, backend, options)
    return _connect(chosen, chosen.connect, arguments)


def create_async_driver(
    name_or_url: str | None = None, *, backend: str | None = None, **options: Any
) -> AsyncGraphDriver:
    """The async twin of :func:`create_driver`: same arguments, same errors.

    It connects at first use, so it needs no ``await`` itself.

    Example:
        >>> async with create_async_driver("somedb", graph="g") as driver:  # doctest: +SKIP
        ...     await driver.execute("RETURN 1")
    """
    chosen, arguments = _resolve(name_or_url, backend, options)
    return _connect(chosen, chosen.connect_async, arguments)


def _resolve(
    name_or_url: str | None, backend: str | None, options: dict[str, Any]
) -> tuple[Backend, dict[str, Any]]:
    if name_or_url is not None and backend is not None:
        raise UnknownOptionError("pass the backend once: by position, or as backend=...")
    given = cast("object", name_or_url or backend)  # whatever the annotation says
    if given and not isinstance(given, str):
        raise TypeError(f"a database is chosen by a name or a URL, which is text, not {type(given).__name__}")
    where = name_or_url or backend or os.environ.get(URL_VARIABLE)
    if not where:
        raise InvalidURLError(
            f"no backend was named: pass a name or a URL to create_driver(), or set {URL_VARIABLE} "
            f"(installed: {', '.join(manager.names()) or 'none'})"
        )
    # Anything that is no plain name is read as a URL: a mistyped one holds a password, and the error
    # for an unknown name would quote it.
    if _NAME.fullmatch(where):
        chosen = manager.load(where)
        arguments = dict(options)
    else:
        target = parse_url(where)
        chosen = backend_for(target)
        if chosen.options_from_url is None:
            raise InvalidURLError(
                f"the backend {chosen.name!r} takes no URL: pass its options by name", backend=chosen.name
            )
        arguments = {**_options_of(chosen, target), **options}
    for option in arguments:
        if option not in chosen.options:
            raise _unknown_option(chosen, option)
    return chosen, arguments


def _options_of(backend: Backend, target: Target) -> dict[str, Any]:
    assert backend.options_from_url is not None
    try:
        return backend.options_from_url(target)
    except OrmError:
        raise
    except ValueError as error:
        # A plugin's complaint about its own URL: the text is all of it that can be relied on.
        reason = str(error)
    raise InvalidURLError(f"the {target.scheme}:// URL cannot be used: {reason}", backend=backend.name)


def _unknown_option(backend: Backend, option: str) -> UnknownOptionError:
    return UnknownOptionError(unknown_option(backend.name, option, backend.options), backend=backend.name)


def _connect[D](backend: Backend, connect: Callable[..., D], arguments: dict[str, Any]) -> D:
    try:
        return connect(**arguments)
    except OrmError:
        raise
    except ImportError as error:
        # Plugins import their client library here, and not earlier.
        raise BackendLoadError(
            f"the client library of the backend {backend.name!r} cannot be imported: {error}",
            backend=backend.name,
        ) from error
