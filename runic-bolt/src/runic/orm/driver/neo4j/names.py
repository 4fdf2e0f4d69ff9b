"""Names of indexes: searches name their index, so it is known from the model."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FULLTEXT_PREFIX", "VECTOR_PREFIX", "index_name"]

FULLTEXT_PREFIX = "fulltext_"
VECTOR_PREFIX = "vector_"


def index_name(kind: str, label: str, properties: Sequence[str]) -> str:
    """The name of an index that runic creates; one fulltext index holds all properties of a label."""
    if kind == "FULLTEXT":
        return f"{FULLTEXT_PREFIX}{label}"
    return "_".join([kind.lower(), label, *properties])
