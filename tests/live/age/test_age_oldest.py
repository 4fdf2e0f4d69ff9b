"""What the oldest version cannot do is done otherwise, or refused: on a real AGE 1.5."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm import (
    Edge,
    Field,
    GeoLocation,
    InvalidNameError,
    Mapped,
    Node,
    Relation,
    ServerError,
    Session,
    UnsupportedByBackendError,
    count_of,
    distance,
    exists,
    select,
)
from runic.orm.compile.dialect import THEN
from runic.orm.core.metadata import metadata
from runic.orm.driver.age import AGEDriver, create_age_driver
from runic.orm.driver.port import Request
from runic.orm.session.blocking import run_blocking
from tests.servers.base import Server

pytestmark = pytest.mark.parametrize("age_server", ["age_15"], indirect=True)


class Ferry(Node):
    k: int = Field(primary_key=True)
    name: str | None = None
    berth: Mapped[GeoLocation | None] = Field(default=None)
    calls: list[Ferry] = Relation(
        relationship="CALLS_AT", direction="OUTGOING", target="Ferry", edge_model="CallsAt"
    )


class CallsAt(Edge, type="CALLS_AT"):
    note: str | None = None


def test_the_first_session_of_a_driver_merges_without_loss(driver: AGEDriver, age_server: Server) -> None:
    """The version is not known before its first statement."""
    assert age_server.version.startswith("1.5")
    driver.execute("CREATE (:Ferry {k: 1, name: 'old'})")
    with Session(AGEDriver.open(driver.options)) as session:
        for k in range(4):
            session.merge(Ferry(k=k, name=f"ferry {k}"))
        session.commit()
    rows = driver.execute("MATCH (n:Ferry) RETURN n.k, n.name ORDER BY n.k").rows
    assert rows == [[k, f"ferry {k}"] for k in range(4)]


def test_relating_twice_keeps_one_edge_and_its_properties(driver: AGEDriver) -> None:
    for note in ("first", "second", None):
        with Session(driver) as session:
            a, b = session.merge(Ferry(k=1)), session.merge(Ferry(k=2))
            session.flush()
            session.relate(a, "calls", b, CallsAt(note=note) if note else None)
        rows = driver.execute("MATCH (:Ferry {k: 1})-[r:CALLS_AT]->() RETURN r.note").rows
        assert rows == [["second"]] if note is None else [[note]]


def test_a_stream_has_everything_in_the_first_session_and_in_later_ones(driver: AGEDriver) -> None:
    driver.execute("UNWIND range(1, 25) AS i CREATE (:Ferry {k: i})")
    again = AGEDriver.open(driver.options)
    for _ in range(2):
        with Session(again) as session:
            assert sorted(ferry.k for ferry in session.stream(select(Ferry), page=10)) == list(range(1, 26))
    again.close()


@pytest.mark.parametrize("known", [False, True])
def test_questions_about_related_nodes_are_refused_before_they_are_sent(
    driver: AGEDriver, known: bool
) -> None:
    """Also in the first session of a driver, which compiles before it knows the version."""
    if known:
        driver.execute("RETURN 1")
    with Session(driver) as session:
        for question in (exists(Ferry.calls), count_of(Ferry.calls) > 1):
            with pytest.raises(UnsupportedByBackendError, match="AGE has them since 1"):
                session.scalars(select(Ferry).where(question))
        with pytest.raises(UnsupportedByBackendError, match="AGE has them since 1"):
            session.execute("MATCH (n:Ferry) WHERE EXISTS { (n)-[]->() } RETURN n")
        assert session.execute("RETURN 'EXISTS { }' AS x, count({a: 1}) AS n").rows == [["EXISTS { }", 1]]


def test_writes_of_a_read_only_transaction_never_reach_the_server(
    driver: AGEDriver, age_options: dict[str, Any]
) -> None:
    driver.execute("CREATE (:Ferry {k: 1})")
    for text in ("MATCH (n:Ferry) SET n.k = 2", "MATCH (n:Ferry) DELETE n", "MATCH (n:Ferry) REMOVE n.k"):
        with pytest.raises(ServerError, match="read-only"):
            driver.execute(text, write=False)
        # Not even as the first statement of a driver, which does not know the version yet.
        with create_age_driver(**age_options) as fresh, pytest.raises(ServerError, match="read-only"):
            fresh.execute(text, write=False)
    assert driver.execute("MATCH (n:Ferry) RETURN n.k").rows == [[1]]


def test_edges_have_indexes_over_their_ends(driver: AGEDriver, age_graph: str) -> None:
    with Session(driver) as session:
        a, b = Ferry(k=1), Ferry(k=2)
        a.calls.append(b)
        session.add_all([a, b])
    rows: list[Any] = driver.sql(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'CALLS_AT'", age_graph
    )
    assert {text.rpartition("(")[2] for (text,) in rows} == {"id)", "start_id)", "end_id)"}


def test_a_distance_is_one_here_too(driver: AGEDriver) -> None:
    with Session(driver) as session:
        session.add(Ferry(k=1, berth=GeoLocation(52.52, 13.405)))
        session.add(Ferry(k=2, berth=GeoLocation(48.8566, 2.3522)))
    paris = GeoLocation(48.8566, 2.3522)
    with Session(driver) as session:
        found = session.query(Ferry).where(distance(Ferry.berth, paris) > 800_000).all()
        assert [ferry.k for ferry in found] == [1]


def test_a_field_that_is_called_as_a_word_of_the_grammar_is_refused_by_name(driver: AGEDriver) -> None:
    registered = metadata.snapshot()

    class Quay(Node):
        k: int = Field(primary_key=True)
        order: int = 0

    try:
        driver.execute("RETURN 1")
        with Session(driver) as session:
            session.add(Quay(k=1))
            with pytest.raises(InvalidNameError, match=r"Quay\.order"):
                session.flush()
            session.rollback()
    finally:
        metadata.restore(registered)


def test_a_boolean_in_a_list_kills_this_version_too_and_is_refused(driver: AGEDriver) -> None:
    with pytest.raises(UnsupportedByBackendError, match="kills the server"):
        driver.execute("MATCH (n) WHERE (n.k IS NULL) IN $list RETURN n", {"list": []})


def test_a_request_of_two_statements_tells_of_every_row_once(driver: AGEDriver) -> None:
    driver.execute("CREATE (:Ferry {k: 0})")
    first = "UNWIND $rows AS row OPTIONAL MATCH (o:Ferry {k: row[0]}) WITH row, o WHERE o IS NULL"
    text = f"{first} CREATE (n:Ferry {{k: row[0]}}) RETURN row[0]{THEN}"
    text += "UNWIND $rows AS row MATCH (n:Ferry {k: row[0]}) RETURN row[0]"
    port = driver.connect()
    result = run_blocking(port.execute(Request(text, {"rows": [[0], [1]]}, write=True, raw_cells=True)))
    run_blocking(port.release())
    assert sorted(result.rows) == [[0], [1]]
