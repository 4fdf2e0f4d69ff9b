"""Compare runic with the raw client, in one run and in turn: ``python -m bench [--rounds 5]``.

Each round starts from an empty graph; inside of it the competitors take turns at each operation, so
that the machine's moods hit both. Wall time and the client's CPU time are medians over the rounds.
Read the ratios, not the milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.arenas import ARENAS, Arena, opened
from bench.with_runic import WithRunic
from bench.workload import make_rows

OPERATIONS = {
    "insert nodes": ("insert_nodes", "rows", 1.8),
    "insert edges": ("insert_edges", "rows", 2.0),
    "load": ("load", "all", 1.0),
    "update": ("update", "half", 2.0),
    "delete": ("delete", "half", 2.0),
    "one unit": ("unit", "rows", 1.3),
}


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=sorted(ARENAS), default="falkordb")
    parser.add_argument("--rounds", type=int, default=5, help="rounds after one warm-up")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(options.backend, Path(folder) / "bench.db") as arena,
    ):
        figures = run(arena, options.rounds, options.nodes)
        single = arena.single(options.rounds)
    print(table(figures, options.nodes))
    print()
    for figure in single:
        print(f"{figure.what:56} {figure.value:>18}  {figure.goal}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def run(arena: Arena, rounds: int, nodes: int) -> dict[str, dict[str, list[float]]]:
    """Wall and CPU seconds of each operation by competitor, one for each round."""
    rows = make_rows(nodes, nodes)
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds + 1):
        competitors: list[Any] = [arena.raw(), WithRunic(arena.driver)]
        if not number % 2:
            competitors.reverse()
        for operation, (method, argument, _) in OPERATIONS.items():
            value: Any = {"rows": rows, "all": nodes, "half": nodes // 2}[argument]
            if operation in ("insert nodes", "one unit"):
                arena.clear()
                for competitor in competitors:
                    competitor.setup()
            for competitor in competitors:
                wall, cpu = timed(lambda c=competitor, m=method, v=value: getattr(c, m)(v))  # type: ignore[misc]
                if number:
                    samples[operation][f"{competitor.name} wall"].append(wall)
                    samples[operation][f"{competitor.name} cpu"].append(cpu)
    return {operation: dict(by) for operation, by in samples.items()}


def timed(action: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def table(figures: dict[str, dict[str, list[float]]], nodes: int) -> str:
    """The medians side by side, with the goal for the ratio of wall times."""
    lines = [
        f"{nodes:,} nodes and edges; median ms wall (ms client CPU)",
        f"{'operation':14} {'raw client':>16} {'runic':>16} {'ratio':>7} {'goal':>7}",
    ]
    for operation, by in figures.items():
        raw, own = (statistics.median(by[f"{name} wall"]) * 1e3 for name in ("raw client", "runic"))
        raw_cpu, own_cpu = (statistics.median(by[f"{name} cpu"]) * 1e3 for name in ("raw client", "runic"))
        goal = OPERATIONS[operation][2]
        lines.append(
            f"{operation:14} {raw:8.0f} ({raw_cpu:5.0f}) {own:8.0f} ({own_cpu:5.0f})"
            f" {own / raw:6.2f}x <={goal:4.1f}x"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
