"""Errors: each kind has its class, its native cause, and no values in its text."""

from __future__ import annotations

import pickle
from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import (
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    OrmError,
    QueryError,
    QueryTimeout,
    ServerError,
)
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseErrors", "TestErrors"]


class BaseErrors(LiveSuite):
    """Errors: each kind has its class, its native cause, and no values in its text."""

    area: ClassVar[str] = "errors"

    async def test_a_syntax_error_is_a_server_error(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises((ServerError, QueryError)) as caught:
                await s.execute("MATCH (n WHERE n.x = $secret RETURN n", {"secret": "s3cr3t"})
            error = caught.value
            assert isinstance(error, OrmError)
            assert error.backend == kit.dialect.name
            assert error.statement is not None
            assert "MATCH (n WHERE n.x = $secret RETURN n" in error.statement
            assert not error.retryable
            assert "s3cr3t" not in f"{error} {error.statement}"
            await s.rollback()
            assert (await s.execute("RETURN 1")).rows == [[1]]

    async def test_an_unknown_function_is_a_server_error(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises((ServerError, QueryError)):
                await s.execute("RETURN surely_no_such_function(1)")
            await s.rollback()

    async def test_the_native_error_is_the_cause(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(DriverError) as caught:
                await s.execute("RETURN surely_no_such_function(1)")
            assert caught.value.__cause__ is not None
            assert not isinstance(caught.value.__cause__, OrmError)
            await s.rollback()

    async def test_errors_can_be_pickled(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(OrmError) as caught:
                await s.execute("RETURN surely_no_such_function(1)")
            await s.rollback()
        copy = pickle.loads(pickle.dumps(caught.value))  # our own
        assert (type(copy), str(copy), copy.backend) == (
            type(caught.value),
            str(caught.value),
            kit.dialect.name,
        )

    @requires(Capability.UNIQUE)
    async def test_a_unique_violation_of_a_raw_write(self, kit: Kit) -> None:
        await kit.write("CREATE (:Person {id: 'a', email: 'secret@x'})")
        async with kit.session() as s:
            with pytest.raises(ConstraintViolation) as caught:
                await s.execute(
                    "CREATE (:Person {id: 'b', email: $email})", {"email": "secret@x"}, write=True
                )
                await s.commit()  # where some servers check it
            assert not caught.value.retryable
            assert "secret@x" not in (caught.value.statement or "")
            await s.rollback()
        assert await kit.rows("MATCH (n:Person) RETURN count(n)") == [[1]]

    @requires(Capability.UNIQUE)
    async def test_a_unique_violation_of_an_update_names_the_object(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a", email="a@x"), Person(id="b", email="b@x")])
        async with kit.session() as s:
            b = await s.get(Person, "b")
            assert b is not None
            b.email = "a@x"
            with pytest.raises(ConstraintViolation) as caught:
                await s.commit()
            assert caught.value.entity is b
            await s.rollback()
            assert b.email == "b@x"

    @requires(Capability.STATEMENT_TIMEOUT)
    async def test_a_read_that_takes_too_long_ends(self, kit: Kit) -> None:
        from runic.orm.driver.port import Request

        port = kit.driver.connect()
        text = "UNWIND range(1, 8000000) AS x WITH x WHERE x % 2 = 3 RETURN count(x)"
        with pytest.raises(QueryTimeout):
            await port.execute(Request(text, {}, timeout=0.1))
        await port.release()
        async with kit.session() as s:
            assert (await s.execute("RETURN 1")).rows == [[1]]

    async def test_connection_errors_say_whether_something_was_sent(self, kit: Kit) -> None:
        error = ConnectionLostError("lost", maybe_applied=True, backend=kit.dialect.name)
        assert not error.retryable
        assert ConnectionLostError("lost").retryable


TestErrors = BaseErrors
