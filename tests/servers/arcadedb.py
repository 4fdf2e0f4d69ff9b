"""ArcadeDB with Bolt: an address from the environment, else arcadedb-embedded, else a container.

A "graph" is a database here, which has to be created: :meth:`Server.reset` leaves it there, empty.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers.base import NotAvailable, Server, address_from_environment, free_port
from tests.servers.docker import require_docker

IMAGE = "arcadedata/arcadedb:latest"
START_SECONDS = float(os.environ.get("RUNIC_TEST_START_SECONDS", "60"))
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "arcadedb"
PROCESS = Path(__file__).with_name("arcadedb_process.py")


def start() -> Server:
    """A server, by the first way that works; :class:`NotAvailable` tells why none did."""
    address = address_from_environment("arcadedb")
    if address:
        return attach(address)
    reasons = []
    for way in (start_embedded, start_docker):
        try:
            return way()
        except NotAvailable as error:
            reasons.append(str(error))
    raise NotAvailable("; ".join(reasons))


def attach(address: str) -> Server:
    """Use the server at ``arcadedb://user:password@host:port?http_port=2480``."""
    parts = urlsplit(address)
    http_port = int(parse_qs(parts.query).get("http_port", ["2480"])[0])
    return _connected(
        parts.hostname or "localhost",
        parts.port or 7687,
        http_port,
        unquote(parts.username or "root"),
        unquote(parts.password or ""),
        "RUNIC_TEST_ARCADEDB_URL",
        lambda: None,
    )


def start_embedded(settings: Mapping[str, Any] | None = None) -> Server:
    """The server of arcadedb-embedded, in a process of its own: it brings its own Java.

    Args:
        settings: further ones, named as :mod:`tests.servers.arcadedb_process` says.
    """
    if find_spec("arcadedb_embedded") is None:
        raise NotAvailable("arcadedb-embedded is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="server-", dir=CACHE))
    http_port, bolt_port, password = free_port(), free_port(), secrets.token_hex(12)
    log = folder / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                PROCESS,
                folder,
                str(http_port),
                str(bolt_port),
                password,
                json.dumps(settings or {}),
            ],
            # The process ends when its input does, so it goes with the tests, whatever ends them.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )

    def stop() -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)

    def alive() -> bool:
        return process.poll() is None

    try:
        return _connected(
            "127.0.0.1", bolt_port, http_port, "root", password, "embedded (arcadedb-embedded)", stop, alive
        )
    except NotAvailable as error:
        lines = log.read_text(errors="replace").splitlines()[-3:]
        stop()
        raise NotAvailable(
            f"arcadedb-embedded does not start: {error} {' / '.join(lines)}".strip()
        ) from error


def start_docker() -> Server:
    """The official image, with Bolt."""
    require_docker()
    from testcontainers.core.container import DockerContainer

    password = secrets.token_hex(12)
    options = (
        f"-Darcadedb.server.rootPassword={password}"
        " -Darcadedb.server.plugins=Bolt:com.arcadedb.bolt.BoltProtocolPlugin"
    )
    container = DockerContainer(IMAGE).with_exposed_ports(2480, 7687).with_env("JAVA_OPTS", options)
    try:
        container.start()
        host = container.get_container_host_ip()
        bolt_port, http_port = (int(container.get_exposed_port(port)) for port in (7687, 2480))
    except Exception as error:
        raise NotAvailable(f"the container {IMAGE} does not start: {error}") from error
    return _connected(host, bolt_port, http_port, "root", password, f"Docker ({IMAGE})", container.stop)


def _connected(
    host: str,
    port: int,
    http_port: int,
    user: str,
    password: str,
    how: str,
    stop: Callable[[], None],
    alive: Callable[[], bool] = lambda: True,
) -> Server:
    token = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")

    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(host, http_port, timeout=60)
        try:
            headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        finally:
            connection.close()

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            status, facts = ask("GET", "/api/v1/server")
        except OSError as error:
            if not alive():
                raise NotAvailable("the process ended") from error
            if time.monotonic() > deadline:
                raise NotAvailable(f"nothing answers at {host}:{http_port}: {error}") from error
            time.sleep(0.1)
            continue
        if status == 200:
            break
        if status in (401, 403) or time.monotonic() > deadline:
            raise NotAvailable(f"the server at {host}:{http_port} refuses: {status} {facts}")
        time.sleep(0.1)

    def command(text: str) -> None:
        status, answer = ask("POST", "/api/v1/server", {"command": text})
        if status != 200:
            raise RuntimeError(f"{text}: {status} {answer}")

    def reset(database: str) -> None:
        _, answer = ask("GET", "/api/v1/databases")
        if database in answer["result"]:
            command(f"drop database {database}")
        command(f"create database {database}")

    return Server(
        backend="arcadedb",
        host=host,
        port=port,
        version=str(facts["version"]).split(" ")[0],
        how=how,
        drop=reset,
        stop=stop,
        credentials={"username": user, "password": password},
        options={"http_port": http_port},
    )
