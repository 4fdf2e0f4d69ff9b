"""What a FalkorDB connection can be told, and how a URL says it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import InvalidNameError
from runic.orm.plugin.url import check_host, unknown_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runic.orm.plugin.backend import Target

__all__ = ["OPTION_NAMES", "URL_SCHEMES", "Options", "options_from_url", "validate_graph_name"]

URL_SCHEMES = ("falkordb", "falkordbs", "falkordb+embedded", "falkordb+unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Connection options. Times are in seconds.

    Attributes:
        graph: name of the graph; it appears with the first write.
        host: server, ignored with ``unix_socket`` or ``path``.
        port: its port.
        username: ACL user.
        password: its password; never shown.
        unix_socket: path of a socket instead of host and port.
        path: database file of an embedded server (extra ``embedded``), or ``":memory:"``.
        tls: encrypt.
        tls_ca_certs: file of certificate authorities; default: the system's.
        tls_certfile: client certificate.
        tls_keyfile: its key.
        tls_verify: check the server's certificate and host name.
        max_connections: most connections of the pool.
        pool_timeout: longest wait for a free connection, then ``PoolTimeout``.
        connect_timeout: longest wait for a connection to be made.
        timeout: longest time for a statement. The server stops reads at it; it never stops writes,
            so a write that takes longer ends in ``QueryTimeout(maybe_applied=True)``. ``None``: the
            server sets no limit, and the client waits for ``socket_timeout``.
        socket_timeout: longest silence of the server while a reply is due; ``None``: for ever.
        client_name: how ``CLIENT LIST`` shows the connections.
        sentinel_service: name of the master, when host and port are those of a Sentinel that
            watches more than one.
        sentinel_username: ACL user of the Sentinel, if it wants one.
        sentinel_password: its password.
    """

    graph: str = "graph"
    host: str = "localhost"
    port: int = 6379
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    unix_socket: str | None = None
    path: str | None = None
    tls: bool = False
    tls_ca_certs: str | None = None
    tls_certfile: str | None = None
    tls_keyfile: str | None = None
    tls_verify: bool = True
    max_connections: int = 50
    pool_timeout: float | None = 30.0
    connect_timeout: float | None = 10.0
    timeout: float | None = None
    socket_timeout: float | None = 300.0
    client_name: str | None = None
    sentinel_service: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        validate_graph_name(self.graph)
        for each in fields(self):
            _check(each.name, getattr(self, each.name))
        if self.path is not None and self.unix_socket is not None:
            raise ValueError("give either path (an embedded server) or unix_socket, not both")

    @property
    def address(self) -> str:
        """Where the server is, for messages; without credentials."""
        if self.path is not None:
            return f"embedded {self.path}"
        return self.unix_socket or f"{self.host}:{self.port}"


OPTION_NAMES = frozenset(each.name for each in fields(Options))

_TEXT = frozenset(
    {"graph", "host", "username", "password", "unix_socket", "path", "tls_ca_certs", "tls_certfile"}
    | {"tls_keyfile", "client_name", "sentinel_service", "sentinel_username", "sentinel_password"}
)
_WHOLE = frozenset({"port", "max_connections"})
_FLAG = frozenset({"tls", "tls_verify"})
_REQUIRED = frozenset({"graph", "host", "port", "max_connections", "tls", "tls_verify"})


def _check(name: str, value: Any) -> None:
    # The value itself stays out of the message: it may be a password.
    if value is None:
        if name in _REQUIRED:
            raise TypeError(f"the option {name} must not be None")
        return
    given: object = value
    kind = type(given)
    if name in _TEXT:
        if not isinstance(value, str):
            raise TypeError(f"the option {name} must be text, not {kind.__name__}")
        if name == "host":
            check_host(value)
    elif name in _FLAG:
        if kind is not bool:
            raise TypeError(f"the option {name} must be True or False, not {kind.__name__}")
    elif name in _WHOLE:
        if kind is not int:
            raise TypeError(f"the option {name} must be a whole number, not {kind.__name__}")
        if value < 1 or (name == "port" and value > 65535):
            raise ValueError(f"the option {name} is out of range: {value}")
    elif kind not in (int, float):
        raise TypeError(f"the option {name} must be a number of seconds, not {kind.__name__}")
    elif not 0 < value < 10**7:
        raise ValueError(f"the option {name} must be a positive number of seconds, not {value}")


def validate_graph_name(name: object) -> str:
    """``name``, if it can name a graph.

    Raises:
        InvalidNameError: it is no text, empty, too long, or holds control characters or lone
            surrogates. (FalkorDB 4.22 cuts a name off at a NUL and uses the graph of that name.)
    """
    if not isinstance(name, str) or not name:
        raise InvalidNameError(f"a graph name is non-empty text, not {name!r:.60}", backend="falkordb")
    if len(name) > 512:
        raise InvalidNameError("a graph name has at most 512 characters", backend="falkordb")
    if not name.isprintable():
        raise InvalidNameError(
            f"the graph name {name!r:.60} holds control or invisible characters", backend="falkordb"
        )
    return name


# -- URLs ---------------------------------------------------------------------------------------


def options_from_url(target: Target) -> dict[str, Any]:
    """The options of a URL that was taken apart.

    ``falkordb://user:pw@host:6379/graph``, ``falkordbs://`` with TLS,
    ``falkordb+embedded:///abs/path.db?graph=g``, ``falkordb+unix:///run/falkordb.sock?graph=g``;
    every other option as a query parameter.

    Raises:
        ValueError: an unknown option or one of the wrong form.
    """
    options: dict[str, Any] = {}
    if target.scheme in ("falkordb+embedded", "falkordb+unix"):
        if not target.path.strip("/") and target.scheme == "falkordb+unix":
            raise ValueError("falkordb+unix:// needs the path of a socket")
        if target.host:
            raise ValueError(f"{target.scheme}:// takes no host: use three slashes before an absolute path")
        if target.scheme == "falkordb+unix":
            options["unix_socket"] = target.path
        else:
            path = target.path
            options["path"] = path[1:] if path in ("/:memory:", "") or path.startswith("/./") else path
            options["path"] = options["path"] or ":memory:"
    else:
        if target.host:
            options["host"] = target.host
        if target.port is not None:
            options["port"] = target.port
        if target.scheme == "falkordbs":
            options["tls"] = True
        graph = target.path.strip("/")
        if graph:
            options["graph"] = graph
    if target.username:
        options["username"] = target.username
    if target.password is not None:
        options["password"] = target.password
    options.update(_typed(target.query))
    return options


def _typed(query: Mapping[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for name, text in query.items():
        if name not in OPTION_NAMES:
            raise ValueError(unknown_option("falkordb", name, OPTION_NAMES))
        typed[name] = _value(name, text)
    return typed


def _value(name: str, text: str) -> Any:
    if name in _TEXT:
        return text
    if text.lower() in ("none", "") and name not in _REQUIRED:
        return None
    if name in _FLAG:
        word = text.lower()
        if word not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError(f"the option {name} of the URL must be true or false")
        return word in ("true", "1", "yes")
    try:
        return int(text) if name in _WHOLE else float(text)
    except ValueError:
        raise ValueError(f"the option {name} of the URL must be a number") from None
