"""Operations on all people at once. Competitors take turns at each, so that the machine's moods hit both."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bench.goals import GOALS, LOAD, Figure, Goal
from bench.timing import Sample, best, timed
from bench.workload import make_rows

if TYPE_CHECKING:
    from bench.arenas import Arena

__all__ = ["measure_batches"]

# Operation: the method of a competitor, and of what.
_OPERATIONS = {
    "insert nodes": ("insert_nodes", "rows"),
    "insert edges": ("insert_edges", "rows"),
    "load": ("load", "all"),
    "update": ("update", "half"),
    "delete": ("delete", "half"),
    "one unit": ("unit", "rows"),
}


def measure_batches(arena: Arena, rounds: int, nodes: int) -> list[Figure]:
    """The ratios of wall times, and runic's CPU time of a flush."""
    raw, own = _bests(arena, rounds, nodes)
    figures = []
    for operation in _OPERATIONS:
        goal = GOALS.get(operation) or LOAD.get(arena.server.backend, Goal(1.0))
        figures.append(
            Figure(
                operation,
                own[operation].wall / raw[operation].wall,
                goal,
                f"{raw[operation]} {own[operation]}",
            )
        )
    if arena.server.backend == "falkordb":
        ratio = own["load"].cpu / raw["load"].cpu
        figures.append(Figure("load, client CPU", ratio, GOALS["load, client CPU"]))
    for figure, operation, count in (
        ("insert, CPU a node", "insert nodes", nodes),
        ("update, CPU a node", "update", nodes // 2),
        ("delete, CPU a node", "delete", nodes // 2),
    ):
        figures.append(Figure(figure, own[operation].cpu / count * 1e6, GOALS[figure]))
    return figures


def _bests(arena: Arena, rounds: int, nodes: int) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """The raw client's and runic's, by operation."""
    rows = make_rows(nodes, nodes)
    samples: tuple[dict[str, list[Sample]], ...] = (defaultdict(list), defaultdict(list))
    for number in range(rounds + 1):
        competitors: list[Any] = [arena.raw(), arena.own()]
        for operation, (method, argument) in _OPERATIONS.items():
            value: Any = {"rows": rows, "all": nodes, "half": nodes // 2}[argument]
            if operation in ("insert nodes", "one unit"):
                arena.clear()
                for competitor in competitors:
                    competitor.setup()
            for at in (0, 1) if number % 2 else (1, 0):
                action = getattr(competitors[at], method)
                sample = timed(lambda action=action, value=value: action(value))  # type: ignore[misc]
                if number:
                    samples[at][operation].append(sample)
    raw, own = ({operation: best(each) for operation, each in by.items()} for by in samples)
    return raw, own
