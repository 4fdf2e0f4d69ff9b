"""Indexes and constraints of a Memgraph database, by its documentation.

All of this runs outside of explicit transactions: the server takes it in no other way. An index serves
queries when the server answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from runic.orm.exceptions import (
    ConstraintViolation,
    DriverError,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec

from ..bolt.driver import BoltDriver
from .dialect import DIALECT
from .emitter import FULLTEXT_PREFIX, VECTOR_PREFIX

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["MemgraphIndexAdapter"]

_METRICS = {"cosine": "cos", "euclidean": "l2sq"}
_NAMED = re.compile(r"^(?P<kind>[\w+-]+) \(name: (?P<name>.*)\)$")
_CAPACITY = 10_000
_SHOWN = 5


class MemgraphIndexAdapter:
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    Args:
        driver: a driver made by ``create_memgraph_driver`` or ``create_driver("memgraph", ...)``.

    Example:
        >>> adapter = MemgraphIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, BoltDriver) or driver.dialect.name != DIALECT.name:
            raise TypeError(f"indexes of Memgraph need its sync driver, not {type(driver).__name__}")
        self._driver = driver

    @property
    def driver(self) -> BoltDriver:
        """The driver."""
        return self._driver

    # -- creating -------------------------------------------------------------------------------

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create an index over ``properties`` together; of edges, over one."""
        names = _named(properties)
        if entity == "EDGE" and len(names) > 1:
            raise UnsupportedByBackendError(
                "memgraph", "indexes over several properties of edges", "create one each"
            )
        if not self._exists("RANGE", label, names, entity, if_not_exists):
            self._run(f"CREATE {_word(entity)}INDEX ON :{_quote(label)}({_list(names)})")

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a unique constraint.

        Raises:
            ConstraintViolation: there are duplicates; the message shows some.
        """
        names = _named(properties)
        _nodes_only(entity, "unique constraints")
        if self._exists("UNIQUE", label, names, entity, if_not_exists):
            return
        accesses = ", ".join(f"x.{_quote(name)}" for name in names)
        try:
            self._run(f"CREATE CONSTRAINT ON (x:{_quote(label)}) ASSERT {accesses} IS UNIQUE")
        except DriverError as error:
            found = self._duplicates(label, names)
            if not found:
                raise
            raise ConstraintViolation(
                f"the UNIQUE constraint on {label}({', '.join(names)}) is violated already: {found}",
                backend="memgraph",
                statement=error.statement,
            ) from error
        # The constraint alone serves no look-ups.
        if not self._exists("RANGE", label, names, entity, if_not_exists=True):
            self._run(f"CREATE INDEX ON :{_quote(label)}({_list(names)})")

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a constraint for each property that requires it.

        Raises:
            ConstraintViolation: there are nodes without them.
        """
        _nodes_only(entity, "required properties")
        for name in _named(properties):
            if self._exists("MANDATORY", label, (name,), entity, if_not_exists):
                continue
            pattern = f"(x:{_quote(label)})"
            try:
                self._run(f"CREATE CONSTRAINT ON {pattern} ASSERT EXISTS (x.{_quote(name)})")
            except DriverError as error:
                rows = self._rows(f"MATCH {pattern} WHERE x.{_quote(name)} IS NULL RETURN count(x)")
                if not rows[0][0]:
                    raise
                raise ConstraintViolation(
                    f"the MANDATORY constraint on {label}({name}) is violated already:"
                    f" {rows[0][0]} without a value",
                    backend="memgraph",
                    statement=error.statement,
                ) from error

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """Create the fulltext index of a label, over all ``properties``; one that has others is made anew."""
        names = _named(properties)
        if language is not None or stopwords is not None:
            raise UnsupportedByBackendError("memgraph", "a language or stopwords of a fulltext index")
        known = next((row for row in self._index_rows() if row[:3] == ("FULLTEXT", entity, label)), None)
        if known is not None:
            if if_not_exists and set(names) <= set(known[3]):
                return
            if not if_not_exists:
                raise ServerError(f"{label} has a fulltext index already", backend="memgraph")
            names = tuple(dict.fromkeys((*known[3], *names)))
            self._run(f"DROP TEXT INDEX {_quote(known[4])}")
        self._run(_text_index(label, names, entity))

    def create_vector_index(
        self,
        label: str,
        name: str,
        *,
        dimension: int | None = None,
        similarity: str | None = None,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        **options: Any,
    ) -> None:
        """Create a vector index.

        Args:
            label: label of the nodes, or type of the edges.
            name: the property that holds the vectors.
            dimension: how many numbers a vector has; needed.
            similarity: ``"cosine"`` (default) or ``"euclidean"``.
            entity: nodes or edges.
            if_not_exists: leave an existing one.
            **options: ``capacity``, the number of vectors to make room for at first.

        Raises:
            MetadataError: no dimension, or an unknown similarity or option.
        """
        if dimension is None:
            raise MetadataError(
                f"a vector index on {label}.{name} needs its dimension: Field(index_type='VECTOR',"
                " dimension=384)"
            )
        similarity = similarity or "cosine"
        if similarity not in _METRICS:
            raise MetadataError(f"similarity is one of {', '.join(_METRICS)}, not {similarity!r}")
        unknown = sorted(options.keys() - {"capacity"})
        if unknown:
            raise MetadataError(f"vector indexes take capacity, not {unknown[0]!r}")
        capacity = _whole("capacity", options.get("capacity", _CAPACITY))
        if self._exists("VECTOR", label, (name,), entity, if_not_exists):
            return
        title = _quote(f"{VECTOR_PREFIX}{label}_{name}")
        self._run(
            f"CREATE VECTOR {_word(entity)}INDEX {title} ON :{_quote(label)}({_quote(name)}) WITH CONFIG"
            f' {{"dimension": {_whole("dimension", dimension)}, "capacity": {capacity},'
            f' "metric": "{_METRICS[similarity]}"}}'
        )

    def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """Create what ``spec`` describes."""
        make: dict[str, Callable[..., None]] = {
            "RANGE": self.create_range_index,
            "UNIQUE": self.create_unique_constraint,
            "MANDATORY": self.create_mandatory_constraint,
            "FULLTEXT": self.create_fulltext_index,
            "VECTOR": self.create_vector_index,
        }
        if spec.index_type not in make:
            raise MetadataError(f"unknown index type {spec.index_type!r}: one of {', '.join(make)}")
        options = {name: value for name, value in spec.options.items() if value is not None}
        make[spec.index_type](
            spec.label, *spec.properties, entity=spec.entity, if_not_exists=if_not_exists, **options
        )

    # -- dropping and listing -------------------------------------------------------------------

    def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """Drop what ``spec`` describes: a unique constraint with its index, properties of a fulltext one.

        Raises:
            ServerError: it does not exist, and ``if_exists`` is false.
        """
        names, label = spec.properties, _quote(spec.label)
        statements: list[str] = []
        if spec.index_type == "UNIQUE" and self._has("UNIQUE", spec.label, names, spec.entity):
            accesses = ", ".join(f"x.{_quote(name)}" for name in names)
            statements.append(f"DROP CONSTRAINT ON (x:{label}) ASSERT {accesses} IS UNIQUE")
        elif spec.index_type == "MANDATORY":
            statements += [
                f"DROP CONSTRAINT ON (x:{label}) ASSERT EXISTS (x.{_quote(name)})"
                for name in names
                if self._has("MANDATORY", spec.label, (name,), spec.entity)
            ]
        if spec.index_type in ("RANGE", "UNIQUE") and self._has("RANGE", spec.label, names, spec.entity):
            statements.append(f"DROP {_word(spec.entity)}INDEX ON :{label}({_list(names)})")
        for kind, entity, at, held, title in self._index_rows():
            if (kind, entity, at) != (spec.index_type, spec.entity, spec.label):
                continue
            if kind == "VECTOR" and held == names:
                statements.append(f"DROP VECTOR INDEX {_quote(title)}")
            elif kind == "FULLTEXT" and set(held) & set(names):
                statements.append(f"DROP TEXT INDEX {_quote(title)}")
                left = tuple(name for name in held if name not in names)
                if left:
                    statements.append(_text_index(at, left, entity))
        if not statements and not if_exists:
            raise ServerError(f"there is no {spec}", backend="memgraph")
        for statement in statements:
            self._run(statement)

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints, without the indexes beside unique constraints.

        A fulltext index is shown as one for each property, as it is declared.
        """
        constraints = self._constraints()
        unique = {
            (spec.entity, spec.label, spec.properties) for spec in constraints if spec.index_type == "UNIQUE"
        }
        vectors = self._vector_options()
        specs = list(constraints)
        for kind, entity, label, names, title in self._index_rows():
            if kind != "RANGE" or (entity, label, names) not in unique:
                options = MappingProxyType(vectors.get(title, {}))
                specs += self.expand(IndexSpec(label, names[0], kind, entity, names, options))
        return specs

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as :meth:`list_indexes` shows it: a required or searched property each."""
        if spec.index_type not in ("MANDATORY", "FULLTEXT") or len(spec.properties) == 1:
            return (spec,)
        return tuple(
            IndexSpec(spec.label, name, spec.index_type, spec.entity, options=spec.options)
            for name in spec.properties
        )

    def ensure_entity_types(self, entity_classes: Sequence[type[Any]]) -> None:
        """Nothing: labels and types appear with the first entity."""

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    # -- how ------------------------------------------------------------------------------------

    def _run(self, statement: str) -> None:
        self._driver.execute(statement)

    def _rows(self, statement: str) -> list[list[Any]]:
        return self._driver.execute(statement, write=False).rows

    def _table(self, statement: str) -> list[dict[str, Any]]:
        result = self._driver.execute(statement, write=False)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def _index_rows(self) -> list[tuple[str, EntityKind, str, tuple[str, ...], str]]:
        """Kind, entity, label, properties, name; indexes of labels without properties are left out."""
        rows: list[tuple[str, EntityKind, str, tuple[str, ...], str]] = []
        for row in self._table("SHOW INDEX INFO"):
            told = str(row["index type"])
            named = _NAMED.match(told)
            words, title = (named["kind"], named["name"]) if named else (told, "")
            names = _names_of(row["property"])
            kind = "FULLTEXT" if "_text" in words else "VECTOR" if "_vector" in words else "RANGE"
            if names and "point" not in words:
                entity: EntityKind = "EDGE" if words.startswith("edge") else "NODE"
                rows.append((kind, entity, row["label"], names, title))
        return rows

    def _constraints(self) -> list[IndexSpec]:
        kinds = {"unique": "UNIQUE", "exists": "MANDATORY"}
        specs: list[IndexSpec] = []
        for row in self._table("SHOW CONSTRAINT INFO"):
            kind = kinds.get(str(row["constraint type"]))
            if kind is not None:
                names = _names_of(row["properties"])
                specs.append(IndexSpec(row["label"], names[0], kind, "NODE", names))
        return specs

    def _vector_options(self) -> dict[str, dict[str, Any]]:
        """Dimension and similarity of the vector indexes, by name."""
        similarities = {metric: name for name, metric in _METRICS.items()}
        try:
            rows = self._table("SHOW VECTOR INDEX INFO")
        except ServerError:  # a server without vector indexes
            return {}
        return {
            str(row["index_name"]): {
                "dimension": row["dimension"],
                "similarity": similarities.get(row["metric"], row["metric"]),
            }
            for row in rows
        }

    def _has(self, kind: str, label: str, names: tuple[str, ...], entity: EntityKind) -> bool:
        if kind in ("UNIQUE", "MANDATORY"):
            return any(
                (spec.index_type, spec.label, spec.properties) == (kind, label, names)
                for spec in self._constraints()
            )
        return any(row[:4] == (kind, entity, label, names) for row in self._index_rows())

    def _exists(
        self, kind: str, label: str, names: tuple[str, ...], entity: EntityKind, if_not_exists: bool
    ) -> bool:
        """Whether it is there already, which is an error unless that is allowed."""
        found = self._has(kind, label, names, entity)
        if found and not if_not_exists:
            raise ServerError(f"{kind} on {label}({', '.join(names)}) exists already", backend="memgraph")
        return found

    def _duplicates(self, label: str, names: tuple[str, ...]) -> str:
        accesses = [f"x.{_quote(name)}" for name in names]
        present = " AND ".join(f"{access} IS NOT NULL" for access in accesses)
        rows = self._rows(
            f"MATCH (x:{_quote(label)}) WHERE {present} WITH [{', '.join(accesses)}] AS v, count(x) AS c"
            f" WHERE c > 1 RETURN v, c ORDER BY c DESC LIMIT {_SHOWN}"
        )
        return ", ".join(f"{v[0] if len(v) == 1 else v} x {c}" for v, c in rows)


def _names_of(held: Any) -> tuple[str, ...]:
    """The properties of a row: a list of them, the only one, or none."""
    if isinstance(held, list):
        return tuple(cast("list[str]", held))
    return (held,) if held else ()


def _quote(name: str) -> str:
    return DIALECT.quote(name)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(map(_quote, names))


def _word(entity: EntityKind) -> str:
    return "EDGE " if entity == "EDGE" else ""


def _text_index(label: str, names: tuple[str, ...], entity: EntityKind) -> str:
    title = _quote(f"{FULLTEXT_PREFIX}{label}")
    return f"CREATE TEXT {_word(entity)}INDEX {title} ON :{_quote(label)}({_list(names)})"


def _nodes_only(entity: EntityKind, what: str) -> None:
    if entity == "EDGE":
        raise UnsupportedByBackendError("memgraph", f"{what} of edges")


def _named(properties: tuple[str, ...]) -> tuple[str, ...]:
    if not properties or len(set(properties)) != len(properties):
        raise MetadataError(f"an index takes one or more different properties, not {properties!r}")
    return properties


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value
