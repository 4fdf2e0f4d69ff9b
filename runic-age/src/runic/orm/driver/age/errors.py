"""Native errors of psycopg and PostgreSQL as runic's own, told apart by SQLSTATE."""

from __future__ import annotations

import re
from typing import Any

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

__all__ = ["BACKEND", "closed", "connect_failed", "of_native", "pool_timeout", "tables_wanted"]

BACKEND = "age"

_CONSTRAINTS = frozenset({"23505", "23514", "23502", "23503", "23P01"})
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "40000", "53300"})
_CONNECTION = ("08", "57P")
_AUTH = frozenset({"28000", "28P01"})
_DENIED = "42501"
# Of a connection that fails the client tells no code (psycopg 3.3).
_NO_ROLE = re.compile(r'role ".*" does not exist')
_TIMEOUTS = frozenset({"57014"})
_HINTS = {
    "25006": "the transaction is read-only: execute() without write=True, read_only=True, or a standby",
    "25P02": "an earlier error broke the transaction: call rollback() and start again",
}

_NO_INDEX = (
    "the property has no fulltext or vector index: create those that the models declare with"
    " runic.migrate's IndexManager, or with the backend's index adapter"
)


def of_native(native: Exception, statement: str | None, *, broken: bool) -> DriverError:
    """What an error of psycopg means; ``native`` becomes the cause.

    Args:
        native: the error.
        statement: the Cypher text, without values.
        broken: whether the connection is of no more use.
    """
    code = getattr(native, "sqlstate", None) or ""
    message = _message(native)
    error: DriverError
    if code in _AUTH or code == _DENIED:
        text = f"{message}: {_right(message)}" if code == _DENIED else message
        error = AuthError(text, backend=BACKEND, statement=statement)
    elif broken or code.startswith(_CONNECTION):
        error = ConnectionLostError(
            f"the connection broke while the statement ran ({message})",
            maybe_applied=False,
            backend=BACKEND,
            statement=statement,
        )
    elif code in _CONSTRAINTS or _is_broken_check(code, message):
        error = ConstraintViolation(_constraint(native, message), backend=BACKEND, statement=statement)
    elif code in _TRANSIENT or _is_conflict(code, message):
        error = TransientConflictError(message, backend=BACKEND, statement=statement)
    elif code in _TIMEOUTS:
        error = QueryTimeout(message, backend=BACKEND, statement=statement)
    else:
        if "during recovery" in message:  # how a standby refuses to make a table
            code = "25006"
        hint = _NO_INDEX if code == "42883" and "runic_" in message else _HINTS.get(code)
        text = f"{hint} ({message})" if hint else message
        error = ServerError(text, backend=BACKEND, statement=statement)
    error.__cause__ = native
    return error


def _right(message: str) -> str:
    """What to do for a user who lacks a right."""
    if "ag_catalog" in message:
        return "an administrator has to GRANT USAGE ON SCHEMA ag_catalog to this user"
    if message.startswith("permission denied"):
        return "the owner of the graph can GRANT it to this user"
    return "only the owner of the graph may do that"


def _message(native: Exception) -> str:
    primary = getattr(getattr(native, "diag", None), "message_primary", None)
    return str(primary or native).strip()


def _is_conflict(code: str, message: str) -> bool:
    # AGE (1.6 to 1.8) reports a lost race for a row as an internal error.
    if code == "XX000":
        return "failed to be updated" in message or "tuple concurrently" in message
    # Two first users of one label: the second finds what the first has made meanwhile.
    return code in ("42P07", "42710", "23505") and "already exists" in message


def _is_broken_check(code: str, message: str) -> bool:
    # What AGE 1.8 on PostgreSQL 18 makes of a violated CHECK: it fails while it words the error.
    return code == "XX000" and "invalid perminfoindex" in message


def _constraint(native: Exception, message: str) -> str:
    diag: Any = getattr(native, "diag", None)
    table, name = getattr(diag, "table_name", None), getattr(diag, "constraint_name", None)
    if _is_broken_check("XX000", message):
        return f"a required property is missing ({message})"
    detail = f" of {table}" if table else ""
    return f"the constraint {name}{detail} refused it: {message}" if name else message


def connect_failed(native: Exception, address: str) -> DriverError:
    """No connection could be made; nothing was sent."""
    message = _message(native)
    error: DriverError
    lowered = message.lower()
    if (
        getattr(native, "sqlstate", None) in _AUTH
        or "authentication failed" in lowered
        or "no password" in lowered
        or _NO_ROLE.search(lowered)
    ):
        error = AuthError(f"{address}: {message}", backend=BACKEND)
    else:
        error = ConnectionLostError(
            f"cannot connect to PostgreSQL at {address}: {message}", maybe_applied=False, backend=BACKEND
        )
    error.__cause__ = native
    return error


def pool_timeout(native: BaseException | None, seconds: float, size: int) -> PoolTimeout:
    """No connection became free."""
    error = PoolTimeout(
        f"none of the {size} connections became free within {seconds:g} s: close sessions, or raise"
        " max_connections",
        backend=BACKEND,
    )
    error.__cause__ = native
    return error


def tables_wanted(names: list[str], graph: str, message: str) -> str:
    """What to say to a user who may not make the tables of these labels."""
    return (
        f"{', '.join(map(repr, names))}: each label and type needs a table in the graph {graph!r}, which this"
        f" user may not see to ({message}): store the first one as the owner of the graph, or call"
        " ensure_entity_types() of the owner's index adapter"
    )


def closed() -> DriverError:
    """The driver was closed: nothing that trying again could cure."""
    return DriverError("this driver is closed", backend=BACKEND)
