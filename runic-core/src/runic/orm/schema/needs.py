"""Which capabilities an index or a constraint needs, and whether its options make sense."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import MetadataError

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import IndexSpec

__all__ = ["SIMILARITIES", "fulltext_options", "needed_capabilities", "vector_options", "whole"]

SIMILARITIES = ("cosine", "euclidean")
"""How vectors may be compared; the first is the default."""

_NODE = {
    "RANGE": Capability.RANGE_INDEX,
    "UNIQUE": Capability.UNIQUE,
    "MANDATORY": Capability.MANDATORY,
    "FULLTEXT": Capability.FULLTEXT_INDEX,
    "VECTOR": Capability.VECTOR_INDEX,
    "POINT": Capability.POINT_INDEX,
}
_EDGE = {
    "RANGE": Capability.EDGE_INDEX,
    "UNIQUE": Capability.EDGE_UNIQUE,
    "MANDATORY": Capability.EDGE_MANDATORY,
    "FULLTEXT": Capability.EDGE_FULLTEXT_INDEX,
    "VECTOR": Capability.EDGE_VECTOR_INDEX,
    "POINT": Capability.POINT_INDEX,
}


def needed_capabilities(spec: IndexSpec) -> tuple[Capability, ...]:
    """What a backend must claim to have ``spec``; nothing for kinds of its own."""
    needed = (_NODE if spec.entity == "NODE" else _EDGE).get(spec.index_type)
    if needed is None:
        return ()
    if spec.index_type == "RANGE" and len(spec.properties) > 1:
        return (needed, Capability.COMPOSITE_INDEX)
    if spec.index_type == "POINT" and spec.entity == "EDGE":
        return (needed, Capability.EDGE_INDEX)
    return (needed,)


def fulltext_options(spec: IndexSpec) -> tuple[str | None, list[str] | None]:
    """Language and stopwords of a fulltext index.

    Raises:
        MetadataError: there is another option.
    """
    for option in spec.options:
        if option not in ("language", "stopwords"):
            raise MetadataError(f"fulltext indexes take language and stopwords, not {option!r}")
    stopwords = spec.options.get("stopwords")
    return spec.options.get("language"), None if stopwords is None else list(stopwords)


def vector_options(
    spec: IndexSpec, *, known: Collection[str], dimension_needed: bool = True
) -> tuple[int | None, str, dict[str, Any]]:
    """Dimension, similarity and the other options of a vector index.

    Args:
        spec: the index.
        known: the other options that the backend takes.
        dimension_needed: whether the server must be told the dimension.

    Raises:
        MetadataError: no dimension, or an unknown similarity or option.
    """
    options = dict(spec.options)
    dimension, similarity = options.pop("dimension", None), options.pop("similarity", None)
    if dimension is None and dimension_needed:
        raise MetadataError(
            f"a vector index on {spec.label}.{spec.property} needs its dimension:"
            " Field(index_type='VECTOR', dimension=384)"
        )
    if dimension is not None:
        whole("dimension", dimension)
    if similarity is None:
        similarity = SIMILARITIES[0]
    if similarity not in SIMILARITIES:
        raise MetadataError(f"similarity is one of {', '.join(SIMILARITIES)}, not {similarity!r}")
    for option in options:
        if option not in known:
            raise MetadataError(f"vector indexes take {', '.join(known)}, not {option!r}")
    return dimension, similarity, options


def whole(name: str, value: Any) -> int:
    """``value``, a positive whole number.

    Raises:
        MetadataError: it is none.
    """
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value
