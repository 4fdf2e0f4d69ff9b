"""Whether an operator means on the stored form what it means in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runic.orm.compile.codec import TEXT
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import QueryError, UnsupportedByBackendError
from runic.orm.query import ir

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect

__all__ = ["check_operator", "comparable"]

_NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.EXACT_FLOAT})
_OPEN = frozenset({Kind.ANY, Kind.CUSTOM})


def check_operator(node: ir.Property, op: str, dialect: Dialect) -> None:
    """Refuse ``op`` where the stored form cannot honour it.

    Raises:
        UnsupportedByBackendError: names the field, the operator and the stored form.
    """
    codec = dialect.codec(node.type)
    if op in codec.operators:
        return
    stored = codec.stored or getattr(node.type.python, "__name__", str(node.type.python))
    if op in TEXT:
        hint = "that is for text"
    elif op in ("sum", "avg", "min", "max"):
        hint = "compute it in Python"
    else:
        hint = "compare with == and in_(), or sort in Python"
    raise UnsupportedByBackendError(dialect.name, f"{op} on {node.owner}, stored as {stored}", hint)


def comparable(left: ir.Property, right: ir.Property | ir.Identity, dialect: Dialect) -> None:
    """Refuse to compare two fields whose stored forms do not compare as their values do.

    Raises:
        QueryError: names both.
    """
    a = left.type
    b = right.type if isinstance(right, ir.Property) else FieldType(Kind.INTEGER, dialect.identity_type)
    same = a.kind is b.kind and (a.kind is not Kind.ENUM or a.python is b.python)
    if not (same or {a.kind, b.kind} <= _NUMBERS or a.kind in _OPEN or b.kind in _OPEN):
        raise QueryError(f"{left.owner} and {right.owner} hold different things and cannot be compared")
