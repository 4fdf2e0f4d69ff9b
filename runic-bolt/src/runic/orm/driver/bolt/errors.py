"""Native errors of the neo4j client as runic's own, by the server's code.

The codes decide, not the classes and not the GQL status: Neo4j 5.26 answers most errors with one status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

__all__ = ["CODES", "broken", "is_stale", "mapped"]

CODES: dict[str, type[DriverError]] = {
    "Neo.ClientError.Schema.ConstraintValidationFailed": ConstraintViolation,
    "Neo.ClientError.Transaction.TransactionTimedOut": QueryTimeout,
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": QueryTimeout,
    "Neo.ClientError.Transaction.LockClientStopped": QueryTimeout,
    "Neo.TransientError.Transaction.LockClientStopped": QueryTimeout,
    "Neo.TransientError.Transaction.Terminated": QueryTimeout,
}
_READ_ONLY = frozenset(
    {"Neo.ClientError.Statement.AccessMode", "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"}
)


def mapped(
    native: BaseException,
    dialect: BoltDialect,
    *,
    statement: str | None = None,
    wrote: bool = False,
    auto_commit: bool = False,
    committing: bool = False,
    address: str = "",
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
    """
    code = getattr(native, "code", None)
    if isinstance(code, str) and code:
        error = _of_code(code, native, dialect, statement)
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


def _of_code(code: str, native: Any, dialect: BoltDialect, statement: str | None) -> DriverError:
    message = str(getattr(native, "message", None) or native)
    kind = dialect.error_codes.get(code) or CODES.get(code)
    if kind is None:
        told = f"{message} ({code})"
        kind = next((kind for pattern, kind in dialect.error_texts if pattern.search(told)), None)
    if kind is None:
        if ".Security." in code:
            kind = AuthError
        elif native.is_retryable():
            kind = TransientConflictError
        else:
            kind = ServerError
    if code in _READ_ONLY:
        message = (
            f"the statement would change the database and was sent as a read: pass write=True ({message})"
        )
    return kind(f"{message} ({code})", backend=dialect.name, statement=statement)


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
    commit_lost = "IncompleteCommit" in kinds
    maybe = wrote and (commit_lost or auto_commit)
    if commit_lost:
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
        f"{text} ({native})", maybe_applied=maybe, backend=backend, statement=statement
    )


def _timed_out(native: BaseException) -> bool:
    """Whether the client gave up waiting: it hides that below an error of its own."""
    seen: BaseException | None = native
    for _ in range(10):
        if seen is None:
            return False
        if isinstance(seen, TimeoutError) or type(seen).__name__ == "SocketDeadlineExceededError":
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def broken(native: BaseException) -> bool:
    """Whether an error of the client is one that :func:`mapped` knows, rather than a bug of somebody."""
    from neo4j.exceptions import DriverError as ClientError
    from neo4j.exceptions import Neo4jError

    if isinstance(native, Neo4jError | ClientError | OSError):
        return True
    # A reply that cannot be unpacked: the connection is out of step.
    return type(native).__module__.startswith("neo4j.") or isinstance(native, EOFError)


def is_stale(native: BaseException) -> bool:
    """Whether a connection of the pool had died while it was idle: nothing was sent on it."""
    return not _timed_out(native) and ("defunct" in str(native) or type(native).__name__ == "SessionExpired")
