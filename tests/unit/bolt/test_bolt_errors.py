"""Errors of the neo4j client as runic's own, by the server's code."""

from __future__ import annotations

from typing import Any

import pytest
from neo4j import exceptions as native

from runic.orm.driver.bolt.errors import broken, is_stale, mapped
from runic.orm.driver.neo4j.dialect import DIALECT
from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    PoolTimeout,
    QueryTimeout,
    SearchSyntaxError,
    ServerError,
    TransientConflictError,
)


def of_code(code: str) -> Any:
    return native.Neo4jError._hydrate_neo4j(code=code, message="what the server said")


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("Neo.ClientError.Schema.ConstraintValidationFailed", ConstraintViolation, False),
        ("Neo.ClientError.Security.Unauthorized", AuthError, False),
        ("Neo.ClientError.Security.Forbidden", AuthError, False),
        ("Neo.TransientError.Transaction.DeadlockDetected", TransientConflictError, True),
        ("Neo.ClientError.Cluster.NotALeader", TransientConflictError, True),
        ("Neo.ClientError.Transaction.TransactionTimedOut", QueryTimeout, False),
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", QueryTimeout, False),
        ("Neo.ClientError.Transaction.LockClientStopped", QueryTimeout, False),
        ("Neo.ClientError.Statement.SyntaxError", ServerError, False),
        ("Neo.DatabaseError.General.UnknownError", ServerError, False),
    ],
)
def test_the_code_decides(code: str, kind: type[DriverError], retryable: bool) -> None:
    cause = of_code(code)
    error = mapped(cause, DIALECT, statement="RETURN 1")
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.__cause__ is cause
    assert (error.backend, error.statement) == ("neo4j", "RETURN 1")
    assert "what the server said" in str(error)
    assert broken(of_code(code))


@pytest.mark.parametrize(
    "said",
    [
        "org.apache.lucene.queryparser.classic.ParseException: Encountered <EOF>\nWas expecting one of",
        "org.apache.lucene.queryparser.classic.TokenMgrError: Lexical error at line 1",
        "org.apache.lucene.search.IndexSearcher$TooManyClauses: maxClauseCount is set to 1024",
    ],
)
def test_what_lucene_says_of_a_query_tells_that_it_is_in_its_language(said: str) -> None:
    code = "Neo.ClientError.Procedure.ProcedureCallFailed"
    told = f"Failed to invoke procedure `db.index.fulltext.queryNodes`: Caused by: {said}"
    error = mapped(native.Neo4jError._hydrate_neo4j(code=code, message=told), DIALECT)
    assert type(error) is SearchSyntaxError
    assert said in str(error)
    assert "syntax='plain'" in str(error)
    absent = "Caused by: java.lang.IllegalArgumentException: There is no such fulltext schema index: x"
    assert type(mapped(native.Neo4jError._hydrate_neo4j(code=code, message=absent), DIALECT)) is ServerError


@pytest.mark.parametrize(
    ("cause", "wrote", "auto_commit", "maybe"),
    [
        (native.IncompleteCommit("lost"), True, False, True),
        (native.IncompleteCommit("lost"), False, False, False),
        (native.ServiceUnavailable("lost"), True, False, False),
        (native.ServiceUnavailable("lost"), True, True, True),
        (native.ServiceUnavailable("lost"), False, True, False),
        (native.SessionExpired("lost"), True, False, False),
        (ConnectionResetError("lost"), True, False, False),
    ],
)
def test_a_lost_connection_says_what_may_have_happened(
    cause: Exception, wrote: bool, auto_commit: bool, maybe: bool
) -> None:
    error = mapped(cause, DIALECT, statement="CREATE ()", wrote=wrote, auto_commit=auto_commit)
    assert isinstance(error, ConnectionLostError)
    assert error.maybe_applied is maybe
    assert error.retryable is not maybe


def test_other_errors_of_the_client_have_names_too() -> None:
    assert isinstance(mapped(native.ConnectionAcquisitionTimeoutError("x"), DIALECT), PoolTimeout)
    assert type(mapped(native.ConfigurationError("x"), DIALECT)) is DriverError
    hidden = native.ServiceUnavailable("defunct connection")
    hidden.__cause__ = TimeoutError("timed out")
    assert isinstance(mapped(hidden, DIALECT, statement="RETURN 1"), QueryTimeout)
    assert not is_stale(hidden)
    assert is_stale(native.ServiceUnavailable("Failed to read from defunct connection"))
    assert not broken(KeyError("a bug"))
