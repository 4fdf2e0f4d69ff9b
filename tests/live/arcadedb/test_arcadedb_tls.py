"""TLS to a real ArcadeDB: Bolt, and the SQL that goes over HTTP beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from runic.migrate import IndexManager
from runic.orm import Field, Node, Session, Vector, create_async_driver, create_driver
from runic.orm.core.metadata import MetaData
from runic.orm.exceptions import ConnectionLostError
from tests.servers.arcadedb import start_embedded
from tests.servers.base import NotAvailable, Server, free_port
from tests.servers.certificates import PASSWORD, Certificates, make_certificates
from tests.servers.registry import required

pytestmark = pytest.mark.live("arcadedb")


class Base(Node, metadata=MetaData()): ...


class Found(Base, labels=["Found"]):
    id: str = Field(primary_key=True)
    place: Vector = Field(index_type="VECTOR", dimension=2)


@dataclass(frozen=True)
class Secured:
    """A server that takes nothing but TLS over Bolt, and has HTTPS beside HTTP."""

    server: Server
    https_port: int
    files: Certificates

    def options(self, **others: Any) -> dict[str, Any]:
        return {
            "host": "localhost",
            "port": self.server.port,
            "database": "secured",
            "encrypted": True,
            "ca_certs": str(self.files.authority),
            "http_port": self.https_port,
            **self.server.credentials,
        } | others


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    files = make_certificates(tmp_path_factory.mktemp("certificates"))
    https_port = free_port()
    settings = {
        "bolt_ssl": "REQUIRED",
        "ssl_enabled": True,
        "ssl_keyStore": str(files.key_store),
        "ssl_keyStorePassword": PASSWORD,
        "ssl_trustStore": str(files.trust_store),
        "ssl_trustStorePassword": PASSWORD,
        "server_httpsIncomingPort": https_port,
    }
    try:
        server = start_embedded(settings)
    except NotAvailable as error:
        if "arcadedb" in required():
            pytest.fail(f"arcadedb is required and cannot be started: {error}", pytrace=False)
        pytest.skip(f"an arcadedb of its own is not available: {error}")
    server.reset("secured")
    yield Secured(server, https_port, files)
    server.stop()


def both(**options: Any) -> list[list[list[Any]]]:
    async def main() -> list[list[Any]]:
        async with create_async_driver("arcadedb", **options) as driver:
            return (await driver.execute("RETURN 1")).rows

    with create_driver("arcadedb", **options) as driver:
        return [driver.execute("RETURN 1").rows, asyncio.run(main())]


def test_bolt_and_sql_are_encrypted(secured: Secured) -> None:
    assert both(**secured.options()) == [[[1]], [[1]]]
    with create_driver("arcadedb", **secured.options()) as driver:
        assert driver.endpoint.address == f"https://localhost:{secured.https_port}"
        IndexManager(driver).create_indexes(Found)
        with Session(driver) as session:
            session.add(Found(id="a", place=Vector([1.0, 0.0])))
            session.commit()
            (found,) = session.vector_search(Found, field="place", vector=Vector([1.0, 0.0]), k=1).all()
            assert found.id == "a"


@pytest.mark.parametrize("scheme", ["arcadedb+s", "arcadedb+ssc"])
def test_a_url_for_tls_sends_no_credentials_in_the_clear(secured: Secured, scheme: str) -> None:
    password = secured.server.credentials["password"]
    trusted = f"&ca_certs={secured.files.authority}" if scheme == "arcadedb+s" else ""
    at = f"root:{password}@localhost:{secured.server.port}/secured"
    with create_driver(f"{scheme}://{at}?http_port={secured.https_port}{trusted}") as driver:
        assert driver.execute("RETURN 1").rows == [[1]]
        assert driver.sql("SELECT 1 AS one") == [{"one": 1}]
    plain = secured.server.options["http_port"]
    with (
        create_driver(f"{scheme}://{at}?http_port={plain}{trusted}") as driver,
        pytest.raises(ConnectionLostError, match="https://localhost"),
    ):
        driver.sql("SELECT 1 AS one")


def test_strangers_and_other_hosts_are_refused_by_name(secured: Secured) -> None:
    for options, words in (
        (secured.options(ca_certs=str(secured.files.stranger)), "unable to get local issuer"),
        (secured.options(host="127.0.0.1"), r"not valid for '127\.0\.0\.1'"),
    ):
        with pytest.raises(ConnectionLostError, match=f"certificate was refused: .*{words}"):
            both(**options)
        with (
            create_driver("arcadedb", **options) as driver,
            pytest.raises(ConnectionLostError, match=words),
        ):
            driver.sql("SELECT 1 AS one")


def test_without_tls_a_server_that_wants_it_is_a_lost_connection(secured: Secured) -> None:
    with pytest.raises(ConnectionLostError, match="the server wants TLS"):
        both(**secured.options(encrypted=False, ca_certs=None))
