"""FalkorDB: an address from the environment, else the embedded server, else a container."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.base import NotAvailable, Server, address_from_environment, free_port
from tests.servers.docker import start_container

IMAGE = "falkordb/falkordb:latest"
START_SECONDS = float(os.environ.get("RUNIC_TEST_START_SECONDS", "30"))


def start() -> Server:
    """A server, by the first way that works; :class:`NotAvailable` tells why none did."""
    address = address_from_environment("falkordb")
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
    """Use the server at ``falkordb://user:password@host:port``."""
    parts = urlsplit(address)
    credentials: dict[str, Any] = {}
    if parts.username:
        credentials["username"] = unquote(parts.username)
    if parts.password:
        credentials["password"] = unquote(parts.password)
    host, port = parts.hostname or "localhost", parts.port or 6379
    return _connected(host, port, "RUNIC_TEST_FALKORDB_URL", lambda: None, credentials=credentials)


def start_embedded() -> Server:
    """The server that falkordblite brings, in a process of its own, on a TCP port and a unix socket."""
    try:
        import redislite
    except ImportError as error:
        raise NotAvailable(f"falkordblite is not installed ({error})") from error
    folder = Path(tempfile.mkdtemp(prefix="runic-falkordb-"))
    port, unix = free_port(), folder / "redis.sock"
    log = folder / "redis.log"
    command = [
        str(redislite.__redis_executable__),
        *("--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(unix), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--save", "", "--appendonly", "no", "--logfile", str(log)),
        *("--loadmodule", str(redislite.__falkordb_module__)),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)

    try:
        return _connected("127.0.0.1", port, "embedded (falkordblite)", stop, unix=str(unix))
    except NotAvailable as error:
        lines = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        stop()
        raise NotAvailable(f"falkordblite does not start: {error} {' / '.join(lines)}".strip()) from error


def start_docker() -> Server:
    """The official image."""
    container, host, port = start_container(IMAGE, 6379)
    return _connected(host, port, f"Docker ({IMAGE})", container.stop)


def _connected(
    host: str,
    port: int,
    how: str,
    stop: object,
    *,
    unix: str | None = None,
    credentials: dict[str, Any] | None = None,
) -> Server:
    credentials = credentials or {}
    # redis-py would retry for seconds by itself.
    client = redis.Redis(host=host, port=port, socket_timeout=60, retry=Retry(NoBackoff(), 0), **credentials)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.ping()
            break
        except redis.exceptions.ConnectionError as error:
            if time.monotonic() > deadline:
                raise NotAvailable(f"nothing answers at {host}:{port}: {error}") from error
            time.sleep(0.05)
        except redis.exceptions.RedisError as error:
            raise NotAvailable(f"the server at {host}:{port} refuses: {error}") from error

    def drop(graph: str) -> None:
        # A graph that is not there is refused with "Invalid graph operation on empty key".
        with contextlib.suppress(redis.exceptions.ResponseError):
            client.execute_command("GRAPH.DELETE", graph)

    def stop_all() -> None:
        client.close()
        assert callable(stop)
        stop()

    return Server(
        backend="falkordb",
        host=host,
        port=port,
        version=_version(client),
        how=how,
        drop=drop,
        stop=stop_all,
        socket=unix,
        credentials=credentials,
    )


def _version(client: redis.Redis) -> str:
    for module in client.execute_command("MODULE LIST"):
        cells = [cell.decode() if isinstance(cell, bytes) else cell for cell in _flat(module)]
        facts = dict(zip(cells[::2], cells[1::2], strict=False))
        if facts.get("name") == "graph":
            number = int(str(facts["ver"]))
            return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
    raise NotAvailable("the server has no graph module")


def _flat(module: object) -> list[object]:
    if isinstance(module, dict):
        return [cell for pair in module.items() for cell in pair]
    assert isinstance(module, list)
    return module
