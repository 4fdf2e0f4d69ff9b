"""Encoders: entities to rows of stored values, by a function generated once per set of fields.

Pure. Every value is checked on the way: what the server could not give back unchanged raises
:class:`ValueNotStorableError` with class and field, before anything is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import Write
from runic.orm.exceptions import FieldValidationError, ValueNotStorableError

if TYPE_CHECKING:
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
    return _slow(field, dialect.codec(field.type), value)


@lru_cache(maxsize=1024)
def compile_encoder(
    fields: tuple[FieldDescriptor, ...], dialect: Dialect
) -> Callable[[Sequence[Any], list[list[Any]]], None]:
    """Make ``encode(entities, rows)``: append the stored values of ``fields`` to each row."""
    env: dict[str, Any] = {"imin": INT_MIN, "imax": INT_MAX, "finite": math.isfinite, "clean": _clean}
    lines = ["def encode(entities, rows):", "    for entity, row in zip(entities, rows):", "        d = entity.__dict__"]
    for number, field in enumerate(fields):
        codec = dialect.codec(field.type)

        def slow(value: Any, field: FieldDescriptor = field, codec: Codec = codec) -> Any:
            return _slow(field, codec, value)

        env[f"slow{number}"] = slow
        tests = " or ".join(_fast_test(type_) for type_ in codec.exact)
        if not field.required and not field.primary_key:
            tests = f"v is None or {tests}" if tests else "v is None"
        lines.append(f"        v = d.get({field.name!r})")
        if tests:
            lines.append(f"        row.append(v if {tests} else slow{number}(v))")
        else:
            lines.append(f"        row.append(slow{number}(v))")
    if not fields:
        lines.append("        pass")
    exec(compile("\n".join(lines), f"<encoder of {_names(fields)}>", "exec"), env)
    encode: Callable[[Sequence[Any], list[list[Any]]], None] = env["encode"]
    return encode


def _names(fields: tuple[FieldDescriptor, ...]) -> str:
    return ", ".join(f"{field.owner.__name__}.{field.name}" for field in fields)


def _fast_test(type_: type) -> str:
    if type_ is str:
        return "type(v) is str and (v.isascii() and '\\0' not in v or clean(v))"
    if type_ is int:
        return "type(v) is int and imin <= v <= imax"
    if type_ is float:
        return "type(v) is float and finite(v)"
    if type_ is bool:
        return "v is True or v is False"
    raise TypeError(f"a codec cannot pass {type_.__name__} through unchecked")


def _clean(text: str) -> bool:
    """Whether every server can store ``text``: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _slow(field: FieldDescriptor, codec: Codec, value: Any) -> Any:
    """Encode a value that did not pass the inlined test, or say why it cannot be stored."""
    if value is None:
        if field.required or field.primary_key:
            raise FieldValidationError(f"{_where(field)} is required and was None")
        return None
    problem = _problem(value)
    if problem is None and type(value) in codec.exact:
        return value
    if problem is None and codec.encode is not None:
        try:
            stored = codec.encode(value)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise ValueNotStorableError(f"{_where(field)}: {error}") from error
        problem = _problem(stored)
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
    kind = type(value)
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


