"""Database URLs: ``scheme://user:password@host:port/path?option=value`` taken apart.

Layer: plugin. Nothing here ever puts the URL itself into a message: it holds the password.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from runic.orm.exceptions import InvalidURLError
from runic.orm.plugin import manager
from runic.orm.plugin.backend import Target
from runic.orm.plugin.discovery import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

    from runic.orm.plugin.backend import Backend

__all__ = ["backend_for", "check_host", "parse_url", "unknown_option"]


def parse_url(url: str) -> Target:
    """Take a URL apart; user, password, path and options are percent-decoded.

    ``path`` keeps its leading slash. Whatever of ``: / ? # @ %`` stands in a user name or password
    must be percent-encoded (``urllib.parse.quote(password, safe="")``).

    Raises:
        InvalidURLError: it cannot be read. The message holds neither user nor password.

    Example:
        >>> parse_url("db://ann:p%40ss@host:7687/main?tls=true").password
        'p@ss'
    """
    scheme, separator, rest = url.partition("://")
    scheme = scheme.strip().lower()
    if not separator or not scheme or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        raise InvalidURLError("a database URL looks like name://user:password@host:port/path")
    authority = rest.partition("/")[0]
    if "#" in rest:
        raise _unreadable(scheme, "holds a '#'; in a user name, password or path it is written %23")
    if authority and "@" in rest and "@" not in authority:
        raise _unreadable(
            scheme, "holds a '/' before its '@'; in a user name or password '/' is written %2F (and '@' %40)"
        )
    if "?" in authority and "@" in authority.partition("?")[2]:
        raise _unreadable(scheme, "holds a '?' before its '@'; in a user name or password it is written %3F")
    parts = _split(url.strip(), scheme)
    host, port = _address(parts, scheme)
    return Target(
        scheme=scheme,
        host=unquote(host) if host else None,
        port=port,
        username=_decoded(parts.username, scheme, "user name"),
        password=_decoded(parts.password, scheme, "password"),
        path=_decoded(parts.path, scheme, "path") or "",
        query=_query(parts.query, scheme),
    )


def backend_for(target: Target) -> Backend:
    """The backend that a URL's scheme names: the part before a ``+``, and no other plugin is loaded.

    Raises:
        InvalidURLError: the scheme is a protocol that several databases speak, or the backend does
            not answer to it.
        UnknownBackendError: no such backend is installed.
    """
    name = target.scheme.partition("+")[0]
    if name in PROTOCOLS and name not in manager.names():
        choices = ", ".join(f"{each}://" for each in manager.names())
        raise InvalidURLError(
            f"{target.scheme}:// names a protocol that several databases speak, so it does not say which one "
            f"is meant; write the backend's name as the scheme (installed: {choices or 'none'}), "
            "or pass the name and options: create_driver(name, host=..., port=...)"
        )
    backend = manager.load(name)
    if target.scheme not in backend.url_schemes:
        schemes = ", ".join(f"{each}://" for each in backend.url_schemes) or "no URL at all"
        raise InvalidURLError(
            f"the backend {name!r} does not answer to {target.scheme}://; it answers to {schemes}",
            backend=name,
        )
    return backend


def unknown_option(backend: str, option: str, known: Iterable[str]) -> str:
    """What to say of an option that a backend does not take, be it an argument or of a URL.

    Args:
        backend: the backend's name.
        option: what was given.
        known: what it takes.
    """
    names = sorted(known)
    near = difflib.get_close_matches(option, names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"the backend {backend!r} takes no option {option!r}: {meant}its options are: "
        f"{', '.join(names) or 'none'}"
    )


def check_host(host: str) -> None:
    """Refuse what is more than a host, of which clients say anything but that.

    Raises:
        ValueError: a URL, or a host with a port. The message does not repeat it: it may hold a password.
    """
    if "://" in host:
        raise ValueError("the option host is a host's name: a URL is the first argument of create_driver()")
    if any(each.count(":") == 1 for each in host.split(",")):
        raise ValueError("the option host is a host's name: its port is the option port")


def _unreadable(scheme: str, problem: str) -> InvalidURLError:
    return InvalidURLError(f"the {scheme}:// URL {problem}")


def _split(url: str, scheme: str) -> SplitResult:
    # Raised after the except block, so that the parser's own error, which may quote the password,
    # is not even kept as __context__.
    try:
        return urlsplit(url)
    except ValueError:
        pass
    raise _unreadable(scheme, "has a host that cannot be read; an IPv6 address stands in [brackets]")


def _address(parts: SplitResult, scheme: str) -> tuple[str | None, int | None]:
    try:
        return parts.hostname, parts.port
    except ValueError:
        pass
    if "," in parts.netloc.rpartition("@")[2]:
        raise _unreadable(
            scheme,
            "names several hosts with ports; where a database takes several, they are the options host and"
            " port: ?host=one,two&port=5432,5433",
        )
    raise _unreadable(
        scheme,
        "has a port that is no number from 0 to 65535; a ':' or '@' in a user name or password is written "
        "%3A or %40",
    )


def _decoded(text: str | None, scheme: str, what: str) -> str | None:
    if text is None:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        pass
    raise _unreadable(scheme, f"has a {what} whose %-escapes are not UTF-8")


def _query(text: str, scheme: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        pairs = []
    if not pairs:
        raise _unreadable(scheme, "has options that are not name=value&name=value")
    query = dict(pairs)
    if len(query) != len(pairs):
        twice = sorted(name for name in query if sum(each == name for each, _ in pairs) > 1)
        raise _unreadable(scheme, f"names an option twice: {', '.join(twice)}")
    return query
