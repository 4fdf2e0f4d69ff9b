"""What a connection can be told, and how a URL says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from runic.orm.plugin.url import check_host, unknown_option

from .sql import validate_graph_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runic.orm.plugin.backend import Target

__all__ = ["ISOLATION_LEVELS", "OPTION_NAMES", "URL_SCHEMES", "Options", "options_from_url"]

URL_SCHEMES = ("age",)

ISOLATION_LEVELS = ("read committed", "repeatable read", "serializable")

#: Parameters of libpq that a driver takes as they are.
LIBPQ = frozenset(
    {
        "hostaddr", "passfile", "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl",
        "sslcrldir", "sslsni", "sslnegotiation", "sslcertmode", "ssl_min_protocol_version",
        "ssl_max_protocol_version", "requirepeer", "require_auth", "channel_binding", "krbsrvname", "gsslib",
        "gssencmode", "gssdelegation", "service", "servicefile", "target_session_attrs",
        "load_balance_hosts", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "application_name", "options",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Connection options. Times are in seconds.

    Attributes:
        graph: name of the graph.
        host: server, or the folder of a unix socket; several, with commas between, are tried in turn.
        port: its port, or as many as hosts, with commas between.
        database: the database; default: libpq's, which is that of the user's name.
        username: the user; default: libpq's.
        password: its password; never shown.
        create_graph: make the graph, and the extension if need be, when it is not there.
        isolation_level: ``"read committed"``, ``"repeatable read"`` or ``"serializable"``; default: the
            server's.
        max_connections: most connections of the pool.
        pool_timeout: longest wait for a free connection, then ``PoolTimeout``.
        connect_timeout: longest wait for a connection to be made.
        timeout: longest time for a statement, kept by the server; ``None``: no limit.
        libpq: every other parameter of libpq (``sslmode``, ``service``, ...).
    """

    graph: str = "graph"
    host: str | None = None
    port: int | str | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    create_graph: bool = True
    isolation_level: str | None = None
    max_connections: int = 20
    pool_timeout: float = 30.0
    connect_timeout: float = 10.0
    timeout: float | None = None
    libpq: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    def __post_init__(self) -> None:
        validate_graph_name(self.graph)
        for name in ("host", "database", "username", "password"):
            _check_text(name, getattr(self, name))
        if self.host is not None:
            check_host(self.host)
        _check_port(self.port)
        if self.isolation_level is not None and self.isolation_level.lower() not in ISOLATION_LEVELS:
            raise ValueError(
                f"isolation_level is one of {', '.join(ISOLATION_LEVELS)}, not {self.isolation_level!r}"
            )
        for name in ("pool_timeout", "connect_timeout", "timeout"):
            _check_seconds(name, getattr(self, name))
        size: object = self.max_connections
        if type(size) is not int or size < 1:
            raise ValueError(f"max_connections is a positive whole number, not {size!r}")

    @classmethod
    def of(cls, **options: Any) -> Options:
        """Options as ``create_driver`` takes them: libpq's own stand beside the others."""
        libpq = {name: options.pop(name) for name in sorted(LIBPQ & options.keys())}
        return cls(**options, libpq=libpq)

    @property
    def address(self) -> str:
        """Where the server is, for messages; without credentials."""
        if "service" in self.libpq:
            return f"service {self.libpq['service']}"
        return (
            f"{self.host or 'the local socket'}{f':{self.port}' if self.port else ''}/{self.database or ''}"
        )

    def connect_arguments(self) -> dict[str, Any]:
        """The arguments of ``psycopg.connect``."""
        given = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.username,
            "password": self.password,
            "connect_timeout": max(1, round(self.connect_timeout)),
            "application_name": "runic",
            **self.libpq,
        }
        return {name: value for name, value in given.items() if value is not None}


OPTION_NAMES = frozenset(each.name for each in fields(Options) if each.name != "libpq") | LIBPQ


def _check_text(name: str, value: object) -> None:
    # The value itself stays out of the message: it may be a password.
    if value is not None and not isinstance(value, str):
        raise TypeError(f"the option {name} must be text, not {type(value).__name__}")


def _check_port(port: object) -> None:
    if port is None or (isinstance(port, str) and re.fullmatch(r"[0-9]*(,[0-9]*)*", port)):
        return
    if type(port) is not int:
        raise TypeError("the option port must be a whole number, or several with commas between")
    if not 1 <= port <= 65535:
        raise ValueError(f"the option port is out of range: {port}")


def _check_seconds(name: str, value: Any) -> None:
    if value is None and name == "timeout":
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 10**7:
        raise ValueError(f"the option {name} must be a positive number of seconds, not {value!r}")


_WHOLE = frozenset({"max_connections"})
_SECONDS = frozenset({"pool_timeout", "connect_timeout", "timeout"})
_ALIASES = {"dbname": "database", "user": "username"}


def options_from_url(target: Target) -> dict[str, Any]:
    """The options of a URL that was taken apart.

    ``age://user:password@host:5432/database?graph=g``; a unix socket as ``age:///database?host=/run/postgresql``;
    every other option, libpq's too, as a query parameter.

    Raises:
        ValueError: an unknown option or one of the wrong form.
    """
    options: dict[str, Any] = {}
    if target.host:
        options["host"] = target.host
    if target.port is not None:
        options["port"] = target.port
    database = target.path.strip("/")
    if database:
        options["database"] = database
    if target.username:
        options["username"] = target.username
    if target.password is not None:
        options["password"] = target.password
    for name, text in target.query.items():
        name = _ALIASES.get(name, name)
        if name not in OPTION_NAMES:
            raise ValueError(unknown_option("age", name, OPTION_NAMES))
        options[name] = _value(name, text)
    return options


def _value(name: str, text: str) -> Any:
    if name == "create_graph":
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError("the option create_graph of the URL must be true or false")
        return text.lower() in ("true", "1", "yes")
    try:
        if name in _WHOLE:
            return int(text)
        return float(text) if name in _SECONDS else text
    except ValueError:
        raise ValueError(f"the option {name} of the URL must be a number") from None
