"""Indexes and constraints of a FalkorDB graph.

Creation is asynchronous on the server (4.22): an index is UNDER CONSTRUCTION until it serves queries,
a constraint PENDING until it is OPERATIONAL or FAILED. Every method here waits for the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import (
    ConstraintViolation,
    MetadataError,
    QueryTimeout,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec

from .dialect import DIALECT
from .driver import FalkorDBDriver
from .emitter import KEY_PROBLEM

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["FalkorDBIndexAdapter"]

_WORDS = {"NODE": "NODE", "EDGE": "RELATIONSHIP"}
_SIMILARITIES = ("cosine", "euclidean")
_VECTOR_OPTIONS = ("M", "efConstruction", "efRuntime")
_SHOWN = 5


class FalkorDBIndexAdapter:
    """The index adapter of a graph; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    FalkorDB keeps one index per property: an index over several properties is listed as one each,
    and a unique constraint has a range index under it, which is made and dropped with it.

    Args:
        handle: a driver, or a graph handle of falkordb or falkordblite.
        timeout: longest time in seconds until an index or a constraint must be ready.

    Example:
        >>> adapter = FalkorDBIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, handle: Any, *, timeout: float = 300.0) -> None:
        self._driver = handle if isinstance(handle, FalkorDBDriver) else FalkorDBDriver(handle)
        self._timeout = timeout

    @property
    def driver(self) -> FalkorDBDriver:
        """The driver."""
        return self._driver

    # -- creating -------------------------------------------------------------------------------

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a range index over each of ``properties``."""
        for name in _named(properties):
            self._create_index(
                f"CREATE INDEX FOR {_pattern(label, entity)} ON (x.{_quote(name)})", if_not_exists
            )
        self._await_index(label, entity)

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a unique constraint, and the range index under it.

        Raises:
            ConstraintViolation: there are duplicates, or texts that the server does not find by an
                index; the message shows some. Nothing is left behind.
        """
        for name in _named(properties):
            self._check_texts(label, name, entity)
        present = {
            spec.property for spec in self._indexes() if _at(spec, "RANGE", label, entity)
        }  # before this method adds its own
        self.create_range_index(label, *properties, entity=entity)
        try:
            self._create_constraint("UNIQUE", label, _named(properties), entity, if_not_exists)
        except ConstraintViolation:
            for name in set(properties) - present:
                self._drop_index("INDEX", label, name, entity)
            raise

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a constraint that requires the properties.

        Raises:
            ConstraintViolation: there are entities without them.
        """
        self._create_constraint("MANDATORY", label, _named(properties), entity, if_not_exists)

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """Create a fulltext index over ``properties``.

        Args:
            label: label of the nodes, or type of the edges.
            *properties: the properties.
            entity: nodes or edges.
            if_not_exists: leave those that are indexed already.
            language: of the stemmer, ``"english"`` by default; it belongs to the label.
            stopwords: words that are not indexed; they belong to the label, and only nodes have them.
        """
        if (language is not None or stopwords is not None) and entity == "EDGE":
            raise UnsupportedByBackendError(
                "falkordb", "a language or stopwords for edges", "the server takes them for nodes only"
            )
        names = list(_named(properties))
        if language is not None or stopwords is not None:
            self._configure_fulltext(label, names, language, stopwords, if_not_exists)
        for name in names:
            self._create_index(
                f"CREATE FULLTEXT INDEX FOR {_pattern(label, entity)} ON (x.{_quote(name)})", if_not_exists
            )
        self._await_index(label, entity)

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
            **options: ``M``, ``efConstruction``, ``efRuntime`` of the HNSW graph.

        Raises:
            MetadataError: no dimension, or an unknown similarity or option.
        """
        if dimension is None:
            raise MetadataError(
                f"a vector index on {label}.{name} needs its dimension: Field(index_type='VECTOR',"
                " dimension=384)"
            )
        similarity = similarity or "cosine"
        if similarity not in _SIMILARITIES:
            raise MetadataError(f"similarity is one of {', '.join(_SIMILARITIES)}, not {similarity!r}")
        settings = [f"dimension: {_whole('dimension', dimension)}", f"similarityFunction: '{similarity}'"]
        for option, value in options.items():
            if option not in _VECTOR_OPTIONS:
                raise MetadataError(f"vector indexes take {', '.join(_VECTOR_OPTIONS)}, not {option!r}")
            settings.append(f"{option}: {_whole(option, value)}")
        self._create_index(
            f"CREATE VECTOR INDEX FOR {_pattern(label, entity)} ON (x.{_quote(name)})"
            f" OPTIONS {{{', '.join(settings)}}}",
            if_not_exists,
        )
        self._await_index(label, entity)

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
        """Drop what ``spec`` describes; a unique constraint with the index under it.

        Raises:
            ServerError: it does not exist, and ``if_exists`` is false.
        """
        if spec.index_type in ("UNIQUE", "MANDATORY"):
            reply = self._constraint_command(
                "DROP", spec.index_type, spec.label, spec.properties, spec.entity
            )
            if isinstance(reply, ServerError) and not (if_exists and "no such constraint" in str(reply)):
                raise reply
            if spec.index_type == "MANDATORY":
                return
        words = {"FULLTEXT": "FULLTEXT INDEX", "VECTOR": "VECTOR INDEX"}.get(spec.index_type, "INDEX")
        for name in spec.properties:
            try:
                self._drop_index(words, spec.label, name, spec.entity)
            except ServerError as error:
                # Another constraint may need the index under this one.
                shared = spec.index_type == "UNIQUE" and "supports constraint" in str(error)
                if not shared and not (if_exists and "no such index" in str(error)):
                    raise

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints, without the range indexes that serve a unique constraint."""
        constraints = self._constraints()
        serving = {
            (spec.entity, spec.label, name)
            for spec in constraints
            if spec.index_type == "UNIQUE"
            for name in spec.properties
        }
        indexes = [
            spec
            for spec in self._indexes()
            if spec.index_type != "RANGE" or (spec.entity, spec.label, spec.property) not in serving
        ]
        return [*constraints, *indexes]

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as :meth:`list_indexes` shows it: an index per property."""
        if spec.index_type in ("UNIQUE", "MANDATORY") or len(spec.properties) == 1:
            return (spec,)
        return tuple(
            IndexSpec(spec.label, name, spec.index_type, spec.entity, options=spec.options)
            for name in spec.properties
        )

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """Nothing: labels and types appear with the first entity."""

    def close(self) -> None:
        """Close the driver. What :meth:`FalkorDBDriver.close` says of raw handles applies."""
        self._driver.close()

    # -- how ------------------------------------------------------------------------------------

    def _create_index(self, statement: str, if_not_exists: bool) -> None:
        try:
            self._driver.execute(statement)
        except ServerError as error:
            if not (if_not_exists and "already indexed" in str(error)):
                raise

    def _configure_fulltext(
        self,
        label: str,
        names: list[str],
        language: str | None,
        stopwords: Sequence[str] | None,
        if_not_exists: bool,
    ) -> None:
        """Create the indexes with settings, in one call, and take their names out of ``names``.

        The settings belong to the label: once made, the server lets nobody give them again (4.22).
        """
        for name in (label, *names):
            _quote(name)  # they travel as parameters, but no other name could be used in a statement
        existing = {spec.property: spec for spec in self._indexes() if _at(spec, "FULLTEXT", label, "NODE")}
        told = next((spec.options for spec in existing.values()), None)
        if told is not None and if_not_exists:
            if language in (None, told["language"]) and stopwords in (None, list(told["stopwords"])):
                return
            if existing.keys() >= set(names):
                names.clear()
                return
        settings: dict[str, Any] = {"label": label}
        if language is not None:
            settings["language"] = language
        if stopwords is not None:
            settings["stopwords"] = list(stopwords)
        parameters = {f"p{number}": name for number, name in enumerate(names)}
        arguments = ", ".join(f"${name}" for name in parameters)
        self._driver.execute(
            f"CALL db.idx.fulltext.createNodeIndex($settings, {arguments})",
            {"settings": settings, **parameters},
        )
        names.clear()

    def _drop_index(self, words: str, label: str, name: str, entity: EntityKind) -> None:
        # Dropping while another change of the label's index is under way is not safe for the server.
        self._await_index(label, entity)
        self._driver.execute(f"DROP {words} FOR {_pattern(label, entity)} ON (x.{_quote(name)})")
        self._await_index(label, entity)

    def _rows(self, statement: str) -> list[list[Any]]:
        return self._driver.execute(statement, write=False).rows

    def _indexes(self) -> list[IndexSpec]:
        specs: list[IndexSpec] = []
        for label, types, options, language, stopwords, entity in self._rows(
            "CALL db.indexes() YIELD label, types, options, language, stopwords, entitytype"
            " RETURN label, types, options, language, stopwords, entitytype"
        ):
            kind: EntityKind = "NODE" if entity == "NODE" else "EDGE"
            for name, kinds in types.items():
                for each in kinds:
                    told: dict[str, Any] = {}
                    if each == "VECTOR":
                        told |= options.get(name) or {} if options else {}
                        told["similarity"] = told.pop("similarityFunction", None)
                    elif each == "FULLTEXT":
                        told = {"language": language, "stopwords": tuple(stopwords or ())}
                    specs.append(IndexSpec(label, name, each, kind, options=MappingProxyType(told)))
        return specs

    def _constraints(self) -> list[IndexSpec]:
        specs: list[IndexSpec] = []
        for type_, label, properties, entity, status in self._constraint_rows():
            if status != "FAILED":
                kind: EntityKind = "NODE" if entity == "NODE" else "EDGE"
                specs.append(IndexSpec(label, properties[0], type_, kind, tuple(properties)))
        return specs

    def _constraint_rows(self) -> list[list[Any]]:
        return self._rows(
            "CALL db.constraints() YIELD type, label, properties, entitytype, status"
            " RETURN type, label, properties, entitytype, status"
        )

    def _create_constraint(
        self, kind: str, label: str, properties: tuple[str, ...], entity: EntityKind, if_not_exists: bool
    ) -> None:
        if self._constraint_status(kind, label, properties, entity) == "FAILED":
            # What a failed attempt left behind refuses nothing, and stands in the way.
            self._constraint_command("DROP", kind, label, properties, entity)
        reply = self._constraint_command("CREATE", kind, label, properties, entity)
        if isinstance(reply, ServerError) and not (if_not_exists and "already exists" in str(reply)):
            raise reply
        what = f"{kind} constraint on {label}({', '.join(properties)})"
        for _ in self._until(what):
            status = self._constraint_status(kind, label, properties, entity)
            if status == "OPERATIONAL":
                return
            if status == "FAILED":
                self._constraint_command("DROP", kind, label, properties, entity)
                raise ConstraintViolation(
                    f"the {what} is violated already: {self._violations(kind, label, properties, entity)}",
                    backend="falkordb",
                )

    def _constraint_command(
        self, verb: str, kind: str, label: str, properties: Sequence[str], entity: EntityKind
    ) -> Any:
        for name in (label, *properties):
            _quote(name)  # not pasted into a statement, but no other name could be used in one
        try:
            return self._driver.command(
                "GRAPH.CONSTRAINT",
                verb,
                self._driver.graph_name,
                kind,
                _WORDS[entity],
                label,
                "PROPERTIES",
                str(len(properties)),
                *properties,
            )
        except ServerError as error:
            return error

    def _constraint_status(
        self, kind: str, label: str, properties: Sequence[str], entity: EntityKind
    ) -> str | None:
        wanted = [kind, label, sorted(properties), _WORDS[entity]]
        for type_, label_, properties_, entity_, status in self._constraint_rows():
            if [type_, label_, sorted(properties_), entity_] == wanted:
                return str(status)
        return None

    def _check_texts(self, label: str, name: str, entity: EntityKind) -> None:
        """Refuse a unique constraint over texts with which it would end the server: see :mod:`.emitter`."""
        rows = self._driver.execute(
            f"MATCH {_pattern(label, entity)} WITH x.{_quote(name)} AS v WHERE typeOf(v) = 'String'"
            " WITH v WHERE v = '' OR size(v) >= 1000 OR v CONTAINS $odd OR"
            " any(w IN $white WHERE v STARTS WITH w OR v ENDS WITH w) RETURN left(v, 40) LIMIT $shown",
            {"odd": "\x01", "white": list(" \t\n\v\f\r"), "shown": _SHOWN},
            write=False,
        ).rows
        if rows:
            raise ConstraintViolation(
                f"{label}.{name} holds {', '.join(repr(text) for (text,) in rows)}: {KEY_PROBLEM}",
                backend="falkordb",
            )

    def _violations(self, kind: str, label: str, properties: Sequence[str], entity: EntityKind) -> str:
        names = [f"x.{_quote(name)}" for name in properties]
        match = f"MATCH {_pattern(label, entity)}"
        if kind == "MANDATORY":
            missing = " OR ".join(f"{name} IS NULL" for name in names)
            rows = self._rows(f"{match} WHERE {missing} RETURN count(x)")
            return f"{rows[0][0]} without a value"
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        values = ", ".join(names)
        rows = self._rows(
            f"{match} WHERE {present} WITH [{values}] AS v, count(x) AS c WHERE c > 1"
            f" RETURN v, c ORDER BY c DESC LIMIT {_SHOWN}"
        )
        return ", ".join(f"{v[0] if len(v) == 1 else v} x {c}" for v, c in rows) or "duplicates"

    def _await_index(self, label: str, entity: EntityKind) -> None:
        for _ in self._until(f"index on {label}"):
            rows = self._driver.execute(
                "CALL db.indexes() YIELD label, entitytype, status"
                " WHERE label = $label AND entitytype = $kind RETURN status",
                {"label": label, "kind": _WORDS[entity]},
                write=False,
            ).rows
            if all(status == "OPERATIONAL" for (status,) in rows):
                return

    def _until(self, what: str) -> Iterator[None]:
        """Count attempts with growing pauses.

        Raises:
            QueryTimeout: the limit is reached.
        """
        deadline = time.monotonic() + self._timeout
        pause = 0.002
        while True:
            yield
            if time.monotonic() > deadline:
                error = QueryTimeout(
                    f"the {what} was not ready after {self._timeout:g} s; the server goes on with it",
                    backend="falkordb",
                )
                error.maybe_applied = True
                raise error
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)


def _quote(name: str) -> str:
    return DIALECT.quote(name)


def _pattern(label: str, entity: EntityKind) -> str:
    return f"(x:{_quote(label)})" if entity == "NODE" else f"()-[x:{_quote(label)}]->()"


def _named(properties: tuple[str, ...]) -> tuple[str, ...]:
    if not properties or len(set(properties)) != len(properties):
        raise MetadataError(f"an index takes one or more different properties, not {properties!r}")
    return properties


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value


def _at(spec: IndexSpec, kind: str, label: str, entity: EntityKind) -> bool:
    return spec.index_type == kind and spec.label == label and spec.entity == entity
