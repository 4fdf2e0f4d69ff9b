"""Memgraph: an address from the environment, else a container. No package index has the server."""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import neo4j

from tests.servers.base import NotAvailable, Server, address_from_environment
from tests.servers.docker import require_docker, start_container

IMAGE = "memgraph/memgraph:latest"
START_SECONDS = float(os.environ.get("RUNIC_TEST_START_SECONDS", "60"))


def start() -> Server:
    """A server, by the first way that works; :class:`NotAvailable` tells why none did."""
    address = address_from_environment("memgraph")
    if address:
        parts = urlsplit(address)
        credentials: dict[str, Any] = {}
        if parts.username:
            credentials = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
        host, port = parts.hostname or "localhost", parts.port or 7687
        return _connected(host, port, "RUNIC_TEST_MEMGRAPH_URL", lambda: None, credentials)
    reason = why_not()
    if reason is not None:
        raise NotAvailable(reason)
    container, host, port = start_container(IMAGE, 7687)
    return _connected(host, port, f"Docker ({IMAGE})", container.stop, {})


def why_not() -> str | None:
    """Why there can be no server here; ``None``: there may be one."""
    if address_from_environment("memgraph"):
        return None
    try:
        require_docker()
    except NotAvailable as error:
        return f"no package holds its server, and {error}; static tier and scripted conversations only"
    return None


def _connected(host: str, port: int, how: str, stop: Any, credentials: dict[str, Any]) -> Server:
    user = (credentials.get("username", ""), credentials.get("password", ""))
    driver = neo4j.GraphDatabase.driver(f"bolt://{host}:{port}", auth=user)

    def rows(text: str) -> list[list[Any]]:
        with driver.session() as session:
            return session.run(text).values()

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            version = str(rows("SHOW VERSION")[0][0])
            break
        except neo4j.exceptions.DriverError as error:
            if time.monotonic() > deadline:
                driver.close()
                raise NotAvailable(f"nothing answers at {host}:{port}: {error}") from error
            time.sleep(0.2)

    def drop(_: str) -> None:
        rows("MATCH (n) DETACH DELETE n")

    def stop_all() -> None:
        driver.close()
        stop()

    return Server("memgraph", host, port, version, how, drop, stop_all, credentials=credentials)
