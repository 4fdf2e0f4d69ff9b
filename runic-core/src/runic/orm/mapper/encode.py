"""Encoders: entities to rows of stored values, by a function generated once per set of fields.

Pure. Every value is checked on the way: what the server could not give back unchanged raises
:class:`ValueNotStorableError` with class and field, before anything is sent.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.codec import storable_text
from runic.orm.compile.steps import Write
from runic.orm.core.kinds import Kind
from runic.orm.exceptions import FieldValidationError, ValueNotStorableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runic.orm.compile.codec import Codec
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["compile_encoder", "encode_value", "field_write"]

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1


def field_write(field: FieldDescriptor, dialect: Dialect) -> Write:
    """The properties that ``field`` is written to, with their templates."""
    codec = dialect.codec(field.type)
    return Write(tuple((field.name + suffix, template) for suffix, template in codec.writes))


def encode_value(field: FieldDescriptor, value: Any, dialect: Dialect) -> Any:
    """One value of ``field`` as it is stored.

    Raises:
        ValueNotStorableError: the value cannot be kept unchanged.
        FieldValidationError: ``None`` for a required field.
    """
    return _slow(field, dialect.codec(field.type), value, _key_check(field, dialect))


@lru_cache(maxsize=1024)
def compile_encoder(
    fields: tuple[FieldDescriptor, ...], dialect: Dialect
) -> Callable[[Sequence[Any], list[list[Any]]], None]:
    """Make ``encode(entities, rows)``: append the stored values of ``fields`` to each row."""
    env: dict[str, Any] = {
        "imin": INT_MIN,
        "imax": INT_MAX,
        "finite": math.isfinite,
        "storable_text": storable_text,
    }
    loads: list[str] = []
    stored: list[str] = []
    for number, field in enumerate(fields):
        codec = dialect.codec(field.type)
        check = _key_check(field, dialect)
        env[f"slow{number}"] = _slow_encoder(field, codec, check)
        loads.append(f"v{number} = d[{field.name!r}]")
        stored.append(_expression(number, field, codec, env, check))
    absent = [line.replace("d[", "d.get(").replace("]", ")") for line in loads]
    lines = [
        "def encode(entities, rows):",
        "    for entity, row in zip(entities, rows):",
        "        d = entity.__dict__",
        "        try:",
        *(f"            {line}" for line in loads or ["pass"]),
        "        except KeyError:",  # a hand-written __init__ need not mention every field
        *(f"            {line}" for line in absent or ["pass"]),
        f"        row += ({', '.join(stored)}{',' if stored else ''})",
    ]
    exec(compile("\n".join(lines), f"<encoder of {_names(fields)}>", "exec"), env)
    encode: Callable[[Sequence[Any], list[list[Any]]], None] = env["encode"]

    def guarded(entities: Sequence[Any], rows: list[list[Any]]) -> None:
        try:
            encode(entities, rows)
        except (ValueError, TypeError, ArithmeticError, AttributeError):
            # The fast path has no room for names: the slow one says which field it was.
            for entity in entities:
                for field in fields:
                    encode_value(field, entity.__dict__.get(field.name), dialect)
            raise

    return guarded


class _KeyCheck:
    """What a text must be to be found again by an index.

    Attributes:
        source: Python source, ``{v}`` a text -> whether it is.
        problem: what is wrong with the others.
    """

    __slots__ = ("passes", "problem", "source")

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
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


def _expression(
    number: int, field: FieldDescriptor, codec: Codec, env: dict[str, Any], check: _KeyCheck | None
) -> str:
    """The stored value of ``v<number>``: as it is if it passes the tests, else by the codec."""
    v = f"v{number}"
    text = f"slow{number}({v})"
    if codec.trusted and (check is None or field.type.kind is not Kind.ENUM):
        env[f"encode{number}"], env[f"trusted{number}"] = codec.encode, codec.trusted
        text = f"encode{number}({v}) if type({v}) in trusted{number} else {text}"
    tests = [_fast_test(type_, v, check) for type_ in codec.exact]
    if not field.required and not field.primary_key:
        tests.insert(0, f"{v} is None")
    return f"{v} if {' or '.join(tests)} else {text}" if tests else text


def _slow_encoder(field: FieldDescriptor, codec: Codec, check: _KeyCheck | None) -> Callable[[Any], Any]:
    def slow(value: Any) -> Any:
        return _slow(field, codec, value, check)

    return slow


def _names(fields: tuple[FieldDescriptor, ...]) -> str:
    return ", ".join(f"{field.owner.__name__}.{field.name}" for field in fields)


def _fast_test(type_: type, v: str, check: _KeyCheck | None) -> str:
    if type_ is str:
        found = f" and {check.source.format(v=v)}" if check else ""
        return f"type({v}) is str and ({v}.isascii() and '\\0' not in {v} or storable_text({v})){found}"
    if type_ is int:
        return f"type({v}) is int and imin <= {v} <= imax"
    if type_ is float:
        return f"type({v}) is float and finite({v})"
    if type_ is bool:
        return f"{v} is True or {v} is False"
    if type_ is bytes:
        return f"type({v}) is bytes"
    raise TypeError(f"a codec cannot pass {type_.__name__} through unchecked")


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
