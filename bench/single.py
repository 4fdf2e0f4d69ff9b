"""Single operations: looking up, loading relations, compiling; memory, imports."""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

from bench.goals import GOALS, Figure
from bench.timing import Sample, best, in_turn, timed, total
from bench.workload import Person, make_rows, with_friends
from runic.orm import Session, select
from runic.orm.compile.compiler import compile_execution

if TYPE_CHECKING:
    from bench.arenas import Arena
    from bench.competitor import Competitor

__all__ = ["measure_import", "measure_single"]

GETS = 2000
SHARES = 10
AT_ONCE = 50
STATEMENTS = 20_000


def measure_single(arena: Arena, rounds: int, nodes: int) -> list[Figure]:
    """All figures of this module that depend on the database."""
    arena.clear()
    rows = with_friends(nodes)
    competitors: list[Competitor] = [arena.raw(), arena.own()]
    for competitor in competitors:
        competitor.setup()
        competitor.insert_nodes(rows)
        competitor.insert_edges(rows)
    keys = random.Random(1).sample([person["id"] for person in rows.people], min(GETS, nodes))
    return [
        *_gets(competitors, arena.driver, keys, rounds),
        *_async_gets(competitors, keys, rounds),
        _relations(competitors, [f"person-{number}" for number in range(min(1000, nodes))], rounds),
        *_compiling(arena.driver.dialect),
        _memory(arena.driver),
        _linear(arena, nodes),
    ]


def _gets(competitors: list[Competitor], driver: Any, keys: list[str], rounds: int) -> list[Figure]:
    def one_by_one(competitor: Competitor, share: list[str]) -> None:
        with competitor.reading() as reader:
            for key in share:
                assert reader.get(key) is not None

    def many() -> None:
        with Session(driver) as session:
            assert None not in session.get_many(Person, keys)

    def turn(share: list[str]) -> list[Sample]:
        return in_turn([*(lambda c=c: one_by_one(c, share) for c in competitors), many], rounds)

    # Short turns: a look-up is over so soon that the machine's moods would hit one competitor alone.
    raws, owns, together = zip(*(turn(keys[at::SHARES]) for at in range(SHARES)), strict=True)
    raw, own, at_once = total(raws), total(owns), best(together)
    with Session(driver) as session:
        session.get_many(Person, keys)
        known = min(timed(lambda: [session.get(Person, key) for key in keys]).cpu for _ in range(5))
    return [
        _ratio("get by key", raw, own),
        Figure("get by key, client CPU", own.cpu / raw.cpu, GOALS["get by key, client CPU"]),
        Figure("get_many", own.wall / at_once.wall, GOALS["get_many"]),
        Figure("get, already known", known / len(keys) * 1e6, GOALS["get, already known"]),
    ]


def _async_gets(competitors: list[Competitor], keys: list[str], rounds: int) -> list[Figure]:
    shares = [keys[at::AT_ONCE] for at in range(AT_ONCE)]

    async def all_of(connect: Any) -> Sample:
        async def some(share: list[str]) -> None:
            async with connect() as get:
                for key in share:
                    assert await get(key) is not None

        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for share in shares:
                group.create_task(some(share))
        return Sample(time.perf_counter() - wall, time.process_time() - cpu)

    async def run() -> list[Sample]:
        found: list[list[Sample]] = [[], []]
        async with competitors[0].asynchronous(AT_ONCE) as raw, competitors[1].asynchronous(AT_ONCE) as own:
            for number in range(rounds + 1):
                for at in (0, 1) if number % 2 else (1, 0):
                    sample = await all_of((raw, own)[at])
                    if number:
                        found[at].append(sample)
        return [best(each) for each in found]

    return [_ratio("get by key, async", *asyncio.run(run()))]


def _relations(competitors: list[Competitor], keys: list[str], rounds: int) -> Figure:
    def friends(competitor: Competitor) -> None:
        with competitor.reading() as reader:
            assert reader.relations(keys) == 10 * len(keys)

    return _ratio("relations", *in_turn([lambda c=c: friends(c) for c in competitors], rounds))  # type: ignore[misc]


def _compiling(dialect: Any) -> list[Figure]:
    def build(number: int) -> Any:
        stmt = select(Person).where(Person.age > number).where(Person.name == "x")
        return stmt.order_by(Person.name).limit(10)

    stmt = build(1)
    fresh = _cpu(lambda: [compile_execution(build(number), dialect) for number in range(STATEMENTS)])
    again = _cpu(lambda: [compile_execution(stmt, dialect) for _ in range(STATEMENTS)])
    return [
        Figure("compile", STATEMENTS / fresh / 1000, GOALS["compile"]),
        Figure("compile, known shape", STATEMENTS / again / 1000, GOALS["compile, known shape"]),
    ]


def _memory(driver: Any) -> Figure:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with Session(driver) as session:
        people = session.scalars(select(Person))
        gc.collect()
        size = (tracemalloc.get_traced_memory()[0] - before) / len(people)
    tracemalloc.stop()
    return Figure("memory", size, GOALS["memory"])


def _linear(arena: Arena, nodes: int) -> Figure:
    def insert(count: int) -> float:
        rows = make_rows(count, 0)
        found = []
        for _ in range(3):
            arena.clear()
            own = arena.own()
            own.setup()
            found.append(timed(lambda own=own: own.insert_nodes(rows)).cpu)  # type: ignore[misc]
            own.session.close()
        return min(found)

    return Figure("flush, linear", insert(2 * nodes) / insert(nodes), GOALS["flush, linear"])


def measure_import() -> Figure:
    """The import of the package in a fresh interpreter."""
    code = (
        "import sys, time; n = len(sys.modules); t = time.perf_counter(); import runic.orm;"
        "print((time.perf_counter() - t) * 1000, len(sys.modules) - n)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(5)
    ]
    time_of = min(float(run.split()[0]) for run in runs)
    return Figure("import runic.orm", time_of, GOALS["import"], f"{runs[0].split()[1]} modules")


def _ratio(what: str, raw: Sample, own: Sample) -> Figure:
    return Figure(what, own.wall / raw.wall, GOALS[what], f"{raw} {own}")


def _cpu(action: Any) -> float:
    return min(timed(action).cpu for _ in range(3))
