"""Indexes, constraints and types of an ArcadeDB database.

Indexes and constraints of properties are made with Cypher over Bolt, those of searches and the types
themselves with SQL over HTTP: Bolt cannot (26.10). All of them are usable when the server answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from runic.orm.core.metadata import EdgeMeta, edge_meta, node_meta
from runic.orm.exceptions import (
    ConstraintViolation,
    DriverError,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec

from .dialect import DIALECT, FULLTEXT_PREFIX
from .driver import ArcadeDBDriver

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["ArcadeDBIndexAdapter"]

_SIMILARITIES = {"cosine": "COSINE", "euclidean": "EUCLIDEAN"}
#: options of a vector index, as create_vector_index() takes them -> as the server does
_VECTOR_OPTIONS = {"M": "maxConnections", "efConstruction": "beamWidth"}
_ANALYZERS = {
    "english": "org.apache.lucene.analysis.en.EnglishAnalyzer",
    "french": "org.apache.lucene.analysis.fr.FrenchAnalyzer",
    "german": "org.apache.lucene.analysis.de.GermanAnalyzer",
    "italian": "org.apache.lucene.analysis.it.ItalianAnalyzer",
    "spanish": "org.apache.lucene.analysis.es.SpanishAnalyzer",
}
#: A second property of a fulltext index over one property that has another index: the server keeps one
#: index for a set of properties. Nothing is ever written to it.
_BESIDE = "_fulltext"
_SHOWN = 5


class ArcadeDBIndexAdapter:
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    The server gives an index of a base label to every combination of labels below it, so that a unique
    value is unique among all of them. Making an index on properties that hold values already fixes their
    type: values of another one are refused from then on.

    Args:
        driver: a driver made by ``create_arcadedb_driver`` or ``create_driver("arcadedb", ...)``.

    Example:
        >>> adapter = ArcadeDBIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: Any) -> None:
        if not isinstance(driver, ArcadeDBDriver):
            raise TypeError(f"indexes of ArcadeDB need its sync driver, not {type(driver).__name__}")
        self._driver = driver

    @property
    def driver(self) -> ArcadeDBDriver:
        """The driver."""
        return self._driver

    # -- creating -------------------------------------------------------------------------------

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create an index over ``properties`` together."""
        names = _named(properties)
        self._refuse_fulltext_beside(label, names, entity)
        condition = " IF NOT EXISTS" if if_not_exists else ""
        self._cypher(f"CREATE INDEX{condition} FOR {_pattern(label, entity)} ON ({_list(names)})")

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a unique constraint, and the index under it.

        Raises:
            ConstraintViolation: there are duplicates; the message shows some.
        """
        names = _named(properties)
        self._refuse_fulltext_beside(label, names, entity)
        condition = " IF NOT EXISTS" if if_not_exists else ""
        required = _list(names) if len(names) == 1 else f"({_list(names)})"
        try:
            self._cypher(
                f"CREATE CONSTRAINT{condition} FOR {_pattern(label, entity)} REQUIRE {required} IS UNIQUE"
            )
        except ConstraintViolation as error:
            raise ConstraintViolation(
                f"the UNIQUE constraint on {label}({', '.join(names)}) is violated already:"
                f" {self._duplicates(label, names, entity)}",
                backend="arcadedb",
                statement=error.statement,
            ) from error

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a constraint for each property that requires it.

        Raises:
            ConstraintViolation: there are entities without them.
        """
        condition = " IF NOT EXISTS" if if_not_exists else ""
        pattern = _pattern(label, entity)
        for name in _named(properties):
            if not if_not_exists and self._at("MANDATORY", label, (name,), entity):
                raise ServerError(f"{label}.{name} is required already", backend="arcadedb")
            try:
                self._cypher(
                    f"CREATE CONSTRAINT{condition} FOR {pattern} REQUIRE x.{_quote(name)} IS NOT NULL"
                )
            except DriverError as error:
                if "violates it" not in str(error):
                    raise
                missing = self._rows(f"MATCH {pattern} WHERE x.{_quote(name)} IS NULL RETURN count(x)")[0][0]
                raise ConstraintViolation(
                    f"the MANDATORY constraint on {label}({name}) is violated already:"
                    f" {missing} without a value",
                    backend="arcadedb",
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
        """Create the fulltext index of a label, over all ``properties``; one that has others is made anew.

        Args:
            label: label of the nodes, or type of the edges.
            *properties: the properties, which hold text.
            entity: nodes or edges.
            if_not_exists: leave it if it has these properties.
            language: of the stemmer: ``"english"``, ``"french"``, ``"german"``, ``"italian"``, ``"spanish"``.
                The default knows none, and no stopwords.
            stopwords: refused: those of the language are left out.
        """
        names = _named(properties)
        if stopwords is not None:
            raise UnsupportedByBackendError(
                "arcadedb", "stopwords of a fulltext index", "pass language=, which leaves out its own"
            )
        if language is not None and language not in _ANALYZERS:
            raise MetadataError(f"language is one of {', '.join(_ANALYZERS)}, not {language!r}")
        title = f"{FULLTEXT_PREFIX}{label}"
        existing = next((row for row in self._index_rows() if row[0] == title), None)
        if existing is not None:
            if if_not_exists and set(names) <= set(existing[4]):
                return
            if not if_not_exists:
                raise ServerError(f"the index {title} exists already", backend="arcadedb")
            names = tuple(dict.fromkeys((*(name for name in existing[4] if name != _BESIDE), *names)))
            self._cypher(f"DROP INDEX {_quote(title)}")
        self._ensure_type(label, entity)
        taken = [tuple(row[4]) for row in self._index_rows() if _is_at(row, label, entity)]
        held = names if names not in taken else (*names, _BESIDE)
        for name in held:
            self._property(label, name, "STRING")
        metadata = f" METADATA {json.dumps({'analyzer': _ANALYZERS[language]})}" if language else ""
        self._sql(f"CREATE INDEX {_quote(title)} ON {_quote(label)} ({_sql_list(held)}) FULL_TEXT{metadata}")

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
        """Create a vector index; the property then takes vectors of that dimension only.

        Args:
            label: label of the nodes.
            name: the property that holds the vectors.
            dimension: how many numbers a vector has; needed.
            similarity: ``"cosine"`` (default) or ``"euclidean"``.
            entity: nodes: there is no search for edges.
            if_not_exists: leave an existing one.
            **options: ``M``, ``efConstruction`` of the graph.

        Raises:
            MetadataError: no dimension, or an unknown similarity or option.
        """
        if entity == "EDGE":
            raise UnsupportedByBackendError(
                "arcadedb", "vector indexes of edges", "the server cannot search them"
            )
        if dimension is None:
            raise MetadataError(
                f"a vector index on {label}.{name} needs its dimension: Field(index_type='VECTOR',"
                " dimension=384)"
            )
        similarity = similarity or "cosine"
        if similarity not in _SIMILARITIES:
            raise MetadataError(f"similarity is one of {', '.join(_SIMILARITIES)}, not {similarity!r}")
        settings: dict[str, Any] = {
            "dimensions": _whole("dimension", dimension),
            "similarity": _SIMILARITIES[similarity],
        }
        for option, value in options.items():
            if option not in _VECTOR_OPTIONS:
                raise MetadataError(f"vector indexes take {', '.join(_VECTOR_OPTIONS)}, not {option!r}")
            settings[_VECTOR_OPTIONS[option]] = _whole(option, value)
        self._ensure_type(label, entity)
        self._property(label, name, "ARRAY_OF_FLOATS")
        condition = " IF NOT EXISTS" if if_not_exists else ""
        # Without a name of its own it gets the one that searches use: Label[property].
        self._sql(
            f"CREATE INDEX{condition} ON {_quote(label)} ({_quote(name)}) LSM_VECTOR"
            f" METADATA {json.dumps(settings)}"
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

        A fulltext index that keeps others is made anew, without a language.

        Raises:
            ServerError: it does not exist, and ``if_exists`` is false.
        """
        found = False
        if spec.index_type in ("UNIQUE", "MANDATORY"):
            for title, kind, entity, label, names in self._constraint_rows():
                if (kind, entity, label) == (spec.index_type, spec.entity, spec.label) and (
                    names == spec.properties or (kind == "MANDATORY" and set(names) <= set(spec.properties))
                ):
                    self._cypher(f"DROP CONSTRAINT {_quote(title)} IF EXISTS")
                    found = True
        else:
            for title, kind, entity, label, names, _ in self._index_rows():
                if (kind, entity, label) != (spec.index_type, spec.entity, spec.label):
                    continue
                left = tuple(name for name in names if name not in (*spec.properties, _BESIDE))
                if names == spec.properties or (kind == "FULLTEXT" and set(names) & set(spec.properties)):
                    self._cypher(f"DROP INDEX {_quote(title)} IF EXISTS")
                    if left:
                        self.create_fulltext_index(label, *left, entity=entity)
                    found = True
        if not found and not if_exists:
            raise ServerError(f"there is no {spec}", backend="arcadedb")

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints, without the indexes that serve a unique constraint.

        A fulltext index is shown as one for each property, as it is declared.
        """
        specs = [
            IndexSpec(label, names[0], kind, entity, names)
            for _, kind, entity, label, names in self._constraint_rows()
        ]
        for _, kind, entity, label, names, owner in self._index_rows():
            if owner is None:
                shown = tuple(name for name in names if name != _BESIDE)
                specs += self.expand(IndexSpec(label, shown[0], kind, entity, shown))
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
        """Create a vertex type for each label and an edge type for each relationship type.

        Types appear by themselves with the first entity as well, except that a search needs its index,
        and an index its type.

        Raises:
            MetadataError: a name is both a label and a relationship type.
        """
        for cls in entity_classes:
            if isinstance(getattr(cls, "_runic_meta", None), EdgeMeta):
                edge = edge_meta(cls)
                DIALECT.check_model(edge)
                self._ensure_type(edge.type, "EDGE")
            else:
                node = node_meta(cls)
                DIALECT.check_model(node)
                for label in node.labels:
                    self._ensure_type(label, "NODE")

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    # -- how ------------------------------------------------------------------------------------

    def _cypher(self, statement: str) -> None:
        self._driver.execute(statement)

    def _rows(self, statement: str) -> list[list[Any]]:
        return self._driver.execute(statement, write=False).rows

    def _sql(self, statement: str) -> None:
        self._driver.sql(statement)

    def _ensure_type(self, name: str, entity: EntityKind) -> None:
        kind = "VERTEX" if entity == "NODE" else "EDGE"
        self._sql(f"CREATE {kind} TYPE {_quote(name)} IF NOT EXISTS")

    def _property(self, label: str, name: str, kind: str) -> None:
        self._sql(f"CREATE PROPERTY {_quote(label)}.{_quote(name)} IF NOT EXISTS {kind}")

    def _index_rows(self) -> list[tuple[str, str, EntityKind, str, tuple[str, ...], str | None]]:
        """Name, kind, entity, label, properties, owning constraint."""
        rows: list[tuple[str, str, EntityKind, str, tuple[str, ...], str | None]] = []
        result = self._driver.execute("SHOW INDEXES", write=False)
        at = {name: position for position, name in enumerate(result.columns)}
        for row in result.rows:
            labels, names = row[at["labelsOrTypes"]], row[at["properties"]]
            if labels and names:
                entity: EntityKind = "NODE" if row[at["entityType"]] == "NODE" else "EDGE"
                owner = row[at["owningConstraint"]]
                rows.append((row[at["name"]], row[at["type"]], entity, labels[0], tuple(names), owner))
        return rows

    def _constraint_rows(self) -> list[tuple[str, str, EntityKind, str, tuple[str, ...]]]:
        """Name, kind, entity, label, properties; not the types that indexes gave to properties."""
        rows: list[tuple[str, str, EntityKind, str, tuple[str, ...]]] = []
        result = self._driver.execute("SHOW CONSTRAINTS", write=False)
        at = {name: position for position, name in enumerate(result.columns)}
        for row in result.rows:
            words = str(row[at["type"]])
            kind = (
                "UNIQUE"
                if words.endswith("UNIQUENESS")
                else "MANDATORY"
                if words.endswith("EXISTENCE")
                else None
            )
            if kind is not None:
                entity: EntityKind = "NODE" if row[at["entityType"]] == "NODE" else "EDGE"
                label, names = row[at["labelsOrTypes"]][0], tuple(row[at["properties"]])
                rows.append((row[at["name"]], kind, entity, label, names))
        return rows

    def _at(self, kind: str, label: str, names: tuple[str, ...], entity: EntityKind) -> bool:
        return any(row[1:] == (kind, entity, label, names) for row in self._constraint_rows())

    def _refuse_fulltext_beside(self, label: str, names: tuple[str, ...], entity: EntityKind) -> None:
        """The server would take a fulltext index of these properties for the one asked for."""
        for row in self._index_rows():
            if row[1] == "FULLTEXT" and _is_at(row, label, entity) and row[4] == names:
                raise ServerError(
                    f"the fulltext index {row[0]} holds {label}({', '.join(names)}), and ArcadeDB keeps one"
                    " index for a set of properties: drop it, create this one, and then that again",
                    backend="arcadedb",
                )

    def _duplicates(self, label: str, names: tuple[str, ...], entity: EntityKind) -> str:
        accesses = [f"x.{_quote(name)}" for name in names]
        present = " AND ".join(f"{access} IS NOT NULL" for access in accesses)
        rows = self._rows(
            f"MATCH {_pattern(label, entity)} WHERE {present} WITH [{', '.join(accesses)}] AS v,"
            f" count(x) AS c WHERE c > 1 RETURN v, c ORDER BY c DESC LIMIT {_SHOWN}"
        )
        return ", ".join(f"{v[0] if len(v) == 1 else v} x {c}" for v, c in rows) or "duplicates"


def _is_at(row: tuple[Any, ...], label: str, entity: EntityKind) -> bool:
    return bool(row[2] == entity and row[3] == label)


def _quote(name: str) -> str:
    return DIALECT.quote(name)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"x.{_quote(name)}" for name in names)


def _sql_list(names: tuple[str, ...]) -> str:
    return ", ".join(map(_quote, names))


def _pattern(label: str, entity: EntityKind) -> str:
    return f"(x:{_quote(label)})" if entity == "NODE" else f"()-[x:{_quote(label)}]-()"


def _named(properties: tuple[str, ...]) -> tuple[str, ...]:
    if not properties or len(set(properties)) != len(properties):
        raise MetadataError(f"an index takes one or more different properties, not {properties!r}")
    return properties


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value
