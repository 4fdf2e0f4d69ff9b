"""Plain Python values of a compact reply, and the names that its numbers stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runic.orm.core.values import RawEdge, RawNode, RawPath
from runic.orm.exceptions import DriverError

from .cells import ARRAY, EDGE, ENTITIES, MAP, NODE, PATH, decoders

__all__ = ["Names", "decode_rows", "has_entities"]


@dataclass(frozen=True, slots=True)
class Names:
    """The labels, relationship types and property names of a graph, by number.

    Attributes:
        version: the server's hash of them.
        labels: by number.
        types: by number.
        keys: by number.
    """

    version: int
    labels: tuple[str, ...]
    types: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Any], version: int) -> Names:
        """The names of a reply to :data:`.wire.NAMES_QUERY`."""
        kinds: tuple[list[str], list[str], list[str]] = ([], [], [])
        for kind, name in rows:
            number: int = kind[1]
            kinds[number].append(name[1])
        labels, types, keys = kinds
        return cls(version, tuple(labels), tuple(types), tuple(keys))

    def extends(self, other: Names) -> bool:
        """Whether these are ``other`` with nothing but additions."""
        return (
            self.labels[: len(other.labels)] == other.labels
            and self.types[: len(other.types)] == other.types
            and self.keys[: len(other.keys)] == other.keys
        )


def has_entities(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a node, an edge or a path is anywhere in the cells."""
    return any(_holds_entity(cell) for row in rows for cell in row)


def _holds_entity(cell: Any) -> bool:
    kind = cell[0]
    if kind in ENTITIES:
        return True
    if kind == ARRAY:
        return any(_holds_entity(item) for item in cell[1])
    if kind == MAP:
        return any(_holds_entity(item) for item in cell[1][1::2])
    return False


def decode_rows(rows: Sequence[Sequence[Any]], names: Names) -> list[list[Any]]:
    """The cells as Python values: see :class:`~runic.orm.driver.port.QueryResult`.

    Raises:
        ValueError: a cell of an unknown type, or a number that has no name.
        DriverError: a date or a duration that Python cannot hold.
    """
    try:
        return [[_value(cell, names) for cell in row] for row in rows]
    except OverflowError as error:
        raise DriverError(
            f"the result holds a date or a duration beyond what Python has ({error}); return it as text:"
            " toString(...)",
            backend="falkordb",
        ) from error
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"a reply that cannot be read ({type(error).__name__}: {error})") from error


def _value(cell: Any, names: Names) -> Any:
    kind, value = cell
    if kind == NODE:
        return _node(value, names)
    if kind == EDGE:
        number: int
        identity, number, source, target, properties = value
        return RawEdge(identity, names.types[number], source, target, _properties(properties, names))
    if kind == PATH:
        nodes, edges = value
        return RawPath(
            tuple([_value(node, names) for node in nodes[1]]),
            tuple([_value(edge, names) for edge in edges[1]]),
        )
    if kind == ARRAY:
        return [_value(item, names) for item in value]
    if kind == MAP:
        return {value[at]: _value(value[at + 1], names) for at in range(0, len(value), 2)}
    return decoders[kind](value)


def _node(value: Any, names: Names) -> RawNode:
    labels: Sequence[int]
    identity, labels, properties = value
    return RawNode(
        identity, tuple([names.labels[number] for number in labels]), _properties(properties, names)
    )


def _properties(properties: Any, names: Names) -> dict[str, Any]:
    # A property is (number of its name, type, value), not a cell.
    return {names.keys[number]: _value((kind, value), names) for number, kind, value in properties}
