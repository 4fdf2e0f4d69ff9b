"""How a client delivers the cells of a reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["PLAIN", "Cells"]


def _itself(cell: Any) -> Any:
    return cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """How a cell is read. The defaults are for clients that deliver Python values.

    The sources are Python over ``{c}``, the cell; the mapper pastes them into generated code, and each
    gives ``None`` for null.

    Attributes:
        text: source of the value of a cell that holds text, or null.
        integer: source for an integer; sums and averages of integers may come as floats.
        double: source for a float.
        boolean: source for a boolean.
        items: source for a list: the cells of its items.
        whole: source of the cell itself, for :attr:`plain`.
        plain: the cell that ``whole`` gives -> its Python value, whatever it is.
        digits: significant decimal digits of a float in a reply; ``None``: all that there are.
    """

    text: str = "{c}"
    integer: str = "{c}"
    double: str = "{c}"
    boolean: str = "{c}"
    items: str = "{c}"
    whole: str = "{c}"
    plain: Callable[[Any], Any] = _itself
    digits: int | None = None


PLAIN: Final = Cells()
"""Cells that are Python values already."""
