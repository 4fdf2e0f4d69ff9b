"""What a backend plugin hands to runic: one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver

__all__ = ["API_VERSION", "Backend", "Target"]

API_VERSION = 1
"""Version of this plugin interface; a plugin made for another one is refused by name."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, taken apart from a URL and percent-decoded.

    ``path`` keeps its leading slash. Neither ``password`` nor ``query``, which may hold one, shows
    in its ``repr``.
    """

    scheme: str
    host: str | None = None
    port: int | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend as its plugin's ``runic_backend`` hook returns it.

    Attributes:
        name: public name; equals the name of the entry point.
        description: one line for ``runic backends``.
        dialect: makes the dialect without a connection, for ``stmt.compile(name)``.
        connect: makes the sync driver from options; imports the client library then, not before.
        connect_async: makes the async driver, of the same options.
        index_adapter: makes the index adapter of a sync driver.
        async_index_adapter: makes the index adapter of an async driver.
        url_schemes: URL schemes it answers to (``"falkordb"``, ``"falkordb+embedded"``).
        options_from_url: a taken-apart URL -> options of ``connect``.
        options: names of the options of ``connect``; an unknown one is refused with the closest match.
        api_version: the plugin interface it was written for.
    """

    name: str
    description: str
    dialect: Callable[[], Dialect]
    connect: Callable[..., GraphDriver]
    connect_async: Callable[..., AsyncGraphDriver]
    index_adapter: Callable[[Any], Any] | None = None
    async_index_adapter: Callable[[Any], Any] | None = None
    url_schemes: tuple[str, ...] = ()
    options_from_url: Callable[[Target], dict[str, Any]] | None = None
    options: frozenset[str] = frozenset()
    api_version: int = API_VERSION
