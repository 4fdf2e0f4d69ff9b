"""How FalkorDB lists, makes and removes indexes and constraints.

Creation is asynchronous on the server (4.22): an index is UNDER CONSTRUCTION until it serves queries,
a constraint PENDING until it is OPERATIONAL or FAILED. Every method here waits for the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.exceptions import ConstraintViolation, ServerError, UnsupportedByBackendError
from runic.orm.schema.engine import SHOWN, Existing, SchemaEngine
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import fulltext_options, vector_options, whole

from .driver import send_command
from .emitter import KEY_PROBLEM

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind

    from .driver import AsyncFalkorDBDriver, FalkorDBDriver

__all__ = ["FalkorDBSchema"]

_WORDS = {"NODE": "NODE", "EDGE": "RELATIONSHIP"}
_VECTOR_OPTIONS = ("M", "efConstruction", "efRuntime")
_CONSTRAINTS = ("UNIQUE", "MANDATORY")


class FalkorDBSchema(SchemaEngine):
    """The schema of a graph.

    FalkorDB keeps one index per property: an index over several properties is listed as one each,
    and a unique constraint has a range index under it, which is made and dropped with it. A range index
    serves distances too.
    """

    split: ClassVar[frozenset[str]] = frozenset({"RANGE", "FULLTEXT"})
    _driver: FalkorDBDriver | AsyncFalkorDBDriver

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as it is listed: an index per property, a range index for places."""
        return super().expand(_plain(spec))

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse options that the server does not take."""
        if spec.index_type == "VECTOR":
            for option, value in vector_options(spec, known=_VECTOR_OPTIONS)[2].items():
                whole(option, value)
        settings = (None, None) if spec.index_type != "FULLTEXT" else fulltext_options(spec)
        if spec.entity == "EDGE" and settings != (None, None):
            raise UnsupportedByBackendError(
                self.name, "a language or stopwords for edges", "the server takes them for nodes only"
            )
        return _plain(spec)

    async def existing(self) -> list[Existing]:
        """Indexes and constraints; the indexes under unique constraints are marked."""
        constraints = [
            Existing(
                IndexSpec(label, properties[0], kind, _entity(entity), tuple(properties)),
                failure="stored data violates it" if status == "FAILED" else "",
            )
            for kind, label, properties, entity, status in await self.rows(
                "CALL db.constraints() YIELD type, label, properties, entitytype, status"
                " RETURN type, label, properties, entitytype, status"
            )
        ]
        serving = {
            (each.spec.entity, each.spec.label, name)
            for each in constraints
            if each.spec.index_type == "UNIQUE" and not each.failure
            for name in each.spec.properties
        }
        indexes = [
            Existing(
                spec,
                serves=spec.index_type == "RANGE" and (spec.entity, spec.label, spec.property) in serving,
            )
            for row in await self.rows(
                "CALL db.indexes() YIELD label, types, options, language, stopwords, entitytype"
                " RETURN label, types, options, language, stopwords, entitytype"
            )
            for spec in _specs_of(row)
        ]
        return [*constraints, *indexes]

    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create it; a unique constraint with the index under it.

        Raises:
            ConstraintViolation: stored data violates it, or holds texts that the server does not find by an
                index. Nothing is left behind.
        """
        if spec.index_type == "UNIQUE":
            await self._make_unique(spec, present)
        elif spec.index_type == "MANDATORY":
            await self._make_constraint(spec)
        elif spec.index_type == "FULLTEXT":
            await self._make_fulltext(spec, present)
        elif spec.index_type == "VECTOR":
            await self._make_vector(spec)
        else:
            for name in spec.properties:
                await self._make_index("INDEX", spec, name)

    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop it; a unique constraint with the index under it."""
        del spec  # nothing here holds more than was asked for
        for each in found:
            kind = each.spec.index_type
            if kind in _CONSTRAINTS:
                await self._constraint("DROP", each.spec)
            if kind == "MANDATORY":
                continue
            words = {"FULLTEXT": "FULLTEXT INDEX", "VECTOR": "VECTOR INDEX"}.get(kind, "INDEX")
            # Another constraint may need the index under this one. The server would refuse to drop it, and
            # end at the next listing of the indexes (4.22).
            needed = await self._needed(each.spec) if kind in ("UNIQUE", "RANGE") else ()
            for name in each.spec.properties:
                if name not in needed:
                    await self._drop_index(words, each.spec, name)

    async def settle(self, spec: IndexSpec) -> None:
        """Wait until the server has built it."""
        if spec.index_type in _CONSTRAINTS:
            await self._await_constraint(spec)
        else:
            await self._await_index(spec.label, spec.entity)

    # -- indexes --------------------------------------------------------------------------------

    async def _make_index(self, words: str, spec: IndexSpec, name: str, rest: str = "") -> None:
        pattern = self.pattern(spec.label, spec.entity)
        try:
            await self.run(f"CREATE {words} FOR {pattern} ON ({self.accesses([name])}){rest}")
        except ServerError as error:
            # Somebody else was faster.
            if "already indexed" not in str(error):
                raise

    async def _make_vector(self, spec: IndexSpec) -> None:
        dimension, similarity, options = vector_options(spec, known=_VECTOR_OPTIONS)
        settings = [f"dimension: {dimension}", f"similarityFunction: '{similarity}'"]
        settings += [f"{option}: {whole(option, value)}" for option, value in options.items()]
        await self._make_index("VECTOR INDEX", spec, spec.property, f" OPTIONS {{{', '.join(settings)}}}")

    async def _make_fulltext(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create the indexes; with settings in one call.

        The settings belong to the label: once made, the server lets nobody give them again (4.22).
        """
        language, stopwords = fulltext_options(spec)
        told = next(
            (
                each.spec.options
                for each in present
                if (each.spec.index_type, each.spec.label, each.spec.entity)
                == ("FULLTEXT", spec.label, spec.entity)
            ),
            None,
        )
        same = told is not None and (
            language in (None, told["language"]) and stopwords in (None, list(told["stopwords"]))
        )
        if (language is None and stopwords is None) or same:
            for name in spec.properties:
                await self._make_index("FULLTEXT INDEX", spec, name)
            return
        settings: dict[str, Any] = {"label": spec.label}
        if language is not None:
            settings["language"] = language
        if stopwords is not None:
            settings["stopwords"] = stopwords
        parameters = {f"p{number}": name for number, name in enumerate(spec.properties)}
        arguments = ", ".join(f"${name}" for name in parameters)
        await self.run(
            f"CALL db.idx.fulltext.createNodeIndex($settings, {arguments})",
            {"settings": settings, **parameters},
        )

    async def _drop_index(self, words: str, spec: IndexSpec, name: str) -> None:
        # Dropping while another change of the label's index is under way is not safe for the server.
        await self._await_index(spec.label, spec.entity)
        try:
            await self.run(
                f"DROP {words} FOR {self.pattern(spec.label, spec.entity)} ON ({self.accesses([name])})"
            )
        except ServerError as error:
            if "no such index" not in str(error):
                raise
        await self._await_index(spec.label, spec.entity)

    async def _needed(self, spec: IndexSpec) -> tuple[str, ...]:
        """The properties of a label whose range indexes serve a unique constraint."""
        rows = await self.rows(
            "CALL db.constraints() YIELD type, label, entitytype, properties"
            " WHERE type = 'UNIQUE' AND label = $label AND entitytype = $kind RETURN properties",
            {"label": spec.label, "kind": _WORDS[spec.entity]},
        )
        return tuple(name for (names,) in rows for name in names)

    async def _await_index(self, label: str, entity: EntityKind) -> None:
        patience = self.patience(f"index on {label}")
        while True:
            rows = await self.rows(
                "CALL db.indexes() YIELD label, entitytype, status"
                " WHERE label = $label AND entitytype = $kind RETURN status",
                {"label": label, "kind": _WORDS[entity]},
            )
            if all(status == "OPERATIONAL" for (status,) in rows):
                return
            await patience.pause()

    # -- constraints ----------------------------------------------------------------------------

    async def _make_unique(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        for name in spec.properties:
            await self._check_texts(spec, name)
        had = {
            each.spec.property
            for each in present
            if (each.spec.index_type, each.spec.label, each.spec.entity) == ("RANGE", spec.label, spec.entity)
        }  # before this method adds its own
        for name in spec.properties:
            await self._make_index("INDEX", spec, name)
        await self._await_index(spec.label, spec.entity)
        try:
            await self._make_constraint(spec)
        except ConstraintViolation:
            needed = await self._needed(spec)
            for name in spec.properties:
                if name not in had and name not in needed:
                    await self._drop_index("INDEX", spec, name)
            raise

    async def _make_constraint(self, spec: IndexSpec) -> None:
        try:
            await self._constraint("CREATE", spec)
        except ServerError as error:
            if "already exists" not in str(error):
                raise
        await self._await_constraint(spec)

    async def _await_constraint(self, spec: IndexSpec) -> None:
        patience = self.patience(str(spec))
        while True:
            status = await self._constraint_status(spec)
            if status == "OPERATIONAL":
                return
            if status == "FAILED":
                await self._constraint("DROP", spec)
                raise self.violated(spec, await self.violations(spec) or "duplicates")
            await patience.pause()

    async def _constraint(self, verb: str, spec: IndexSpec) -> None:
        port = self._driver.connect()
        words = (_WORDS[spec.entity], spec.label, "PROPERTIES", str(len(spec.properties)), *spec.properties)
        try:
            await send_command(
                port, ("GRAPH.CONSTRAINT", verb, self._driver.graph_name, spec.index_type, *words)
            )
        except ServerError as error:
            if verb == "CREATE" or "no such constraint" not in str(error):
                raise

    async def _constraint_status(self, spec: IndexSpec) -> str | None:
        for each in await self.rows(
            "CALL db.constraints() YIELD type, label, entitytype, properties, status"
            " WHERE type = $type AND label = $label AND entitytype = $kind RETURN properties, status",
            {"type": spec.index_type, "label": spec.label, "kind": _WORDS[spec.entity]},
        ):
            if sorted(each[0]) == sorted(spec.properties):
                return str(each[1])
        return None

    async def _check_texts(self, spec: IndexSpec, name: str) -> None:
        """Refuse a unique constraint over texts with which it would end the server: see :mod:`.emitter`."""
        rows = await self.rows(
            f"MATCH {self.pattern(spec.label, spec.entity)} WITH {self.accesses([name])} AS v"
            " WHERE typeOf(v) = 'String' WITH v WHERE v = '' OR size(v) >= 1000 OR v CONTAINS $odd OR"
            " any(w IN $white WHERE v STARTS WITH w OR v ENDS WITH w) RETURN left(v, 40) LIMIT $shown",
            {"odd": "\x01", "white": list(" \t\n\v\f\r"), "shown": SHOWN},
        )
        if rows:
            raise ConstraintViolation(
                f"{spec.label}.{name} holds {', '.join(repr(text) for (text,) in rows)}: {KEY_PROBLEM}",
                backend=self.name,
            )


def _specs_of(row: Sequence[Any]) -> Iterator[IndexSpec]:
    """The indexes of one label."""
    label, types, options, language, stopwords, entity = row
    for name, kinds in types.items():
        for kind in kinds:
            told: dict[str, Any] = {}
            if kind == "VECTOR":
                told |= options.get(name) or {} if options else {}
                told["similarity"] = told.pop("similarityFunction", None)
            elif kind == "FULLTEXT":
                told = {"language": language, "stopwords": tuple(stopwords or ())}
            yield IndexSpec(label, name, kind, _entity(entity), options=MappingProxyType(told))


def _plain(spec: IndexSpec) -> IndexSpec:
    if spec.index_type != "POINT":
        return spec
    return IndexSpec(spec.label, spec.property, "RANGE", spec.entity, spec.properties)


def _entity(word: str) -> EntityKind:
    return "NODE" if word == "NODE" else "EDGE"
