"""The score of a vector search is never beyond its bounds, however the server rounds."""

from __future__ import annotations

import random

import pytest

from runic.orm import Field, Node, Session, Vector, create_driver, score
from runic.orm.core.metadata import MetaData
from runic.orm.schema.index_manager import adapter_of, extract_declared_specs
from tests.conftest import server_or_skip
from tests.servers.registry import Registry

BACKENDS = [
    pytest.param(name, marks=pytest.mark.live(name)) for name in ("falkordb", "neo4j", "arcadedb", "age")
]


class Direction(Node, labels=["Direction"], metadata=MetaData()):
    k: int = Field(primary_key=True)
    at: Vector | None = Field(default=None, index_type="VECTOR", dimension=8, similarity="cosine")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cosine_is_between_0_and_1(servers: Registry, backend: str) -> None:
    server = server_or_skip(servers, backend)
    graph = "neo4j" if backend == "neo4j" else "test_vector_scores"
    server.reset(graph)
    made = random.Random(1)
    vectors = [[made.uniform(-1, 1) for _ in range(8)] for _ in range(40)]
    with create_driver(server.url_of(graph)) as driver:
        adapter = adapter_of(driver)
        for spec in extract_declared_specs(Direction):
            adapter.create(spec)
        with Session(driver) as session:
            session.add_all([Direction(k=k, at=Vector(vector)) for k, vector in enumerate(vectors)])
        with Session(driver) as session:
            for k, vector in enumerate(vectors):
                for sign in (1, -1):
                    at = Vector([sign * part for part in vector])
                    for filtered in (False, True):
                        search = session.vector_search(
                            Direction, field=Direction.at, vector=at, k=len(vectors)
                        )
                        if filtered:
                            search = search.where(Direction.k >= 0)
                        rows = search.project(Direction.k, score()).all_rows()
                        found = {row["k"]: row["score"] for row in rows}
                        assert found[k] == pytest.approx((1 + sign) / 2, abs=1e-3)
                        assert all(0 <= each <= 1 for each in found.values())
    server.reset(graph)
