"""Encoders: entities to rows of stored values, column by column.

Pure. Every value is checked on the way: what the server could not give back unchanged raises
:class:`ValueNotStorableError` with class and field, before anything is sent. A column is checked as a
whole, by its types and its extremes; only one that fails is gone through value by value, to name it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import storable_text
from runic.orm.compile.steps import Write
from runic.orm.core.access import initial_value
from runic.orm.core.kinds import Kind
from runic.orm.core.state import Status
from runic.orm.exceptions import FieldValidationError, ValueNotStorableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runic.orm.compile.codec import Codec
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["compile_encoder", "encode_value", "field_write", "value_encoder"]

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

#: Of an entity that is being created, a field that it does not hold has its default.
_NEW = (Status.TRANSIENT, Status.PENDING)


def field_write(field: FieldDescriptor, dialect: Dialect) -> Write:
    """The properties that ``field`` is written to, with their templates."""
    codec = dialect.codec(field.type)
    return Write(tuple((field.name + suffix, template) for suffix, template in codec.writes))


def encode_value(field: FieldDescriptor, value: Any, dialect: Dialect) -> Any:
    """One value of ``field`` as it is stored; see :func:`value_encoder`."""
    return value_encoder(field, dialect)(value)


def value_encoder(field: FieldDescriptor, dialect: Dialect) -> Callable[[Any], Any]:
    """Make ``encode(value)``: one value of ``field`` as it is stored.

    Raises:
        ValueNotStorableError: from the function, for a value that cannot be kept unchanged.
        FieldValidationError: from the function, for ``None`` where the field is required.
    """
    codec, check = dialect.codec(field.type), _key_check(field, dialect)
    return lambda value: _slow(field, codec, value, check)


@lru_cache(maxsize=1024)
def compile_encoder(
    fields: tuple[FieldDescriptor, ...], dialect: Dialect
) -> Callable[[Sequence[Any], list[list[Any]]], None]:
    """Make ``encode(entities, rows)``: append the stored values of ``fields`` to each row.

    Raises:
        ValueNotStorableError, FieldValidationError: from the function, for a value that cannot be stored.
    """
    columns = [(field, _column_encoder(field, dialect)) for field in fields]

    def encode(entities: Sequence[Any], rows: list[list[Any]]) -> None:
        values = [entity.__dict__ for entity in entities]
        encoded = [column(_column(values, field)) for field, column in columns]
        for row, cells in zip(rows, zip(*encoded, strict=True), strict=bool(encoded)):
            row += cells

    return encode


def _column(values: list[dict[str, Any]], field: FieldDescriptor) -> list[Any]:
    name = field.name
    try:
        return [each[name] for each in values]
    except KeyError:  # a hand-written __init__ need not mention every field
        for each in values:
            if name not in each and each["_runic_state"].status in _NEW:
                each[name] = initial_value(field)
        return [each.get(name) for each in values]


def _column_encoder(field: FieldDescriptor, dialect: Dialect) -> Callable[[list[Any]], list[Any]]:
    """Make the function that encodes the values of one field."""
    codec = dialect.codec(field.type)
    check = _key_check(field, dialect)
    absent: set[type] = set() if field.required or field.primary_key else {type(None)}
    plain = frozenset(absent.union(codec.exact))
    known = frozenset(absent | codec.trusted)
    # The values of an enum are texts of the program's: they can fail the check of a key.
    trusted = codec.encode if codec.trusted and (check is None or field.type.kind is not Kind.ENUM) else None

    def one_by_one(values: list[Any]) -> list[Any]:
        return [_slow(field, codec, value, check) for value in values]

    def encode(values: list[Any]) -> list[Any]:
        types = set(map(type, values))
        if types <= plain:
            return values if _storable(values, types, check) else one_by_one(values)
        if trusted is None or not types <= known:
            return one_by_one(values)
        try:
            return [None if value is None else trusted(value) for value in values]
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            return one_by_one(values)

    return encode


def _storable(values: list[Any], types: set[type], check: _KeyCheck | None) -> bool:
    """Whether every server keeps all of ``values``, which are of ``types``."""
    if str in types:
        texts = values if len(types) == 1 else [value for value in values if type(value) is str]
        joined = "".join(texts)
        if not ((joined.isascii() and "\0" not in joined) or storable_text(joined)):
            return False
        if check is not None and not all(map(check.passes, texts)):
            return False
    if int in types:
        numbers = values if len(types) == 1 else [value for value in values if type(value) is int]
        if min(numbers) < INT_MIN or max(numbers) > INT_MAX:
            return False
    if float in types:
        floats = values if len(types) == 1 else [value for value in values if type(value) is float]
        return all(map(math.isfinite, floats))
    return True


class _KeyCheck:
    """What a text must be to be found again by an index.

    Attributes:
        passes: whether a text is.
        problem: what is wrong with the others.
    """

    __slots__ = ("passes", "problem")

    def __init__(self, source: str, problem: str) -> None:
        self.problem = problem
        self.passes: Callable[[str], bool] = eval(f"lambda v: {source.format(v='v')}")


@lru_cache(maxsize=16)
def _check_of(source: str, problem: str) -> _KeyCheck:
    return _KeyCheck(source, problem)


def _key_check(field: FieldDescriptor, dialect: Dialect) -> _KeyCheck | None:
    """The check of the values of ``field``, if an index must find them."""
    if not dialect.key_test or field.generated:
        return None
    meta = field.owner._runic_meta
    unique = any(index.type == "UNIQUE" and field.name in index.fields for index in meta.indexes)
    if not (field.primary_key or field.unique or unique):
        return None
    return _check_of(dialect.key_test, dialect.key_problem)


def _slow(field: FieldDescriptor, codec: Codec, value: Any, check: _KeyCheck | None) -> Any:
    """Encode a value that did not pass the inlined test, or say why it cannot be stored."""
    if value is None:
        if field.required or field.primary_key:
            raise FieldValidationError(f"{_where(field)} is required and was None")
        return None
    problem = _problem(value)
    if problem is None and check is not None and type(value) is str and not check.passes(value):
        problem = check.problem
    if problem is None and type(value) in codec.exact:
        return value
    if problem is None and codec.encode is not None:
        try:
            stored = codec.encode(value)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise ValueNotStorableError(f"{_where(field)}: {error}") from error
        problem = _problem(stored)
        if problem is None and check is not None and type(stored) is str and not check.passes(stored):
            problem = check.problem
        if problem is None:
            return stored
    if problem is None:
        expected = getattr(field.type.python, "__name__", str(field.type.python))
        problem = (
            f"a value of type {type(value).__name__} does not fit a field of type {expected};"
            " convert it, or give the field a converter"
        )
    raise ValueNotStorableError(f"{_where(field)}: {problem}")


def _where(field: FieldDescriptor) -> str:
    return f"{field.owner.__name__}.{field.name}"


def _problem(value: Any) -> str | None:
    """Why no server keeps this value, whatever the field: named here once for all backends."""
    given: object = value
    kind = type(given)
    if kind is str:
        offset = value.find("\0")
        if offset >= 0:
            return f"text with a NUL character at offset {offset} cannot be stored"
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"text with a lone surrogate at offset {error.start} cannot be stored"
    elif kind is int and not INT_MIN <= value <= INT_MAX:
        return f"integer {value if abs(value) < 10**40 else 'of that size'} is outside of 64 bits"
    elif kind is float and not math.isfinite(value):
        return f"{value} is not a finite number"
    return None
