"""Users that are no superusers: one who owns the graph, and one who may read and write it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from runic.orm import AuthError, Field, Node, Relation, Session, select
from runic.orm.driver.age import AGEDriver, create_age_driver, create_async_age_driver
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from tests.servers.age import AGEServer, start_tree
from tests.servers.base import Server


class Bicycle(Node, labels=["Bicycle"]):
    k: int = Field(primary_key=True)
    next: list[Bicycle] = Relation(relationship="RIDES_TO", direction="OUTGOING", target="Bicycle")


class Scooter(Node, labels=["Scooter"]):
    k: int = Field(primary_key=True)


@pytest.fixture
def as_superuser(age_server: Server, age_options: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Runs SQL as the superuser. The roles are gone after the test."""
    where = {"host": age_options["host"], "port": age_options["port"], "dbname": age_options["database"]}
    with psycopg.connect(
        **where, user=age_options["username"], password=age_options["password"], autocommit=True
    ) as client:
        client.execute("CREATE EXTENSION IF NOT EXISTS age")
        for role in ("runic_owner", "runic_guest"):
            client.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
            client.execute(f"GRANT USAGE ON SCHEMA ag_catalog TO {role}")
        client.execute(f"GRANT CREATE ON DATABASE {age_options['database']} TO runic_owner")
        yield client.execute
        age_server.reset(age_options["graph"])
        client.execute("DROP OWNED BY runic_owner, runic_guest")
        client.execute("DROP ROLE runic_owner, runic_guest")


@pytest.fixture
def drivers(
    as_superuser: Callable[[str], Any], make_driver: Callable[..., AGEDriver]
) -> Iterator[tuple[AGEDriver, AGEDriver]]:
    """The driver of the graph's owner, who has stored two bikes in it, and that of the guest."""
    owner, guest = [make_driver(username=f"runic_{role}", password="secret") for role in ("owner", "guest")]
    ride(owner, 1)
    yield owner, guest
    owner.close()
    guest.close()


def ride(driver: AGEDriver, number: int) -> None:
    """Create, merge, change, relate and delete."""
    with Session(driver) as session:
        start, end, rest = Bicycle(k=number), Bicycle(k=number + 1), Bicycle(k=number + 2)
        session.add_all([start, rest])
        end = session.merge(end)
        session.relate(start, "next", end)
        session.flush()
        session.delete(rest)


def far(driver: AGEDriver, **options: Any) -> list[int]:
    with Session(driver, **options) as session:
        path = select(Bicycle).repeat(Bicycle.next, max_hops=3).alias("end").distinct()
        return sorted(bike.k for bike in session.scalars(path))


def test_the_owner_needs_no_more_than_a_schema_of_its_own(drivers: tuple[AGEDriver, AGEDriver]) -> None:
    owner, _ = drivers
    assert far(owner) == [2]
    adapter = adapter_of(owner)
    adapter.create(IndexSpec("Bicycle", "k", "UNIQUE", "NODE", ("k",)))
    assert [each.label for each in adapter.list_indexes()] == ["Bicycle"]
    adapter.drop(IndexSpec("Bicycle", "k", "UNIQUE", "NODE", ("k",)))
    assert adapter.list_indexes() == []
    owner.delete_graph()
    assert far(owner) == []


def test_who_may_not_use_the_extension_is_told_what_is_missing(
    as_superuser: Callable[[str], Any], make_driver: Callable[..., AGEDriver], age_options: dict[str, Any]
) -> None:
    as_superuser("REVOKE USAGE ON SCHEMA ag_catalog FROM runic_guest")
    with pytest.raises(AuthError, match="GRANT USAGE ON SCHEMA ag_catalog"):
        make_driver(username="runic_guest", password="secret").execute("RETURN 1")

    async def main() -> None:
        options = {**age_options, "username": "runic_guest", "password": "secret"}
        async with create_async_age_driver(**options) as driver:
            await driver.execute("RETURN 1")

    with pytest.raises(AuthError, match="GRANT USAGE ON SCHEMA ag_catalog"):
        asyncio.run(main())
    with psycopg.connect(
        host=age_options["host"], port=age_options["port"], dbname=age_options["database"],
        user="runic_guest", password="secret",
    ) as connection, pytest.raises(AuthError, match="GRANT USAGE ON SCHEMA ag_catalog"):  # fmt: skip
        AGEDriver(connection, age_options["graph"]).execute("RETURN 1")


def test_a_guest_does_what_it_may(
    drivers: tuple[AGEDriver, AGEDriver], as_superuser: Callable[[str], Any], age_graph: str
) -> None:
    owner, guest = drivers
    with pytest.raises(AuthError, match="permission denied for schema"):
        far(guest)
    schema = f'SCHEMA "{age_graph}" TO runic_guest'
    as_superuser(f"GRANT USAGE ON {schema}")
    as_superuser(f"GRANT SELECT ON ALL TABLES IN {schema}")
    assert far(guest, read_only=True) == [2]
    with pytest.raises(
        AuthError, match=r"permission denied for table .*: the owner of the graph can GRANT it"
    ):
        ride(guest, 11)
    as_superuser(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN {schema}")
    as_superuser(f"GRANT USAGE ON ALL SEQUENCES IN {schema}")
    ride(guest, 11)
    assert far(owner) == far(guest) == [2, 12]
    with Session(guest) as session:
        session.add(Scooter(k=1))
        with pytest.raises(AuthError, match=r"^'Scooter': each label and type needs a table"):
            session.flush()
        session.rollback()
    with Session(owner) as session:
        session.add(Scooter(k=2))
    as_superuser(f"GRANT SELECT, INSERT ON ALL TABLES IN {schema}")
    as_superuser(f"GRANT USAGE ON ALL SEQUENCES IN {schema}")
    with Session(guest) as session:
        session.add(Scooter(k=1))
    assert owner.execute("MATCH (n:Scooter) RETURN n.k ORDER BY n.k").rows == [[1], [2]]


def test_a_commit_of_which_nobody_can_be_told_is_a_commit(
    drivers: tuple[AGEDriver, AGEDriver],
    as_superuser: Callable[[str], Any],
    age_server: Server,
    age_graph: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    owner, guest = drivers
    schema = f'SCHEMA "{age_graph}" TO runic_guest'
    as_superuser(f"GRANT USAGE ON {schema}")
    as_superuser(f"GRANT SELECT, INSERT ON ALL TABLES IN {schema}")
    as_superuser(f"GRANT USAGE ON ALL SEQUENCES IN {schema}")
    with Session(guest) as session:
        session.add(Bicycle(k=9))
    assert owner.execute("MATCH (n:Bicycle {k: 9}) RETURN n.k").rows == [[9]]
    told = [each for each in caplog.messages if "others may not see" in each]
    # Older versions compare snapshots, and nobody has to be told.
    assert len(told) == age_server.version.startswith("1.8")


def test_nobody_has_to_preload_the_library(age_server: Server) -> None:
    """LOAD is for superusers, and is not needed."""
    assert isinstance(age_server, AGEServer)
    if age_server.release is None:
        pytest.skip("the server that is there was started by somebody else")
    server = start_tree(age_server.release, preloaded=False)
    try:
        where = {"host": server.host, "port": server.port}
        with psycopg.connect(**where, user="postgres", dbname="postgres", autocommit=True) as client:
            client.execute("CREATE ROLE runic_owner LOGIN; GRANT CREATE ON DATABASE postgres TO runic_owner")
            client.execute("GRANT USAGE ON SCHEMA ag_catalog TO runic_owner")
        with create_age_driver(**where, database="postgres", username="runic_owner", graph="mine") as driver:
            ride(driver, 1)
            assert far(driver) == [2]
    finally:
        server.stop()
