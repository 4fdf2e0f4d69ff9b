"""The ArcadeDB that the tests start is what it says."""

from __future__ import annotations

import neo4j

from tests.servers.base import Server


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
