"""Whether two values are the same to a database, and copies to compare with later."""

from __future__ import annotations

import copy
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from runic.orm.core.state import NOT_LOADED
from runic.orm.core.types import GeoLocation, Vector

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["NO_SNAPSHOT", "is_immutable", "is_list", "same_value", "take_snapshot"]

# Equal values of these types have one stored form.
_BY_EQUALITY = frozenset({str, int, bool, bytes, type(None), date, timedelta, UUID})
_IMMUTABLE = _BY_EQUALITY | {float, Decimal, time, GeoLocation}


class _NoSnapshot(Enum):
    NO_SNAPSHOT = 1


#: There is no copy that would tell whether the value changed.
NO_SNAPSHOT: Final = _NoSnapshot.NO_SNAPSHOT


def is_immutable(value: object) -> bool:
    """Whether ``value`` cannot change in place."""
    return type(value) in _IMMUTABLE or (isinstance(value, (Enum, date)) and value is not NOT_LOADED)


def is_list(value: object) -> TypeIs[list[Any]]:
    """``isinstance(value, list)``, of items of any type."""
    return isinstance(value, list)


def _is_plain_list(value: object) -> TypeIs[list[Any]]:
    return type(value) is list


def same_value(old: Any, new: Any) -> bool:
    """Whether storing ``new`` instead of ``old`` would change nothing.

    Stricter than ``==``, which takes ``1`` for ``True``, ``0.0`` for ``-0.0``, ``Decimal("1.0")`` for
    ``Decimal("1.00")``, and a time for another in a different zone.
    """
    kind = old.__class__
    if kind is not new.__class__:
        return False
    if kind in _BY_EQUALITY:
        return bool(old == new)
    if kind is float:
        return repr(old) == repr(new)
    if kind is list or kind is Vector or kind is tuple:
        return len(old) == len(new) and all(map(same_value, old, new))
    if kind is dict:
        return old.keys() == new.keys() and all(same_value(value, new[key]) for key, value in old.items())
    if kind is Decimal:
        return str(old) == str(new)
    if old is new:
        return True
    try:
        equal = bool(old == new)
    except Exception:  # noqa: BLE001  # a comparison of a user's class; what it cannot tell counts as a change
        return False
    if equal and isinstance(old, time):  # datetimes are instants, times are not
        return old.utcoffset() == cast("time", new).utcoffset()
    return equal


def take_snapshot(value: Any) -> Any:
    """A copy of ``value`` that later changes of it do not reach.

    Returns:
        The copy, or :data:`NO_SNAPSHOT` for values that cannot be copied, or whose copy is not equal to
        them (objects without ``__eq__``): changes inside of these cannot be told from reading them.
    """
    if is_immutable(value):
        return value
    if type(value) is Vector:
        return value.copy()
    if _is_plain_list(value) and all(map(is_immutable, value)):
        return value.copy()
    snapshot: Any
    try:
        snapshot = copy.deepcopy(value)
    except Exception:  # noqa: BLE001  # whatever a user's class raises
        return NO_SNAPSHOT
    return snapshot if same_value(snapshot, value) else NO_SNAPSHOT
