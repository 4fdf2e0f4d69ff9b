"""What single operations cost: looking up, loading relations, compiling, memory and imports.

Each figure comes with its goal. Those that compare run the raw client and runic in turn, in one run.
"""

from __future__ import annotations

import gc
import random
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.workload import Knows, Person, make_rows
from runic.orm import Session, select
from runic.orm.compile.compiler import compile_execution

GETS = 2000
STATEMENTS = 20_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it should be."""

    what: str
    value: str
    goal: str


def measure(driver: Any, graph: Any, rounds: int) -> list[Figure]:
    """All figures of this module, against ``graph``, the raw client on the graph of ``driver``."""
    rows = make_rows(10_000, 0)
    driver.delete_graph()
    driver.execute("CREATE INDEX FOR (n:Person) ON (n.id)", write=True)
    with Session(driver) as session:
        people = [Person(**person) for person in rows.people]
        session.add_all(people)
        for number in range(1000):
            for step in range(10):
                other = people[(number * 13 + step * 7 + 1) % len(people)]
                session.relate(people[number], "friends", other, Knows(since=2000))
    keys = random.Random(1).sample([person["id"] for person in rows.people], GETS)
    return [
        *_gets(driver, graph, keys, rounds),
        *_relations(driver, graph, rounds),
        *_compiling(driver),
        _linear(driver),
        _memory(driver),
        _imports(),
    ]


def _gets(driver: Any, graph: Any, keys: list[str], rounds: int) -> list[Figure]:
    def raw() -> None:
        for key in keys:
            graph.query("MATCH (n:Person {id: $id}) RETURN n", {"id": key}).result_set[0][0]

    def cold() -> None:
        with Session(driver) as session:
            for key in keys:
                session.get(Person, key)

    def many() -> None:
        with Session(driver) as session:
            session.get_many(Person, keys)

    wall, cpu = _ratio(cold, raw, rounds)
    one, at_once = statistics.median(_walls(cold, rounds)), statistics.median(_walls(many, rounds))
    with Session(driver) as session:
        session.get_many(Person, keys)
        known = min(_walls(lambda: [session.get(Person, key) for key in keys], rounds)) / GETS
    return [
        Figure("get by key, wall time to the raw client's", f"{wall:.2f}x", "<= 1.15x"),
        Figure("get by key, client CPU to the raw client's", f"{cpu:.2f}x", "<= 1.3x"),
        Figure("get_many of 2,000, times faster than one by one", f"{one / at_once:.0f}", ">= 15"),
        Figure("get by key, already in the session", f"{known * 1e6:.2f} us", "<= 1 us"),
    ]


def _relations(driver: Any, graph: Any, rounds: int) -> list[Figure]:
    query = "MATCH (n:Person) WHERE n.id IN $ids OPTIONAL MATCH (n)-[:KNOWS]->(m:Person) RETURN n, collect(m)"
    ids = [f"person-{number}" for number in range(1000)]

    def raw() -> None:
        assert len(graph.query(query, {"ids": ids}).result_set) == len(ids)

    def mapped() -> None:
        with Session(driver) as session:
            found = session.get_many(Person, ids, fetch=["friends"])
            assert sum(len(person.friends) for person in found if person) == 10 * len(ids)

    wall, _ = _ratio(mapped, raw, rounds)
    return [Figure("1,000 people with ten friends each, wall time to raw", f"{wall:.2f}x", "<= 1.1x")]


def _compiling(driver: Any) -> list[Figure]:
    dialect = driver.dialect

    def build(number: int) -> Any:
        stmt = select(Person).where(Person.age > number).where(Person.name == "x")
        return stmt.order_by(Person.name).limit(10)

    stmt = build(1)
    fresh = _cpu(lambda: [compile_execution(build(number), dialect) for number in range(STATEMENTS)])
    again = _cpu(lambda: [compile_execution(stmt, dialect) for _ in range(STATEMENTS)])
    return [
        Figure("statements built and compiled", f"{STATEMENTS / fresh / 1000:.0f} k/s", ">= 80 k/s"),
        Figure("statements compiled, of a known shape", f"{STATEMENTS / again / 1000:.0f} k/s", ">= 200 k/s"),
    ]


def _linear(driver: Any) -> Figure:
    def insert(count: int) -> float:
        rows = make_rows(count, 0)

        def run() -> None:
            driver.delete_graph()
            with Session(driver) as session:
                session.add_all([Person(**person) for person in rows.people])

        return _cpu(run)

    factor = insert(20_000) / insert(10_000)
    return Figure("flush of 20,000 to one of 10,000, client CPU", f"{factor:.2f}x", "<= 2.3x")


def _memory(driver: Any) -> Figure:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with Session(driver) as session:
        people = session.scalars(select(Person))
        gc.collect()
        size = (tracemalloc.get_traced_memory()[0] - before) / len(people)
    tracemalloc.stop()
    return Figure("memory of a loaded entity, with the identity map", f"{size:.0f} bytes", "<= 700 bytes")


def _imports() -> Figure:
    code = "import sys, time; n = len(sys.modules); t = time.perf_counter(); import runic.orm;"
    code += "print((time.perf_counter() - t) * 1000, len(sys.modules))"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(5)
    ]
    times = [float(run.split()[0]) for run in runs]
    return Figure(
        "import runic.orm over bare Python", f"{min(times):.0f} ms, {runs[0].split()[1]} modules", "<= 90 ms"
    )


def _ratio(own: Callable[[], None], raw: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Median wall and CPU of ``own`` over those of ``raw``, taken in turn."""
    walls: list[tuple[float, float]] = []
    cpus: list[tuple[float, float]] = []
    own(), raw()
    for _ in range(rounds):
        first, second = _timed(own), _timed(raw)
        walls.append((first[0], second[0]))
        cpus.append((first[1], second[1]))
    wall = statistics.median(a for a, _ in walls) / statistics.median(b for _, b in walls)
    cpu = statistics.median(a for a, _ in cpus) / statistics.median(b for _, b in cpus)
    return wall, cpu


def _timed(action: Callable[[], Any]) -> tuple[float, float]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def _walls(action: Callable[[], Any], rounds: int) -> list[float]:
    return [_timed(action)[0] for _ in range(rounds)]


def _cpu(action: Callable[[], Any]) -> float:
    return min(_timed(action)[1] for _ in range(3))
