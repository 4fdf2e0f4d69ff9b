"""Native errors of the neo4j client as runic's own, by the server's code.

The codes decide, not the classes and not the GQL status: Neo4j 5.26 answers most errors with one status.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    PoolTimeout,
    QueryTimeout,
    ServerError,
    TransientConflictError,
)

if TYPE_CHECKING:
    from .dialect import BoltDialect

__all__ = ["CODES", "broken", "is_refused", "is_stale", "mapped"]

CODES: dict[str, type[DriverError]] = {
    "Neo.ClientError.Schema.ConstraintValidationFailed": ConstraintViolation,
    "Neo.ClientError.Transaction.TransactionTimedOut": QueryTimeout,
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": QueryTimeout,
    "Neo.ClientError.Transaction.LockClientStopped": QueryTimeout,
    "Neo.TransientError.Transaction.LockClientStopped": QueryTimeout,
    "Neo.TransientError.Transaction.Terminated": QueryTimeout,
}
_READ_ONLY = frozenset({"Neo.ClientError.Statement.AccessMode"})
_OTHER_LEADER = frozenset(
    {"Neo.ClientError.Cluster.NotALeader", "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"}
)
_HINTS = {
    # What the client knows of a peer that closes the connection before any Bolt was spoken (6.4).
    "incomplete handshake response": "the server wants TLS, or speaks no Bolt",
    "towards 'WRITE' server": "no member of the cluster takes writes now",
    "towards 'READ' server": "no member of the cluster takes reads now",
    "Failed to establish encrypted connection": "the server speaks no TLS, or not this one",
}


def mapped(
    native: BaseException,
    dialect: BoltDialect,
    *,
    statement: str | None = None,
    wrote: bool = False,
    auto_commit: bool = False,
    committing: bool = False,
    address: str = "",
    identity: str = "",
) -> DriverError:
    """What an error of the client means; ``native`` becomes the cause.

    Args:
        native: the client's error, or an ``OSError``.
        dialect: the backend's.
        statement: the Cypher text, without values.
        wrote: whether the transaction has a write in it.
        auto_commit: whether the statement was its own transaction, so that losing its reply is losing
            the answer to its commit.
        committing: whether it was the commit that failed.
        address: where the server is, for messages.
        identity: who logged in, for messages.
    """
    code = getattr(native, "code", None)
    if isinstance(code, str) and code:
        error = _of_code(code, native, dialect, statement, identity)
    else:
        error = _of_client(
            native,
            dialect,
            statement,
            wrote=wrote,
            auto_commit=auto_commit,
            committing=committing,
            address=address,
        )
    error.__cause__ = native
    return error


def _of_code(
    code: str, native: Any, dialect: BoltDialect, statement: str | None, identity: str
) -> DriverError:
    message = str(getattr(native, "message", None) or native)
    kind = dialect.error_codes.get(code) or CODES.get(code)
    if kind is None:
        told = f"{message} ({code})"
        kind = next((kind for pattern, kind in dialect.error_texts if pattern.search(told)), None)
    security = ".Security." in code
    if kind is None:
        if security:
            kind = AuthError
        elif native.is_retryable():
            kind = TransientConflictError
        else:
            kind = ServerError
    if code in _READ_ONLY:
        message = (
            f"the statement would change the database and was sent as a read: pass write=True ({message})"
        )
    elif code in _OTHER_LEADER:
        message = f"the server does not take writes, or no longer ({message})"
    elif security and identity:
        message = f"{identity}: {message}"
    error = kind(f"{message} ({code})", backend=dialect.name, statement=statement)
    if security and native.is_retryable():
        # The client has fresh credentials, or is to show the same ones again.
        error.retryable = True
    return error


def _of_client(
    native: BaseException,
    dialect: BoltDialect,
    statement: str | None,
    *,
    wrote: bool,
    auto_commit: bool,
    committing: bool,
    address: str,
) -> DriverError:
    kinds = {kind.__name__ for kind in type(native).__mro__}
    backend = dialect.name
    if "ConnectionAcquisitionTimeoutError" in kinds:
        return PoolTimeout(f"no connection became free: {native}", backend=backend, statement=statement)
    if statement is not None and _timed_out(native):
        maybe = wrote and (auto_commit or committing)
        unsure = ": it may or may not have been applied" if maybe else ""
        error = QueryTimeout(
            f"no reply of {address} in time{unsure} ({native})", backend=backend, statement=statement
        )
        error.maybe_applied = maybe
        return error
    if "ConfigurationError" in kinds:
        return DriverError(f"{address}: {native}", backend=backend, statement=statement)
    refused = _refused_certificate(native)
    if refused is not None:
        lost = ConnectionLostError(
            f"no connection to {address}: its certificate was refused: {refused}",
            backend=backend,
            statement=statement,
        )
        lost.retryable = False
        return lost
    commit_lost = "IncompleteCommit" in kinds
    maybe = wrote and (commit_lost or auto_commit)
    if "WriteServiceUnavailable" in kinds:
        text = f"no server at {address} takes writes now"
    elif commit_lost:
        text = "the connection broke while the commit was under way"
    elif statement is None:
        text = f"no connection to {address}"
    else:
        text = "the connection broke"
    if maybe:
        text += ": it may or may not have been applied"
    elif statement is not None or commit_lost:
        text += ": nothing was applied"
    return ConnectionLostError(
        f"{text} ({_reasons(native)})", maybe_applied=maybe, backend=backend, statement=statement
    )


def _reasons(native: BaseException) -> str:
    """What the client says; what it only hides, and what that most often means."""
    said = [str(native)]
    for each in _chain(native):
        # Of a server that is the wrong one, or of all routers (6.4).
        if type(each).__name__ in ("NotALeader", "ForbiddenOnReadOnlyDatabase"):
            said.append(str(each))
        said += [str(one) for one in _members(each)]
    found = "; ".join(dict.fromkeys(said))
    hints = [hint for sign, hint in _HINTS.items() if sign in found]
    return "; ".join([found, *hints])


def _refused_certificate(native: BaseException) -> str | None:
    for each in _chain(native):
        if isinstance(each, ssl.SSLCertVerificationError):
            return each.verify_message or str(each)
    return None


def _chain(native: BaseException) -> Iterator[BaseException]:
    """An error and what is below it; the client packs the errors of all routers into a group (6.4)."""
    waiting, seen = [native], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += _members(each)
        below = each.__cause__ or each.__context__
        if below is not None:
            waiting.append(below)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    is_group = isinstance(error, BaseExceptionGroup)
    return cast("BaseExceptionGroup[BaseException]", error).exceptions if is_group else ()


def _timed_out(native: BaseException) -> bool:
    """Whether the client gave up waiting: it hides that below an error of its own."""
    return any(
        isinstance(each, TimeoutError) or type(each).__name__ == "SocketDeadlineExceededError"
        for each in _chain(native)
    )


def broken(native: BaseException) -> bool:
    """Whether an error of the client is one that :func:`mapped` knows, rather than a bug of somebody."""
    from neo4j.exceptions import DriverError as ClientError
    from neo4j.exceptions import Neo4jError

    if isinstance(native, Neo4jError | ClientError | OSError):
        return True
    # A reply that cannot be unpacked: the connection is out of step.
    return type(native).__module__.startswith("neo4j.") or isinstance(native, EOFError)


def is_refused(native: BaseException) -> bool:
    """Whether the server refused the credentials: nothing was run."""
    code = getattr(native, "code", None)
    return isinstance(code, str) and ".Security." in code


def is_stale(native: BaseException) -> bool:
    """Whether a connection of the pool had died while it was idle: nothing was sent on it."""
    return not _timed_out(native) and ("defunct" in str(native) or type(native).__name__ == "SessionExpired")
