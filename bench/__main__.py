"""Hold runic's goals for speed on every database that can be had here: ``python -m bench``.

Each competitor starts from an empty graph; at every operation they take turns. Wall time and the client's
CPU time are those of the best round of each: what is above them is the machine's. Read the ratios, not the
milliseconds. The exit code is 1 if a figure misses its goal by more than the margin, or if a backend that
was asked for by name cannot be had.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from bench.arenas import ARENAS
from bench.batches import measure_batches
from bench.goals import MARGIN, Figure
from bench.report import table, verdict
from bench.single import measure_import, measure_single
from tests.servers.base import NotAvailable, Server
from tests.servers.registry import Registry


def main() -> int:
    """Measure, print a table for each backend, and judge."""
    options = _options()
    figures: dict[str, list[Figure]] = {"any backend": [measure_import()]}
    print(table("any backend", figures["any backend"]), flush=True)
    absent: dict[str, str] = {}
    registry = Registry()
    try:
        for name in options.backend or ARENAS:
            begun = time.perf_counter()
            try:
                server = registry.get(name)
            except NotAvailable as error:
                absent[name] = str(error)
                print(f"\n{name}: not measured: {error}", flush=True)
                continue
            figures[name] = _measure(server, name, options.rounds, options.nodes)
            title = f"{name} {server.version}, {server.how}: {options.nodes:,} nodes and edges,"
            title += f" {options.rounds} rounds in {time.perf_counter() - begun:.0f} s;"
            print(f"\n{table(f'{title} ms wall (ms client CPU)', figures[name])}", flush=True)
    finally:
        registry.stop()
    if options.json:
        found = {name: {each.what: each.value for each in by} for name, by in figures.items()}
        options.json.write_text(json.dumps(found, indent=2))
    held, lines = verdict(figures, options.margin, absent if options.backend else {})
    print("", *lines, sep="\n")
    return 0 if held else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--backend", action="append", choices=list(ARENAS), help="only this one; repeatable")
    parser.add_argument("--rounds", type=int, default=5, help="after a warm-up (default: 5)")
    parser.add_argument("--nodes", type=int, default=10_000, help="and as many edges (default: 10000)")
    parser.add_argument("--margin", type=float, default=MARGIN, help=f"factor to a goal (default: {MARGIN})")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser.parse_args()


def _measure(server: Server, name: str, rounds: int, nodes: int) -> list[Figure]:
    arena = ARENAS[name](server)
    try:
        found = [*measure_batches(arena, rounds, nodes), *measure_single(arena, rounds, nodes)]
        arena.clear()
        return found
    finally:
        arena.close()


if __name__ == "__main__":
    sys.exit(main())
