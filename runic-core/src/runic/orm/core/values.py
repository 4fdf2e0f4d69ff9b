"""Graph values as raw statements return them: detached from models, equal on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RawEdge", "RawNode", "RawPath"]


@dataclass(frozen=True, slots=True)
class RawNode:
    """A node of a raw result. ``id`` is the server's own identity: opaque and short-lived."""

    id: Any
    labels: tuple[str, ...]
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawEdge:
    """A relationship of a raw result; ``source`` and ``target`` are the ids of its ends."""

    id: Any
    type: str
    source: Any
    target: Any
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawPath:
    """A path of a raw result: one node more than edges."""

    nodes: tuple[RawNode, ...]
    edges: tuple[RawEdge, ...]
