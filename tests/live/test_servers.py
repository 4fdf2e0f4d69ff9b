"""The servers that the tests start are what they say."""

from __future__ import annotations

import neo4j
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


def test_arcadedb_answers_over_bolt_and_makes_empty_databases(
    arcadedb_server: Server, arcadedb_graph: str
) -> None:
    user, password = arcadedb_server.credentials["username"], arcadedb_server.credentials["password"]
    address = f"bolt://{arcadedb_server.host}:{arcadedb_server.port}"
    with neo4j.GraphDatabase.driver(address, auth=(user, password)) as driver:
        for _ in range(2):
            driver.execute_query("CREATE (n:Probe)", database_=arcadedb_graph)
            counted = driver.execute_query("MATCH (n) RETURN count(n)", database_=arcadedb_graph)
            assert counted.records[0].values() == [1]
            arcadedb_server.reset(arcadedb_graph)
        assert arcadedb_server.version in driver.get_server_info().agent
