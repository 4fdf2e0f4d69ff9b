"""The servers that the tests start are what they say."""

from __future__ import annotations

import redis

from tests.servers.base import Server


def test_a_server_answers_on_its_port_with_the_version_in_the_table(falkordb_server: Server) -> None:
    with redis.Redis(
        host=falkordb_server.host, port=falkordb_server.port, **falkordb_server.credentials
    ) as client:
        assert client.execute_command("GRAPH.QUERY", "servers_probe", "RETURN 1")[1] == [[1]]
        falkordb_server.reset("servers_probe")
        assert client.exists("servers_probe") == 0
    assert falkordb_server.version.count(".") == 2


def test_an_embedded_server_answers_on_its_unix_socket_too(falkordb_server: Server) -> None:
    if falkordb_server.socket is None:
        return
    with redis.Redis(unix_socket_path=falkordb_server.socket) as client:
        assert client.ping()
