"""Parameters as text: the strict ``CYPHER name=value ...`` header.

FalkorDB takes parameters as text in front of the statement, so this encoder is what stands between
a value and the parser. It knows a closed set of exact types, never calls ``str()`` on anything
else, and refuses what the server would change: integers beyond 64 bits are clamped, NaN is a parse
error, NUL cuts text off (4.22).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, cast

from runic.orm.exceptions import MissingParameterError, QueryError, ValueNotStorableError

from .parameters import parameter_names

__all__ = ["MAX_DEPTH", "encode_statement", "encode_value"]

MAX_DEPTH = 100
"""Deepest nesting of lists and maps. The server parses far deeper, but a value of about 500 levels
makes the client's reader fail on every later read of it (RESP parsers limit their nesting)."""

_INT_MIN = -(2**63)
_INT_MAX = 2**63 - 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCALARS = frozenset({str, int, float, bool, type(None)})
_FLAT = _SCALARS | {list, dict}

_HINTS = {
    "bytes": "bytes are stored as base64 text: declare the field as bytes, or encode them",
    "Decimal": "write it as text, or declare the field as Decimal",
    "datetime": "pass value.isoformat(), or declare the field as datetime",
    "date": "pass value.isoformat(), or declare the field as date",
    "time": "pass value.isoformat(), or declare the field as time",
    "timedelta": "pass its microseconds, or declare the field as timedelta",
    "UUID": "pass str(value), or declare the field as UUID",
    "tuple": "pass a list",
    "set": "pass a list",
    "frozenset": "pass a list",
}


def encode_statement(text: str, parameters: Mapping[str, Any]) -> bytes:
    """The whole statement as it is sent: header, then text.

    Args:
        text: the Cypher statement.
        parameters: stored values by name, exactly those that the text uses.

    Raises:
        MissingParameterError: a name of the text has no value, or a value has no name in the text.
        ValueNotStorableError: a value that the server would not take as it is.
        QueryError: the text cannot be sent: it holds a NUL or a lone surrogate.
    """
    if "\0" in text:
        raise QueryError(
            f"the statement holds a NUL at offset {text.index(chr(0))}: the server would cut it off there"
        )
    used = parameter_names(text)
    if used.symmetric_difference(parameters):
        _explain_names(used, parameters, text)
    if not parameters:
        return _utf8(text)
    header = " ".join([f"{name}={encode_value(value, name)}" for name, value in parameters.items()])
    try:
        return f"CYPHER {header} {text}".encode()
    except UnicodeEncodeError:
        for name, value in parameters.items():
            _encode(value, f"${name}", 0)  # names the culprit
        return _utf8(text)


def encode_value(value: Any, name: str = "value") -> str:
    """One parameter value as text.

    Args:
        value: exact ``str``, ``int``, ``float``, ``bool``, ``None``, and ``list`` and ``dict`` of these.
        name: the parameter's name, for messages.

    Raises:
        ValueNotStorableError: any other type, or a value that the server would change.
    """
    if not _NAME.fullmatch(name):
        raise QueryError(f"{name!r} is not a parameter name: letters, digits and _, not a digit first")
    if type(value) is list:
        text = _encode_batch(cast("list[object]", value))
        if text is not None:
            return text
    return _encode(cast("object", value), f"${name}", 0)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"the statement holds a lone surrogate at offset {error.start}") from error


def _explain_names(used: frozenset[str], parameters: Mapping[str, Any], text: str) -> None:
    missing = sorted(used - parameters.keys())
    extra = sorted(map(repr, parameters.keys() - used))
    if missing:
        names = ", ".join(f"${name}" for name in missing)
        raise MissingParameterError(f"no value for {names}", backend="falkordb", statement=text)
    raise MissingParameterError(
        f"the statement does not use the parameter {', '.join(extra)}", backend="falkordb", statement=text
    )


# -- the fast way: a batch of rows --------------------------------------------------------------

# JSON text of a list is valid here: the server knows \n \t \r \b \f \" and \\, and parses Python's
# shortest float text exactly (4.22). It does not know \u, so text with control characters goes the slow
# way; and map keys stand in backticks. A quote inside of JSON text is always escaped, so that the
# pattern below matches keys alone.
_KEY = re.compile(r'([{,])"([A-Za-z_][A-Za-z0-9_]*)":')
_json = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


def _encode_batch(values: list[Any]) -> str | None:
    """The text of nested lists and maps of exact scalars, or ``None``: then the slow way says why."""
    level: list[Any] = values
    maps = False
    for _ in range(MAX_DEPTH):
        types = set(map(type, level))
        if not types <= _FLAT:
            return None
        if int in types:
            numbers = [value for value in level if type(value) is int]
            if min(numbers) < _INT_MIN or max(numbers) > _INT_MAX:
                return None
        if list not in types and dict not in types:
            break
        if types == {list}:
            level = list(chain.from_iterable(level))
            continue
        below: list[list[Any]] = [value for value in level if type(value) is list]
        if dict in types:
            maps = True
            mappings: list[dict[Any, Any]] = [value for value in level if type(value) is dict]
            if not all(map(_plain_keys, set(map(tuple, mappings)))):
                return None
            below += [list(value.values()) for value in mappings]
        level = list(chain.from_iterable(below))
    else:
        return None
    try:
        text = _json(values)
    except ValueError:
        return None
    if "\\u" in text:
        return None
    return _KEY.sub(r"\1`\2`:", text) if maps else text


def _plain_keys(keys: tuple[Any, ...]) -> bool:
    return all(type(key) is str and _NAME.fullmatch(key) for key in keys)


# -- the exact way ------------------------------------------------------------------------------


def _encode(value: object, path: str, depth: int) -> str:
    encode = _encoders.get(type(value))
    if encode is None:
        raise _refusal(value, path)
    return encode(value, path, depth)


def _refusal(value: object, path: str) -> ValueNotStorableError:
    kind = type(value)
    hint = _HINTS.get(kind.__name__)
    if hint is None and issubclass(kind, str | int | float | list | dict):
        hint = "pass a plain value, not one of a subclass"
    hint = hint or "convert it, or declare a field with a converter"
    return _bad(path, f"a value of type {kind.__module__}.{kind.__qualname__} is not sent; {hint}")


def _bad(path: str, reason: str) -> ValueNotStorableError:
    return ValueNotStorableError(f"{path}: {reason}", backend="falkordb")


def _none(_value: None, _path: str, _depth: int) -> str:
    return "null"


def _bool(value: bool, _path: str, _depth: int) -> str:
    return "true" if value else "false"


def _int(value: int, path: str, _depth: int) -> str:
    if not _INT_MIN <= value <= _INT_MAX:
        raise _bad(path, "an integer outside of 64 bits, which the server would clamp")
    return int.__repr__(value)


def _float(value: float, path: str, _depth: int) -> str:
    if not math.isfinite(value):
        raise _bad(path, f"{value} is not a finite number")
    return float.__repr__(value)


def _str(value: str, path: str, _depth: int) -> str:
    _check_text(value, path)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_text(value: str, path: str) -> None:
    if "\0" in value:
        raise _bad(path, f"text with a NUL character at offset {value.index(chr(0))} cannot be stored")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _bad(path, f"text with a lone surrogate at offset {error.start} cannot be stored") from error


def _list(value: list[Any], path: str, depth: int) -> str:
    _check_depth(path, depth)
    return f"[{','.join([_encode(item, f'{path}[{at}]', depth + 1) for at, item in enumerate(value)])}]"


def _dict(value: dict[Any, Any], path: str, depth: int) -> str:
    _check_depth(path, depth)
    parts: list[str] = []
    for key, item in value.items():
        if type(key) is not str:
            raise _bad(path, f"the map key {key!r:.60} is not text")
        if not key or "`" in key:
            raise _bad(path, f"the map key {key!r:.60} is empty or holds a backtick, which cannot be quoted")
        _check_text(key, path)
        parts.append(f"`{key}`:{_encode(item, f'{path}.{key}', depth + 1)}")
    return f"{{{','.join(parts)}}}"


def _check_depth(path: str, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise _bad(path.split("[")[0], f"nested deeper than {MAX_DEPTH} levels, which could not be read back")


_encoders: dict[type[Any], Callable[[Any, str, int], str]] = {
    type(None): _none,
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    list: _list,
    dict: _dict,
}
