"""What a flush inserts into the tables of labels is what Cypher would have made."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from runic.orm import Edge, Field, Node, Relation, Session, select
from runic.orm.compile.steps import CreateEdges, CreateNodes, End, Match, Write
from runic.orm.compile.write import statement_text
from runic.orm.driver.age import AGEDriver
from runic.orm.driver.age.dialect import AGEDialect
from runic.orm.driver.port import Request, Store
from runic.orm.exceptions import StaleObjectError
from runic.orm.session.blocking import run_blocking

VALUES = [
    None, True, 0, -(2**63), 2**63 - 1, 1.0, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, "", " ",
    "it's \"x\" \\ $1 $$ %s ::vertex \n\t\x01 é \U0001f600", [], [1, 1.0, None, "a", [True]],
    {}, {"a": None, "b": {"c": [1.5, "::edge"]}, "d e": "'"},
]  # fmt: skip


class Linked(Edge, type="LINKED"):
    weight: float | None = Field(default=None)


class Thing(Node, labels=["Thing"]):
    k: int = Field(primary_key=True)
    note: str | None = Field(default=None)
    others: list[Thing] = Relation(
        relationship="LINKED", direction="OUTGOING", target="Thing", edge_model=Linked
    )


class Gadget(Thing, labels=["Gadget"]):
    pass


class WrittenAsCypher(AGEDialect):
    """The same dialect without SQL of its own."""

    def step_text(self, shape: Any) -> None:
        del shape


def cypher_of(driver: AGEDriver) -> AGEDialect:
    given = {f.name: getattr(driver.dialect, f.name) for f in dataclasses.fields(AGEDialect) if f.init}
    return WrittenAsCypher(**given)


def run(driver: AGEDriver, text: str, rows: list[Any], stores: tuple[Store, ...]) -> list[list[Any]]:
    """Send a step's statement as a flush does."""

    async def send() -> list[list[Any]]:
        port = driver.connect()
        await port.begin()
        result = await port.execute(Request(text, {"rows": rows}, write=True, raw_cells=True, stores=stores))
        await port.commit()
        await port.release()
        return result.rows

    return run_blocking(send())


def store_values(driver: AGEDriver, dialect: AGEDialect, mark: str) -> list[Any]:
    """Store every value in nodes and edges, of one label and of several; what the tables hold then."""
    one, two, kind = f"One{mark}", f"Two{mark}", f"TO{mark}"
    writes = (Write((("value", "{v}"),)), Write((("n", "{v}"),)))
    identities: dict[str, list[int]] = {}
    for labels in ((one,), (one, two)):
        stores = tuple(Store(label, bases=labels[:at]) for at, label in enumerate(labels))
        text = statement_text(CreateNodes(labels, writes, stores), dialect)
        found = run(driver, text, [[i + 5, value, i] for i, value in enumerate(VALUES)], stores)
        assert [row[0] - 5 for row in found] == list(range(len(VALUES)))
        identities[labels[-1]] = [row[1] for row in found]
    ends = End(0, Match(label=two)), End(match=Match(label=one))
    rows = [[i, identities[two][i], identities[one][0], value] for i, value in enumerate(VALUES)]
    found = run(
        driver, statement_text(CreateEdges(kind, *ends, writes[:1]), dialect), rows, (Store(kind, edge=True),)
    )
    text = f"MATCH (a:{two})-[r:{kind}]->(b:{one}) RETURN a.n, b.n, id(r)"
    assert sorted(driver.execute(text).rows) == [[row[0], 0, row[1]] for row in sorted(found)]
    out = "SELECT ag_catalog.agtype_out(properties)::text FROM ONLY {}.{} ORDER BY id"
    tables = [driver.sql(out.format(f'"{driver.graph_name}"', f'"{name}"')) for name in (one, two, kind)]
    return [cell.replace(one, "One").replace(two, "Two") for table in tables for (cell,) in table]


def test_sql_stores_what_cypher_stores(driver: AGEDriver) -> None:
    driver.execute("RETURN 1")  # the version is known from here on
    by_sql = store_values(driver, driver.dialect, "A")
    assert len(by_sql) == 3 * len(VALUES)
    assert by_sql == store_values(driver, cypher_of(driver), "B")


def test_a_class_may_have_more_properties_than_a_function_has_arguments(driver: AGEDriver) -> None:
    names = [f"p{n}" for n in range(130)]
    annotations = {"k": int, **dict.fromkeys(names, int | None)}
    body: dict[str, Any] = {"__annotations__": annotations, "k": Field(primary_key=True)}
    body |= {name: Field(default=None) for name in names}
    wide: Any = type(Node)("VeryWide", (Node,), body, labels=["VeryWide"])
    with Session(driver) as session:
        session.add_all([wide(k=1, **{name: at for at, name in enumerate(names)}), wide(k=2, p129=7)])
    with Session(driver) as session:
        assert [getattr(session.get(wide, 1), name) for name in names] == list(range(130))
    assert driver.execute("MATCH (n:VeryWide {k: 2}) RETURN properties(n)").rows == [[{"k": 2, "p129": 7}]]


def test_a_unit_of_old_and_new_nodes(driver: AGEDriver) -> None:
    with Session(driver) as session:
        old = [Thing(k=n) for n in range(3)]
        session.add_all(old)
    with Session(driver) as session:
        old = [thing for thing in session.get_many(Thing, range(3)) if thing]
        new = [Gadget(k=n) for n in range(10, 13)]
        session.add_all(new)
        for at in range(3):
            session.relate(old[at], "others", new[at], Linked(weight=at / 2))
            session.relate(new[at], "others", old[at], Linked())
            session.relate(new[at], "others", new[at - 1])
            session.relate(old[at], "others", old[at - 1])
    rows = driver.execute("MATCH (a:Thing)-[r:LINKED]->(b:Thing) RETURN a.k, b.k, r.weight").rows
    assert sorted(rows, key=str) == sorted(
        [[at, 10 + at, at / 2] for at in range(3)]
        + [[10 + at, at, None] for at in range(3)]
        + [[10 + at, 10 + (at - 1) % 3, None] for at in range(3)]
        + [[at, (at - 1) % 3, None] for at in range(3)],
        key=str,
    )


def test_an_edge_to_what_somebody_deleted_is_refused_and_nothing_is_stored(driver: AGEDriver) -> None:
    with Session(driver) as session:
        session.add_all([Thing(k=1), Thing(k=2)])
    with Session(driver) as session:
        one, two = session.get_many(Thing, [1, 2])
        assert one
        assert two
        driver.execute("MATCH (n:Thing {k: 2}) DETACH DELETE n")
        session.add(Thing(k=3))
        session.relate(one, "others", two)
        with pytest.raises(StaleObjectError, match=r"an end of LINKED from Thing\(k=1.* to Thing\(k=2"):
            session.flush()
        session.rollback()
    assert driver.execute("MATCH (n) RETURN n.k").rows == [[1]]
    assert driver.execute("MATCH ()-[r]->() RETURN count(r)").rows == [[0]]


def test_paths_know_what_was_inserted(driver: AGEDriver) -> None:
    """The server keeps the graph for paths of variable length: an INSERT must not pass it by."""
    path = select(Thing).where(Thing.k == 1).repeat(Thing.others, max_hops=9).alias("end").distinct()
    with Session(driver) as session:
        things = [Thing(k=n) for n in range(1, 4)]
        session.add_all(things)
        session.relate(things[0], "others", things[1])
        session.flush()
        assert {thing.k for thing in session.scalars(path)} == {2}
        session.relate(things[1], "others", things[2])
        session.flush()
        assert {thing.k for thing in session.scalars(path)} == {2, 3}
