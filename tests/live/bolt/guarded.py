"""Neo4j servers that a test has for itself: with TLS and users, or to be killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import pytest

from tests.servers.base import NotAvailable
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.neo4j import RELEASES, Neo4jProcess
from tests.servers.registry import required

PASSWORDS = {"neo4j": "first-s3cret", "ann": "ann-s3cret", "bob": "bob-s3cret", "eve": "eve-s3cret"}
"""Of the users; that of bob has to be changed."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that takes nothing but TLS, and nobody without a password.

    Attributes:
        name: of the release.
        port: on ``localhost``, for which its certificate is.
        files: its certificate, and the authorities.
    """

    name: str
    port: int
    files: Certificates

    def options(self, user: str = "ann", **others: Any) -> dict[str, Any]:
        """What connects to it."""
        return {
            "host": "localhost",
            "port": self.port,
            "encrypted": True,
            "ca_certs": str(self.files.authority),
            "username": user,
            "password": PASSWORDS[user],
        } | others


@contextmanager
def own_server(name: str, settings: Mapping[str, str] | None = None) -> Iterator[Neo4jProcess]:
    """A server from its jars; a skip where it cannot be had, a failure where the backend is required."""
    try:
        process = Neo4jProcess(RELEASES[name], settings)
    except NotAvailable as error:
        if name in required():
            pytest.fail(f"{name} is required and its jars cannot be started: {error}", pytrace=False)
        pytest.skip(f"a {name} of its own is not available: {error}")
    try:
        yield process
    finally:
        process.close()


@contextmanager
def guarded_server(name: str, folder: Path) -> Iterator[Guarded]:
    """Such a server, with its users."""
    files = make_certificates(folder)
    policy = "dbms.ssl.policy.bolt"
    settings = {
        f"{policy}.enabled": "true",
        f"{policy}.base_directory": str(folder),
        f"{policy}.private_key": files.key.name,
        f"{policy}.public_certificate": files.certificate.name,
        f"{policy}.client_auth": "NONE",
        "server.bolt.tls_level": "REQUIRED",
        "dbms.security.auth_enabled": "true",
        # How long it waits for a bookmark that is ahead of it; 30 s by itself.
        "db.transaction.bookmark_ready_timeout": "1s",
    }
    with own_server(name, settings) as process:
        uri = f"bolt+ssc://localhost:{process.port}"
        first = PASSWORDS["neo4j"]
        with neo4j.GraphDatabase.driver(uri, auth=("neo4j", "neo4j")) as client:
            client.execute_query(
                "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=first, database_="system"
            )
        with neo4j.GraphDatabase.driver(uri, auth=("neo4j", first)) as client:
            for user in ("ann", "bob", "eve"):
                change = "CHANGE REQUIRED" if user == "bob" else "CHANGE NOT REQUIRED"
                client.execute_query(
                    f"CREATE USER {user} SET PASSWORD $new {change}", new=PASSWORDS[user], database_="system"
                )
        yield Guarded(name, process.port, files)
