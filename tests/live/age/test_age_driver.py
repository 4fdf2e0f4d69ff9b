"""Connections, transactions and errors of Apache AGE, on the real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import psycopg_pool
import pytest

from runic.orm import (
    AsyncSession,
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    DriverError,
    Field,
    InvalidNameError,
    MissingParameterError,
    Node,
    PoolTimeout,
    QueryError,
    QueryTimeout,
    ServerError,
    Session,
    TransientConflictError,
    UnsupportedByBackendError,
    create_driver,
)
from runic.orm.driver.age import AGEDriver, AsyncAGEDriver
from runic.orm.driver.age.driver import create_async_age_driver
from runic.orm.driver.age.index_adapter import AGEIndexAdapter
from runic.orm.driver.port import Request, Store, TransactionalGraphDriver
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.session.blocking import run_blocking
from tests.servers.base import Server

type Make = Callable[..., AGEDriver]


class Beast(Node):
    k: int = Field(primary_key=True)
    name: str | None = Field(default=None)


class Wolf(Beast):
    pack: str | None = Field(default=None)


class Bird(Beast):
    pass


class Fish(Beast):
    pass


class FlyingFish(Bird, Fish):
    pass


# -- connecting -----------------------------------------------------------------------------------


def test_a_url_names_server_database_and_graph(age_server: Server, age_graph: str) -> None:
    with create_driver(age_server.url_of(age_graph)) as driver:
        assert driver.execute("RETURN 1 AS one").rows == [[1]]
        assert "None" not in repr(driver)


def test_libpq_options_are_taken(make_driver: Make) -> None:
    driver = make_driver(application_name="my program", sslmode="prefer", target_session_attrs="read-write")
    assert driver.sql("SHOW application_name") == [("my program",)]


def test_the_graph_is_only_made_when_that_is_wanted(make_driver: Make, age_graph: str) -> None:
    with pytest.raises(ServerError, match=f"no graph '{age_graph}'.*create_graph"):
        make_driver(create_graph=False).execute("RETURN 1")
    make_driver().execute("RETURN 1")
    make_driver(create_graph=False).execute("RETURN 1")


def test_a_server_that_is_not_there_is_told_soon(make_driver: Make) -> None:
    driver = make_driver(port=1, connect_timeout=1, pool_timeout=30)
    with pytest.raises(ConnectionLostError, match="cannot connect") as caught:
        driver.execute("RETURN 1")
    assert caught.value.maybe_applied is False


def test_a_user_that_is_none_is_no_lost_connection(make_driver: Make) -> None:
    with pytest.raises(AuthError, match='role "nobody" does not exist') as caught:
        make_driver(username="nobody", password="s3cret").execute("RETURN 1")
    assert caught.value.retryable is False
    assert "s3cret" not in str(caught.value)


def test_a_closed_driver_says_so_and_is_not_tried_again(
    make_driver: Make, age_options: dict[str, Any]
) -> None:
    async def use_it_closed() -> None:
        driver = create_async_age_driver(**age_options)
        await driver.aclose()
        await driver.execute("RETURN 1")

    driver = make_driver()
    driver.close()
    for use in (lambda: driver.execute("RETURN 1"), lambda: asyncio.run(use_it_closed())):
        with pytest.raises(DriverError, match="this driver is closed") as caught:
            use()
        assert not isinstance(caught.value, ConnectionLostError)
        assert caught.value.retryable is False


def test_a_pool_that_is_used_up_says_so(make_driver: Make) -> None:
    driver = make_driver(max_connections=1, pool_timeout=0.3)
    with Session(driver) as session:
        session.execute("RETURN 1")
        with pytest.raises(PoolTimeout, match="max_connections"):
            driver.execute("RETURN 1")


def test_connections_that_went_stale_are_replaced(make_driver: Make) -> None:
    driver, other = make_driver(), make_driver()
    driver.execute("CREATE (:Beast {k: 1})")
    (pid,) = driver.sql("SELECT pg_backend_pid()")[0]
    other.sql("SELECT pg_terminate_backend($1)", pid)
    with Session(driver) as session:
        assert session.count(session.query(Beast)) == 1


def test_a_connection_that_dies_in_a_transaction_is_an_error_and_the_unit_can_be_run_again(
    make_driver: Make,
) -> None:
    driver, other = make_driver(), make_driver()
    with Session(driver) as session:
        session.add(Beast(k=1))
        session.flush()
        pid = session_pid(session)
        other.sql("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(ConnectionLostError) as caught:
            session.execute("RETURN 1")
        assert caught.value.retryable
    assert other.execute("MATCH (n:Beast) RETURN n.k").rows == [[1]]


def session_pid(session: Session) -> int:
    port: Any = session._core.connection._port
    return int(port._link.connection.info.backend_pid)


# -- borrowed connections ---------------------------------------------------------------------------


def test_a_raw_connection_is_borrowed_and_given_back_as_it_was(
    age_options: dict[str, Any], age_graph: str
) -> None:
    with connect(age_options) as conn:
        driver = AGEDriver(conn, age_graph)
        with Session(driver) as session:
            session.add(Wolf(k=1, name="Akela"))
        assert conn.autocommit is False
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with Session(driver) as session:
            found = session.get(Beast, 1)
            assert isinstance(found, Wolf)
        driver.close()
        assert not conn.closed
        conn.execute("SELECT 1")
        with pytest.raises(QueryError, match="in a transaction"):
            driver.execute("RETURN 1")
        conn.rollback()


def test_a_pool_of_psycopg_is_borrowed(age_options: dict[str, Any], age_graph: str) -> None:
    with psycopg_pool.ConnectionPool(kwargs=arguments(age_options), min_size=0, max_size=3) as pool:
        driver = AGEDriver(pool, age_graph)
        with Session(driver) as a, Session(driver) as b:
            a.add(Beast(k=1))
            a.commit()
            assert b.get(Beast, 1) is not None


def test_an_async_connection_is_borrowed(age_options: dict[str, Any], age_graph: str) -> None:
    async def run() -> Any:
        async with await psycopg.AsyncConnection.connect(**arguments(age_options)) as conn:
            driver = AsyncAGEDriver(conn, age_graph)
            await driver.execute("CREATE (:Beast {k: $k})", {"k": 3})
            return (await driver.execute("MATCH (n:Beast) RETURN n.k")).rows

    assert asyncio.run(run()) == [[3]]


def test_what_is_no_connection_is_refused() -> None:
    with pytest.raises(TypeError, match="psycopg"):
        AGEDriver(object(), "graph")
    with pytest.raises(InvalidNameError):
        AGEDriver(object(), "a'b")


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    names = {"host": "host", "port": "port", "username": "user", "password": "password", "database": "dbname"}
    return {names[name]: value for name, value in options.items() if name in names}


def connect(options: dict[str, Any]) -> psycopg.Connection[Any]:
    return psycopg.connect(**arguments(options))


# -- statements -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["100%", "%s %(x)s", "$$", "$q$", "*/", "::vertex", "{}", "\\", "'\"`", "a\u2028b"]
)
def test_text_that_means_something_to_some_layer_is_just_text(driver: AGEDriver, text: str) -> None:
    with Session(driver) as session:
        session.add(Beast(k=1, name=text))
    with Session(driver) as session:
        found = session.query(Beast).where(Beast.name == text).one()
        assert found is not None
        assert found.name == text
        (node,) = session.execute("MATCH (n:Beast {name: $t}) RETURN n", {"t": text}).rows[0]
        assert node.properties["name"] == text
    literal = text.replace("\\", "\\\\").replace("'", "\\'")
    assert driver.execute(f"RETURN '{literal}' AS t").rows == [[text]]


def test_columns_have_the_names_that_the_text_gives_them(driver: AGEDriver) -> None:
    result = driver.execute("UNWIND [1, 2] AS i RETURN i, i * 2 AS twice, [i, ','] ORDER BY i DESC;")
    assert result.columns == ("i", "twice", "[i, ',']")
    assert result.rows == [[2, 4, [2, ","]], [1, 2, [1, ","]]]


def test_parameters_without_a_value_are_refused(driver: AGEDriver) -> None:
    with pytest.raises(MissingParameterError, match="nope"):
        driver.execute("RETURN $nope", {"other": 1})


def test_a_list_of_identities_never_reaches_the_server(driver: AGEDriver) -> None:
    with pytest.raises(UnsupportedByBackendError, match="kills the server"):
        driver.execute("MATCH (n) WHERE id(n) IN $ids RETURN n", {"ids": []})


def test_what_a_refused_list_asks_for_can_be_said_otherwise(driver: AGEDriver) -> None:
    driver.execute("UNWIND range(1, 3) AS i CREATE (:Beast {k: i})")
    ids = [i for (i,) in driver.execute("MATCH (n:Beast) WHERE n.k < 3 RETURN id(n)").rows]
    for text in (
        "UNWIND $ids AS i MATCH (n:Beast) WHERE id(n) = i RETURN n.k ORDER BY n.k",
        "MATCH (n:Beast) WHERE [id(n)][0] IN $ids RETURN n.k ORDER BY n.k",
    ):
        assert driver.execute(text, {"ids": ids}).rows == [[1], [2]]
    text = "MATCH (n:Beast) WHERE [n.k IS NULL][0] IN $l RETURN count(*)"
    assert driver.execute(text, {"l": [False]}).rows == [[3]]


def test_a_call_and_a_plan_have_columns_too(driver: AGEDriver) -> None:
    called = driver.execute("CALL pg_catalog.pi()")
    assert (called.columns, int(called.rows[0][0])) == (("pg_catalog.pi()",), 3)
    driver.execute("CREATE (:Beast {k: 1})")
    plan = driver.execute("EXPLAIN MATCH (n:Beast) RETURN n.k, n.name")
    assert plan.columns == ("plan",)
    assert "Beast" in " ".join(line for (line,) in plan.rows)


def test_the_limit_of_a_statement_is_kept_and_taken_back(make_driver: Make) -> None:
    driver = make_driver(max_connections=1)
    slow = "UNWIND range(1, 3000000) AS i WITH i WHERE i % 7 = 8 RETURN count(i)"
    port = driver.connect()
    with pytest.raises(QueryTimeout):
        run_blocking(port.execute(Request(slow, {}, timeout=0.05)))
    run_blocking(port.release())
    assert driver.sql("SHOW statement_timeout") == [("0",)]
    with pytest.raises(QueryTimeout):
        make_driver(timeout=0.05).execute(slow)


# -- transactions -----------------------------------------------------------------------------------


def test_the_driver_has_a_transaction_of_its_own(driver: AGEDriver) -> None:
    assert isinstance(driver, TransactionalGraphDriver)
    driver.begin()
    with pytest.raises(RuntimeError, match="open already"):
        driver.begin()
    driver.execute("CREATE (:Beast {k: 1})")
    driver.rollback()
    driver.rollback()
    assert driver.execute("MATCH (n:Beast) RETURN count(n)").rows == [[0]]
    driver.begin()
    driver.execute("CREATE (:Beast {k: 1})")
    driver.commit()
    assert driver.execute("MATCH (n:Beast) RETURN count(n)").rows == [[1]]


def test_reads_are_refused_to_write_and_the_transaction_may_write_afterwards(driver: AGEDriver) -> None:
    driver.execute("CREATE (:Beast {k: 1})")
    for text in ("CREATE (:Beast {k: 2})", "MATCH (n:Beast) SET n.k = 5", "MATCH (n:Beast) DELETE n"):
        with pytest.raises(ServerError, match=r"read-only.* without write=True"):
            driver.execute(text, write=False)
        with Session(driver) as session, pytest.raises(ServerError, match=r"read-only.* without write=True"):
            session.execute(text)
    with Session(driver) as session:
        session.execute("MATCH (n:Beast) RETURN n")
        session.add(Beast(k=7))
    assert sorted(driver.execute("MATCH (n:Beast) RETURN n.k").rows) == [[1], [7]]


def test_isolation_is_what_the_driver_was_told(driver: AGEDriver) -> None:
    for level in ("serializable", "repeatable read", None):
        port = driver.with_isolation(level).connect()
        run_blocking(port.begin())
        (row,) = run_blocking(port.sql("SHOW transaction_isolation"))
        run_blocking(port.release())
        assert row == (level or "read committed",)
    with pytest.raises(ValueError, match="isolation_level"):
        driver.with_isolation("chaos")


def test_two_serializable_units_that_cross_are_a_conflict_that_may_be_retried(driver: AGEDriver) -> None:
    driver.execute("CREATE (:Beast {k: 1}), (:Beast {k: 2})")
    strict = driver.with_isolation("serializable")
    with Session(strict) as a, Session(strict) as b:
        for session, key in ((a, 2), (b, 1)):
            session.query(Beast).all()
            session.get(Beast, key).name = "x"  # type: ignore[union-attr]
            session.flush()
        a.commit()
        with pytest.raises(TransientConflictError) as caught:
            b.commit()
        assert caught.value.retryable
        b.rollback()


def test_two_that_look_for_a_unique_value_in_a_hierarchy_cannot_both_store_it(driver: AGEDriver) -> None:
    """Unique indexes are those of one table: across tables it takes a serializable look beforehand."""
    adapter = AGEIndexAdapter(driver)
    adapter.ensure_entity_types([Beast, Wolf])
    for label in ("Beast", "Wolf"):
        adapter.create_unique_constraint(label, "name")
    with Session(driver) as session:
        session.add_all([Beast(k=1, name="Fenris"), Wolf(k=2, name="Fenris")])
    strict = driver.with_isolation("serializable")
    with Session(strict) as a, Session(strict) as b:
        for session, beast in ((a, Beast(k=3, name="Skoll")), (b, Wolf(k=4, name="Skoll"))):
            assert session.query(Beast).where(Beast.name == "Skoll").all() == []
            session.add(beast)
            session.flush()
        a.commit()
        with pytest.raises(TransientConflictError):
            b.commit()
        b.rollback()
    assert driver.execute("MATCH (n:Beast {name: 'Skoll'}) RETURN n.k").rows == [[3]]


def test_an_error_leaves_every_connection_usable(make_driver: Make) -> None:
    driver = make_driver(max_connections=2)
    for _ in range(5):
        with Session(driver) as session:
            session.add(Beast(k=1))
            session.flush()
            with pytest.raises(ServerError):
                session.execute("MATCH (n) RETURN nonsense(n)")
            session.rollback()
        assert driver.execute("MATCH (n:Beast {k: 1}) RETURN n").rows == []
    settings = driver.sql("SELECT current_setting('search_path'), current_setting('age.enable_containment')")
    assert settings == [('ag_catalog, "$user", public', "off")]


# -- labels -----------------------------------------------------------------------------------------


def test_two_first_users_of_a_label_both_succeed(driver: AGEDriver) -> None:
    driver.execute("RETURN 1")
    gate = threading.Barrier(6)
    problems: list[Exception] = []

    def use(number: int) -> None:
        try:
            with Session(driver) as session:
                session.execute("RETURN 1")
                gate.wait(20)
                session.add(Wolf(k=number))
        except Exception as error:  # shown by the assertion
            problems.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    with Session(driver) as session:
        assert session.count(session.query(Beast)) == 6


def test_a_label_that_others_made_joins_its_base(driver: AGEDriver) -> None:
    driver.execute("CREATE (:Wolf {k: 1, pack: 'north'})")
    with Session(driver) as session:
        session.add_all([Wolf(k=2), Beast(k=3)])
    with Session(driver) as session:
        found = session.query(Beast).order_by(Beast.k).all()
        assert [(type(each), each.k) for each in found] == [(Wolf, 1), (Wolf, 2), (Beast, 3)]
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[3]]


def test_a_class_with_two_bases_is_found_by_each_of_them_and_once_by_the_root(driver: AGEDriver) -> None:
    with Session(driver) as session:
        session.add_all([Bird(k=1), Fish(k=2), FlyingFish(k=3), Beast(k=4)])
    with Session(driver) as session:
        for model, keys in ((Beast, [1, 2, 3, 4]), (Bird, [1, 3]), (Fish, [2, 3]), (FlyingFish, [3])):
            assert sorted(each.k for each in session.query(model).all()) == keys
        assert isinstance(session.get(Bird, 3), FlyingFish)
        assert session.execute("MATCH (n {k: 3}) RETURN n").rows[0][0].labels[-1] == "FlyingFish"


def test_look_ups_whose_plan_was_kept_see_labels_that_come_go_and_come_again(
    make_driver: Make, age_server: Server, age_graph: str
) -> None:
    driver, other = make_driver(max_connections=1), make_driver()
    with Session(driver) as session:
        assert [session.get(Beast, 1) for _ in range(20)] == [None] * 20
    assert driver.sql("SELECT count(*) > 0 FROM pg_prepared_statements") == [(True,)]
    other.execute("CREATE (:Beast {k: 1, name: 'first'})")
    assert names(driver) == {"first"}
    with Session(other) as session:
        session.add(Wolf(k=2, name="below"))
    assert names(driver, 2) == {"below"}
    other.delete_graph()
    with Session(other) as session:
        session.add(Bird(k=3))
    assert names(driver) == set()
    other.execute("CREATE (:Beast {k: 1, name: 'second'})")
    assert names(driver) == {"second"}


def names(driver: AGEDriver, key: int = 1) -> set[str | None]:
    """What a look-up by key finds, time and again."""
    found = set()
    for _ in range(12):
        with Session(driver) as session:
            beast = session.get(Beast, key)
            found |= {beast.name} if beast else set()
    return found


def test_async_look_ups_whose_plan_was_kept_see_a_label_that_comes(age_options: dict[str, Any]) -> None:
    async def run() -> None:
        async with create_async_age_driver(**age_options, max_connections=1) as driver:
            for key in range(20):
                async with AsyncSession(driver) as session:
                    assert await session.get(Beast, key) is None
            async with AsyncSession(driver) as session:
                session.add(Beast(k=19))
            for _ in range(12):
                async with AsyncSession(driver) as session:
                    assert await session.get(Beast, 19) is not None

    asyncio.run(run())


def test_one_name_for_a_label_and_a_type_is_refused(driver: AGEDriver) -> None:
    driver.ensure_labels([Store("Howls", edge=True)])
    with pytest.raises(InvalidNameError, match="one namespace"):
        driver.ensure_labels([Store("Howls")])


def test_a_name_of_64_bytes_is_refused_before_anything_is_sent(driver: AGEDriver) -> None:
    with pytest.raises(InvalidNameError, match="63"):
        AGEIndexAdapter(driver).create_range_index("L" * 64, "k")


# -- constraints and search -------------------------------------------------------------------------


def test_violations_name_the_constraint(driver: AGEDriver) -> None:
    adapter = AGEIndexAdapter(driver)
    adapter.create_unique_constraint("Beast", "k")
    adapter.create_mandatory_constraint("Beast", "name")
    with Session(driver) as session:
        session.add(Beast(k=1, name="a"))
    for beast in (Beast(k=1, name="b"), Beast(k=2)):
        with Session(driver) as session:
            session.add(beast)
            with pytest.raises(ConstraintViolation):
                session.flush()
            session.rollback()
    driver.execute("CREATE (:Cub {k: 1}), (:Cub {k: 1})")
    with pytest.raises(ConstraintViolation, match="violated already"):
        adapter.create_unique_constraint("Cub", "k")
    assert {str(spec) for spec in adapter.list_indexes()} == {"UNIQUE :Beast(k)", "MANDATORY :Beast(name)"}


def test_an_index_is_made_in_one_transaction_or_not_at_all(driver: AGEDriver) -> None:
    """The functions of a search, the index and its comment; a name in the way is named."""
    adapter = AGEIndexAdapter(driver)
    adapter.create_fulltext_index("Beast", "name")
    (name,) = [row[0] for row in driver.sql(_INDEXES, driver.graph_name) if "fulltext" in row[0]]
    adapter.drop(IndexSpec("Beast", "name", "FULLTEXT"))
    functions = driver.sql(_FUNCTIONS, driver.graph_name)
    adapter.create_range_index("Theirs", "k")
    (theirs,) = [row[0] for row in driver.sql(_INDEXES, driver.graph_name) if "Theirs" in row[0]]
    driver.run_sql([f'ALTER INDEX "{driver.graph_name}"."{theirs}" RENAME TO "{name}"'])
    with pytest.raises(ServerError, match=f'FULLTEXT :Beast\\(name\\): relation "{name}" already exists'):
        adapter.create_fulltext_index("Beast", "name")
    assert driver.sql(_FUNCTIONS, driver.graph_name) == functions == []
    assert adapter.list_indexes() == [IndexSpec("Theirs", "k", "RANGE")]


_INDEXES = "SELECT indexname::text FROM pg_indexes WHERE schemaname = $1 AND indexname LIKE 'runic%'"
_FUNCTIONS = (
    "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1"
)


def test_indexes_that_somebody_made_in_sql_are_listed_and_dropped(driver: AGEDriver) -> None:
    adapter = AGEIndexAdapter(driver)
    driver.execute("CREATE (:Beast {k: 1, name: 'a'})")
    value = "ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '\"k\"'::ag_catalog.agtype])"
    driver.run_sql([f'CREATE UNIQUE INDEX theirs ON "{driver.graph_name}"."Beast" (({value}))'])
    assert adapter.list_indexes() == [IndexSpec("Beast", "k", "UNIQUE")]
    adapter.create_unique_constraint("Beast", "k")
    adapter.drop(IndexSpec("Beast", "k", "UNIQUE"), if_exists=False)
    assert adapter.list_indexes() == []


def test_vector_indexes_without_pgvector_say_what_to_install(
    make_driver: Make, age_options: dict[str, Any]
) -> None:
    with connect({**age_options}) as conn:
        conn.autocommit = True
        conn.execute("DROP DATABASE IF EXISTS runic_plain")
        conn.execute("CREATE DATABASE runic_plain TEMPLATE template0")
        try:
            plain = make_driver(database="runic_plain")
            with pytest.raises(UnsupportedByBackendError, match="CREATE EXTENSION vector"):
                AGEIndexAdapter(plain).create_vector_index("Doc", "e", dimension=3)
            plain.close()
        finally:
            conn.execute("DROP DATABASE runic_plain WITH (FORCE)")


def test_the_async_driver_works_in_one_loop_after_another(age_options: dict[str, Any]) -> None:
    driver = create_async_age_driver(**age_options)

    async def run(close: bool) -> Any:
        try:
            return (await driver.execute("RETURN 1")).rows
        finally:
            if close:
                await driver.aclose()

    assert asyncio.run(run(False)) == asyncio.run(run(True)) == [[1]]
