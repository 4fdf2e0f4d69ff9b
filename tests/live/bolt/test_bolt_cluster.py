"""Clusters: who reads, who writes, and what happens when that changes; with scripted servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runic.orm.exceptions import ConnectionLostError, TransientConflictError
from tests.live.bolt.scripted_cluster import NOT_THE_LEADER, READ_ONLY, SWITCH, Async, Blocking, Cluster
from tests.live.memgraph.scripted_bolt import DROP, Failure

type Connect = Callable[..., Blocking | Async]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A leader and two followers that read; the first one knows all of them."""
    with Cluster("a", "b", "c") as cluster:
        cluster.roles |= {"WRITE": ["a"], "READ": ["b", "c"]}
        yield cluster


@pytest.fixture(params=[Blocking, Async], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Connect]:
    """Connect to a member that has the table, a driver of either colour."""
    made: list[Blocking | Async] = []

    def connected(name: str = "a", **options: Any) -> Blocking | Async:
        # Without a name, a server of this Bolt version is asked for the home database each time.
        chosen = {"uri": f"neo4j://{cluster.address(name)}", "database": "neo4j"} | options
        made.append(request.param(**chosen))
        return made[-1]

    yield connected
    for each in made:
        each.close()


# -- reads and writes ---------------------------------------------------------------------------


def test_writes_go_to_the_leader_and_reads_to_the_others(cluster: Cluster, connect: Connect) -> None:
    driver = connect("b")
    for _ in range(4):
        driver.execute("CREATE (:A)")
        driver.in_session("CREATE (:B)")
        driver.execute("RETURN 1", write=False)
        driver.in_session("RETURN 2", read_only=True)
    assert cluster.texts("a") == ["CREATE (:A)", "CREATE (:B)"] * 4
    assert all("mode" not in each for each in cluster.begun("a"))
    read = cluster.texts("b") + cluster.texts("c")
    assert sorted(read) == ["RETURN 1"] * 4 + ["RETURN 2"] * 4
    assert {each["mode"] for name in "bc" for each in cluster.begun(name)} == {"r"}
    assert cluster.routed() == 1


def test_one_server_is_asked_for_nothing(cluster: Cluster, connect: Connect) -> None:
    driver = connect(uri=f"bolt://{cluster.address('b')}")
    driver.execute("CREATE (:A)")
    driver.execute("RETURN 1", write=False)
    assert cluster.texts("b") == ["CREATE (:A)", "RETURN 1"]
    assert cluster.routed() == 0


def test_a_reader_waits_for_what_the_leader_committed(cluster: Cluster, connect: Connect) -> None:
    cluster.script("a").bookmarks = ["bm0", "bm1"]
    driver = connect()
    driver.in_session("CREATE (:A)")
    driver.in_session("RETURN 1", read_only=True)
    driver.execute("CREATE (:A)")
    driver.execute("RETURN 2", write=False)
    assert [each.get("bookmarks") for each in cluster.begun("a")] == [None, ["bm0"]]
    waited = [each.get("bookmarks") for name in "bc" for each in cluster.begun(name)]
    assert sorted(waited) == [["bm0"], ["bm1"]]
    assert driver.driver.bookmarks == ("bm1",)


def test_a_driver_that_is_told_waits_for_the_commits_of_another(cluster: Cluster, connect: Connect) -> None:
    cluster.script("a").bookmarks = ["bm0"]
    one = connect()
    one.execute("CREATE (:A)")
    other = connect(bookmarks=one.driver.bookmarks)
    other.execute("RETURN 1", write=False)
    assert [each.get("bookmarks") for name in "bc" for each in cluster.begun(name)] == [["bm0"]]


# -- another leader -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [NOT_THE_LEADER, READ_ONLY, SWITCH], ids=lambda each: each.code)
def test_a_leader_that_is_none_any_more_is_a_retryable_error(
    cluster: Cluster, connect: Connect, failure: Failure
) -> None:
    cluster.script("a").statements = {"CREATE": [failure]}
    driver = connect()
    with pytest.raises(TransientConflictError, match=failure.message) as caught:
        driver.execute("CREATE (:A)")
    assert caught.value.retryable
    assert "pass write=True" not in str(caught.value)


@pytest.mark.parametrize("failure", [NOT_THE_LEADER, READ_ONLY], ids=lambda each: each.code)
@pytest.mark.parametrize("where", ["begin", "statement", "commit"])
def test_a_unit_of_work_is_run_again_on_the_new_leader(
    cluster: Cluster, connect: Connect, failure: Failure, where: str
) -> None:
    driver = connect()
    driver.execute("CREATE (:Before)")
    old = cluster.script("a")
    if where == "begin":
        old.begins = [failure]
    elif where == "commit":
        old.commits = [failure]
    else:
        old.statements = {"CREATE \\(:Second": [failure]}
    cluster.roles |= {"WRITE": ["b"], "READ": ["a", "c"]}
    driver.unit("CREATE (:First)", "CREATE (:Second)")
    assert cluster.texts("b") == ["CREATE (:First)", "CREATE (:Second)"]
    assert cluster.script("b").names()[-1] == "COMMIT"
    assert cluster.routed() == 2


def test_a_leader_that_steps_down_in_between_is_tried_again(cluster: Cluster, connect: Connect) -> None:
    """It stays the leader, so the same table serves."""
    cluster.script("a").commits = [SWITCH, SWITCH]
    driver = connect()
    driver.unit("CREATE (:A)")
    assert cluster.texts("a") == ["CREATE (:A)"] * 3


def test_a_cluster_without_a_leader_is_told_so(cluster: Cluster, connect: Connect) -> None:
    cluster.roles["WRITE"] = []
    driver = connect()
    with pytest.raises(ConnectionLostError, match="takes writes") as caught:
        driver.execute("CREATE (:A)")
    assert (caught.value.retryable, caught.value.maybe_applied) == (True, False)
    assert driver.execute("RETURN 1", write=False) == []
    cluster.roles["WRITE"] = ["c"]
    driver.unit("CREATE (:A)")
    assert "CREATE (:A)" in cluster.texts("c")


@pytest.mark.parametrize("failure", [NOT_THE_LEADER, READ_ONLY], ids=lambda each: each.code)
def test_a_follower_that_is_addressed_alone_says_so(
    cluster: Cluster, connect: Connect, failure: Failure
) -> None:
    cluster.script("b").statements = {"CREATE": [failure]}
    driver = connect(uri=f"bolt://{cluster.address('b')}")
    with pytest.raises(ConnectionLostError, match="takes writes") as caught:
        driver.execute("CREATE (:A)")
    assert failure.message in str(caught.value)
    assert not caught.value.maybe_applied
    assert driver.execute("RETURN 1", write=False) == []


# -- members that die ---------------------------------------------------------------------------


def test_a_reader_that_dies_is_replaced(cluster: Cluster, connect: Connect) -> None:
    driver = connect()
    for _ in range(200):  # the client takes one of them by chance
        if cluster.texts("b") and cluster.texts("c"):
            break
        driver.execute("RETURN 1", write=False)
    assert cluster.texts("b")
    cluster.stop("b")
    cluster.script("c").log.clear()
    for _ in range(4):
        driver.in_session("RETURN 2", read_only=True)
    assert cluster.texts("c") == ["RETURN 2"] * 4


def test_a_leader_that_dies_is_replaced(cluster: Cluster, connect: Connect) -> None:
    driver = connect()
    driver.unit("CREATE (:Before)")
    cluster.stop("a")
    cluster.roles |= {"WRITE": ["b"], "READ": ["c"], "ROUTE": ["b", "c"]}
    driver.unit("CREATE (:A)")
    assert cluster.texts("b")[-1] == "CREATE (:A)"


def test_a_leader_that_dies_in_the_commit_is_not_written_to_again(cluster: Cluster, connect: Connect) -> None:
    cluster.script("a").commits = [DROP]
    driver = connect()
    with pytest.raises(ConnectionLostError, match="may or may not") as caught:
        driver.unit("CREATE (:A)")
    assert caught.value.maybe_applied
    assert cluster.texts("a") == ["CREATE (:A)"]


def test_nobody_who_knows_the_cluster_is_a_lost_connection(cluster: Cluster, connect: Connect) -> None:
    driver = connect()
    address = cluster.address("a")
    for name in "abc":
        cluster.stop(name)
    with pytest.raises(ConnectionLostError, match=address) as caught:
        driver.execute("CREATE (:A)")
    assert "routing" in str(caught.value)
    assert (caught.value.retryable, caught.value.maybe_applied) == (True, False)


def test_a_member_that_knows_no_cluster_is_told_so(cluster: Cluster, connect: Connect) -> None:
    refusal = Failure("Neo.ClientError.Procedure.ProcedureNotFound", "there is no routing here")
    cluster.script("a").route = lambda: refusal
    with pytest.raises(ConnectionLostError, match="there is no routing here"):
        connect().execute("RETURN 1")
