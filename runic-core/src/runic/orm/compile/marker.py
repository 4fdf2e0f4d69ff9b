"""The statements of a commit marker: the node by which a session can tell whether its unit was applied.

A node of a session's own has the number of the turn that may be taken next. A unit takes it, in the same
transaction or the same query as everything else it does; whoever asks afterwards takes it too, unless it was
taken. So only one of them can: a unit that is still on its way when the question is asked can never be
applied later. The node is there before the unit begins: only what is there can be waited for and fought over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from runic.orm.compile.dialect import UnitForm
from runic.orm.driver.port import Store

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect

__all__ = ["MARKER_LABEL", "MARKER_STORES", "MarkerTexts", "marker_texts"]

MARKER_LABEL = "RunicCommit"
"""The label of the nodes. Properties: ``id``, ``turn`` (the next one), ``applied`` (the last one that a unit
took), ``at`` (milliseconds since 1970)."""

MARKER_STORES = (Store(MARKER_LABEL),)


@dataclass(frozen=True, slots=True)
class MarkerTexts:
    """Statements, with parameters ``id``, ``turn``, ``next``, ``at`` and ``ids``.

    Attributes:
        create: make the node; ``turn`` is 0.
        take: take the turn for the unit; no row if the node is gone.
        bar: take the turn so that the unit cannot.
        read: the last turn that a unit took, and what it left for the session where one query is a unit.
        delete: delete these nodes.
    """

    create: str
    take: str
    bar: str
    read: str
    delete: str


@lru_cache(maxsize=64)
def marker_texts(dialect: Dialect) -> MarkerTexts:
    """The statements of a backend."""
    node = f"(m:{dialect.quote(MARKER_LABEL)} {{id: $id}})"
    found = f"MATCH {node} WHERE m.turn = $turn"
    left = ", properties(m)" if dialect.unit_form is UnitForm.SINGLE_QUERY else ""
    return MarkerTexts(
        create=f"CREATE {node[:-2]}, turn: 0, applied: -1, at: $at}}) RETURN m.turn",
        take=f"{found} SET m.turn = $next, m.applied = $turn, m.at = $at RETURN m.turn",
        bar=f"{found} SET m.turn = $next RETURN m.turn",
        read=f"MATCH {node} RETURN m.turn, m.applied{left}",
        delete=f"{dialect.rows('ids', 'i')} MATCH (m:{dialect.quote(MARKER_LABEL)}) WHERE m.id = i DELETE m",
    )
