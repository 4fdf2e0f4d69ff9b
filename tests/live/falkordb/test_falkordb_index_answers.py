"""With an index, every comparison answers as it does without one, also where the server's index is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from runic.migrate import IndexManager
from runic.orm import Field, Node, Session, select
from runic.orm.core.metadata import MetaData
from runic.orm.driver.falkordb import FalkorDBDriver
from runic.orm.exceptions import ValueNotStorableError


class Base(Node, metadata=MetaData()):
    pass


class Thing(Base, labels=["IndexedThing"]):
    id: int = Field(primary_key=True)
    text: str = Field(index=True)
    number: int = Field(index=True)
    span: timedelta = Field(index=True)


class Named(Base, labels=["NamedThing"]):
    name: str = Field(primary_key=True, unique=True)


TEXTS = [
    "",
    " ",
    "a",
    "a ",
    " a",
    "A",
    "\ta",
    "b",
    "B",
    "é",
    "É",
    "Z",
    "z",
    "aa",
    "a b",
    "\x01",
    "x" * 4096,
    "x" * 4097,
    "9",
    "🙂",
    "\n",
]
# Two numbers that are 2**63 or more apart are compared wrongly by the server itself (4.22), with or
# without an index: it subtracts them.
NUMBERS = [
    0,
    1,
    -1,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**53 + 2,
    2**62,
    2**62 + 1,
    -(2**53) - 1,
    -(2**53),
    2**61,
]
COMPARE: dict[str, Any] = {
    "=": lambda field, value: field == value,
    "<>": lambda field, value: field != value,
    "<": lambda field, value: field < value,
    "<=": lambda field, value: field <= value,
    ">": lambda field, value: field > value,
    ">=": lambda field, value: field >= value,
    "in": lambda field, value: field.in_([value, value]) if hasattr(field, "in_") else field == value,
}


@pytest.fixture
def session(driver: FalkorDBDriver) -> Iterator[Session]:
    IndexManager(driver).create_indexes(Thing)
    with Session(driver) as session:
        count = max(len(TEXTS), len(NUMBERS))
        session.add_all(
            Thing(
                id=n,
                text=TEXTS[n % len(TEXTS)],
                number=NUMBERS[n % len(NUMBERS)],
                span=timedelta(microseconds=NUMBERS[n % len(NUMBERS)]),
            )
            for n in range(count)
        )
        session.commit()
        yield session


@pytest.mark.parametrize("op", COMPARE)
def test_every_comparison_means_what_it_means_in_python(session: Session, op: str) -> None:
    compare = COMPARE[op]
    everything = session.scalars(select(Thing))
    for field, values in (
        ("text", TEXTS),
        ("number", NUMBERS),
        ("span", [timedelta(microseconds=n) for n in NUMBERS]),
    ):
        for value in values:
            found = {
                thing.id
                for thing in session.scalars(select(Thing).where(compare(getattr(Thing, field), value)))
            }
            wanted = {thing.id for thing in everything if compare(getattr(thing, field), value)}
            assert found == wanted, (field, op, value)


def test_combinations_stay_right(session: Session) -> None:
    everything = session.scalars(select(Thing))
    statement = select(Thing).where(~((Thing.text == "a") | (Thing.text == "b")) & (Thing.number > 0))
    assert {thing.id for thing in session.scalars(statement)} == {
        thing.id for thing in everything if thing.text not in ("a", "b") and thing.number > 0
    }


@pytest.mark.parametrize("name", ["", " ", "a ", " a", "\n", "a\x01b", "x" * 5000])
def test_a_unique_text_that_would_end_the_server_is_refused(driver: FalkorDBDriver, name: str) -> None:
    IndexManager(driver).create_indexes(Named)
    with Session(driver) as session:
        session.add(Named(name=name))
        with pytest.raises(ValueNotStorableError, match=r"Named\.name"):
            session.flush()
        session.rollback()
    assert driver.execute("RETURN 'alive'").rows == [["alive"]]


def test_the_index_still_serves_ordinary_equality(session: Session, driver: FalkorDBDriver) -> None:
    from runic.orm.compile.compiler import compile_execution

    compiled = compile_execution(select(Thing).where(Thing.text == "a"), driver.dialect)
    plan = driver.command("GRAPH.EXPLAIN", driver.graph_name, 'CYPHER p0="a" ' + compiled.text)
    assert any("Index Scan" in line for line in plan), plan
