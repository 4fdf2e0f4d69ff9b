"""The drivers of ArcadeDB: Bolt for statements, HTTP for what Bolt cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from ..bolt.driver import AsyncBoltDriver, BoltDriver
from ..bolt.options import OPTION_NAMES as BOLT_OPTIONS
from ..bolt.options import Options
from ..bolt.options import options_from_url as bolt_options_from_url
from .dialect import DIALECT
from .http import SqlEndpoint

if TYPE_CHECKING:
    from runic.orm.plugin.backend import Target

__all__ = [
    "OPTION_NAMES",
    "ArcadeDBDriver",
    "AsyncArcadeDBDriver",
    "create_arcadedb_driver",
    "create_async_arcadedb_driver",
    "options_from_url",
]

HTTP_PORT = 2480
HTTPS_PORT = 2490
_HTTP_OPTIONS = frozenset({"http_host", "http_port", "http_tls"})
#: The server has users with passwords, runs on one machine, and ignores the time limit of a transaction
#: (26.10), which must not look as if it were kept.
_ABSENT = frozenset({"token", "kerberos", "routing", "impersonate", "timeout", "bookmarks"})

OPTION_NAMES = (BOLT_OPTIONS - _ABSENT) | _HTTP_OPTIONS
"""Options of :func:`create_arcadedb_driver`."""


class ArcadeDBDriver(BoltDriver):
    """A :class:`~runic.orm.driver.bolt.BoltDriver` that also runs SQL over HTTP."""

    _endpoint: SqlEndpoint | None = None

    @classmethod
    def with_sql(cls, options: Options, endpoint: SqlEndpoint) -> Self:
        """A driver of ``options`` whose SQL goes to ``endpoint``. It connects at first use."""
        driver = cls.open(options, DIALECT)
        driver._endpoint = endpoint
        return driver

    @property
    def endpoint(self) -> SqlEndpoint:
        """Where SQL goes."""
        if self._endpoint is None:
            self._endpoint = _endpoint(self.options, {})
        return self._endpoint

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Run one SQL statement over HTTP, outside of any transaction, and return its rows.

        Args:
            statement: SQL with its values in it.

        Example:
            >>> driver.sql("SELECT name FROM schema:types")  # doctest: +SKIP
            [{'name': 'Person'}]
        """
        self._refuse_closed()
        return self.endpoint.run(statement)


class AsyncArcadeDBDriver(AsyncBoltDriver):
    """The async twin of :class:`ArcadeDBDriver`."""

    _endpoint: SqlEndpoint | None = None

    @classmethod
    def with_sql(cls, options: Options, endpoint: SqlEndpoint) -> Self:
        """See :meth:`ArcadeDBDriver.with_sql`."""
        driver = cls.open(options, DIALECT)
        driver._endpoint = endpoint
        return driver

    @property
    def endpoint(self) -> SqlEndpoint:
        """Where SQL goes."""
        if self._endpoint is None:
            self._endpoint = _endpoint(self.options, {})
        return self._endpoint

    async def sql(self, statement: str) -> list[dict[str, Any]]:
        """See :meth:`ArcadeDBDriver.sql`; the answer is awaited in a thread."""
        self._refuse_closed()
        return await asyncio.to_thread(self.endpoint.run, statement)


def create_arcadedb_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = "root",
    password: str | None = None,
    **options: Any,
) -> ArcadeDBDriver:
    """A driver of an ArcadeDB server whose Bolt plugin is on.

    Args:
        host: the server.
        port: its Bolt port.
        database: the database; it must exist.
        username: the user.
        password: the user's password.
        **options: ``http_port`` (2480, or 2490 with TLS), ``http_host`` (the host) and ``http_tls`` (as
            Bolt) for SQL, which indexes for searches need, and any of
            :class:`~runic.orm.driver.bolt.options.Options`.

    Example:
        >>> driver = create_arcadedb_driver(database="MyDB", password="secret")  # doctest: +SKIP
    """
    bolt, http = _split({**options, **_given(host, port, database, username, password)})
    given = Options(**bolt)
    return ArcadeDBDriver.with_sql(given, _endpoint(given, http))


def create_async_arcadedb_driver(
    host: str = "localhost",
    port: int = 7687,
    database: str | None = None,
    username: str | None = "root",
    password: str | None = None,
    **options: Any,
) -> AsyncArcadeDBDriver:
    """The async twin of :func:`create_arcadedb_driver`; same arguments."""
    bolt, http = _split({**options, **_given(host, port, database, username, password)})
    given = Options(**bolt)
    return AsyncArcadeDBDriver.with_sql(given, _endpoint(given, http))


def _given(
    host: str, port: int, database: str | None, username: str | None, password: str | None
) -> dict[str, Any]:
    # The default user goes with a password: without one, credentials may come as auth=.
    user = username if password is not None or username != "root" else None
    return {"host": host, "port": port, "database": database, "username": user, "password": password}


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of Bolt, and those of HTTP."""
    unknown = sorted(options.keys() - OPTION_NAMES)
    if unknown:
        raise TypeError(f"arcadedb has no option {unknown[0]!r}; there are {', '.join(sorted(OPTION_NAMES))}")
    http = {name: value for name, value in options.items() if name in _HTTP_OPTIONS}
    return {name: value for name, value in options.items() if name not in _HTTP_OPTIONS}, http


def _endpoint(options: Options, http: Mapping[str, Any]) -> SqlEndpoint:
    # Credentials that Bolt encrypts are not sent in the clear beside it.
    tls = http.get("http_tls", options.secure)
    if type(tls) is not bool:
        raise TypeError(f"the option http_tls must be True or False, not {type(tls).__name__}")
    port, host = http.get("http_port", HTTPS_PORT if tls else HTTP_PORT), http.get("http_host")
    if type(port) is not int or not 0 < port < 65536:
        raise ValueError(f"the option http_port must be a port number, not {port!r}")
    if host is not None and not isinstance(host, str):
        raise TypeError(f"the option http_host must be text, not {type(host).__name__}")
    username, password = options.username, options.password
    auth: object = options.auth
    if username is None and isinstance(auth, tuple):
        username, password = cast("tuple[str, str]", auth)
    host = host or options.address.rsplit(":", 1)[0]
    return SqlEndpoint(
        host, port, options.database, username, password, tls, options.ca_certs, options.any_certificate
    )


def options_from_url(target: Target) -> dict[str, Any]:
    """The options of ``arcadedb://user:password@host:7687/database?http_port=2480``.

    Raises:
        ValueError: an unknown option or one of the wrong form.
    """
    import dataclasses

    http: dict[str, Any] = {}
    rest: dict[str, str] = {}
    for name, text in target.query.items():
        if name == "http_port":
            try:
                http[name] = int(text)
            except ValueError:
                raise ValueError("the option http_port of the URL must be a number") from None
        elif name == "http_tls":
            if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
                raise ValueError("the option http_tls of the URL must be true or false")
            http[name] = text.lower() in ("true", "1", "yes")
        elif name == "http_host":
            http[name] = text
        else:
            rest[name] = text
    bolt = dataclasses.replace(target, query=rest)
    return bolt_options_from_url(bolt, routing=False, known=OPTION_NAMES) | http
