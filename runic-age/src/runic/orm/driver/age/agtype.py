"""agtype as text: JSON, with ``::vertex`` and the like behind some values.

Values are read by orjson. Only text in which ``::`` occurs is looked through for such suffixes, as
tokens, since ``::vertex`` may stand in a user's text as well.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from runic.orm.compile.dialect import LABELS_PROPERTY
from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.exceptions import ValueNotStorableError

__all__ = ["decode_rows", "decode_values", "encode_checked", "encode_trusted", "text_problem"]

_STRING_OR_SUFFIX = re.compile(r'"(?:[^"\\]|\\.)*"|::[a-z_]+')
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|::[a-z_]+|[\[\]{}]')
_INT64 = 2**63
_MAX_DEPTH = 200


# -- reading --------------------------------------------------------------------------------------


def decode_rows(rows: Sequence[Sequence[str | None]]) -> list[list[Any]]:
    """Rows of scalars, lists and maps: all in one go."""
    text = ",".join(["[" + ",".join(["null" if c is None else c for c in row]) + "]" for row in rows])
    if "::" in text:
        text = _STRING_OR_SUFFIX.sub(_without_suffix, text)
    return cast("list[list[Any]]", _parse(f"[{text}]"))


def decode_values(rows: Sequence[Sequence[str | None]]) -> list[list[Any]]:
    """Rows that may hold nodes, edges and paths."""
    if not any(cell is not None and "::" in cell for row in rows for cell in row):
        return decode_rows(rows)
    return [[None if cell is None else _value(cell) for cell in row] for row in rows]


def _without_suffix(match: re.Match[str]) -> str:
    text = match.group()
    return text if text[0] == '"' else ""


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # NaN and Infinity, which other clients may have stored, are no JSON.
        return json.loads(text)


def _value(cell: str) -> Any:
    first, rest = cell.find("::"), cell[-8:]
    if first < 0:
        return _parse(cell)
    if rest == "::vertex" and first == len(cell) - 8:
        return _node(_parse(cell[:-8]))
    if rest[2:] == "::edge" and first == len(cell) - 6:
        return _edge(_parse(cell[:-6]))
    return _tagged(cell)


def _tagged(cell: str) -> Any:
    """A value with nodes, edges or paths somewhere in it: they are wrapped in maps of a secret key."""
    key = secrets.token_hex(8)
    pieces: list[str] = []
    opened: list[int] = []
    closed = 0
    last = 0
    for match in _STRUCTURE.finditer(cell):
        part = match.group()
        if part[0] == '"':
            continue
        pieces.append(cell[last : match.start()])
        last = match.end()
        if part in "[{":
            opened.append(len(pieces))
            pieces.append(part)
        elif part in "]}":
            closed = opened.pop()
            pieces.append(part)
        elif part in ("::vertex", "::edge", "::path"):
            pieces[closed] = f'{{"{key}":"{part[2:]}","v":{pieces[closed]}'
            pieces.append("}")
    pieces.append(cell[last:])
    return _untagged(_parse("".join(pieces)), key)


def _untagged(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_untagged(item, key) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    kind = fields.get(key)
    if kind is None:
        return {name: _untagged(item, key) for name, item in fields.items()}
    inner = _untagged(fields["v"], key)
    if kind == "vertex":
        return _node(inner)
    if kind == "edge":
        return _edge(inner)
    return RawPath(tuple(inner[::2]), tuple(inner[1::2]))


def _node(fields: dict[str, Any]) -> RawNode:
    properties = fields["properties"]
    label = fields["label"]
    labels = properties.pop(LABELS_PROPERTY, None) or ([label] if label else [])
    return RawNode(fields["id"], tuple(labels), properties)


def _edge(fields: dict[str, Any]) -> RawEdge:
    return RawEdge(fields["id"], fields["label"], fields["start_id"], fields["end_id"], fields["properties"])


# -- writing --------------------------------------------------------------------------------------


def encode_trusted(parameters: Mapping[str, Any]) -> str:
    """Parameters whose values went through the codecs of their fields."""
    try:
        return orjson.dumps(parameters, default=_refuse, option=_OPTIONS).decode()
    except TypeError as error:
        # Says which value it was.
        encode_checked(parameters)
        raise ValueNotStorableError(f"a parameter cannot be sent: {error}", backend="age") from error


_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
)


def encode_checked(parameters: Mapping[str, Any]) -> str:
    """Parameters of the user's own, each checked: types exactly, and nothing that changes on the way.

    Raises:
        ValueNotStorableError: names the parameter and the place in it.
    """
    for name, value in parameters.items():
        _check(value, f"${name}", 0)
    return orjson.dumps(_lists(parameters), option=_OPTIONS).decode()


def _refuse(value: Any) -> Any:
    if type(value) is tuple:
        return list(cast("tuple[object, ...]", value))
    raise TypeError(f"a value of type {type(value).__name__}")


def _lists(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return dict(parameters)


def _check(value: Any, path: str, depth: int) -> None:
    given: object = value
    kind = type(given)
    if given is None or kind is bool:
        return
    problem = None
    if kind is str:
        problem = text_problem(value)
    elif kind is int:
        if not -_INT64 <= value < _INT64:
            problem = "an integer outside of 64 bits"
    elif kind is float:
        if not math.isfinite(value):
            problem = f"{value} is not a finite number"
    elif depth > _MAX_DEPTH:
        problem = f"nested deeper than {_MAX_DEPTH} levels"
    elif kind is list or kind is tuple:
        for number, item in enumerate(value):
            _check(item, f"{path}[{number}]", depth + 1)
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                problem = f"the key {key!r} is no text"
                break
            _check(key, path, depth + 1)
            _check(item, f"{path}.{key}", depth + 1)
    else:
        problem = f"a value of type {kind.__name__} cannot be a parameter; convert it first"
    if problem is not None:
        raise ValueNotStorableError(f"{path}: {problem}", backend="age")


def text_problem(text: str) -> str | None:
    """Why PostgreSQL cannot take a text; ``None``: it can."""
    if "\0" in text:
        return f"text with a NUL character at offset {text.index(chr(0))}, which cannot be stored"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"text with a lone surrogate at offset {error.start}, which cannot be stored"
    return None
