"""Ways to connect, what a connection is like at any time, and what is tried again; on the real server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runic.orm import (
    AsyncSession,
    AuthError,
    ConnectionLostError,
    Field,
    InvalidURLError,
    Node,
    OrmError,
    ServerError,
    Session,
    TransientConflictError,
    create_async_driver,
    create_driver,
    run_in_transaction,
    run_in_transaction_async,
)
from runic.orm.driver.age import AGEDriver
from runic.orm.driver.age.driver import create_async_age_driver
from runic.orm.session.blocking import run_blocking
from tests.servers.age import RELEASES, start_tree
from tests.servers.base import NotAvailable, Server
from tests.servers.certificates import Certificates, make_certificates

PASSWORD = "p@ss:/w?r d%25é"
type Make = Callable[..., AGEDriver]

STATE = ('ag_catalog, "$user", public', "off")
SETTINGS = "SELECT current_setting('search_path'), current_setting('age.enable_containment')"


class Meter(Node):
    k: int = Field(primary_key=True)
    value: int = 0


# -- where to connect -------------------------------------------------------------------------------


@pytest.fixture
def without_libpq_defaults(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    return monkeypatch


def both(url: str) -> list[Any]:
    """What a sync and an async driver get."""
    text = "RETURN 1 AS one"

    async def run() -> Any:
        async with create_async_driver(url) as driver:
            return (await driver.execute(text)).rows

    with create_driver(url) as driver:
        return [driver.execute(text).rows, asyncio.run(run())]


def test_a_service_of_a_file_is_a_server(
    age_server: Server, age_graph: str, tmp_path: Path, without_libpq_defaults: pytest.MonkeyPatch
) -> None:
    services = tmp_path / "services.conf"
    user, database = age_server.credentials["username"], age_server.credentials["database"]
    services.write_text(
        f"[mine]\nhost={age_server.host}\nport={age_server.port}\nuser={user}\ndbname={database}\n"
    )
    if age_server.credentials["password"]:
        without_libpq_defaults.setenv("PGPASSWORD", age_server.credentials["password"])
    without_libpq_defaults.setenv("PGSERVICEFILE", str(services))
    assert both(f"age:///?service=mine&graph={age_graph}") == [[[1]], [[1]]]
    with (
        create_driver(f"age:///?service=other&graph={age_graph}") as driver,
        pytest.raises(ConnectionLostError, match=r"service other.*other"),
    ):
        driver.execute("RETURN 1")


def test_a_unix_socket_is_a_server(age_server: Server, age_graph: str) -> None:
    if age_server.socket is None:
        pytest.skip("the socket of this server cannot be reached")
    folder, user = age_server.socket, age_server.credentials["username"]
    rest = f"{age_server.credentials['database']}?graph={age_graph}&port={age_server.port}"
    assert both(f"age://{user}@/{rest}&host={quote(folder, safe='')}") == [[[1]], [[1]]]
    assert both(f"age://{user}@{quote(folder, safe='')}/{rest}") == [[[1]], [[1]]]


def test_of_several_hosts_the_first_that_answers_is_taken(age_server: Server, age_graph: str) -> None:
    url = age_server.url_of(age_graph).replace(f"{age_server.host}:{age_server.port}", "")
    hosts = f"&host=127.0.0.1,{age_server.host}&port=1,{age_server.port}"
    assert both(f"{url}{hosts}&target_session_attrs=read-write") == [[[1]], [[1]]]
    with create_driver(f"{url}{hosts}&target_session_attrs=standby") as driver:
        with pytest.raises(ConnectionLostError, match="not in hot standby") as caught:
            driver.execute("RETURN 1")
        assert caught.value.maybe_applied is False


def test_several_hosts_with_ports_in_the_middle_of_a_url_say_where_they_go() -> None:
    with pytest.raises(InvalidURLError, match=r"several hosts.*options host and port"):
        create_driver("age://ann@one:5432,two:5433/db?graph=people")


def test_options_of_the_server_are_given_on(age_server: Server, age_graph: str) -> None:
    url = f"{age_server.url_of(age_graph)}&options=-c%20work_mem%3D5MB&application_name=mine"
    with create_driver(url) as driver:
        assert isinstance(driver, AGEDriver)
        assert driver.sql("SELECT current_setting('work_mem'), current_setting('application_name')") == [
            ("5MB", "mine")
        ]


# -- TLS --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_server(certificates: Certificates) -> Iterator[Server]:
    try:
        pair = certificates.certificate, certificates.key
        server = start_tree(RELEASES["age"], pair, password=PASSWORD)
    except NotAvailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()


def test_a_connection_is_encrypted_and_the_certificate_is_checked(
    tls_server: Server, certificates: Certificates
) -> None:
    url = tls_server.url_of("people").replace("127.0.0.1", "localhost")
    authority, other = (quote(str(path), safe="") for path in (certificates.authority, certificates.stranger))
    assert both(f"{url}&sslmode=verify-full&sslrootcert={authority}") == [[[1]], [[1]]]
    with create_driver(f"{url}&sslmode=require") as driver:
        assert isinstance(driver, AGEDriver)
        assert driver.sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
    for wrong in (
        f"{url}&sslmode=verify-full&sslrootcert={other}",
        f"{url.replace('localhost', '127.0.0.1')}&sslmode=verify-full&sslrootcert={authority}",
        f"{url}&sslmode=verify-ca&sslrootcert=/nowhere.pem",
    ):
        with pytest.raises(ConnectionLostError, match="certificate") as caught:
            both(wrong)
        assert caught.value.maybe_applied is False


def test_a_user_logs_in_by_password(tls_server: Server) -> None:
    given = {"host": tls_server.host, "port": tls_server.port, "database": "postgres", "username": "postgres"}

    async def run(**options: Any) -> None:
        async with create_async_driver("age", **options) as driver:
            await driver.execute("RETURN 1")

    assert both(tls_server.url_of("people")) == [[[1]], [[1]]]
    with create_driver("age", **given, password=PASSWORD) as driver:
        assert driver.execute("RETURN 1").rows == [[1]]
        assert PASSWORD not in repr(driver) + repr(driver.options)
    for wrong in ({"password": "wrong"}, {"password": None}, {"password": PASSWORD, "username": "nobody"}):
        options = {**given, **wrong}
        with create_driver("age", **options) as driver, pytest.raises(AuthError) as caught:
            driver.execute("RETURN 1")
        assert PASSWORD not in str(caught.value)
        with pytest.raises(AuthError):
            asyncio.run(run(**options))


def test_a_server_without_tls_is_refused_where_it_is_wanted(age_server: Server, age_graph: str) -> None:
    with (
        create_driver(f"{age_server.url_of(age_graph)}&sslmode=require") as driver,
        pytest.raises(ConnectionLostError, match="does not support SSL"),
    ):
        driver.execute("RETURN 1")


# -- the state of connections -----------------------------------------------------------------------

BREAKING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("MATCH (n) RETURN nonsense(n)", {}),
    ("RETURN 1 /", {}),
    ("RETURN 1 / $zero", {"zero": 0}),
    ("CREATE (:Meter {k: 1}) RETURN toInteger([])", {}),
    ("MATCH (n:Meter) SET n = $k", {"k": 1}),
)


def test_every_connection_of_the_pool_is_right_after_every_error(make_driver: Make) -> None:
    driver = make_driver(max_connections=4)
    for text, parameters in BREAKING:
        sessions = [Session(driver) for _ in range(4)]  # all connections at once
        for session in sessions:
            with pytest.raises(OrmError):
                session.execute(text, parameters, write=True)
            assert session.execute("RETURN 1 AS one", write=True).rows == [[1]]
        for session in sessions:
            session.close()
        ports = [driver.connect() for _ in range(4)]
        states = [run_blocking(port.sql(SETTINGS)) for port in ports]
        for port in ports:
            run_blocking(port.release())
        assert states == [[STATE]] * 4
        assert driver.execute("MATCH (n:Meter) RETURN count(n)").rows == [[0]]


def test_async_connections_are_right_after_errors_too(age_options: dict[str, Any]) -> None:
    async def run() -> None:
        async with create_async_age_driver(**age_options, max_connections=3) as driver:

            async def use(number: int) -> None:
                text, parameters = BREAKING[number % len(BREAKING)]
                async with AsyncSession(driver) as session:
                    with pytest.raises(OrmError):
                        await session.execute(text, parameters, write=True)
                    await session.rollback()
                    assert (await session.execute("RETURN 1 AS one")).rows == [[1]]

            await asyncio.gather(*[use(number) for number in range(12)])
            assert await driver.sql(SETTINGS) == [STATE]

    asyncio.run(run())


def test_a_program_that_closes_nothing_ends_at_once(age_server: Server, age_graph: str) -> None:
    script = """if True:
        import sys
        from runic.orm import Session, create_driver

        driver = create_driver(sys.argv[1])
        with Session(driver) as session:
            print(session.execute("RETURN 1").rows)
        other = Session(driver)
        other.execute("RETURN 2")
    """
    done = subprocess.run(
        [sys.executable, "-c", script, age_server.url_of(age_graph)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # psycopg_pool logs how long it waits for each of its threads.
    assert (done.stdout, done.stderr, done.returncode) == ("[[1]]\n", "", 0)


def test_read_only_and_isolation_are_those_of_a_session_in_both_colours(
    make_driver: Make, age_options: dict[str, Any]
) -> None:
    driver = make_driver()
    driver.execute("CREATE (:Meter {k: 1})")
    strict = driver.with_isolation("serializable")
    for each, level in ((driver, "read committed"), (strict, "serializable")):
        with Session(each, read_only=True) as session:
            session.execute("RETURN 1")
            assert mode(session) == (level, "on")
            with pytest.raises(ServerError, match="read-only"):
                session.execute("CREATE (:Meter {k: 2})")
        with Session(each) as session:
            session.execute("RETURN 1", write=True)
            assert mode(session) == (level, "off")

    async def run() -> None:
        async with create_async_age_driver(**age_options, isolation_level="repeatable read") as other:
            async with AsyncSession(other, read_only=True) as session:
                await session.execute("RETURN 1")
                with pytest.raises(ServerError, match="read-only"):
                    await session.execute("CREATE (:Meter {k: 2})")
            async with AsyncSession(other) as session:
                await session.execute("RETURN 1", write=True)
                port: Any = session._core.connection._port
                assert await port.sql("SHOW transaction_isolation") == [("repeatable read",)]

    asyncio.run(run())
    assert driver.execute("MATCH (n:Meter) RETURN n.k").rows == [[1]]


def mode(session: Session) -> tuple[str, str]:
    port: Any = session._core.connection._port
    sql = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    (row,) = run_blocking(port.sql(sql))
    return row[0], row[1]


# -- what is tried again ----------------------------------------------------------------------------


def in_threads(count: int, work: Callable[[int], None]) -> list[Exception]:
    problems: list[Exception] = []

    def run(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # shown by the assertion
            problems.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return problems


def test_a_lost_race_for_a_node_is_a_conflict_that_is_tried_again(driver: AGEDriver) -> None:
    """AGE reports it as an internal error: Entity failed to be updated."""
    driver.execute("CREATE (:Meter {k: 1, value: 0})")
    text = "MATCH (n:Meter {k: 1}) SET n.value = n.value + 1"
    conflicts: list[OrmError] = []
    with Session(driver) as first:
        first.execute(text, write=True)

        def second(_: int) -> None:
            with Session(driver) as session:
                try:
                    session.execute(text, write=True)
                except OrmError as error:
                    conflicts.append(error)
                    session.rollback()

        thread = threading.Thread(target=second, args=(0,))
        thread.start()
        until_somebody_waits(driver)
        first.commit()
        thread.join(60)
    (conflict,) = conflicts
    assert isinstance(conflict, TransientConflictError)
    assert conflict.retryable
    assert "failed to be updated" in str(conflict)

    def add(_: int) -> None:
        for _ in range(5):
            run_in_transaction(driver, lambda session: session.execute(text, write=True), attempts=200)

    assert in_threads(4, add) == []
    assert driver.execute("MATCH (n:Meter) RETURN n.value").rows == [[21]]


def until_somebody_waits(driver: AGEDriver) -> None:
    deadline = time.monotonic() + 60
    while not driver.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' LIMIT 1"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_serialization_failures_are_tried_again_in_both_colours(
    driver: AGEDriver, age_options: dict[str, Any]
) -> None:
    with Session(driver) as session:
        session.add(Meter(k=1, value=0))
    strict = driver.with_isolation("serializable")

    def add(session: Session) -> None:
        meter = session.get(Meter, 1)
        assert meter is not None
        meter.value += 1

    def several(_: int) -> None:
        for _ in range(5):
            run_in_transaction(strict, add, attempts=200)

    assert in_threads(4, several) == []

    async def add_async(session: AsyncSession) -> None:
        meter = await session.get(Meter, 1)
        assert meter is not None
        meter.value += 1

    async def run() -> None:
        async with create_async_age_driver(**age_options, isolation_level="serializable") as other:
            work = [run_in_transaction_async(other, add_async, attempts=200) for _ in range(20)]
            await asyncio.gather(*work)

    asyncio.run(run())
    assert driver.execute("MATCH (n:Meter) RETURN n.value").rows == [[40]]


def test_many_first_users_of_a_label_lose_nothing_in_raw_text_either(
    driver: AGEDriver, age_options: dict[str, Any]
) -> None:
    driver.execute("RETURN 1")
    gate = threading.Barrier(8)

    def use(number: int) -> None:
        gate.wait(30)
        run_in_transaction(
            driver,
            lambda session: session.execute("CREATE (:Fresh {k: $k})", {"k": number}, write=True),
            attempts=50,
        )

    assert in_threads(8, use) == []
    assert driver.execute("MATCH (n:Fresh) RETURN count(n)").rows == [[8]]

    async def run() -> None:
        async with create_async_age_driver(**age_options) as other:

            async def one(number: int) -> None:
                async def work(session: AsyncSession) -> None:
                    await session.execute("CREATE (:Newer {k: $k})", {"k": number}, write=True)

                await run_in_transaction_async(other, work, attempts=50)

            await asyncio.gather(*[one(number) for number in range(8)])
            assert (await other.execute("MATCH (n:Newer) RETURN count(n)")).rows == [[8]]

    asyncio.run(run())


def test_many_first_users_of_a_class_succeed_at_once_in_the_async_colour(age_options: dict[str, Any]) -> None:
    async def run() -> None:
        async with create_async_age_driver(**age_options) as driver:

            async def one(number: int) -> None:
                async with AsyncSession(driver) as session:
                    session.add(Meter(k=number))

            await asyncio.gather(*[one(number) for number in range(8)])
            assert (await driver.execute("MATCH (n:Meter) RETURN count(n)")).rows == [[8]]

    asyncio.run(run())
