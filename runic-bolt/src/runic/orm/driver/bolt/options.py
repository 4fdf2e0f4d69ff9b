"""What a Bolt connection can be told, and how a URL says it; the same for every Bolt database."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runic.orm.exceptions import DriverError
from runic.orm.plugin.url import check_host, unknown_option

from .bookmarks import checked_bookmarks

if TYPE_CHECKING:
    from runic.orm.plugin.backend import Target

    from .credentials import TokenSource

__all__ = ["OPTION_NAMES", "Options", "options_from_url", "url_schemes"]

_SECURE = ("+s", "+ssc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Connection options. Times are in seconds.

    Attributes:
        host: the server, or any member of a cluster.
        port: its port.
        uri: the client's own URI (``bolt://``, ``bolt+s://``, ``neo4j+ssc://``, ...) instead of ``host``,
            ``port``, ``routing`` and ``encrypted``.
        database: the database; ``None``: the user's home database.
        username: with ``password``, or neither.
        password: never shown.
        token: a bearer token of a single sign-on, instead of a user name; or a function that gives one,
            or a pair of one and the seconds for which it may be used. It is called when the token has
            expired or the server says so, and may be ``async`` for an async driver. It must not use the
            driver.
        kerberos: a Kerberos ticket, instead of a user name.
        auth: credentials as the client's own object, a manager of ``neo4j.auth_management`` among them,
            or a pair of user name and password.
        routing: whether ``host`` is a member of a cluster, which tells where to read and where to write.
        encrypted: TLS, with a certificate that the system trusts.
        ca_certs: file of certificate authorities to trust instead of the system's, for ``encrypted=True``
            and the schemes with ``+s``.
        max_connections: most connections of the pool.
        pool_timeout: longest wait for a free connection, then ``PoolTimeout``.
        connect_timeout: longest wait for a connection to be made, encryption and log-in included.
        timeout: longest time of a transaction: the server ends it then (``QueryTimeout``).
        max_connection_age: connections older than this are closed when they come back.
        check_after: idle connections older than this are tried before they are used.
        fetch_size: records that the server sends at a time.
        impersonate: run as another user.
        user_agent: how the server's lists show the connections.
        bookmarks: commits that the driver's transactions wait for, as ``bookmarks`` of another driver.
    """

    host: str = "localhost"
    port: int = 7687
    uri: str | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | TokenSource | None = field(default=None, repr=False)
    kerberos: str | None = field(default=None, repr=False)
    auth: Any = field(default=None, repr=False)
    routing: bool = False
    encrypted: bool = False
    ca_certs: str | None = None
    max_connections: int = 100
    pool_timeout: float = 30.0
    connect_timeout: float = 10.0
    timeout: float | None = None
    max_connection_age: float = 3600.0
    check_after: float | None = 60.0
    fetch_size: int = 1000
    impersonate: str | None = None
    user_agent: str | None = None
    bookmarks: Sequence[str] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for each in fields(self):
            if each.name not in ("auth", "bookmarks"):
                _check(each.name, getattr(self, each.name))
        given = [self.username is not None, self.token is not None, self.kerberos is not None]
        if sum(given) + (self.auth is not None) > 1:
            raise ValueError("give one of username, token, kerberos and auth")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        if self.uri is not None and "@" in urlsplit(self.uri).netloc:
            raise ValueError("credentials do not stand in uri: give username and password")
        if self.ca_certs is not None and (self.any_certificate or not self.secure):
            raise ValueError("ca_certs needs encrypted=True or a scheme with +s")
        object.__setattr__(self, "bookmarks", checked_bookmarks(self.bookmarks))

    @property
    def secure(self) -> bool:
        """Whether connections are encrypted."""
        return self.encrypted or _scheme(self.uri).endswith(_SECURE)

    @property
    def any_certificate(self) -> bool:
        """Whether the server's certificate is taken without a look."""
        return _scheme(self.uri).endswith("+ssc")

    @property
    def client_uri(self) -> str:
        """The client's URI."""
        if self.uri is not None:
            scheme = _scheme(self.uri)
            # The client takes authorities only where the scheme leaves encryption open.
            plain = scheme.removesuffix("+s") if self.ca_certs is not None else scheme
            return plain + self.uri[len(scheme) :]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'neo4j' if self.routing else 'bolt'}://{host}:{self.port}"

    @property
    def address(self) -> str:
        """Where the server is, for messages; without credentials."""
        parts = urlsplit(self.client_uri)
        return f"{parts.hostname or 'localhost'}:{parts.port or 7687}"

    def client_config(self) -> dict[str, Any]:
        """The client's settings of its pool.

        Raises:
            DriverError: the file ``ca_certs`` holds no authorities.
        """
        import neo4j

        config: dict[str, Any] = {
            "max_connection_pool_size": self.max_connections,
            "connection_acquisition_timeout": self.pool_timeout,
            "connection_timeout": self.connect_timeout,
            "max_connection_lifetime": self.max_connection_age,
            "liveness_check_timeout": self.check_after,
        }
        if self.user_agent is not None:
            config["user_agent"] = self.user_agent
        # With a scheme that says so itself, the client refuses to be told.
        if not _scheme(self.client_uri).endswith(_SECURE):
            config["encrypted"] = self.secure
            if self.ca_certs is not None:
                _check_authorities(self.ca_certs)
                config["trusted_certificates"] = neo4j.TrustCustomCAs(self.ca_certs)
        return config


def _scheme(uri: str | None) -> str:
    return "" if uri is None else uri.partition("://")[0].lower()


def _check_authorities(file: str) -> None:
    """The client would take a file that is not there for a server that is not there (6.4)."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise DriverError(f"ca_certs: no certificates can be read from {file!r}: {error}") from error


OPTION_NAMES = frozenset(each.name for each in fields(Options))

_TEXT = frozenset(
    {"host", "uri", "database", "username", "password", "token", "kerberos"}
    | {"ca_certs", "impersonate", "user_agent"}
)
_WHOLE = frozenset({"port", "max_connections", "fetch_size"})
_FLAG = frozenset({"routing", "encrypted"})
_NOT_IN_URLS = frozenset({"auth", "uri", "bookmarks"})
_REQUIRED = _WHOLE | _FLAG | {"host", "pool_timeout", "connect_timeout", "max_connection_age"}


def _check(name: str, value: Any) -> None:
    # The value itself stays out of the message: it may be a password.
    if value is None:
        if name in _REQUIRED:
            raise TypeError(f"the option {name} must not be None")
        return
    given: object = value
    kind = type(given)
    if name == "token" and callable(given):
        return
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


# -- URLs ---------------------------------------------------------------------------------------


def url_schemes(name: str, *, routing: bool) -> tuple[str, ...]:
    """The schemes of a backend: plain, ``+s`` and ``+ssc`` for TLS as the client means them.

    Args:
        name: the backend's name, which is the scheme.
        routing: whether the plain name asks for the client's routing; ``name+bolt`` then does not.
    """
    direct = (f"{name}+bolt", f"{name}+bolt+s", f"{name}+bolt+ssc") if routing else ()
    return (name, f"{name}+s", f"{name}+ssc", *direct)


def options_from_url(
    target: Target, *, routing: bool, known: frozenset[str] = OPTION_NAMES
) -> dict[str, Any]:
    """The options of a URL that was taken apart.

    ``neo4j://user:pw@host:7687/database?timeout=30``; ``+s`` is TLS with a certificate that the system
    trusts, ``+ssc`` TLS with any; every other option as a query parameter.

    Args:
        target: the URL.
        routing: see :func:`url_schemes`.
        known: the options of the backend.

    Raises:
        ValueError: an unknown option or one of the wrong form.
    """
    name, *words = target.scheme.split("+")
    options: dict[str, Any] = {}
    protocol = "neo4j" if routing and "bolt" not in words else "bolt"
    secure = words[-1] if words and words[-1] in ("s", "ssc") else ""
    if target.host:
        options["host"] = target.host
    if target.port is not None:
        options["port"] = target.port
    if secure:
        host = target.host or "localhost"
        host = f"[{host}]" if ":" in host else host
        options["uri"] = f"{protocol}+{secure}://{host}:{target.port or 7687}"
    elif protocol == "neo4j":
        options["routing"] = True
    database = target.path.strip("/")
    if database:
        options["database"] = database
    if target.username:
        options["username"] = target.username
    if target.password is not None:
        options["password"] = target.password
    options.update(_typed(name, target.query, known))
    return options


def _typed(backend: str, query: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for name, text in query.items():
        if name not in known - _NOT_IN_URLS:
            raise ValueError(unknown_option(backend, name, known - _NOT_IN_URLS))
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
