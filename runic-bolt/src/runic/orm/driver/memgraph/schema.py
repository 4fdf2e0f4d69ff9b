"""How Memgraph lists, makes and removes indexes and constraints, by its documentation.

All of this runs outside of explicit transactions: the server takes it in no other way. An index serves
queries when the server answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from runic.orm.exceptions import DriverError, UnsupportedByBackendError
from runic.orm.schema.engine import Existing, SchemaEngine
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import fulltext_options, vector_options, whole

from .emitter import FULLTEXT_PREFIX, VECTOR_PREFIX

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from ..bolt.driver import AsyncBoltDriver, BoltDriver

__all__ = ["MemgraphSchema"]

_METRICS = {"cosine": "cos", "euclidean": "l2sq"}
_NAMED = re.compile(r"^(?P<kind>[\w+-]+) \(name: (?P<name>.*)\)$")
_CAPACITY = 10_000


class MemgraphSchema(SchemaEngine):
    """The schema of a database. A label has one fulltext index over all its properties."""

    split: ClassVar[frozenset[str]] = frozenset({"FULLTEXT", "MANDATORY"})
    _driver: BoltDriver | AsyncBoltDriver

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse what the server does not have."""
        if spec.entity == "EDGE" and spec.index_type == "RANGE" and len(spec.properties) > 1:
            raise UnsupportedByBackendError(
                self.name, "indexes over several properties of edges", "create one each"
            )
        if spec.entity == "EDGE" and spec.index_type == "POINT":
            raise UnsupportedByBackendError(self.name, "point indexes of edges")
        if spec.index_type == "FULLTEXT" and fulltext_options(spec) != (None, None):
            raise UnsupportedByBackendError(self.name, "a language or stopwords of a fulltext index")
        if spec.index_type == "VECTOR":
            self._settings(spec)
        return spec

    async def existing(self) -> list[Existing]:
        """Indexes and constraints; the indexes beside unique constraints are marked."""
        found = await self._constraints()
        unique = {
            (each.spec.entity, each.spec.label, each.spec.properties)
            for each in found
            if each.spec.index_type == "UNIQUE"
        }
        indexes = await self._indexes()
        vectors = await self._vectors() if any(spec.index_type == "VECTOR" for spec, _ in indexes) else {}
        for spec, title in indexes:
            serves = spec.index_type == "RANGE" and (spec.entity, spec.label, spec.properties) in unique
            told = IndexSpec(
                spec.label,
                spec.property,
                spec.index_type,
                spec.entity,
                spec.properties,
                MappingProxyType(vectors.get(title, {})),
            )
            wanted = _title(spec)
            found.append(
                Existing(told, title, serves=serves, wanted=wanted if wanted not in ("", title) else "")
            )
        return found

    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create it.

        Raises:
            ConstraintViolation: stored data violates it.
        """
        label, names = self.quote(spec.label), ", ".join(map(self.quote, spec.properties))
        word = _word(spec.entity)
        match spec.index_type:
            case "UNIQUE":
                assertion = f"{self.accesses(spec.properties)} IS UNIQUE"
                await self._constrain(spec, f"CREATE CONSTRAINT ON (x:{label}) ASSERT {assertion}")
                # The constraint alone serves no look-ups.
                wanted = IndexSpec(spec.label, spec.property, "RANGE", "NODE", spec.properties)
                if all(each.spec != wanted for each in present):
                    await self.run(f"CREATE INDEX ON :{label}({names})")
            case "MANDATORY":
                for part in self.expand(spec):
                    assertion = f"EXISTS ({self.accesses(part.properties)})"
                    await self._constrain(part, f"CREATE CONSTRAINT ON (x:{label}) ASSERT {assertion}")
            case "FULLTEXT":
                await self._make_fulltext(spec, present)
            case "VECTOR":
                config = self._settings(spec)
                await self.run(
                    f"CREATE VECTOR {word}INDEX {self.quote(_title(spec))} ON :{label}({names})"
                    f" WITH CONFIG {config}"
                )
            case "POINT":
                await self.run(f"CREATE POINT INDEX ON :{label}({names})")
            case _:
                await self.run(f"CREATE {word}INDEX ON :{label}({names})")

    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop it: a unique constraint with its index, of a fulltext index these properties."""
        for each in found:
            for statement in self._drops(each, spec):
                await self.run(statement)
            if each.spec.index_type == "UNIQUE":
                held = IndexSpec(each.spec.label, each.spec.property, "RANGE", "NODE", each.spec.properties)
                for other in await self.existing():
                    if other.spec == held:
                        for statement in self._drops(other, held):
                            await self.run(statement)

    def _drops(self, each: Existing, spec: IndexSpec) -> list[str]:
        held = each.spec
        label, names = self.quote(held.label), ", ".join(map(self.quote, held.properties))
        match held.index_type:
            case "UNIQUE":
                return [f"DROP CONSTRAINT ON (x:{label}) ASSERT {self.accesses(held.properties)} IS UNIQUE"]
            case "MANDATORY":
                return [
                    f"DROP CONSTRAINT ON (x:{label}) ASSERT EXISTS ({self.accesses([name])})"
                    for name in held.properties
                ]
            case "VECTOR":
                return [f"DROP VECTOR INDEX {self.quote(each.name)}"]
            case "FULLTEXT":
                left = tuple(name for name in held.properties if name not in spec.properties)
                drop = f"DROP TEXT INDEX {self.quote(each.name)}"
                return [drop, self._text_index(held, left)] if left else [drop]
            case "POINT":
                return [f"DROP POINT INDEX ON :{label}({names})"]
            case _:
                return [f"DROP {_word(held.entity)}INDEX ON :{label}({names})"]

    async def _constrain(self, spec: IndexSpec, statement: str) -> None:
        try:
            await self.run(statement)
        except DriverError as error:
            found = await self.violations(spec)
            if not found:
                raise
            raise self.violated(spec, found, error.statement) from error

    async def _make_fulltext(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """The fulltext index of a label; one that has other properties is made anew."""
        names = spec.properties
        for each in present:
            known = each.spec
            if (known.index_type, known.entity, known.label) == ("FULLTEXT", spec.entity, spec.label):
                names = (*known.properties, *names)
                await self.run(f"DROP TEXT INDEX {self.quote(each.name)}")
        await self.run(self._text_index(spec, names))

    def _text_index(self, spec: IndexSpec, names: Sequence[str]) -> str:
        return (
            f"CREATE TEXT {_word(spec.entity)}INDEX {self.quote(_title(spec))}"
            f" ON :{self.quote(spec.label)}({', '.join(map(self.quote, names))})"
        )

    def _settings(self, spec: IndexSpec) -> str:
        dimension, similarity, options = vector_options(spec, known=("capacity",))
        capacity = whole("capacity", options.get("capacity", _CAPACITY))
        return f'{{"dimension": {dimension}, "capacity": {capacity}, "metric": "{_METRICS[similarity]}"}}'

    async def _indexes(self) -> list[tuple[IndexSpec, str]]:
        """Indexes with their names; those of labels without properties are left out."""
        found: list[tuple[IndexSpec, str]] = []
        for row in await self.table("SHOW INDEX INFO"):
            told = str(row["index type"])
            named = _NAMED.match(told)
            words, title = (named["kind"], named["name"]) if named else (told, "")
            names = _names_of(row["property"])
            kinds = {"_text": "FULLTEXT", "_vector": "VECTOR", "point": "POINT"}
            kind = next((kind for word, kind in kinds.items() if word in words), "RANGE")
            if names:
                entity: EntityKind = "EDGE" if words.startswith("edge") else "NODE"
                found.append((IndexSpec(row["label"], names[0], kind, entity, names), title))
        return found

    async def _constraints(self) -> list[Existing]:
        kinds = {"unique": "UNIQUE", "exists": "MANDATORY"}
        found: list[Existing] = []
        for row in await self.table("SHOW CONSTRAINT INFO"):
            kind = kinds.get(str(row["constraint type"]))
            if kind is not None:
                names = _names_of(row["properties"])
                found.append(Existing(IndexSpec(row["label"], names[0], kind, "NODE", names)))
        return found

    async def _vectors(self) -> dict[str, dict[str, Any]]:
        """Dimension and similarity of the vector indexes, by name."""
        similarities = {metric: name for name, metric in _METRICS.items()}
        return {
            str(row["index_name"]): {
                "dimension": row["dimension"],
                "similarity": similarities.get(row["metric"], row["metric"]),
            }
            for row in await self.table("SHOW VECTOR INDEX INFO")
        }


def _title(spec: IndexSpec) -> str:
    """The name by which searches look for an index; other indexes have none."""
    if spec.index_type == "FULLTEXT":
        return f"{FULLTEXT_PREFIX}{spec.label}"
    return f"{VECTOR_PREFIX}{spec.label}_{spec.property}" if spec.index_type == "VECTOR" else ""


def _names_of(held: Any) -> tuple[str, ...]:
    """The properties of a row: a list of them, the only one, or none."""
    if isinstance(held, list):
        return tuple(cast("list[str]", held))
    return (held,) if held else ()


def _word(entity: EntityKind) -> str:
    return "EDGE " if entity == "EDGE" else ""
