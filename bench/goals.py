"""The goals, and whether measured figures hold them.

Ratios are to the raw client's time, taken in turn with runic's, of the best round of each. A busy machine
moves them by some tenths, so a goal is missed only by more than a margin; a figure that does not jitter has
none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["GOALS", "LOAD", "MARGIN", "Figure", "Goal", "missed"]

MARGIN = 1.3


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be.

    Attributes:
        limit: the most it may be, or the least.
        unit: of the figure; ``"x"`` is a ratio to the raw client.
        at_least: the figure should be the limit or more.
        exact: the figure does not depend on the machine's mood.
    """

    limit: float
    unit: str = "x"
    at_least: bool = False
    exact: bool = False

    def holds(self, value: float, margin: float) -> bool:
        """Whether ``value`` is as good as it should be, but for the margin of a figure that jitters."""
        margin = 1.0 if self.exact else margin
        return value * margin >= self.limit if self.at_least else value <= self.limit * margin

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.show(self.limit)}"

    def show(self, value: float) -> str:
        """A figure of this kind."""
        digits = 0 if value >= 10 else 1 if value == round(value, 1) else 2
        return f"{value:.{digits}f}{'' if self.unit == 'x' else ' '}{self.unit}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        what: what was measured.
        value: the figure.
        goal: what it should be.
        detail: what it was made of.
    """

    what: str
    value: float
    goal: Goal
    detail: str = ""


def missed(figures: Iterable[Figure], margin: float) -> list[Figure]:
    """The figures that miss their goal by more than the margin."""
    return [figure for figure in figures if not figure.goal.holds(figure.value, margin)]


GOALS: dict[str, Goal] = {
    "insert nodes": Goal(1.8),
    "insert edges": Goal(2.0),
    "update": Goal(2.0),
    "delete": Goal(2.0),
    "one unit": Goal(1.3),
    "load, client CPU": Goal(0.9),
    "insert, CPU a node": Goal(25, "us"),
    "update, CPU a node": Goal(20, "us"),
    "delete, CPU a node": Goal(15, "us"),
    "get by key": Goal(1.15),
    "get by key, client CPU": Goal(1.3),
    "get by key, async": Goal(1.15),
    "relations": Goal(1.1),
    "get_many": Goal(15, "times", at_least=True),
    "get, already known": Goal(1.0, "us"),
    "flush, linear": Goal(2.3),
    "compile": Goal(80, "k/s", at_least=True),
    "compile, known shape": Goal(200, "k/s", at_least=True),
    "memory": Goal(700, "bytes", exact=True),
    "import": Goal(60, "ms"),
}
"""By figure."""

LOAD = {"falkordb": Goal(1.0), "age": Goal(1.1)}
"""Of the ratio of "load", by backend; elsewhere 1.0."""
