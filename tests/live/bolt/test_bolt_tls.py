"""TLS to a real Neo4j: who is trusted, and what is said when nobody is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runic.orm import Session, create_driver
from runic.orm.driver.bolt import Options
from runic.orm.exceptions import ConnectionLostError, DriverError
from tests.live.bolt.conftest import Ask
from tests.live.bolt.guarded import PASSWORDS, Guarded
from tests.servers.base import Server

ANN = {"username": "ann", "password": PASSWORDS["ann"]}


@pytest.mark.parametrize("routing", [False, True])
def test_an_own_authority_is_trusted(guarded: Guarded, ask: Ask, routing: bool) -> None:
    assert ask(**guarded.options(routing=routing)) == [[1]]


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s"])
def test_an_own_authority_is_trusted_with_the_schemes_for_tls(
    guarded: Guarded, ask: Ask, scheme: str
) -> None:
    uri = f"{scheme}://localhost:{guarded.port}"
    assert ask(uri=uri, ca_certs=str(guarded.files.authority), **ANN) == [[1]]
    with pytest.raises(ConnectionLostError, match="certificate was refused: unable to get local issuer"):
        ask(uri=uri, **ANN)


@pytest.mark.parametrize("scheme", ["bolt+ssc", "neo4j+ssc"])
def test_any_certificate_is_taken_where_the_scheme_says_so(guarded: Guarded, ask: Ask, scheme: str) -> None:
    assert ask(uri=f"{scheme}://localhost:{guarded.port}", **ANN) == [[1]]
    assert ask(uri=f"{scheme}://127.0.0.1:{guarded.port}", **ANN) == [[1]]


def test_a_url_says_all_of_it(guarded: Guarded) -> None:
    url = f"ann:{PASSWORDS['ann']}@localhost:{guarded.port}/neo4j?ca_certs={guarded.files.authority}"
    for scheme in ("neo4j+s", "neo4j+bolt+s"):
        with create_driver(f"{scheme}://{url}") as driver, Session(driver) as session:
            assert session.execute("RETURN 1").rows == [[1]]


@pytest.mark.parametrize("routing", [False, True])
def test_another_authority_is_refused_by_name(guarded: Guarded, ask: Ask, routing: bool) -> None:
    options = guarded.options(routing=routing, ca_certs=str(guarded.files.stranger))
    with pytest.raises(ConnectionLostError, match=r"localhost:\d+.*unable to get local issuer") as caught:
        ask(**options)
    # Trying again cannot help.
    assert (caught.value.retryable, caught.value.maybe_applied) == (False, False)
    assert PASSWORDS["ann"] not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_certificate_for_another_host_is_refused_by_name(guarded: Guarded, ask: Ask) -> None:
    with pytest.raises(ConnectionLostError, match=r"not valid for '127\.0\.0\.1'"):
        ask(**guarded.options(host="127.0.0.1"))


def test_a_file_without_authorities_is_named(guarded: Guarded, ask: Ask, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    for file in (tmp_path / "nosuch.pem", empty):
        with pytest.raises(DriverError, match=f"ca_certs.*{file.name}") as caught:
            ask(**guarded.options(ca_certs=str(file)))
        assert not isinstance(caught.value, ConnectionLostError)


# -- one side speaks TLS, the other one does not ------------------------------------------------


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_without_tls_a_server_that_wants_it_is_a_lost_connection(
    guarded: Guarded, ask: Ask, scheme: str
) -> None:
    with pytest.raises(ConnectionLostError, match="the server wants TLS") as caught:
        ask(uri=f"{scheme}://localhost:{guarded.port}", connect_timeout=5.0, **ANN)
    assert not caught.value.maybe_applied


@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+s", "neo4j+ssc"])
def test_tls_to_a_server_without_it_is_a_lost_connection(neo4j: Server, ask: Ask, scheme: str) -> None:
    uri = f"{scheme}://{neo4j.host}:{neo4j.port}"
    with pytest.raises(ConnectionLostError, match="the server speaks no TLS, or not this one") as caught:
        ask(uri=uri, connect_timeout=5.0, **neo4j.credentials)
    assert not caught.value.maybe_applied
    assert caught.value.__cause__ is not None


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["bolt", "neo4j", "bolt+s", "neo4j+ssc"])
def test_a_server_that_says_nothing_is_not_waited_for_beyond_the_limit(
    deaf: int, ask: Ask, scheme: str
) -> None:
    # The pool would be waited for much longer than the test may take.
    options: dict[str, Any] = {"connect_timeout": 0.3, "pool_timeout": 10000.0}
    with pytest.raises(ConnectionLostError, match=rf"127\.0\.0\.1:{deaf}"):
        ask(uri=f"{scheme}://127.0.0.1:{deaf}", **options)


def test_authorities_are_refused_where_certificates_are_not_looked_at() -> None:
    with pytest.raises(ValueError, match="ca_certs"):
        Options(uri="bolt+ssc://h", ca_certs="ca.pem")
