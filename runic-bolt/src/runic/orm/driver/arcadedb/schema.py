"""How ArcadeDB lists, makes and removes indexes, constraints and types.

Indexes and constraints of properties are made with Cypher over Bolt, those of searches and the types
themselves with SQL over HTTP: Bolt cannot (26.10). All of them are usable when the server answers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.core.metadata import EdgeMeta, edge_meta, node_meta
from runic.orm.exceptions import (
    ConstraintViolation,
    DriverError,
    MetadataError,
    ServerError,
    UnsupportedByBackendError,
)
from runic.orm.schema.engine import Existing, SchemaEngine
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import fulltext_options, vector_options, whole

from .dialect import DIALECT, FULLTEXT_PREFIX
from .driver import ArcadeDBDriver

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from .driver import AsyncArcadeDBDriver

__all__ = ["ArcadeDBSchema"]

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
#: What the type remembers of its fulltext index: the server does not tell an index's analyzer (26.10).
_LANGUAGE = "runic_fulltext_language"


class ArcadeDBSchema(SchemaEngine):
    """The schema of a database. A label has one fulltext index over all its properties."""

    split: ClassVar[frozenset[str]] = frozenset({"FULLTEXT", "MANDATORY"})
    _driver: ArcadeDBDriver | AsyncArcadeDBDriver

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse options that the server does not take."""
        if spec.index_type == "VECTOR":
            _settings(spec)
        elif spec.index_type == "FULLTEXT":
            language, stopwords = fulltext_options(spec)
            if stopwords is not None:
                raise UnsupportedByBackendError(
                    self.name, "stopwords of a fulltext index", "pass language=, which leaves out its own"
                )
            if language is not None and language not in _ANALYZERS:
                raise MetadataError(f"language is one of {', '.join(_ANALYZERS)}, not {language!r}")
        return spec

    async def existing(self) -> list[Existing]:
        """Indexes and constraints, but the types that indexes gave to properties."""
        found: list[Existing] = []
        for row in await self.table("SHOW CONSTRAINTS"):
            words = str(row["type"])
            kinds = {"UNIQUENESS": "UNIQUE", "EXISTENCE": "MANDATORY"}
            kind = next((kind for word, kind in kinds.items() if words.endswith(word)), None)
            if kind is not None:
                found.append(Existing(_spec_of(row, kind, row["properties"]), row["name"]))
        indexes = [
            row for row in await self.table("SHOW INDEXES") if row["labelsOrTypes"] and row["properties"]
        ]
        searched = any(row["type"] in ("VECTOR", "FULLTEXT") for row in indexes)
        told = await self._told() if searched else {}
        for row in indexes:
            names = [name for name in row["properties"] if name != _BESIDE]
            spec = _spec_of(row, row["type"], names, told.get(row["name"], {}))
            wanted = f"{FULLTEXT_PREFIX}{spec.label}" if spec.index_type == "FULLTEXT" else ""
            found.append(
                Existing(
                    spec,
                    row["name"],
                    serves=row["owningConstraint"] is not None,
                    wanted=wanted if wanted not in ("", row["name"]) else "",
                )
            )
        return found

    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create it.

        Raises:
            ConstraintViolation: stored data violates it. Nothing is left behind.
        """
        pattern = self.pattern(spec.label, spec.entity)
        match spec.index_type:
            case "UNIQUE":
                self._refuse_fulltext_beside(spec, present)
                required = self.accesses(spec.properties)
                required = required if len(spec.properties) == 1 else f"({required})"
                await self._constrain(spec, f"CREATE CONSTRAINT FOR {pattern} REQUIRE {required} IS UNIQUE")
            case "MANDATORY":
                for part in self.expand(spec):
                    required = self.accesses(part.properties)
                    await self._constrain(
                        part, f"CREATE CONSTRAINT FOR {pattern} REQUIRE {required} IS NOT NULL"
                    )
            case "FULLTEXT":
                await self._make_fulltext(spec, present)
            case "VECTOR":
                await self._ensure_type(spec.label, spec.entity)
                await self._property(spec, spec.property, "ARRAY_OF_FLOATS")
                # Without a name of its own it gets the one that searches use: Label[property].
                await self._sql(
                    f"CREATE INDEX ON {self.quote(spec.label)} ({self.quote(spec.property)}) LSM_VECTOR"
                    f" METADATA {json.dumps(_settings(spec))}"
                )
            case _:
                self._refuse_fulltext_beside(spec, present)
                await self.run(f"CREATE INDEX FOR {pattern} ON ({self.accesses(spec.properties)})")

    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop it: a unique constraint with its index, of a fulltext index these properties."""
        for each in found:
            if each.spec.index_type in ("UNIQUE", "MANDATORY"):
                await self.run(f"DROP CONSTRAINT {_escaped(each.name)} IF EXISTS")
                continue
            await self.run(f"DROP INDEX {_escaped(each.name)} IF EXISTS")
            left = tuple(name for name in each.spec.properties if name not in spec.properties)
            if each.spec.index_type == "FULLTEXT" and left:
                rest = IndexSpec(each.spec.label, left[0], "FULLTEXT", each.spec.entity, left)
                language = each.spec.options.get("language")
                await self._index_texts(rest, left, language, await self.existing(), each.name)

    async def ensure_types(self, entity_classes: Sequence[type[Any]]) -> None:
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
                await self._ensure_type(edge.type, "EDGE")
            else:
                node = node_meta(cls)
                DIALECT.check_model(node)
                for label in node.labels:
                    await self._ensure_type(label, "NODE")

    # -- how ------------------------------------------------------------------------------------

    async def _constrain(self, spec: IndexSpec, statement: str) -> None:
        try:
            await self.run(statement)
        except DriverError as error:
            if not (isinstance(error, ConstraintViolation) or "violates it" in str(error)):
                raise
            found = await self.violations(spec)
            raise self.violated(spec, found or str(error), error.statement) from error

    async def _make_fulltext(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create the label's index, or make it anew with properties added."""
        title = f"{FULLTEXT_PREFIX}{spec.label}"
        taken = next((each for each in present if each.name == title), None)
        names, (language, _) = spec.properties, fulltext_options(spec)
        if taken is not None:
            held = taken.spec
            if (held.index_type, held.label, held.entity) != ("FULLTEXT", spec.label, spec.entity):
                raise ServerError(
                    f"searches of {spec.label} look for an index named {title!r}, and there is one over"
                    f" {held}: drop it first",
                    backend=self.name,
                )
            names = (*held.properties, *names)
            language = language or held.options.get("language")
            await self.run(f"DROP INDEX {_escaped(title)}")
            present = [each for each in present if each is not taken]
        await self._index_texts(spec, names, language, present, title)

    async def _index_texts(
        self,
        spec: IndexSpec,
        names: tuple[str, ...],
        language: str | None,
        present: Sequence[Existing],
        title: str,
    ) -> None:
        await self._ensure_type(spec.label, spec.entity)
        taken = [
            each.spec.properties
            for each in present
            if (each.spec.label, each.spec.entity) == (spec.label, spec.entity)
            and each.spec.index_type != "MANDATORY"
        ]
        held = names if names not in taken else (*names, _BESIDE)
        for name in held:
            await self._property(spec, name, "STRING")
        metadata = f" METADATA {json.dumps({'analyzer': _ANALYZERS[language]})}" if language else ""
        remembered = f"'{language}'" if language else "null"
        await self._sql(f"ALTER TYPE {self.quote(spec.label)} CUSTOM {_LANGUAGE} = {remembered}")
        await self._sql(
            f"CREATE INDEX {_escaped(title)} ON {self.quote(spec.label)}"
            f" ({', '.join(map(self.quote, held))}) FULL_TEXT{metadata}"
        )

    def _refuse_fulltext_beside(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """The server would take a fulltext index of these properties for the one asked for."""
        for each in present:
            held = each.spec
            if (held.index_type, held.label, held.entity, held.properties) == (
                "FULLTEXT",
                spec.label,
                spec.entity,
                spec.properties,
            ):
                names = ", ".join(spec.properties)
                raise ServerError(
                    f"the fulltext index {each.name} holds {spec.label}({names}), and ArcadeDB keeps one"
                    " index for a set of properties: drop it, create this one, and then that again",
                    backend=self.name,
                )

    async def _sql(self, statement: str) -> list[dict[str, Any]]:
        driver = self._driver
        return driver.sql(statement) if isinstance(driver, ArcadeDBDriver) else await driver.sql(statement)

    async def _ensure_type(self, name: str, entity: EntityKind) -> None:
        kind = "VERTEX" if entity == "NODE" else "EDGE"
        await self._sql(f"CREATE {kind} TYPE {self.quote(name)} IF NOT EXISTS")

    async def _property(self, spec: IndexSpec, name: str, kind: str) -> None:
        await self._sql(f"CREATE PROPERTY {self.quote(spec.label)}.{self.quote(name)} IF NOT EXISTS {kind}")

    async def _told(self) -> dict[str, dict[str, Any]]:
        """The options of the indexes for searches, by name: SHOW INDEXES does not tell them (26.10)."""
        told: dict[str, dict[str, Any]] = {}
        words = {word: name for name, word in _SIMILARITIES.items()}
        for type_ in await self._sql("SELECT name, indexes, custom FROM schema:types"):
            language = type_["custom"].get(_LANGUAGE)
            for row in type_["indexes"]:
                if "dimensions" in row:
                    # It says in words what is better, and then the measure.
                    word = str(row.get("scoring", "")).rpartition(":")[2]
                    told[row["name"]] = {"dimension": row["dimensions"], "similarity": words.get(word, word)}
                elif row["name"] == f"{FULLTEXT_PREFIX}{type_['name']}":
                    told[row["name"]] = {"language": language if language in _ANALYZERS else None}
        return told


def _settings(spec: IndexSpec) -> dict[str, Any]:
    dimension, similarity, options = vector_options(spec, known=_VECTOR_OPTIONS)
    settings: dict[str, Any] = {"dimensions": dimension, "similarity": _SIMILARITIES[similarity]}
    return settings | {_VECTOR_OPTIONS[name]: whole(name, value) for name, value in options.items()}


def _spec_of(
    row: dict[str, Any], kind: str, names: Sequence[str], told: dict[str, Any] | None = None
) -> IndexSpec:
    entity: EntityKind = "NODE" if row["entityType"] == "NODE" else "EDGE"
    return IndexSpec(
        row["labelsOrTypes"][0], names[0], kind, entity, tuple(names), MappingProxyType(told or {})
    )


def _escaped(name: str) -> str:
    """A name that the server gave, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
