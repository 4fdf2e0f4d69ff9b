"""Who a driver is for the server: fixed credentials, and tokens that are fetched anew when they expire."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from runic.orm.exceptions import AuthError

if TYPE_CHECKING:
    from .options import Options

__all__ = ["Token", "TokenSource", "client_auth", "identity"]

type Token = str | tuple[str, float]
"""A bearer token, or a pair of it and the seconds for which it may be used."""

type TokenSource = Callable[[], Token | Awaitable[Token]]
"""What gives a fresh token; for an async driver it may be ``async``."""


def client_auth(options: Options, *, asynchronous: bool) -> Any:
    """What the client takes as credentials, or ``None``.

    Args:
        options: the driver's.
        asynchronous: whether the driver is async: the client has other classes for it.

    Raises:
        TypeError: ``auth`` is a manager for drivers of the other colour.
    """
    import neo4j
    from neo4j.auth_management import AsyncAuthManagers, AuthManagers

    if callable(options.token):
        return (
            AsyncAuthManagers.bearer(_async_provider(options.token))
            if asynchronous
            else AuthManagers.bearer(_provider(options.token))
        )
    if options.token is not None:
        return neo4j.bearer_auth(options.token)
    if options.kerberos is not None:
        return neo4j.kerberos_auth(options.kerberos)
    if options.username is not None:
        return neo4j.basic_auth(options.username, options.password or "")
    manager = getattr(options.auth, "get_auth", None)
    if manager is not None and inspect.iscoroutinefunction(manager) is not asynchronous:
        its, wanted = ("a sync", "AsyncAuthManagers") if asynchronous else ("an async", "AuthManagers")
        raise TypeError(f"auth is a manager for {its} driver: this one takes those of neo4j's {wanted}")
    return options.auth


def identity(options: Options) -> str:
    """Who that is, for messages; nothing secret."""
    if options.token is not None:
        return "a bearer token"
    if options.kerberos is not None:
        return "a Kerberos ticket"
    name = options.username
    if name is None and options.auth is not None:
        principal: object = getattr(options.auth, "principal", None)
        is_pair = isinstance(options.auth, tuple)
        pair = cast("tuple[object, ...]", options.auth) if is_pair else ()
        first = pair[0] if pair else principal
        if not isinstance(first, str) or not first:
            return "the credentials of auth"
        name = first
    return f"user {name!r}" if name else "no credentials"


def _provider(source: TokenSource) -> Callable[[], Any]:
    def provide() -> Any:
        try:
            found = source()
        except Exception as error:
            raise _no_token(error) from error
        if inspect.isawaitable(found):
            if inspect.iscoroutine(found):
                found.close()
            raise TypeError("the function for token is async: only an async driver can await it")
        return _expiring(found)

    return provide


def _async_provider(source: TokenSource) -> Callable[[], Awaitable[Any]]:
    async def provide() -> Any:
        try:
            found = source()
            if inspect.isawaitable(found):
                found = await found
        except Exception as error:
            raise _no_token(error) from error
        return _expiring(found)

    return provide


def _no_token(error: Exception) -> AuthError:
    # An OSError, say, of its own would look as if the database could not be reached.
    return AuthError(f"the function for token failed: {type(error).__name__}: {error}")


def _expiring(found: object) -> Any:
    import neo4j
    from neo4j.auth_management import ExpiringAuth

    token: object = found
    seconds: object = None
    if isinstance(found, tuple):
        pair = cast("tuple[object, ...]", found)
        token, seconds = pair if len(pair) == 2 else (None, None)
    if not isinstance(token, str) or not token or not (seconds is None or isinstance(seconds, int | float)):
        # Not what it gave: that may be the token.
        raise TypeError("the function for token must give a text, or a pair of a text and seconds")
    auth = ExpiringAuth(neo4j.bearer_auth(token))
    return auth if seconds is None else auth.expires_in(seconds)
