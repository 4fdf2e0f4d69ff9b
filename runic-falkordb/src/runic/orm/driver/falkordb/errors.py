"""Native errors of redis-py and FalkorDB as runic's own.

FalkorDB has no error codes (4.22): what a reply means is told by its text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    QueryTimeout,
    SearchSyntaxError,
    ServerError,
    TransientConflictError,
)

if TYPE_CHECKING:
    from .options import Options

__all__ = ["BACKEND", "connect_failed", "lost", "server_error", "timed_out"]

BACKEND = "falkordb"

_CONSTRAINT = re.compile(r"(unique|mandatory) constraint violation", re.IGNORECASE)
_SEARCH = re.compile(r"^RediSearch: (syntax error|invalid|unknown)", re.IGNORECASE)
# All that the server says of a search without an index (4.22); the second if no node has the property.
_NO_VECTOR_INDEX = re.compile(r"^Invalid arguments for procedure|^Attempted to access undefined attribute")
_TIMEOUT = re.compile(r"query timed out", re.IGNORECASE)
_AUTH = re.compile(r"^(NOAUTH|WRONGPASS|NOPERM)\b|invalid username-password|invalid password", re.IGNORECASE)
_TRANSIENT = re.compile(
    r"^(LOADING|BUSY|TRYAGAIN|MASTERDOWN|CLUSTERDOWN)\b|max pending queries", re.IGNORECASE
)


def server_error(native: Exception, statement: str | None, *, write: bool) -> DriverError:
    """What an error reply of the server means; ``native`` becomes the cause.

    Args:
        native: the client's ``ResponseError``, or another error that the client made of a reply.
        statement: the Cypher text, without values.
        write: whether the statement was sent as a write.
    """
    message = str(native)
    kind: type[DriverError] = ServerError
    if _CONSTRAINT.search(message):
        kind = ConstraintViolation
    elif _SEARCH.search(message):
        kind = SearchSyntaxError
    elif _TIMEOUT.search(message):
        kind = QueryTimeout
    elif _AUTH.search(message) or _is_auth(native):
        kind = AuthError
    elif _TRANSIENT.search(message) or type(native).__name__ in ("BusyLoadingError", "TryAgainError"):
        kind = TransientConflictError
    if _NO_VECTOR_INDEX.search(message) and "db.idx.vector." in (statement or ""):
        message = (
            'most likely there is no vector index to search: declare the field with index_type="VECTOR" and a'
            f" dimension, and create the index with IndexManager(driver).create_indexes(...) ({message})"
        )
    if not write and "RO_QUERY" in message:
        message = f"the statement would change the graph and was sent as a read: pass write=True ({message})"
    error = kind(message, backend=BACKEND, statement=statement)
    if isinstance(error, QueryTimeout):
        error.maybe_applied = write
    error.__cause__ = native
    return error


def _is_auth(native: Exception) -> bool:
    return type(native).__name__ in (
        "AuthenticationError",
        "AuthenticationWrongNumberOfArgsError",
        "NoPermissionError",
    )


def connect_failed(native: Exception, options: Options) -> DriverError:
    """No connection could be made; nothing was sent."""
    message = str(native)
    if _is_auth(native) or _AUTH.search(message):
        error: DriverError = AuthError(f"{options.address}: {message}", backend=BACKEND)
    elif type(native).__name__ == "BusyLoadingError":
        error = TransientConflictError(f"{options.address}: {message}", backend=BACKEND)
    else:
        error = ConnectionLostError(
            f"cannot connect to FalkorDB at {options.address}: {message}",
            maybe_applied=False,
            backend=BACKEND,
        )
    error.__cause__ = native
    return error


def lost(native: BaseException, statement: str | None, *, sent: bool, write: bool) -> ConnectionLostError:
    """The connection broke: before the request had left (``sent=False``), or after."""
    maybe = sent and write
    if maybe:
        text = "the connection broke after the request was sent: it may or may not have been applied"
    elif sent:
        text = "the connection broke before the result had come"
    else:
        text = "the connection broke before the request was sent"
    error = ConnectionLostError(
        f"{text} ({native})", maybe_applied=maybe, backend=BACKEND, statement=statement
    )
    error.__cause__ = native
    return error


def timed_out(
    native: BaseException | None, statement: str | None, *, seconds: float | None, write: bool
) -> QueryTimeout:
    """No reply within the client's own limit. The connection is never used again."""
    limit = "" if seconds is None else f" within {seconds:g} s"
    text = f"no reply{limit}"
    if write:
        text += "; the server does not stop a write (FalkorDB 4.22), so it may have been applied"
    error = QueryTimeout(text, backend=BACKEND, statement=statement)
    error.maybe_applied = write
    error.__cause__ = native
    return error
