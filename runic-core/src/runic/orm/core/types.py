"""Value types and converters of the public API: what a field can hold beyond Python's own types."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar, Self, SupportsFloat, SupportsIndex, cast, overload

__all__ = [
    "DatetimeConverter",
    "EnumConverter",
    "GeoLocation",
    "GeoLocationConverter",
    "TypeConverter",
    "Vector",
    "VectorConverter",
]


class TypeConverter(ABC):
    """Stores values of a type that runic does not know.

    Subclass it, and give an instance to the field::

        class MoneyConverter(TypeConverter):
            def to_graph(self, value: Money) -> str:
                return f"{value.amount} {value.currency}"

            def from_graph(self, value: str) -> Money:
                amount, currency = value.split()
                return Money(amount, currency)


        class Invoice(Node):
            total: Money = Field(converter=MoneyConverter())

    ``None`` is never passed to either method: it is stored as an absent property.

    Attributes:
        cypher_fn: name of a Cypher function to wrap the parameter in when it is written
            (``"vecf32"`` gives ``vecf32($value)``), on backends that have that function.
    """

    cypher_fn: ClassVar[str | None] = None

    @abstractmethod
    def to_graph(self, value: Any) -> Any:
        """The stored form of ``value``: a str, int, float, bool, or a list of one of these."""

    @abstractmethod
    def from_graph(self, value: Any) -> Any:
        """The Python value of what :meth:`to_graph` returned."""


class DatetimeConverter(TypeConverter):
    """Datetimes as ISO 8601 text. Fields annotated ``datetime`` need no converter.

    Aware values are normalised to UTC, so that the text sorts as time does; naive ones stay naive.
    """

    def to_graph(self, value: Any) -> str:
        """ISO 8601 text of a datetime.

        Raises:
            TypeError: ``value`` is no datetime.
        """
        if not isinstance(value, datetime):
            raise TypeError(f"expected a datetime, not {type(value).__name__}")
        if value.tzinfo is not None:
            value = value.astimezone(UTC)
        text: str = value.isoformat()
        return text

    def from_graph(self, value: Any) -> datetime:
        """The datetime of an ISO 8601 text; a datetime is returned as it is."""
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)


class EnumConverter(TypeConverter):
    """Enum members as their values. Fields annotated with an enum need no converter.

    Args:
        enum_class: the enum whose members the field holds.
    """

    def __init__(self, enum_class: type[Enum]) -> None:
        if not (isinstance(given := cast("object", enum_class), type) and issubclass(given, Enum)):
            raise TypeError(f"EnumConverter takes an Enum class, not {enum_class!r}")
        self.enum_class = enum_class

    def to_graph(self, value: Any) -> Any:
        """The member's value; a plain value is looked up first.

        Raises:
            ValueError: no member has that value.
        """
        return self.enum_class(value).value

    def from_graph(self, value: Any) -> Enum:
        """The member with that value."""
        return self.enum_class(value)

    def __repr__(self) -> str:
        return f"EnumConverter({self.enum_class.__name__})"


class Vector(list[float]):
    """An embedding: a list of numbers, kept in 32-bit precision.

    Databases keep vectors as 32-bit floats. The items are rounded to that when they are put in, so
    that the value you hold is the value that every backend gives back::

        class Article(Node):
            id: str = Field(primary_key=True)
            embedding: Vector = Field(index_type="VECTOR", dimension=3)


        Article(id="a", embedding=Vector([0.1, 0.2, 0.3]))

    Raises:
        TypeError: an item is not a number.
        ValueError: an item is not finite, or too large for 32 bits.
    """

    def __init__(self, iterable: Iterable[SupportsFloat | SupportsIndex] = (), /) -> None:
        # Copies of vectors are frequent (snapshots, results) and already rounded.
        super().__init__(iterable if isinstance(iterable, Vector) else _round(iterable))

    def append(self, value: SupportsFloat | SupportsIndex, /) -> None:
        """Add one number at the end."""
        super().append(_round((value,))[0])

    def insert(self, index: SupportsIndex, value: SupportsFloat | SupportsIndex, /) -> None:
        """Add one number before ``index``."""
        super().insert(index, _round((value,))[0])

    def extend(self, values: Iterable[SupportsFloat | SupportsIndex], /) -> None:
        """Add several numbers at the end."""
        super().extend(_round(values))

    def __iadd__(self, values: Iterable[SupportsFloat | SupportsIndex], /) -> Self:  # type: ignore[misc, override]
        self.extend(values)
        return self

    @overload
    def __setitem__(self, index: SupportsIndex, value: SupportsFloat | SupportsIndex, /) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[SupportsFloat | SupportsIndex], /) -> None: ...
    def __setitem__(self, index: Any, value: Any, /) -> None:
        super().__setitem__(index, _round(value) if isinstance(index, slice) else _round((value,))[0])

    def copy(self) -> Vector:
        """A new vector with the same numbers."""
        return Vector(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Vector:
        return Vector(self)

    def __repr__(self) -> str:
        return f"Vector({super().__repr__()})"


def _round(values: Iterable[Any]) -> list[float]:
    """``values`` in 32-bit precision."""
    if isinstance(values, (str, bytes, bytearray)):
        raise TypeError(f"a Vector takes numbers, not {type(values).__name__}")
    try:
        rounded = array("f", values).tolist()
    except TypeError:
        raise TypeError(f"a Vector takes numbers: {_first_bad(values)}") from None
    except OverflowError:
        raise ValueError("a Vector takes numbers that fit 32-bit floats") from None
    for position, number in enumerate(rounded):
        if not math.isfinite(number):
            raise ValueError(
                f"a Vector takes finite numbers that fit 32-bit floats: item {position} does not"
            )
    return rounded


def _first_bad(values: Iterable[Any]) -> str:
    for position, value in enumerate(values) if isinstance(values, (list, tuple)) else ():
        if not hasattr(value, "__float__") and not hasattr(value, "__index__"):
            return f"item {position} is a {type(value).__name__}"
    return f"got {type(values).__name__}"


class VectorConverter(TypeConverter):
    """Vectors in the server's own vector type. Fields annotated ``Vector`` need no converter."""

    cypher_fn: ClassVar[str | None] = "vecf32"

    def to_graph(self, value: Any) -> list[float]:
        """A plain list of the numbers."""
        return list(value if isinstance(value, Vector) else Vector(value))

    def from_graph(self, value: Any) -> Vector:
        """A :class:`Vector` of a list of numbers."""
        return Vector(value)


@dataclass(frozen=True, slots=True)
class GeoLocation:
    """A point on the earth, in degrees (WGS 84).

    Example::

        class Store(Node):
            id: str = Field(primary_key=True)
            location: GeoLocation = Field()


        Store(id="s", location=GeoLocation(latitude=52.52, longitude=13.405))

    Args:
        latitude: degrees north of the equator, -90 to 90.
        longitude: degrees east of Greenwich, -180 to 180.

    Raises:
        TypeError: a coordinate is not a number.
        ValueError: a coordinate is not finite or out of range.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        # A frozen class sets attributes through object.
        object.__setattr__(self, "latitude", _degrees("latitude", self.latitude, 90.0))
        object.__setattr__(self, "longitude", _degrees("longitude", self.longitude, 180.0))


def _degrees(what: str, value: Any, limit: float) -> float:
    if type(value) is not float:
        if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
            raise TypeError(f"{what} must be a number, not {type(value).__name__}")
        value = float(value)
    if not -limit <= value <= limit:  # also false for NaN
        raise ValueError(f"{what} must be between -{limit:g} and {limit:g} degrees, not {value!r}")
    return cast("float", value)


class GeoLocationConverter(TypeConverter):
    """Points in the server's own point type. Fields annotated ``GeoLocation`` need no converter."""

    cypher_fn: ClassVar[str | None] = "point"

    def to_graph(self, value: Any) -> dict[str, float]:
        """``{"latitude": ..., "longitude": ...}``.

        Raises:
            TypeError: ``value`` is no GeoLocation.
        """
        if not isinstance(value, GeoLocation):
            raise TypeError(f"expected a GeoLocation, not {type(value).__name__}")
        return {"latitude": value.latitude, "longitude": value.longitude}

    def from_graph(self, value: Any) -> GeoLocation:
        """The point of a mapping with ``latitude`` and ``longitude``, or of an object with both."""
        if isinstance(value, GeoLocation):
            return value
        if isinstance(value, Mapping):
            point = cast("Mapping[str, float]", value)
            return GeoLocation(point["latitude"], point["longitude"])
        return GeoLocation(value.latitude, value.longitude)
