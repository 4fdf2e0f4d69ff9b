"""Wall time and the client's CPU time, of competitors in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Sample", "best", "in_turn", "timed", "total"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall * 1e3:6.0f} ({self.cpu * 1e3:5.0f})"


def timed(action: Callable[[], Any]) -> Sample:
    """One call."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)


def in_turn(actions: Sequence[Callable[[], Any]], rounds: int) -> list[Sample]:
    """The best of each action; they take turns after a warm-up; every other round goes backwards."""
    found: list[list[Sample]] = [[] for _ in actions]
    for number in range(rounds + 1):
        order = range(len(actions))
        for at in order if number % 2 else reversed(order):
            sample = timed(actions[at])
            if number:
                found[at].append(sample)
    return [best(samples) for samples in found]


def best(samples: Sequence[Sample]) -> Sample:
    """The least wall and the least CPU time: what is above it is the machine's, which others use as well."""
    return Sample(min(each.wall for each in samples), min(each.cpu for each in samples))


def total(samples: Sequence[Sample]) -> Sample:
    """The sums of wall and CPU time."""
    return Sample(sum(each.wall for each in samples), sum(each.cpu for each in samples))
