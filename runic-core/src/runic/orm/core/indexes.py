"""Declarations of indexes over several properties, for the class keyword ``indexes=[...]``."""

from __future__ import annotations

from typing import Final, Literal, get_args

from runic.orm.core.names import check_name
from runic.orm.exceptions import MetadataError

__all__ = ["INDEX_TYPES", "Index", "IndexType"]

IndexType = Literal["RANGE", "FULLTEXT", "VECTOR", "POINT", "UNIQUE"]
INDEX_TYPES: Final[tuple[str, ...]] = get_args(IndexType)


class Index:
    """An index of a class over one or more properties.

    Example::

        class Person(Node, indexes=[Index("last", "first"), Index("email", type="UNIQUE")]):
            first: str
            last: str
            email: str

    Args:
        fields: names of the properties, in the order of the index.
        type: ``"RANGE"`` (default), ``"UNIQUE"`` (a constraint) or ``"FULLTEXT"``; ``"VECTOR"`` and
            ``"POINT"`` take exactly one property, of which the first must say its dimension.
        name: the index's name, on servers whose indexes have names; ``None``: made from the rest.

    Raises:
        MetadataError: no field, a field twice, an unknown type.
        InvalidNameError: ``name`` cannot be quoted safely.
    """

    __slots__ = ("fields", "name", "type")

    def __init__(self, *fields: str, type: IndexType = "RANGE", name: str | None = None) -> None:  # noqa: A002
        if not fields or len(set(fields)) != len(fields):
            raise MetadataError(f"an Index takes the names of one or more different fields, got {fields!r}")
        if type not in INDEX_TYPES:
            raise MetadataError(f"unknown index type {type!r}: one of {', '.join(INDEX_TYPES)}")
        if type in ("VECTOR", "POINT") and len(fields) != 1:
            raise MetadataError(f"a {type.lower()} index takes one field, got {fields!r}")
        self.fields: tuple[str, ...] = fields
        self.type: IndexType = type
        self.name: str | None = None if name is None else check_name(name, "index name")

    def _key(self) -> tuple[object, ...]:
        return self.fields, self.type, self.name

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Index) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Index({', '.join(map(repr, self.fields))}, type={self.type!r}{name})"
