"""Which variables a statement has, and which of them a field belongs to."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.exceptions import QueryError
from runic.orm.query import ir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["Scope", "Source", "field_of", "property_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """A variable in scope.

    Attributes:
        alias: its name.
        model: the class of what it stands for; ``None`` for an edge without a model.
        edge_type: the relationship type, if it is an edge.
        home: the number of the clause that a predicate over it belongs to.
        nullable: whether an optional match bound it.
    """

    alias: str
    model: type | None
    edge_type: str | None
    home: int
    nullable: bool

    def carries(self, cls: type) -> bool:
        """Whether fields of ``cls`` can be asked of it."""
        if self.model is not None:
            return issubclass(self.model, cls)
        return self.edge_type is not None and _edge_type(cls) == self.edge_type

    @property
    def described(self) -> str:
        """The alias and what it is, for messages."""
        what = self.model.__name__ if self.model is not None else f"[:{self.edge_type}]"
        return f"{self.alias!r} ({what})"


class Scope:
    """The variables in scope at one point of a statement.

    Args:
        outer: what is in scope around it, for that of a subquery.
        start: the variable around it that the subquery starts from: meant where several could be.
    """

    def __init__(self, outer: Scope | None = None, start: str | None = None) -> None:
        self.outer = outer
        self.start = start
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.sources: dict[str, Source] = {}
        #: aliases that were renamed, by their old names.
        self.renamed: dict[str, str] = {}
        #: edge classes of hops without edge_alias, for messages.
        self.unnamed_edges: list[type] = []

    def add(self, source: Source) -> None:
        """Bind a new variable.

        Raises:
            QueryError: the name is taken.
        """
        if source.alias in self.sources:
            raise QueryError(
                f"the alias {source.alias!r} is taken by {self.sources[source.alias].described}: choose"
                " another"
            )
        self.sources[source.alias] = source

    def named(self, alias: str) -> Source:
        """The variable of that name.

        Raises:
            QueryError: there is none; lists those there are.
        """
        found = self.sources.get(alias) or self.sources.get(self.renamed.get(alias, ""))
        if found is None and self.outer is not None:
            return self.outer.named(alias)
        if found is None:
            raise QueryError(f"unknown alias {alias!r}{_suggest(alias, self.sources)}{self._known()}")
        return found

    def find(self, cls: type, prop: str, alias: str | None, prefer: Iterable[str] = ()) -> Source:
        """The variable that a field of ``cls`` is asked of.

        Args:
            cls: the class of the field.
            prop: the name of the field.
            alias: the variable, if the user named it.
            prefer: among several, take one of these if that leaves one.

        Raises:
            QueryError: none, or more than one.
        """
        if alias is not None:
            source = self.named(alias)
            if not source.carries(cls):
                raise QueryError(
                    f"{cls.__name__}.{prop} cannot be asked of {source.described}, which is no {cls.__name__}"
                )
            return source
        found = [source for source in self.sources.values() if source.carries(cls)]
        if len(found) > 1:
            preferred = set(prefer)
            found = [source for source in found if source.alias in preferred] or found
            if len(found) > 1:
                names = " and ".join(source.described for source in found)
                raise QueryError(
                    f"{cls.__name__}.{prop} may belong to {names}: say which, by on={found[0].alias!r}"
                    f" in where(), or by order_by({f'{found[0].alias}.{prop}'!r})"
                )
        if not found and self.outer is not None:
            # What is nearest hides what is around it.
            return self.outer.find(cls, prop, None, prefer if self.start is None else (self.start,))
        if not found:
            if any(issubclass(edge, cls) for edge in self.unnamed_edges):
                raise QueryError(
                    f"{cls.__name__}.{prop} belongs to a relationship without a name: give it one by"
                    " traverse(..., edge_alias='r')"
                )
            raise QueryError(
                f"{cls.__name__}.{prop}: {cls.__name__} is not part of the statement{self._known()}"
            )
        return found[0]

    def _known(self) -> str:
        return "; known here are " + ", ".join(source.described for source in self.sources.values())


def field_of(cls: type, prop: str) -> FieldDescriptor:
    """The field ``prop`` of a model.

    Raises:
        QueryError: no such field, or a relation.
    """
    fields = _fields(cls)
    field = fields.get(prop)
    if field is None:
        raise QueryError(f"{cls.__name__} has no field {prop!r}{_suggest(prop, fields)}")
    if field.is_relation:
        raise QueryError(f"{cls.__name__}.{prop} is a relation and has no value: use traverse()")
    return field


def property_of(source: Source, field: FieldDescriptor) -> ir.Property | ir.Identity:
    """The expression that reads ``field`` of a variable."""
    owner = f"{field.owner.__name__}.{field.name}"
    if field.primary_key and field.generated:
        return ir.Identity(source.alias, owner)
    return ir.Property(source.alias, field.name, field.type, owner)


def _fields(cls: type[Any]) -> Mapping[str, FieldDescriptor]:
    from runic.orm.core.models import Edge

    if issubclass(cls, Edge):
        return edge_meta(cls).fields
    return node_meta(cls).fields


def _edge_type(cls: type) -> str | None:
    from runic.orm.core.models import Edge

    return edge_meta(cls).type if issubclass(cls, Edge) else None


def _suggest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]!r}?" if close else ""
