"""Indexes and constraints of a Neo4j database.

Searches name their index, so what runic creates has names made of label and property
(:mod:`.names`). What others created is listed and dropped under whatever name it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import ConstraintViolation, MetadataError, ServerError, UnsupportedByBackendError
from runic.orm.schema.index_manager import IndexSpec

from .dialect import DIALECT
from .names import index_name

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from ..bolt.driver import BoltDriver

__all__ = ["Neo4jIndexAdapter"]

_SIMILARITIES = ("cosine", "euclidean")
_VECTOR_OPTIONS = {
    "M": "vector.hnsw.m",
    "efConstruction": "vector.hnsw.ef_construction",
    "quantization": "vector.quantization.enabled",
}
_CONSTRAINTS = {
    "UNIQUENESS": "UNIQUE",
    "NODE_PROPERTY_UNIQUENESS": "UNIQUE",  # what Cypher 25 calls them
    "RELATIONSHIP_UNIQUENESS": "UNIQUE",
    "RELATIONSHIP_PROPERTY_UNIQUENESS": "UNIQUE",
    "NODE_PROPERTY_EXISTENCE": "MANDATORY",
    "RELATIONSHIP_PROPERTY_EXISTENCE": "MANDATORY",
}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Existing:
    """An index or constraint of the server: its name, and what it is for."""

    name: str
    kind: str
    label: str
    entity: EntityKind
    properties: tuple[str, ...]
    options: dict[str, Any]
    constraint: bool = False


class Neo4jIndexAdapter:
    """The index adapter of a database; see :class:`~runic.orm.schema.index_manager.IndexAdapter`.

    A label has one fulltext index over all its properties, listed as one each. Beside what every
    backend has, ``create_point_index`` and ``create_text_index``.

    Args:
        driver: a blocking driver.
        timeout: longest time in seconds until an index must be online.

    Example:
        >>> adapter = Neo4jIndexAdapter(driver)  # doctest: +SKIP
        >>> adapter.create_unique_constraint("Person", "email")  # doctest: +SKIP
    """

    def __init__(self, driver: BoltDriver, *, timeout: float = 300.0) -> None:
        self._driver = driver
        self._timeout = timeout

    @property
    def driver(self) -> BoltDriver:
        """The driver."""
        return self._driver

    # -- creating -------------------------------------------------------------------------------

    def create_range_index(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create one range index over ``properties``, all of them together."""
        names = _named(properties)
        # A unique constraint has such an index of its own, and the server refuses a second one.
        if if_not_exists and (
            self._find("RANGE", label, names, entity) or self._find("UNIQUE", label, names, entity)
        ):
            return
        self._create_index("RANGE", label, names, entity, f"ON ({_accesses(names)})")

    def create_text_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a text index, which serves ``contains`` and ``endswith``."""
        self._create_single("TEXT", label, name, entity, if_not_exists)

    def create_point_index(
        self, label: str, name: str, *, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a point index, which serves ``distance(...) < r``."""
        self._create_single("POINT", label, name, entity, if_not_exists)

    def create_unique_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create a unique constraint. A range index over the same properties gives way to its own.

        Raises:
            ConstraintViolation: there are duplicates; the message shows some. Nothing is left behind.
        """
        names = _named(properties)
        if if_not_exists and self._find("UNIQUE", label, names, entity):
            return
        plain = self._find("RANGE", label, names, entity)
        if plain:
            # In a transaction of its own: with the constraint's failure in the same one, the server takes
            # the drop back, and then knows the index but cannot find it (5.26).
            self._together([f"DROP INDEX {_escaped(plain.name)}"])
        statement = self._constraint("UNIQUE", label, names, entity, "IS UNIQUE")
        try:
            self._together([statement])
        except ServerError as error:
            if plain:
                self.create_range_index(label, *names, entity=entity)
            if "ConstraintCreationFailed" not in str(error):
                raise
            found = self._duplicates(label, names, entity)
            raise ConstraintViolation(
                f"{label}({', '.join(names)}) is not unique: {found}",
                backend="neo4j",
                statement=statement,
            ) from error

    def create_mandatory_constraint(
        self, label: str, *properties: str, entity: EntityKind = "NODE", if_not_exists: bool = True
    ) -> None:
        """Create constraints that require the properties, on the Enterprise Edition.

        Raises:
            ConstraintViolation: there are entities without them.
            UnsupportedByBackendError: the server is a Community Edition.
        """
        for name in _named(properties):
            if if_not_exists and self._find("MANDATORY", label, (name,), entity):
                continue
            statement = self._constraint("MANDATORY", label, (name,), entity, "IS NOT NULL")
            try:
                self._together([statement])
            except ServerError as error:
                if "Enterprise" in str(error):
                    what, hint = Capability.MANDATORY.value, DIALECT.hints[Capability.MANDATORY]
                    raise UnsupportedByBackendError("neo4j", what, hint) from error
                if "ConstraintCreationFailed" not in str(error):
                    raise
                raise ConstraintViolation(str(error), backend="neo4j", statement=statement) from error

    def create_fulltext_index(
        self,
        label: str,
        *properties: str,
        entity: EntityKind = "NODE",
        if_not_exists: bool = True,
        language: str | None = None,
        stopwords: Sequence[str] | None = None,
    ) -> None:
        """Create the label's fulltext index, or make it anew with ``properties`` added.

        Args:
            label: label of the nodes, or type of the edges.
            *properties: the properties.
            entity: nodes or edges.
            if_not_exists: leave those that are indexed already.
            language: name of an analyzer, ``"english"`` for one; by default words are taken as they are.
            stopwords: refused: an analyzer brings its own.
        """
        if stopwords:
            raise UnsupportedByBackendError(
                "neo4j", "stopwords of a fulltext index", "language='english' brings those of the language"
            )
        names = _named(properties)
        existing = self._fulltext(label, entity)
        have = existing.properties if existing else ()
        added = [name for name in names if name not in have]
        if existing and not added:
            if if_not_exists:
                return
            raise ServerError(f"{label}({', '.join(names)}) has a fulltext index already", backend="neo4j")
        analyzer = language or (existing.options.get("fulltext.analyzer") if existing else None)
        statements = [f"DROP INDEX {_escaped(existing.name)}"] if existing else []
        statements.append(self._fulltext_statement(label, (*have, *added), entity, analyzer))
        self._together(statements)
        self._await(index_name("FULLTEXT", label, names))

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
            dimension: how many numbers a vector has; without it the server indexes vectors of any length,
                and finds those of the query's.
            similarity: ``"cosine"`` (default) or ``"euclidean"``.
            entity: nodes or edges.
            if_not_exists: leave an existing one.
            **options: ``M`` and ``efConstruction`` of the HNSW graph; ``quantization=True`` for a smaller
                index with inexact scores.

        Raises:
            MetadataError: an unknown similarity or option.
        """
        if if_not_exists and self._find("VECTOR", label, (name,), entity):
            return
        similarity = similarity or "cosine"
        if similarity not in _SIMILARITIES:
            raise MetadataError(f"similarity is one of {', '.join(_SIMILARITIES)}, not {similarity!r}")
        settings = [f"`vector.similarity_function`: '{similarity}'"]
        if dimension is not None:
            settings.append(f"`vector.dimensions`: {_whole('dimension', dimension)}")
        # Quantized scores may be far off: 0.5 instead of 0 for opposite vectors (5.26.30).
        for option, value in {"quantization": False, **options}.items():
            if option not in _VECTOR_OPTIONS:
                raise MetadataError(f"vector indexes take {', '.join(_VECTOR_OPTIONS)}, not {option!r}")
            text = str(bool(value)).lower() if option == "quantization" else f"{_whole(option, value)}"
            settings.append(f"`{_VECTOR_OPTIONS[option]}`: {text}")
        self._create_index(
            "VECTOR",
            label,
            (name,),
            entity,
            f"ON ({_accesses((name,))}) OPTIONS {{indexConfig: {{{', '.join(settings)}}}}}",
        )

    def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """Create what ``spec`` describes; ``index_type`` may be ``"POINT"`` or ``"TEXT"`` as well."""
        make: dict[str, Callable[..., None]] = {
            "RANGE": self.create_range_index,
            "UNIQUE": self.create_unique_constraint,
            "MANDATORY": self.create_mandatory_constraint,
            "FULLTEXT": self.create_fulltext_index,
            "VECTOR": self.create_vector_index,
            "POINT": self.create_point_index,
            "TEXT": self.create_text_index,
        }
        if spec.index_type not in make:
            raise MetadataError(f"unknown index type {spec.index_type!r}: one of {', '.join(make)}")
        options = {name: value for name, value in spec.options.items() if value is not None}
        make[spec.index_type](
            spec.label, *spec.properties, entity=spec.entity, if_not_exists=if_not_exists, **options
        )

    # -- dropping and listing -------------------------------------------------------------------

    def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """Drop what ``spec`` describes; of a fulltext index, these properties.

        Raises:
            ServerError: it does not exist, and ``if_exists`` is false.
        """
        if spec.index_type == "FULLTEXT":
            found = self._fulltext(spec.label, spec.entity)
            left = tuple(name for name in found.properties if name not in spec.properties) if found else ()
            if found and len(left) < len(found.properties):
                statements = [f"DROP INDEX {_escaped(found.name)}"]
                if left:
                    analyzer = found.options.get("fulltext.analyzer")
                    statements.append(self._fulltext_statement(spec.label, left, spec.entity, analyzer))
                self._together(statements)
                return
        else:
            wanted = [spec.properties] if spec.index_type != "MANDATORY" else [(p,) for p in spec.properties]
            parts = [self._find(spec.index_type, spec.label, names, spec.entity) for names in wanted]
            words = "CONSTRAINT" if spec.index_type in ("UNIQUE", "MANDATORY") else "INDEX"
            statements = [f"DROP {words} {_escaped(part.name)}" for part in parts if part]
            if statements:
                self._together(statements)
                return
        if not if_exists:
            raise ServerError(f"there is no {spec}", backend="neo4j")

    def list_indexes(self) -> list[IndexSpec]:
        """All indexes and constraints, without those that serve a constraint or look up labels."""
        specs: list[IndexSpec] = []
        for each in self._existing():
            told = _told(each)
            if each.kind == "FULLTEXT":
                specs += [
                    IndexSpec(each.label, name, "FULLTEXT", each.entity, options=told)
                    for name in each.properties
                ]
            else:
                specs.append(
                    IndexSpec(
                        each.label, each.properties[0], each.kind, each.entity, each.properties, options=told
                    )
                )
        return specs

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as :meth:`list_indexes` shows it: a fulltext index as one for each property."""
        if spec.index_type not in ("FULLTEXT", "MANDATORY") or len(spec.properties) == 1:
            return (spec,)
        return tuple(
            IndexSpec(spec.label, name, spec.index_type, spec.entity, options=spec.options)
            for name in spec.properties
        )

    def ensure_entity_types(self, entity_classes: Sequence[type]) -> None:
        """Nothing: labels and types appear with the first entity."""

    def close(self) -> None:
        """Close the driver."""
        self._driver.close()

    # -- how ------------------------------------------------------------------------------------

    def _create_single(
        self, kind: str, label: str, name: str, entity: EntityKind, if_not_exists: bool
    ) -> None:
        if not (if_not_exists and self._find(kind, label, (name,), entity)):
            self._create_index(kind, label, (name,), entity, f"ON ({_accesses((name,))})")

    def _create_index(
        self, kind: str, label: str, names: Sequence[str], entity: EntityKind, rest: str
    ) -> None:
        name = index_name(kind, label, names)
        self._together([f"CREATE {kind} INDEX {DIALECT.quote(name)} FOR {_pattern(label, entity)} {rest}"])
        self._await(name)

    def _constraint(
        self, kind: str, label: str, names: Sequence[str], entity: EntityKind, requirement: str
    ) -> str:
        name = DIALECT.quote(index_name(kind, label, names))
        return (
            f"CREATE CONSTRAINT {name} FOR {_pattern(label, entity)}"
            f" REQUIRE ({_accesses(names)}) {requirement}"
        )

    def _fulltext_statement(
        self, label: str, names: Sequence[str], entity: EntityKind, analyzer: str | None
    ) -> str:
        name = DIALECT.quote(index_name("FULLTEXT", label, names))
        text = f"CREATE FULLTEXT INDEX {name} FOR {_pattern(label, entity)} ON EACH [{_accesses(names)}]"
        if analyzer is not None:
            if not analyzer.replace("-", "").replace("_", "").isalnum():
                raise MetadataError(f"{analyzer!r} is no name of an analyzer")
            text += f" OPTIONS {{indexConfig: {{`fulltext.analyzer`: '{analyzer}'}}}}"
        return text

    def _together(self, statements: Sequence[str]) -> None:
        """Run schema statements in one transaction: all of them, or none."""
        self._driver.run_together(statements)

    def _await(self, name: str) -> None:
        self._driver.execute(
            "CALL db.awaitIndex($name, $seconds)", {"name": name, "seconds": int(self._timeout)}, write=False
        )

    def _find(self, kind: str, label: str, names: Sequence[str], entity: EntityKind) -> _Existing | None:
        for each in self._existing():
            same = each.kind == kind and each.label == label and each.entity == entity
            # The order of a composite index matters, that of a constraint's properties does not.
            if same and (
                each.properties == tuple(names)
                or (each.constraint and sorted(each.properties) == sorted(names))
            ):
                return each
        return None

    def _fulltext(self, label: str, entity: EntityKind) -> _Existing | None:
        """The fulltext index that searches use: the one of runic's name."""
        name = index_name("FULLTEXT", label, ())
        for each in self._existing():
            if each.kind == "FULLTEXT" and each.name == name and each.entity == entity:
                return each
        return None

    def _existing(self) -> list[_Existing]:
        found: list[_Existing] = []
        for name, type_, entity, labels, properties in self._rows(
            "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties"
        ):
            kind: str = _CONSTRAINTS.get(type_) or type_
            found.append(
                _Existing(name, kind, labels[0], _entity(entity), tuple(properties), {}, constraint=True)
            )
        for name, type_, entity, labels, properties, owner, options in self._rows(
            "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, owningConstraint, options"
        ):
            if type_ == "LOOKUP" or owner is not None:
                continue
            settings: dict[str, Any] = options or {}
            told: dict[str, Any] = settings.get("indexConfig") or {}
            found += [
                _Existing(name, type_, label, _entity(entity), tuple(properties), told) for label in labels
            ]
        return found

    def _rows(self, statement: str) -> list[list[Any]]:
        return self._driver.execute(statement, write=False).rows

    def _duplicates(self, label: str, names: Sequence[str], entity: EntityKind) -> str:
        accesses = [f"x.{DIALECT.quote(name)}" for name in names]
        present = " AND ".join(f"{access} IS NOT NULL" for access in accesses)
        rows = self._rows(
            f"MATCH {_pattern(label, entity)} WHERE {present}"
            f" WITH [{', '.join(accesses)}] AS v, count(x) AS c"
            f" WHERE c > 1 RETURN v, c ORDER BY c DESC LIMIT {_SHOWN}"
        )
        return ", ".join(f"{v[0] if len(v) == 1 else v} x {c}" for v, c in rows) or "duplicates"


def _told(existing: _Existing) -> MappingProxyType[str, Any]:
    config = existing.options
    told: dict[str, Any] = {}
    if existing.kind == "VECTOR":
        told = {
            "dimension": config.get("vector.dimensions"),
            "similarity": str(config.get("vector.similarity_function", "cosine")).lower(),
        }
    elif existing.kind == "FULLTEXT":
        told = {"language": config.get("fulltext.analyzer")}
    return MappingProxyType(told)


def _entity(word: str) -> EntityKind:
    return "NODE" if word == "NODE" else "EDGE"


def _escaped(name: str) -> str:
    """A name that the server gave, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"


def _pattern(label: str, entity: EntityKind) -> str:
    quoted = DIALECT.quote(label)
    return f"(x:{quoted})" if entity == "NODE" else f"()-[x:{quoted}]-()"


def _accesses(names: Sequence[str]) -> str:
    return ", ".join(f"x.{DIALECT.quote(name)}" for name in names)


def _named(properties: tuple[str, ...]) -> tuple[str, ...]:
    if not properties or len(set(properties)) != len(properties):
        raise MetadataError(f"an index takes one or more different properties, not {properties!r}")
    return properties


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise MetadataError(f"{name} of a vector index is a positive whole number, not {value!r}")
    return value
