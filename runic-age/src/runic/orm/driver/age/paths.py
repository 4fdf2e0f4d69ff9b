"""What a server remembers of a graph for paths of variable length, and how it is made to look again.

Each connection keeps the graph as it saw it (1.8), until the graph's version changes. A write changes the
version when it is made, not when it is committed. So the writer's graph outlives a rollback, and a graph that
was remembered while the write was not committed stays as it is afterwards: it lacks committed edges.
"""

from __future__ import annotations

from .sql import identifier, literal

__all__ = ["are_remembered", "forget", "tell"]


def are_remembered(version: tuple[int, ...]) -> bool:
    """Whether a version of the extension remembers them like this; before, it compared snapshots (1.5)."""
    return version >= (1, 8)


def tell(graph: str) -> str:
    """SQL that changes the version of a graph, and nothing else: its trigger is one for each statement."""
    return f"DELETE FROM ONLY {identifier(graph)}._ag_label_vertex WHERE false"  # noqa: S608


def forget(graph: str) -> str:
    """SQL by which a connection forgets a graph."""
    return f"SELECT ag_catalog.age_delete_global_graphs({literal(f'"{graph}"')}::ag_catalog.agtype)"
