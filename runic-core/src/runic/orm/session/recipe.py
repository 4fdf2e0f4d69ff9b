"""Recipes: what writing one class needs, worked out once per class and dialect.

A flush of thousands of objects looks nothing up per object: it takes the recipe of their class and
encodes them all in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runic.orm.compile.steps import End, Match, Write
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.driver.port import Store
from runic.orm.mapper.encode import compile_encoder, encode_value, field_write

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["EdgeRecipe", "NodeRecipe", "edge_recipe", "node_recipe"]

type Encode = Callable[[Sequence[Any], list[list[Any]]], None]


class _Recipe:
    """What nodes and edges have in common: writing sets of properties."""

    def __init__(self, meta: Any, dialect: Dialect) -> None:
        dialect.check_model(meta)
        self.meta = meta
        self.dialect = dialect
        self.version: str | None = meta.version_field.name if meta.version_field else None
        self.stored: tuple[FieldDescriptor, ...] = tuple(
            field for field in meta.properties if not (field.generated and field.primary_key)
        )
        self._sets: dict[frozenset[str], tuple[tuple[Write, ...], Encode]] = {}

    def writes(self, names: frozenset[str]) -> tuple[tuple[Write, ...], Encode]:
        """The writes of these properties in declaration order, and what encodes them."""
        found = self._sets.get(names)
        if found is None:
            fields = tuple(field for field in self.stored if field.name in names)
            found = self._sets[names] = (
                tuple(field_write(field, self.dialect) for field in fields),
                compile_encoder(fields, self.dialect),
            )
        return found

    @property
    def version_write(self) -> Write:
        """The write of the version."""
        return field_write(self.meta.version_field, self.dialect)

    def start_version(self, entities: Sequence[Any]) -> None:
        """Objects that are created have version 1."""
        if self.version is not None:
            for entity in entities:
                if entity.__dict__.get(self.version) is None:
                    entity.__dict__[self.version] = 1


class NodeRecipe(_Recipe):
    """How nodes of one class are written.

    Attributes:
        stored: the fields that are properties.
        match: how one that exists is found; ``guarded``: with the version it must have.
        end: an existing one as the end of an edge.
        stores: what they are stored under, where a node has one label.
        relations: its relations. ``cascades``: those with ``cascade=True``.
        key: the name of the primary key, unless the server makes it.
        merged: the names of the properties that merging writes.
    """

    def __init__(self, cls: type[Any], dialect: Dialect) -> None:
        super().__init__(node_meta(cls), dialect)
        key = self.meta.primary_key
        self.key_field: FieldDescriptor | None = None if key is None or key.generated else key
        self.key: str | None = self.key_field.name if self.key_field else None
        compared: tuple[str, str] | None = None
        self.merged: frozenset[str] = frozenset(
            field.name for field in self.stored if field is not self.key_field and not field.version
        )
        self._encode_key: Encode | None = None
        self._compare: Callable[[Any], Any] | None = None
        if self.key_field is not None and not dialect.keeps_identities:
            codec = dialect.codec(self.key_field.type)
            compared = (self.key_field.name + codec.compare[0], codec.compare[1])
            self._compare = codec.compare_encode
            self._encode_key = compile_encoder((self.key_field,), dialect)
        label = self.meta.own_label if compared is None or dialect.one_label else None
        self.match: Match = Match(compared, label=label)
        self.guarded: Match = Match(compared, self.version, label)
        self.end: End = End(match=self.match)
        # Of a node that the same flush creates, an edge knows no more than the label.
        self.created: Match = Match(label=label) if dialect.one_label else Match()
        self.stores: tuple[Store, ...] = ()
        if dialect.one_label:
            self.stores = tuple(Store(name, bases=bases) for name, bases in self.meta.lineage)
        self.relations: tuple[FieldDescriptor, ...] = self.meta.relations
        self.cascades: tuple[FieldDescriptor, ...] = tuple(
            relation for relation in self.relations if relation.cascade
        )

    def mergeable(self, entity: Any) -> frozenset[str]:
        """Those of ``merged`` that an entity holds."""
        held = entity.__dict__.keys()
        return self.merged if held >= self.merged else self.merged.intersection(held)

    def find(self, entities: Sequence[Any], rows: list[list[Any]], *, version: bool = False) -> None:
        """Append the columns of ``match`` (of ``guarded``) to each row."""
        for entity, row in zip(entities, rows, strict=True):
            row.append(entity._runic_state.id)
        if self._compare is not None:
            for entity, row in zip(entities, rows, strict=True):
                row.append(self._compare(entity.__dict__[self.key]))
        elif self._encode_key is not None:
            self._encode_key(entities, rows)
        if version and self.version is not None:
            for entity, row in zip(entities, rows, strict=True):
                row.append(entity.__dict__.get(self.version) or 0)

    def key_value(self, key: Any) -> Any:
        """A key as it is compared with the stored one."""
        if self.key_field is None:
            return key
        return self._compare(key) if self._compare else encode_value(self.key_field, key, self.dialect)


class EdgeRecipe(_Recipe):
    """How edges of one class are written."""

    def __init__(self, cls: type[Any], dialect: Dialect) -> None:
        super().__init__(edge_meta(cls), dialect)
        self.all_writes: tuple[Write, ...]
        self.encode: Encode
        self.all_writes, self.encode = self.writes(frozenset(field.name for field in self.stored))


@lru_cache(maxsize=1024)
def node_recipe(cls: type[Any], dialect: Dialect) -> NodeRecipe:
    """The recipe of a node class."""
    return NodeRecipe(cls, dialect)


@lru_cache(maxsize=1024)
def edge_recipe(cls: type[Any], dialect: Dialect) -> EdgeRecipe:
    """The recipe of an edge class."""
    return EdgeRecipe(cls, dialect)
