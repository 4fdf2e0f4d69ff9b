"""Who a driver is: passwords on a real Neo4j, tokens and tickets with a scripted server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import neo4j as client
import pytest
from neo4j.auth_management import AsyncAuthManagers, AuthManagers, ExpiringAuth

from runic.orm import (
    Session,
    create_async_driver,
    create_driver,
    run_in_transaction,
    run_in_transaction_async,
)
from runic.orm.exceptions import AuthError
from tests.live.bolt.conftest import Ask
from tests.live.bolt.guarded import PASSWORDS, Guarded
from tests.live.memgraph.scripted_bolt import Failure, Script, ScriptedBolt

EXPIRED = Failure("Neo.ClientError.Security.TokenExpired", "the token is too old")
REFUSED = Failure("Neo.ClientError.Security.Unauthorized", "not you")


def everything(error: BaseException) -> str:
    """All that an error shows, and what is below it."""
    said = ""
    below: BaseException | None = error
    while below is not None:
        said += f"{below!s}{below!r}{vars(below)!r}"
        below = below.__cause__ or below.__context__
    return said


# -- a real server ------------------------------------------------------------------------------


def test_a_user_logs_in_by_password(guarded: Guarded, ask: Ask) -> None:
    assert ask("SHOW CURRENT USER YIELD user", **guarded.options("ann")) == [["ann"]]
    pair = guarded.options(username=None, password=None, auth=("ann", PASSWORDS["ann"]))
    assert ask("SHOW CURRENT USER YIELD user", **pair) == [["ann"]]
    own = guarded.options(username=None, password=None, auth=client.basic_auth("ann", PASSWORDS["ann"]))
    assert ask("SHOW CURRENT USER YIELD user", **own) == [["ann"]]


def test_a_wrong_password_names_the_user_and_nothing_secret(
    guarded: Guarded, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG, logger="neo4j"),
        pytest.raises(AuthError, match="user 'ann'") as caught,
    ):
        ask(**guarded.options("ann", password="wr0ng-word"))
    assert "Neo.ClientError.Security.Unauthorized" in str(caught.value)
    assert not caught.value.retryable
    assert "wr0ng-word" not in everything(caught.value) + caplog.text
    assert ask(**guarded.options("ann")) == [[1]]


def test_nobody_is_an_auth_error(guarded: Guarded, ask: Ask) -> None:
    with pytest.raises(AuthError, match="no credentials"):
        ask(**guarded.options(username=None, password=None))


def test_a_password_that_has_to_be_changed_says_so(guarded: Guarded, ask: Ask) -> None:
    with pytest.raises(AuthError, match=r"(?s)user 'bob'.*ALTER CURRENT USER") as caught:
        ask(**guarded.options("bob"))
    assert PASSWORDS["bob"] not in everything(caught.value)


def test_a_user_who_fails_too_often_has_to_wait(guarded: Guarded, ask: Ask) -> None:
    for _ in range(30):  # three in a row, unless the machine is so slow that they are forgiven meanwhile
        with pytest.raises(AuthError, match="user 'eve'") as caught:
            ask(**guarded.options("eve", password="wr0ng-word"))
        if "AuthenticationRateLimit" in str(caught.value):
            break
    with pytest.raises(AuthError, match="too many times in a row"):
        ask(**guarded.options("eve"))


@pytest.mark.parametrize("kind", ["token", "kerberos"])
def test_what_the_edition_does_not_take_is_an_auth_error(guarded: Guarded, ask: Ask, kind: str) -> None:
    options = guarded.options(username=None, password=None) | {kind: "s3cret-thing"}
    with pytest.raises(AuthError, match="is not supported") as caught:
        ask(**options)
    assert "s3cret-thing" not in everything(caught.value)


def test_verify_tries_the_credentials(guarded: Guarded) -> None:
    with create_driver("neo4j", **guarded.options()) as driver:
        driver.verify()
    wrong = guarded.options(password="wr0ng-word")
    with create_driver("neo4j", **wrong) as driver, pytest.raises(AuthError, match="user 'ann'"):
        driver.verify()

    async def main() -> None:
        async with create_async_driver("neo4j", **guarded.options()) as driver:
            await driver.verify()
        async with create_async_driver("neo4j", **wrong) as driver:
            with pytest.raises(AuthError, match="user 'ann'"):
                await driver.verify()

    asyncio.run(main())


def test_a_password_that_is_rotated_is_asked_for_again(guarded: Guarded) -> None:
    """The client's own managers are credentials as well."""
    given = ["wr0ng-word", PASSWORDS["ann"]]
    options = guarded.options(username=None, password=None)
    manager = AuthManagers.basic(lambda: ("ann", given.pop(0)))
    with create_driver("neo4j", **options, auth=manager) as driver:
        assert driver.execute("RETURN 1").rows == [[1]]
    assert given == []

    async def provider() -> tuple[str, str]:
        return "ann", given.pop(0)

    async def main() -> None:
        given.extend(["wr0ng-word", PASSWORDS["ann"]])
        async with create_async_driver("neo4j", **options, auth=AsyncAuthManagers.basic(provider)) as driver:
            assert (await driver.execute("RETURN 1")).rows == [[1]]

    asyncio.run(main())
    assert given == []


# -- a scripted server --------------------------------------------------------------------------


@pytest.fixture
def script() -> Script:
    return Script(agent="Neo4j/5.26.0")


@pytest.fixture
def server(script: Script) -> Iterator[ScriptedBolt]:
    with ScriptedBolt(script) as server:
        yield server


def logons(script: Script) -> list[dict[str, Any]]:
    return [fields[0] for name, fields in script.log if name == "LOGON"]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {}),
        (
            {"username": "ann", "password": "s3cret"},
            {"scheme": "basic", "principal": "ann", "credentials": "s3cret"},
        ),
        ({"token": "s3cret"}, {"scheme": "bearer", "credentials": "s3cret"}),
        ({"token": lambda: "s3cret"}, {"scheme": "bearer", "credentials": "s3cret"}),
        ({"kerberos": "s3cret"}, {"scheme": "kerberos", "principal": "", "credentials": "s3cret"}),
        (
            {"auth": client.custom_auth("ann", "s3cret", "realm", "own", kind=7)},
            {
                "scheme": "own",
                "principal": "ann",
                "credentials": "s3cret",
                "realm": "realm",
                "parameters": {"kind": 7},
            },
        ),
    ],
    ids=["none", "basic", "token", "function", "kerberos", "custom"],
)
def test_the_log_in_carries_scheme_and_credentials(
    server: ScriptedBolt, script: Script, ask: Ask, options: dict[str, Any], sent: dict[str, Any]
) -> None:
    script.statements = {"RETURN": [(["1"], [[1]])]}
    assert ask(host="127.0.0.1", port=server.port, **options) == [[1]]
    (logon,) = logons(script)
    assert logon == sent


def test_another_user_may_be_acted_for(server: ScriptedBolt, script: Script, ask: Ask) -> None:
    ask(host="127.0.0.1", port=server.port, username="ann", password="s3cret", impersonate="bob")
    assert [fields[0]["imp_user"] for name, fields in script.log if name == "BEGIN"] == ["bob"]
    (logon,) = logons(script)
    assert logon["principal"] == "ann"


@pytest.mark.parametrize("kind", ["token", "kerberos", "auth"])
def test_a_refusal_is_an_auth_error_and_shows_nothing(
    server: ScriptedBolt, script: Script, ask: Ask, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    options = {kind: client.bearer_auth("s3cret-thing") if kind == "auth" else "s3cret-thing"}
    script.logons = [REFUSED]
    with caplog.at_level(logging.DEBUG, logger="neo4j"), pytest.raises(AuthError) as caught:
        ask(host="127.0.0.1", port=server.port, **options)
    assert not caught.value.retryable
    with create_driver("neo4j", **options) as driver:
        shown = f"{driver!r}{driver.options!r}{driver.identity}"
    assert "s3cret-thing" not in everything(caught.value) + caplog.text + shown
    assert script.runs() == []


# -- tokens that expire -------------------------------------------------------------------------


class Tokens:
    """A provider that counts."""

    def __init__(self, seconds: float | None = None) -> None:
        self.given: list[str] = []
        self.seconds = seconds

    def __call__(self) -> Any:
        self.given.append(f"t{len(self.given)}")
        return self.given[-1] if self.seconds is None else (self.given[-1], self.seconds)


def shown(script: Script) -> list[str]:
    return [each["credentials"] for each in logons(script)]


def test_a_function_is_asked_once_as_long_as_its_token_is_good(
    server: ScriptedBolt, script: Script, ask: Ask
) -> None:
    tokens = Tokens(seconds=1000)
    with create_driver("neo4j", host="127.0.0.1", port=server.port, token=tokens) as driver:
        sessions = [Session(driver) for _ in range(3)]
        for session in sessions:
            session.execute("RETURN 1")
        for session in sessions:
            session.close()
    assert shown(script) == ["t0", "t0", "t0"]
    assert tokens.given == ["t0"]


@pytest.mark.parametrize("seconds", [None, 1000])
def test_a_token_that_the_server_takes_for_expired_is_fetched_anew(
    server: ScriptedBolt, script: Script, ask: Ask, seconds: float | None
) -> None:
    tokens = Tokens(seconds)
    script.logons = [EXPIRED]
    ask(host="127.0.0.1", port=server.port, token=tokens)
    assert shown(script) == ["t0", "t1"]


def test_a_token_that_is_too_old_is_not_sent_again(server: ScriptedBolt, script: Script) -> None:
    tokens = Tokens(seconds=0.0)
    with create_driver("neo4j", host="127.0.0.1", port=server.port, token=tokens) as driver:
        driver.execute("RETURN 1")
        driver.execute("RETURN 1")
    # The connection of the pool logs in again, with another one.
    assert len(tokens.given) > 1
    assert shown(script)[-1] == tokens.given[-1]


def test_a_function_of_an_async_driver_may_be_async(server: ScriptedBolt, script: Script) -> None:
    tokens = Tokens()

    async def fetch() -> str:
        await asyncio.sleep(0)
        return str(tokens())

    async def main() -> None:
        script.logons = [EXPIRED]
        async with create_async_driver("neo4j", host="127.0.0.1", port=server.port, token=fetch) as driver:
            await driver.execute("RETURN 1")

    asyncio.run(main())
    assert shown(script) == ["t0", "t1"]
    with (
        create_driver("neo4j", host="127.0.0.1", port=server.port, token=fetch) as driver,
        pytest.raises(TypeError, match="async"),
    ):
        driver.execute("RETURN 1")


def test_a_server_that_takes_no_token_is_not_asked_for_ever(
    server: ScriptedBolt, script: Script, ask: Ask
) -> None:
    script.logons = [REFUSED] * 100
    with pytest.raises(AuthError, match="a bearer token") as caught:
        ask(host="127.0.0.1", port=server.port, token=Tokens())
    assert not caught.value.retryable
    assert shown(script) == ["t0", "t1", "t2"]


def test_a_token_that_expires_within_a_unit_of_work_is_tried_again(
    server: ScriptedBolt, script: Script
) -> None:
    script.statements = {"RETURN": [EXPIRED, (["1"], [[1]])]}
    with create_driver("neo4j", host="127.0.0.1", port=server.port, token=Tokens()) as driver:
        found = run_in_transaction(driver, lambda session: session.execute("RETURN 1").rows)
    assert found == [[1]]

    async def main() -> Any:
        script.statements = {"RETURN": [EXPIRED, (["1"], [[1]])]}
        async with create_async_driver("neo4j", host="127.0.0.1", port=server.port, token=Tokens()) as driver:

            async def work(session: Any) -> Any:
                return (await session.execute("RETURN 1")).rows

            return await run_in_transaction_async(driver, work)

    assert asyncio.run(main()) == [[1]]


def test_a_fixed_token_that_expires_is_not_tried_again(
    server: ScriptedBolt, script: Script, ask: Ask
) -> None:
    script.statements = {"RETURN": [EXPIRED]}
    with pytest.raises(AuthError) as caught:
        ask(host="127.0.0.1", port=server.port, token="fixed")
    assert not caught.value.retryable


def test_a_function_that_fails_is_no_lost_connection(server: ScriptedBolt, ask: Ask) -> None:
    def broken() -> str:
        raise ConnectionRefusedError("the identity provider is down")

    with pytest.raises(AuthError, match="the identity provider is down") as caught:
        ask(host="127.0.0.1", port=server.port, token=broken)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize("wrong", [None, "", 7, ("s3cret-thing", "soon"), ("s3cret-thing",)])
def test_a_function_that_gives_no_token_is_told_so(server: ScriptedBolt, ask: Ask, wrong: Any) -> None:
    with pytest.raises(TypeError, match="the function for token") as caught:
        ask(host="127.0.0.1", port=server.port, token=lambda: wrong)
    assert "s3cret-thing" not in everything(caught.value)


def test_a_manager_of_the_other_colour_is_refused_by_name(server: ScriptedBolt) -> None:
    async def provider() -> ExpiringAuth:
        raise AssertionError

    options = {"host": "127.0.0.1", "port": server.port}
    with (
        create_driver("neo4j", auth=AsyncAuthManagers.bearer(provider), **options) as driver,
        pytest.raises(TypeError, match="AuthManagers"),
    ):
        driver.execute("RETURN 1")

    async def main() -> None:
        manager = AuthManagers.static(("ann", "x"))
        async with create_async_driver("neo4j", auth=manager, **options) as driver:
            with pytest.raises(TypeError, match="AsyncAuthManagers"):
                await driver.execute("RETURN 1")

    asyncio.run(main())


def test_a_broken_log_in_leaves_no_connection(server: ScriptedBolt, script: Script) -> None:
    """Each attempt takes a connection of the pool: none of them is kept."""
    script.logons = [REFUSED] * 3
    options: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "max_connections": 1}
    with create_driver("neo4j", pool_timeout=0.5, username="ann", password="x", **options) as driver:
        for _ in range(3):
            with pytest.raises(AuthError):
                driver.execute("RETURN 1")
        driver.execute("RETURN 1")
