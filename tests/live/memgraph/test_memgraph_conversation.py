"""What runic says to Memgraph and makes of its answers, in both colours, with a scripted server."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from neo4j._codec.packstream import Structure

from runic.orm import (
    Field,
    Node,
    OrmError,
    Session,
    create_async_driver,
    create_driver,
    run_in_transaction,
    select,
)
from runic.orm.core.metadata import MetaData
from runic.orm.core.types import GeoLocation
from runic.orm.exceptions import (
    AuthError,
    ConnectionLostError,
    ConstraintViolation,
    QueryError,
    SearchSyntaxError,
    TransientConflictError,
)
from runic.orm.schema.index_manager import IndexSpec, adapter_of
from runic.orm.session.async_session import AsyncSession
from runic.orm.testing.adapter import adapt
from tests.live.memgraph.scripted_bolt import DROP, Failure, Script, ScriptedBolt

CONFLICT = Failure(
    "Memgraph.TransientError.MemgraphError.MemgraphError", "Cannot resolve conflicting transactions."
)
DUPLICATE = Failure(
    "Memgraph.ClientError.MemgraphError.MemgraphError",
    "Unable to commit due to unique constraint violation on :Item(code)",
)


VECTOR = {"dimension": 3, "similarity": "euclidean", "capacity": 9}


class Base(Node, metadata=MetaData()): ...


class Item(Base, labels=["Item"]):
    id: str = Field(primary_key=True)
    code: str | None = Field(default=None, unique=True)
    at: dt.datetime | None = Field(default=None)
    day: dt.date | None = Field(default=None)
    clock: dt.time | None = Field(default=None)
    blob: bytes | None = Field(default=None)
    place: GeoLocation | None = Field(default=None)


def created(parameters: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """The answer to a batch that creates nodes, packed into one page."""
    return ["page"], [[[[row[0], 100 + row[0]] for row in parameters["rows"]]]]


@pytest.fixture
def script() -> Script:
    return Script(statements={"CREATE \\(n": [created]})


@pytest.fixture
def server(script: Script) -> Iterator[ScriptedBolt]:
    with ScriptedBolt(script) as server:
        yield server


type Work = Callable[[AsyncSession], Awaitable[Any]]
type Run = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest, server: ScriptedBolt) -> Run:
    """Run ``work`` with a session of either colour, which is left as a ``with`` block leaves it."""

    def sync(work: Work, **options: Any) -> Any:
        with create_driver("memgraph", host="127.0.0.1", port=server.port, **options) as driver:
            session = adapt(Session(driver))

            async def whole() -> Any:
                async with session:
                    return await work(session)

            coroutine = whole()
            try:
                coroutine.send(None)
            except StopIteration as done:
                return done.value
            raise AssertionError("a blocking session suspended")

    def asynchronous(work: Work, **options: Any) -> Any:
        async def whole() -> Any:
            async with (
                create_async_driver("memgraph", host="127.0.0.1", port=server.port, **options) as driver,
                AsyncSession(driver) as session,
            ):
                return await work(session)

        return asyncio.run(whole())

    return sync if request.param == "sync" else asynchronous


async def add_one(session: AsyncSession) -> Item:
    item = Item(id="a", code="x")
    session.add(item)
    return item


def test_a_unit_of_work_is_one_transaction(run: Run, script: Script) -> None:
    run(add_one)
    assert script.names() == ["BEGIN", "RUN", "PULL", "COMMIT"]
    ((text, parameters),) = script.runs()
    assert text.startswith("UNWIND $rows AS row CREATE (n:`Item` {`id`: row[1], `code`: row[2]")
    assert parameters["rows"] == [[0, "a", "x", None, None, None, None, None]]


def test_credentials_are_sent_at_the_log_in(run: Run, script: Script) -> None:
    run(add_one, username="ann", password="secret")
    (logon,) = [fields[0] for name, fields in script.log if name == "LOGON"]
    assert (logon["scheme"], logon["principal"], logon["credentials"]) == ("basic", "ann", "secret")


@pytest.mark.parametrize("options", [{}, {"username": "", "password": ""}])
def test_without_a_user_empty_credentials_are_sent(run: Run, script: Script, options: dict[str, str]) -> None:
    run(add_one, **options)
    (logon,) = [fields[0] for name, fields in script.log if name == "LOGON"]
    assert (logon["scheme"], logon["principal"], logon.get("credentials", "")) == ("basic", "", "")


def test_refused_credentials_are_an_error_of_their_own_and_not_in_it(run: Run, script: Script) -> None:
    script.logons.append(Failure("Memgraph.ClientError.Security.Unauthenticated", "Authentication failure"))
    with pytest.raises(AuthError) as caught:
        run(add_one, username="ann", password="s3cr3t-word")
    assert "s3cr3t-word" not in f"{caught.value}{caught.value!r}{caught.value.__cause__}"
    assert script.runs() == []


def test_values_travel_in_the_forms_that_the_server_keeps(run: Run, script: Script) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(
            Item(
                id="a",
                at=dt.datetime(2024, 7, 1, 12, 0, 0, 5, tzinfo=ZoneInfo("Europe/Berlin")),
                day=dt.date(1970, 1, 2),
                clock=dt.time(0, 0, 1),
                blob=b"\x00\xff",
                place=GeoLocation(52.5, 13.4),
            )
        )
        session.add(Item(id="b", at=dt.datetime(1970, 1, 1, 0, 0, 2)))

    run(work)
    ((text, parameters),) = script.runs()
    first, second = parameters["rows"]
    seconds = int(dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC).timestamp())
    assert first[3] == Structure(b"I", seconds, 5000, 0)  # a zoned datetime, in UTC
    assert second[3] == Structure(b"d", 2, 0)  # a local one
    assert first[4] == Structure(b"D", 1)
    assert first[5] == Structure(b"t", 1_000_000_000)
    assert first[6] == "AP8="
    assert first[7] == {"latitude": 52.5, "longitude": 13.4}
    assert "`place`: point(row[7])" in text


def test_values_come_back_as_they_were(run: Run, script: Script) -> None:
    seconds = int(dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC).timestamp())
    row = [
        *(7, "a", None, Structure(b"I", seconds, 5000, 0), Structure(b"D", 1)),
        *(Structure(b"t", 1_000_000_000), "AP8=", Structure(b"X", 4326, 13.4, 52.5)),
    ]
    local = [8, "b", None, Structure(b"d", 2, 0), None, None, None, None]
    script.statements = {"MATCH": [(["page"], [[[row]], [[local]]])]}

    async def work(session: AsyncSession) -> list[Item]:
        return await session.scalars(select(Item))

    item, naive = run(work, fetch_size=1)
    assert item.at == dt.datetime(2024, 7, 1, 10, 0, 0, 5, tzinfo=dt.UTC)
    assert item.at.tzinfo is dt.UTC
    assert (item.day, item.clock, item.blob) == (dt.date(1970, 1, 2), dt.time(0, 0, 1), b"\x00\xff")
    assert item.place == GeoLocation(52.5, 13.4)
    assert naive.at == dt.datetime(1970, 1, 1, 0, 0, 2)
    # One page at a time, as the size asks for.
    assert [fields[0]["n"] for name, fields in script.log if name == "PULL"] == [1, 1]


def test_a_conflict_at_the_commit_may_be_tried_again(run: Run, script: Script) -> None:
    script.commits.append(CONFLICT)
    with pytest.raises(TransientConflictError) as caught:
        run(add_one)
    assert caught.value.retryable
    assert caught.value.backend == "memgraph"


def test_run_in_transaction_tries_a_conflict_again(server: ScriptedBolt, script: Script) -> None:
    script.commits += [CONFLICT, CONFLICT]

    def work(session: Session) -> str:
        session.add(Item(id="a"))
        return "done"

    with create_driver("memgraph", host="127.0.0.1", port=server.port) as driver:
        assert run_in_transaction(driver, work, attempts=4) == "done"
    assert script.names().count("COMMIT") == 3
    assert len(script.runs()) == 3


def test_a_unique_value_that_is_taken_shows_at_the_commit(run: Run, script: Script) -> None:
    script.commits.append(DUPLICATE)
    kept: list[Item] = []

    async def work(session: AsyncSession) -> None:
        kept.append(await add_one(session))

    with pytest.raises(ConstraintViolation, match=r":Item\(code\)") as caught:
        run(work)
    assert not caught.value.retryable


def test_a_connection_that_is_cut_in_a_statement_applied_nothing(run: Run, script: Script) -> None:
    script.statements["CREATE \\(n"] = [DROP]
    with pytest.raises(ConnectionLostError) as caught:
        run(add_one)
    assert not caught.value.maybe_applied
    assert "COMMIT" not in script.names()


def test_a_commit_whose_answer_is_lost_may_have_been_applied(run: Run, script: Script) -> None:
    script.commits.append(DROP)
    with pytest.raises(ConnectionLostError) as caught:
        run(add_one)
    assert caught.value.maybe_applied
    assert not caught.value.retryable


def test_a_first_statement_that_is_cut_is_sent_again_on_a_new_connection(
    server: ScriptedBolt, script: Script
) -> None:
    script.statements["RETURN 1"] = [DROP, (["x"], [[1]])]
    with create_driver("memgraph", host="127.0.0.1", port=server.port) as driver:
        assert driver.execute("RETURN 1 AS x", write=False).rows == [[1]]
    # Nothing of the first transaction can be anywhere: it was never committed.
    assert script.names() == ["BEGIN", "RUN", "BEGIN", "RUN", "PULL", "COMMIT"]


def test_an_error_of_the_server_keeps_its_words_and_the_statement(run: Run, script: Script) -> None:
    script.statements["nonsense"] = [
        Failure("Memgraph.ClientError.MemgraphError.MemgraphError", "line 1:1 mismatched input 'nonsense'")
    ]

    async def work(session: AsyncSession) -> None:
        await session.execute("nonsense $secret", {"secret": "s3cr3t"})

    with pytest.raises(OrmError, match="mismatched input") as caught:
        run(work)
    assert caught.value.statement == "nonsense $secret"
    assert "s3cr3t" not in str(caught.value)


def test_a_search_in_the_wrong_syntax_is_an_error_of_its_own(run: Run, script: Script) -> None:
    script.statements["text_search"] = [
        Failure(
            "Memgraph.ClientError.MemgraphError.MemgraphError",
            'Unable to create search query for "..." text search index -> Syntax Error: (',
        )
    ]

    async def work(session: AsyncSession) -> None:
        await session.fulltext_search(Item, query="(").all()

    with pytest.raises(SearchSyntaxError, match=r"Unable to create.*syntax='plain'"):
        run(work)


def test_indexes_are_made_outside_of_transactions(server: ScriptedBolt, script: Script) -> None:
    script.statements["SHOW INDEX INFO"] = [(["index type", "label", "property", "count"], [])]
    script.statements["SHOW CONSTRAINT INFO"] = [(["constraint type", "label", "properties"], [])]
    with create_driver("memgraph", host="127.0.0.1", port=server.port) as driver:
        adapter = adapter_of(driver)
        adapter.create(IndexSpec("Item", "code", "UNIQUE"))
        adapter.create(IndexSpec("Item", "text", "FULLTEXT", properties=("text", "title")))
        adapter.create(IndexSpec("Item", "e", "VECTOR", options=VECTOR))
        adapter.create(IndexSpec("KNOWS", "since", "RANGE", "EDGE"))
        adapter.create(IndexSpec("Item", "id", "MANDATORY"))
    assert "BEGIN" not in script.names()
    assert [text for text, _ in script.runs() if not text.startswith("SHOW")] == [
        "CREATE CONSTRAINT ON (x:`Item`) ASSERT x.`code` IS UNIQUE",
        "CREATE INDEX ON :`Item`(`code`)",
        "CREATE TEXT INDEX `fulltext_Item` ON :`Item`(`text`, `title`)",
        'CREATE VECTOR INDEX `vector_Item_e` ON :`Item`(`e`) WITH CONFIG {"dimension": 3, "capacity": 9,'  # noqa: ISC004
        ' "metric": "l2sq"}',
        "CREATE EDGE INDEX ON :`KNOWS`(`since`)",
        "CREATE CONSTRAINT ON (x:`Item`) ASSERT EXISTS (x.`id`)",
    ]


def test_indexes_are_listed_and_dropped_by_what_they_are(server: ScriptedBolt, script: Script) -> None:
    script.statements["SHOW INDEX INFO"] = [
        (
            ["index type", "label", "property", "count"],
            [
                ["label", "Item", None, 3],
                ["label+property", "Item", ["code"], 3],
                ["label+property", "Item", ["a", "b"], 3],
                ["edge-type+property", "KNOWS", ["since"], 3],
                ["label_text (name: fulltext_Item)", "Item", ["text"], 3],
                ["label+property_vector (name: vector_Item_e)", "Item", ["e"], 3],
            ],
        )
    ]
    script.statements["SHOW CONSTRAINT INFO"] = [
        (
            ["constraint type", "label", "properties", "data_type"],
            [["unique", "Item", ["code"], ""], ["exists", "Item", "id", ""]],
        )
    ]
    script.statements["SHOW VECTOR INDEX INFO"] = [
        (["index_name", "dimension", "metric"], [["vector_Item_e", 3, "l2sq"]])
    ]
    with create_driver("memgraph", host="127.0.0.1", port=server.port) as driver:
        adapter = adapter_of(driver)
        found = adapter.list_indexes()
        assert sorted(map(str, found)) == [
            "FULLTEXT :Item(text)",
            "MANDATORY :Item(id)",
            "RANGE :Item(a, b)",
            "RANGE [:KNOWS](since)",
            "UNIQUE :Item(code)",
            "VECTOR :Item(e)",
        ]
        (vector,) = [spec for spec in found if spec.index_type == "VECTOR"]
        assert dict(vector.options) == {"dimension": 3, "similarity": "euclidean"}
        for spec in found:
            adapter.drop(spec)
    assert sorted(text for text, _ in script.runs() if text.startswith("DROP")) == [
        "DROP CONSTRAINT ON (x:`Item`) ASSERT EXISTS (x.`id`)",
        "DROP CONSTRAINT ON (x:`Item`) ASSERT x.`code` IS UNIQUE",
        "DROP EDGE INDEX ON :`KNOWS`(`since`)",
        "DROP INDEX ON :`Item`(`a`, `b`)",
        "DROP INDEX ON :`Item`(`code`)",
        "DROP TEXT INDEX `fulltext_Item`",
        "DROP VECTOR INDEX `vector_Item_e`",
    ]


def test_a_write_that_is_sent_as_a_read_is_refused_before(run: Run, script: Script) -> None:
    async def work(session: AsyncSession) -> None:
        await session.execute("MATCH (n) SET n.x = 1", write=False)

    with pytest.raises(QueryError, match="write=True"):
        run(work)
    assert script.runs() == []
