"""How Neo4j lists, makes and removes indexes and constraints.

Searches name their index, so what runic creates has names made of label and property
(:mod:`.names`). What others created is listed and dropped under whatever name it has. An index is
populated in the background, and may end up FAILED: then it is there, and serves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import MetadataError, ServerError, UnsupportedByBackendError
from runic.orm.schema.engine import Existing, SchemaEngine
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import fulltext_options, needed_capabilities, vector_options, whole

from ..bolt.schema import run_together
from .names import index_name

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from ..bolt.driver import AsyncBoltDriver, BoltDriver

__all__ = ["Neo4jSchema"]

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


class Neo4jSchema(SchemaEngine):
    """The schema of a database. A label has one fulltext index over all its properties."""

    kinds: ClassVar[tuple[str, ...]] = (*SchemaEngine.kinds, "TEXT")
    split: ClassVar[frozenset[str]] = frozenset({"FULLTEXT", "MANDATORY"})
    by_edition: ClassVar[frozenset[Capability]] = frozenset({Capability.MANDATORY, Capability.EDGE_MANDATORY})
    _driver: BoltDriver | AsyncBoltDriver

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse options that the server does not take."""
        if spec.index_type == "VECTOR":
            self._settings(spec)
        elif spec.index_type == "FULLTEXT":
            language, stopwords = fulltext_options(spec)
            if stopwords:
                raise UnsupportedByBackendError(
                    self.name,
                    "stopwords of a fulltext index",
                    "language='english' brings those of the language",
                )
            if language is not None and not language.replace("-", "").replace("_", "").isalnum():
                raise MetadataError(f"{language!r} is no name of an analyzer")
        elif spec.index_type == "TEXT" and len(spec.properties) > 1:
            raise MetadataError(f"a TEXT index takes one property, not {spec.properties!r}")
        return spec

    async def existing(self) -> list[Existing]:
        """Indexes and constraints, but those that look up labels."""
        found: list[Existing] = []
        for row in await self.table(
            "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties"
        ):
            kind: str = _CONSTRAINTS.get(row["type"]) or row["type"]
            found.append(Existing(_spec_of(row, kind, row["labelsOrTypes"][0], {}), row["name"]))
        for row in await self.table(
            "SHOW INDEXES YIELD name, type, state, failureMessage, entityType, labelsOrTypes, properties,"
            " owningConstraint, options"
        ):
            if row["type"] != "LOOKUP":
                found += [self._index_of(row, label) for label in row["labelsOrTypes"]]
        return found

    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create it. A plain index in the way of a unique constraint gives way to the constraint's own.

        Raises:
            ConstraintViolation: stored data violates it. Nothing is left behind.
            UnsupportedByBackendError: the server is a Community Edition, and has no required properties.
        """
        if spec.index_type == "UNIQUE":
            await self._make_unique(spec, present)
        elif spec.index_type == "MANDATORY":
            await self._make_mandatory(spec)
        elif spec.index_type == "FULLTEXT":
            await self._make_fulltext(spec, present)
        elif spec.index_type == "VECTOR":
            settings = ", ".join(f"`{name}`: {value}" for name, value in self._settings(spec).items())
            await self._make_index(spec, f" OPTIONS {{indexConfig: {{{settings}}}}}")
        else:
            await self._make_index(spec)

    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop it; of a fulltext index, these properties."""
        for each in found:
            if each.others:
                raise ServerError(
                    f"the index {each.name!r} is for {', '.join(each.others)} as well as"
                    f" {each.spec.label}: drop it by its name",
                    backend=self.name,
                )
        statements: list[str] = []
        for each in found:
            words = "CONSTRAINT" if each.spec.index_type in ("UNIQUE", "MANDATORY") else "INDEX"
            statements.append(f"DROP {words} {_escaped(each.name)}")
            left = tuple(name for name in each.spec.properties if name not in spec.properties)
            if each.spec.index_type == "FULLTEXT" and left:
                analyzer = each.spec.options.get("language")
                statements.append(self._fulltext_statement(each.spec, left, analyzer, each.name))
        await run_together(self._driver, statements)

    async def settle(self, spec: IndexSpec) -> None:
        """Wait until it is online.

        Raises:
            ServerError: the server could not populate it: a value is too large for an index, for one. The
                index is dropped again.
            QueryTimeout: it takes longer than allowed.
        """
        patience = self.patience(str(spec))
        name = index_name(spec.index_type, spec.label, spec.properties)
        while True:
            states = [
                row
                for row in await self.table(
                    "SHOW INDEXES YIELD name, state, failureMessage, entityType, labelsOrTypes, properties"
                )
                if (row["entityType"] == "NODE") == (spec.entity == "NODE")
                and row["labelsOrTypes"] == [spec.label]
                and (row["name"] == name or row["properties"] == [*spec.properties])
            ]
            for row in states:
                if row["state"] == "FAILED":
                    await self.run(f"DROP INDEX {_escaped(row['name'])} IF EXISTS")
                    raise ServerError(
                        f"{spec} could not be made: {_reason(row['failureMessage'])}", backend=self.name
                    )
            if all(row["state"] == "ONLINE" for row in states):
                return
            await patience.pause()

    # -- constraints ----------------------------------------------------------------------------

    async def _make_unique(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        plain = next((each for each in present if each.spec == _as_range(spec) and not each.serves), None)
        if plain is not None:
            # In a transaction of its own: with the constraint's failure in the same one, the server takes
            # the drop back, and then knows the index but cannot find it (5.26).
            await self.run(f"DROP INDEX {_escaped(plain.name)} IF EXISTS")
        statement = self._constraint(spec, "IS UNIQUE")
        try:
            await run_together(self._driver, [statement])
        except ServerError as error:
            if plain is not None and not plain.failure:
                await self._make_index(_as_range(spec))
                await self.settle(_as_range(spec))
            duplicates = await self.violations(spec) if "ConstraintCreationFailed" in str(error) else ""
            if not duplicates:
                raise
            raise self.violated(spec, duplicates, statement) from error

    async def _make_mandatory(self, spec: IndexSpec) -> None:
        editions = await self.rows("CALL dbms.components() YIELD edition RETURN edition")
        if any(str(edition).lower() == "community" for (edition,) in editions):
            (capability,) = needed_capabilities(spec)
            raise UnsupportedByBackendError(self.name, capability.value, self.dialect.hints[capability])
        for part in self.expand(spec):
            statement = self._constraint(part, "IS NOT NULL")
            try:
                await run_together(self._driver, [statement])
            except ServerError as error:
                missing = await self.violations(part) if "ConstraintCreationFailed" in str(error) else ""
                if not missing:
                    raise
                raise self.violated(part, missing, statement) from error

    def _constraint(self, spec: IndexSpec, requirement: str) -> str:
        name = self.quote(index_name(spec.index_type, spec.label, spec.properties))
        return (
            f"CREATE CONSTRAINT {name} FOR {self.pattern(spec.label, spec.entity)}"
            f" REQUIRE ({self.accesses(spec.properties)}) {requirement}"
        )

    # -- indexes --------------------------------------------------------------------------------

    async def _make_index(self, spec: IndexSpec, rest: str = "") -> None:
        name = self.quote(index_name(spec.index_type, spec.label, spec.properties))
        await self.run(
            f"CREATE {spec.index_type} INDEX {name} FOR {self.pattern(spec.label, spec.entity)}"
            f" ON ({self.accesses(spec.properties)}){rest}"
        )

    def _settings(self, spec: IndexSpec) -> dict[str, str]:
        dimension, similarity, options = vector_options(spec, known=_VECTOR_OPTIONS, dimension_needed=False)
        settings = {"vector.similarity_function": f"'{similarity}'"}
        if dimension is not None:
            settings["vector.dimensions"] = str(dimension)
        # Quantized scores may be far off: 0.5 instead of 0 for opposite vectors (5.26.30).
        for option, value in {"quantization": False, **options}.items():
            text = str(bool(value)).lower() if option == "quantization" else str(whole(option, value))
            settings[_VECTOR_OPTIONS[option]] = text
        return settings

    async def _make_fulltext(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create the label's index, or make it anew with properties added."""
        own = index_name("FULLTEXT", spec.label, ())
        held = [
            each
            for each in present
            if (each.spec.index_type, each.name, each.spec.label, each.spec.entity)
            == ("FULLTEXT", own, spec.label, spec.entity)
        ]
        taken = held[0] if held else None
        if taken is not None and taken.others:
            raise ServerError(
                f"the index {own!r} is for {', '.join(taken.others)} as well as {spec.label}: searches of"
                f" {spec.label} need one of this name for it alone",
                backend=self.name,
            )
        language, _ = fulltext_options(spec)
        names = spec.properties if taken is None else (*taken.spec.properties, *spec.properties)
        analyzer = language or (taken.spec.options.get("language") if taken is not None else None)
        statements = [] if taken is None else [f"DROP INDEX {_escaped(own)}"]
        await run_together(self._driver, [*statements, self._fulltext_statement(spec, names, analyzer, own)])

    def _fulltext_statement(
        self, spec: IndexSpec, names: Sequence[str], analyzer: str | None, name: str
    ) -> str:
        text = (
            f"CREATE FULLTEXT INDEX {_escaped(name)} FOR {self.pattern(spec.label, spec.entity)}"
            f" ON EACH [{self.accesses(names)}]"
        )
        if analyzer is not None:
            text += f" OPTIONS {{indexConfig: {{`fulltext.analyzer`: '{analyzer}'}}}}"
        return text

    def _index_of(self, row: dict[str, Any], label: str) -> Existing:
        options: dict[str, Any] = row["options"] or {}
        told: dict[str, Any] = options.get("indexConfig") or {}
        spec = _spec_of(row, row["type"], label, told)
        wanted = index_name(spec.index_type, label, spec.properties)
        searched = spec.index_type in ("FULLTEXT", "VECTOR")
        return Existing(
            spec,
            row["name"],
            serves=row["owningConstraint"] is not None,
            failure=_reason(row["failureMessage"]) if row["state"] == "FAILED" else "",
            wanted=wanted if searched and row["name"] != wanted else "",
            others=tuple(other for other in row["labelsOrTypes"] if other != label),
        )


def _spec_of(row: dict[str, Any], kind: str, label: str, config: dict[str, Any]) -> IndexSpec:
    told: dict[str, Any] = {}
    if kind == "VECTOR":
        told = {
            "dimension": config.get("vector.dimensions"),
            "similarity": str(config.get("vector.similarity_function", "cosine")).lower(),
        }
    elif kind == "FULLTEXT":
        told = {"language": config.get("fulltext.analyzer")}
    names: list[str] = row["properties"]
    entity: EntityKind = "NODE" if row["entityType"] == "NODE" else "EDGE"
    return IndexSpec(label, names[0], kind, entity, tuple(names), MappingProxyType(told))


def _as_range(spec: IndexSpec) -> IndexSpec:
    return IndexSpec(spec.label, spec.property, "RANGE", spec.entity, spec.properties)


def _reason(message: str | None) -> str:
    """What the server says, without its stack trace."""
    lines = [line.strip() for line in (message or "").splitlines() if line.strip()]
    return lines[0] if lines else "the server does not say why"


def _escaped(name: str) -> str:
    """A name that the server gave, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
