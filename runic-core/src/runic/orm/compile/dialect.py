"""The dialect: everything a backend's Cypher differs in, as data.

A dialect is a frozen value: capabilities, codecs, quoting, identity and a compiler. A backend
makes one, and refines it by the server's version with :meth:`Dialect.evolve`. Two dialects are
equal only when they are the same object, so that one can be a key of the caches above it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from runic.orm.exceptions import UnsupportedByBackendError

if TYPE_CHECKING:
    from runic.orm.compile.codec import Codec
    from runic.orm.core.kinds import FieldType

__all__ = ["Capability", "Dialect", "UnitForm"]


class Capability(Enum):
    """What a database can or cannot do; the value is how messages and documentation name it."""

    TRANSACTIONS = "transactions of several statements"
    SAVEPOINTS = "savepoints"
    ATOMIC_FLUSH = "a whole flush that is applied or not at all"
    MULTI_LABEL = "several labels on a node"
    REGEX = "the =~ operator (matches)"
    EXISTS_SUBQUERY = "EXISTS { } and COUNT { } subqueries"
    VARIABLE_LENGTH = "variable-length paths"
    FULLTEXT = "fulltext search"
    VECTOR = "vector search"
    POINT = "geographic points and distance"
    INTERN = "interned strings"
    READ_ONLY = "read-only statements enforced by the server"
    STATEMENT_TIMEOUT = "a time limit for a statement"
    WRITE_TIMEOUT = "a time limit for a write"
    STREAMING = "results in portions"
    RANGE_INDEX = "range indexes"
    COMPOSITE_INDEX = "composite indexes"
    EDGE_INDEX = "indexes on relationship properties"
    UNIQUE = "unique constraints"
    MANDATORY = "required properties enforced by the server"
    FULLTEXT_INDEX = "fulltext indexes"
    VECTOR_INDEX = "vector indexes"
    NONFINITE_FLOAT = "NaN and infinity"


class UnitForm(Enum):
    """How a flush becomes atomic."""

    TRANSACTION = "transaction"
    SINGLE_QUERY = "single query"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """One backend's Cypher.

    Attributes:
        name: the backend's public name.
        capabilities: what it can do.
        unit_form: how a flush becomes atomic.
        batch_size: rows of one UNWIND batch.
        unit_rows: most rows of a unit that is sent as one query.
        identity: Cypher template, ``{v}`` a node or edge variable -> the server's identity of it.
        identity_type: the Python type of an identity.
        max_name_bytes: the longest label, type or property name.
        labels_cell: Python source: ``{c}`` the cell of ``labels(n)`` -> iterable of names, or None.
        identity_cell: Python source: ``{c}`` the cell of an identity -> its value, or None.
        functions: names of functions that differ, by the name runic uses.
        hints: for what it cannot do, what to do instead.
    """

    name: str
    capabilities: frozenset[Capability]
    unit_form: UnitForm = UnitForm.TRANSACTION
    batch_size: int = 1000
    unit_rows: int = 0
    identity: str = "id({v})"
    identity_type: type = int
    max_name_bytes: int = 255
    labels_cell: str = "{c}"
    identity_cell: str = "{c}"
    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    hints: Mapping[Capability, str] = field(default_factory=dict[Capability, str])

    def codec(self, type_: FieldType) -> Codec:
        """The codec of a field type. Backends override it; it must be cheap or cached."""
        raise NotImplementedError

    def quote(self, name: str) -> str:
        """A validated name, quoted."""
        return f"`{name}`"

    def require(self, capability: Capability, what: str | None = None) -> None:
        """Raise :class:`UnsupportedByBackendError` unless the backend has ``capability``."""
        if capability not in self.capabilities:
            raise UnsupportedByBackendError(
                self.name, what or capability.value, self.hints.get(capability, "")
            )

    def evolve(self, **changes: Any) -> Self:
        """The same dialect with some attributes changed, e.g. for a server's version."""
        return dataclasses.replace(self, **changes)
