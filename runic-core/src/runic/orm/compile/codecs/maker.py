"""From a field's type to its codec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from runic.orm.compile.codec import Codec
from runic.orm.compile.codecs import containers, scalars, times, vectors
from runic.orm.compile.codecs.cells import PLAIN, Cells
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.exceptions import MetadataError

__all__ = ["CodecMaker", "Codecs"]

type CodecMaker = Callable[[FieldType], Codec]
"""Makes the codec of one field type."""

_SIMPLE: Final[Mapping[Kind, Callable[[Cells], Codec]]] = {
    Kind.STRING: scalars.string,
    Kind.INTEGER: scalars.integer,
    Kind.FLOAT: scalars.float_,
    Kind.EXACT_FLOAT: scalars.float_,
    Kind.BOOLEAN: scalars.boolean,
    Kind.BYTES: scalars.base64_bytes,
    Kind.DATETIME: times.datetime,
    Kind.DATE: times.date,
    Kind.TIME: times.time,
    Kind.TIMEDELTA: times.timedelta,
    Kind.DECIMAL: scalars.decimal,
    Kind.UUID: scalars.uuid_,
    Kind.JSON: containers.json_,
}


class Codecs:
    """The codecs of one dialect; call it with a field's type. Each is made once.

    Args:
        cells: how the client delivers the cells of a reply.
        overrides: by kind, what makes the codecs of values that the server keeps in a form of its own.
            Items of lists are made by them as well. ``Kind.POINT`` has no other maker.
        uniform_lists: the server refuses or changes lists of several types, or of lists.
        functions: the functions of ``TypeConverter.cypher_fn`` that the server has; ``None``: any.

    Example:
        >>> from runic.orm.core.kinds import FieldType, Kind
        >>> Codecs()(FieldType(Kind.UUID, object)).stored
        'text'
    """

    def __init__(
        self,
        cells: Cells = PLAIN,
        *,
        overrides: Mapping[Kind, CodecMaker] | None = None,
        uniform_lists: bool = False,
        functions: frozenset[str] | None = None,
    ) -> None:
        self._cells = cells
        self._overrides = dict(overrides or {})
        self._uniform = uniform_lists
        self._functions = functions
        self._made: dict[FieldType, Codec] = {}

    def __call__(self, type_: FieldType) -> Codec:
        """The codec of ``type_``.

        Raises:
            MetadataError: values of that type cannot be stored, with the reason.
        """
        found = self._made.get(type_)
        if found is None:
            found = self._made[type_] = self._make(type_)
        return found

    def _make(self, type_: FieldType) -> Codec:
        override = self._overrides.get(type_.kind)
        if override is not None:
            return override(type_)
        match type_.kind:
            case Kind.ENUM:
                return containers.enum(type_, self._cells)
            case Kind.LIST:
                return containers.list_(type_, self._cells, self, uniform=self._uniform)
            case Kind.CUSTOM:
                return containers.custom(type_, self._cells, self._functions)
            case Kind.VECTOR:
                return vectors.vector(self._cells, dimension=type_.dimension)
            case Kind.ANY:
                return containers.any_(self._cells, uniform=self._uniform)
            case kind:
                maker = _SIMPLE.get(kind)
                if maker is None:
                    raise MetadataError(f"this backend stores no {kind.name} values")
                return maker(self._cells)
