"""Tables of figures, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.goals import Figure, missed

__all__ = ["table", "verdict"]

_HEAD = f"{'':24} {'raw client':>14} {'runic':>14} {'figure':>12}  goal"


def table(title: str, figures: Sequence[Figure]) -> str:
    """The figures below each other; those outside of their goal are marked."""
    lines = [title, _HEAD]
    for each in figures:
        mark = " " if each.goal.holds(each.value, 1.0) else "!"
        lines.append(
            f"{each.what:24} {each.detail:>29} {each.goal.show(each.value):>12} {mark}{each.goal}".rstrip()
        )
    return "\n".join(lines)


def verdict(
    figures: Mapping[str, Sequence[Figure]], margin: float, absent: Mapping[str, str]
) -> tuple[bool, list[str]]:
    """Whether every goal is held, and what to say about it.

    Args:
        figures: by backend.
        margin: the factor by which a figure that jitters may be worse than its goal.
        absent: backends that had to be measured and could not, with the reason.
    """
    lines = [
        f"MISSED: {name}: {figure.what} is {figure.goal.show(figure.value)}, its goal {figure.goal}"
        for name, each in figures.items()
        for figure in missed(each, margin)
    ]
    lines += [f"MISSED: {name} was asked for and cannot be had: {reason}" for name, reason in absent.items()]
    if lines:
        return False, lines
    return True, [f"every goal is held, within a factor of {margin:g}: {', '.join(figures)}"]
