"""What a field holds, resolved once from its annotation: the input of every codec."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runic.orm.core.types import TypeConverter

__all__ = ["FieldType", "Kind"]


class Kind(Enum):
    """The closed set of value kinds. A dialect has one codec for each."""

    STRING = auto()
    INTEGER = auto()
    FLOAT = auto()
    EXACT_FLOAT = auto()  # Field(exact=True): to the last bit, also where the server rounds replies
    BOOLEAN = auto()
    BYTES = auto()
    DATETIME = auto()
    DATE = auto()
    TIME = auto()
    TIMEDELTA = auto()
    DECIMAL = auto()
    UUID = auto()
    ENUM = auto()
    JSON = auto()  # dict, and lists of anything but scalars
    LIST = auto()  # of scalars, see FieldType.item
    VECTOR = auto()
    POINT = auto()
    CUSTOM = auto()  # a converter of the user's own
    ANY = auto()  # any storable scalar or list of scalars, as it is


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of one field.

    Attributes:
        kind: which codec stores it.
        python: the class of its values (``enum`` class, ``str``, ...); ``object`` for ANY.
        nullable: whether the annotation admits ``None``.
        item: the element type of a LIST.
        converter: the user's converter, for CUSTOM.
        interned: store one shared copy of equal strings, where the server can.
        dimension: the length of a VECTOR, if declared.
    """

    kind: Kind
    python: Any
    nullable: bool = False
    item: FieldType | None = None
    converter: TypeConverter | None = None
    interned: bool = False
    dimension: int | None = None

    @property
    def mutable(self) -> bool:
        """Whether a value can change in place, so that change tracking must compare it."""
        return self.kind in _MUTABLE


_MUTABLE = frozenset({Kind.LIST, Kind.JSON, Kind.VECTOR, Kind.CUSTOM, Kind.ANY})
