"""``make bench`` holds its goals: what misses one by more than the margin is named, and fails the run."""

from __future__ import annotations

import pytest

from bench.goals import GOALS, Figure, Goal
from bench.report import table, verdict
from bench.timing import Sample, best, total

RATIO = Goal(2.0)
SPEED = Goal(80, "k/s", at_least=True)
SIZE = Goal(700, "bytes", exact=True)


@pytest.mark.parametrize(
    ("goal", "value", "held"),
    [
        (RATIO, 1.0, True),
        (RATIO, 2.59, True),  # outside of the goal, within the margin
        (RATIO, 2.61, False),
        (SPEED, 100, True),
        (SPEED, 62, True),
        (SPEED, 61, False),
        (SIZE, 700, True),
        (SIZE, 701, False),  # nothing jitters here
    ],
)
def test_a_goal_is_held_within_the_margin(goal: Goal, value: float, held: bool) -> None:
    good, lines = verdict({"falkordb": [Figure("thing", value, goal)]}, 1.3, {})
    assert good is held
    assert ("MISSED" in lines[0]) is not held


def test_every_figure_over_the_margin_is_named_with_its_backend() -> None:
    figures = {
        "falkordb": [Figure("load", 0.5, Goal(1.0)), Figure("update", 9.0, RATIO)],
        "age": [Figure("compile", 10, SPEED)],
    }
    good, lines = verdict(figures, 1.3, {})
    assert not good
    assert lines == [
        "MISSED: falkordb: update is 9.0x, its goal <= 2.0x",
        "MISSED: age: compile is 10 k/s, its goal >= 80 k/s",
    ]


def test_the_margin_can_be_chosen() -> None:
    figures = {"falkordb": [Figure("update", 2.1, RATIO)]}
    assert verdict(figures, 1.3, {})[0]
    assert not verdict(figures, 1.0, {})[0]


def test_a_backend_that_was_asked_for_and_is_not_there_fails_the_run() -> None:
    good, lines = verdict({"falkordb": []}, 1.3, {"memgraph": "no Docker"})
    assert not good
    assert lines == ["MISSED: memgraph was asked for and cannot be had: no Docker"]


def test_the_table_marks_what_is_outside_of_its_goal_even_within_the_margin() -> None:
    lines = table("falkordb", [Figure("load", 0.5, Goal(1.0)), Figure("update", 2.1, RATIO, "9 (1)")])
    assert [line.split() for line in lines.splitlines()[2:]] == [
        ["load", "0.5x", "<=", "1.0x"],
        ["update", "9", "(1)", "2.1x", "!<=", "2.0x"],
    ]


@pytest.mark.parametrize("goal", GOALS.values(), ids=GOALS)
def test_a_goal_is_shown_as_it_is(goal: Goal) -> None:
    assert float(str(goal).split()[1].rstrip("x")) == goal.limit


def test_the_best_rounds_count_and_turns_add_up() -> None:
    assert best([Sample(3, 1), Sample(2, 2), Sample(9, 9)]) == Sample(2, 1)
    assert total([Sample(3, 1), Sample(2, 2)]) == Sample(5, 3)
