"""Codecs of enums, documents, lists, and of whatever a user's converter makes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from runic.orm.compile.codec import ALL_OPERATORS, EQUALITY, ORDER, TEXT, Codec, storable_text
from runic.orm.compile.codecs.scalars import clean, exactly
from runic.orm.exceptions import MetadataError

if TYPE_CHECKING:
    from runic.orm.compile.codecs.cells import Cells
    from runic.orm.core.kinds import FieldType
    from runic.orm.core.types import TypeConverter

__all__ = ["any_", "custom", "enum", "json_", "list_"]


def enum(type_: FieldType, cells: Cells) -> Codec:
    """Enum members as their values.

    Raises:
        MetadataError: a member's value is no text, number or boolean.
    """
    members: type[Enum] = type_.python
    digits = cells.digits

    def key_of(value: Any) -> Any:
        # 1, 1.0 and True are one key to a dict.
        rounds = digits is not None and type(value) is float
        return (type(value), float(f"{value:.{digits}g}") if rounds else value)

    by_value: dict[Any, Enum] = {}
    for member in members:
        if type(member.value) not in (str, int, float, bool):
            raise MetadataError(
                f"{members.__name__}.{member.name} has a value of type {type(member.value).__name__}: only"
                " text, numbers and booleans can be stored; give the field a converter"
            )
        by_value[key_of(member.value)] = member

    def encode(value: Any) -> Any:
        if not isinstance(value, members):
            raise TypeError(f"expected a member of {members.__name__}, not {type(value).__name__}")
        return value.value

    def unknown(value: Any) -> Enum:
        try:
            return members(value)  # a combined flag, or an enum's own _missing_
        except ValueError:
            raise ValueError(f"the database has {value!r}, which is no value of {members.__name__}") from None

    def decode(cell: Any) -> Enum:
        value = cells.plain(cell)
        try:
            return by_value[key_of(value)]
        except (KeyError, TypeError):
            return unknown(value)

    if not all(type(member.value) is str for member in members):
        return Codec(encode=encode, decode=decode, cell=cells.whole, operators=ORDER, stored="its value")
    by_text = {member.value: member for member in members}

    def decode_text(value: Any) -> Enum:
        try:
            return by_text[value]
        except (KeyError, TypeError):
            return unknown(value)

    return Codec(
        encode=encode,
        trusted=frozenset({members}) if all(map(storable_text, by_text)) else frozenset(),
        decode=decode_text,
        cell=cells.text,
        operators=ORDER | TEXT,
        stored="its value",
    )


def json_(cells: Cells) -> Codec:
    """Documents as JSON text; what would not come back as it is, is refused with its path."""

    def encode(value: Any) -> str:
        _check_json(value, "$", 0)
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate survives as an escape
            text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        return text

    return Codec(encode=encode, decode=json.loads, cell=cells.text, operators=EQUALITY, stored="JSON text")


_JSON_DEPTH = 100


def _check_json(value: Any, path: str, depth: int) -> None:
    given: object = value
    kind = type(given)
    if kind in (str, int, bool, type(None)):
        return
    if depth > _JSON_DEPTH:
        raise ValueError(f"nested deeper than {_JSON_DEPTH} levels")
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} at {path} is not a finite number")
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"the key {key!r} at {path} is not text: JSON would change it")
            _check_json(item, f"{path}.{key}", depth + 1)
    elif kind is list:
        for number, item in enumerate(value):
            _check_json(item, f"{path}[{number}]", depth + 1)
    else:
        raise TypeError(f"a {kind.__name__} at {path} does not come back from JSON as it is")


_CONTAINERS: tuple[type[Any], ...] = (tuple, set, frozenset)
_NULL_ITEM = "item {} is None, which cannot be stored in a list"


def list_(
    type_: FieldType, cells: Cells, make_codec: Callable[[FieldType], Codec], *, uniform: bool = False
) -> Codec:
    """Lists of one type of item; sets and tuples as well.

    Args:
        type_: what the field holds.
        cells: how the reply's cells are read.
        make_codec: the codec of the items.
        uniform: the server changes or refuses lists of several types: refuse them here.
    """
    if type_.item is None:
        raise MetadataError("a list field needs the type of its items")
    item = make_codec(type_.item)
    container: type[Any] = type_.python if type_.python in _CONTAINERS else list

    def encode(value: Any) -> list[Any]:
        items = cast("Iterable[object]", exactly(container, value))
        stored = [encode_item(number, each) for number, each in enumerate(items)]
        if uniform:
            _one_type(stored)
        return stored

    def refuse(each: Any) -> Any:
        raise TypeError(f"expected {_title(type_.item)}, not {type(each).__name__}")

    encode_one = item.encode or refuse

    def encode_item(number: int, each: Any) -> Any:
        if each is None:
            raise ValueError(_NULL_ITEM.format(number))
        try:
            if type(each) in item.exact:
                return clean(each)
            return clean(encode_one(each))
        except TypeError as error:
            raise TypeError(f"item {number}: {error}") from error
        except ValueError as error:
            raise ValueError(f"item {number}: {error}") from error

    namespace: dict[str, Any] = {"decode": item.decode, "container": container}
    each = item.cell.format(c="x")
    if item.decode is not None:
        each = f"decode({each})"
    items = f"[{each} for x in cells]"
    if container is not list:
        items = f"container({items})"
    # Made of the templates of a dialect alone.
    source = compile(f"lambda cells: {items}", "<decoder of a list>", "eval")
    decode: Callable[[Any], Any] = eval(source, namespace)
    return Codec(encode=encode, decode=decode, cell=cells.items, operators=EQUALITY, stored="list")


def _one_type(items: Iterable[object]) -> None:
    kinds = {type(item) for item in items}
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"a list of {names} together cannot be stored as it is")


def _title(type_: FieldType | None) -> str:
    python = None if type_ is None else type_.python
    return getattr(python, "__name__", "another type")


_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def custom(type_: FieldType, cells: Cells, functions: frozenset[str] | None = None) -> Codec:
    """What a converter of the user's own makes of a value.

    Args:
        type_: what the field holds.
        cells: how the reply's cells are read.
        functions: the functions of ``cypher_fn`` that the server has; others are left out, so that a
            converter made for another server works. ``None``: whatever the converter names.
    """
    converter: TypeConverter | None = type_.converter
    if converter is None:
        raise MetadataError("a custom field needs its converter")
    template = "{v}"
    function = getattr(converter, "cypher_fn", None)
    if function is not None:
        if not _FUNCTION.fullmatch(function):
            raise MetadataError(f"cypher_fn {function!r} of {type(converter).__name__} is no function name")
        if functions is None or function in functions:
            template = f"{function}({{v}})"

    def decode(cell: Any) -> Any:
        return converter.from_graph(cells.plain(cell))

    return Codec(
        encode=converter.to_graph,
        decode=decode,
        cell=cells.whole,
        writes=(("", template),),
        compare=("", template),
        operators=ALL_OPERATORS,
        stored=f"what {type(converter).__name__} makes of it",
    )


def any_(cells: Cells, *, uniform: bool = False) -> Codec:
    """Scalars and lists of scalars as they are.

    Args:
        cells: how the reply's cells are read.
        uniform: lists are flat and of one type.
    """

    def encode(value: Any) -> Any:
        stored = _storable_list(value, 0)
        if uniform and type(stored) is list:
            items = cast("list[object]", stored)
            if any(type(item) is list for item in items):
                raise ValueError("a list of lists cannot be stored as it is; declare the field as a dict")
            _one_type(items)
            return items
        return stored

    return Codec(
        exact=(str, int, float, bool),
        encode=encode,
        decode=cells.plain,
        cell=cells.whole,
        operators=ALL_OPERATORS,
        stored="as it is",
    )


def _storable_list(value: Any, depth: int) -> Any:
    if type(value) in (str, int, float, bool):
        return clean(value)
    if type(value) is not list:
        raise TypeError(f"a value of type {type(value).__name__} cannot be stored as it is; declare its type")
    if depth > 50:
        raise ValueError("lists are nested deeper than 50 levels")
    items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    if None in items:
        raise ValueError(_NULL_ITEM.format(items.index(None)))
    return [_storable_list(item, depth + 1) for item in items]
