"""What all index adapters do alike; a backend writes how its server lists, makes and removes.

Written once for both colours, as all that talks to a database: ``async def`` that awaits the driver
port only.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from runic.orm.driver.port import Request
from runic.orm.exceptions import (
    ConstraintViolation,
    InvalidNameError,
    MetadataError,
    QueryTimeout,
    ServerError,
    TransientConflictError,
    UnsupportedByBackendError,
)
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.schema.needs import needed_capabilities

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Capability, Dialect
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver, QueryResult
    from runic.orm.schema.index_manager import EntityKind

__all__ = ["SHOWN", "Existing", "Patience", "SchemaEngine"]

SHOWN = 5
"""How many offending values a message shows."""

CONFLICT_SECONDS = 30.0
"""For how long what lost against somebody else's change of the schema is tried again."""


@dataclass(frozen=True, slots=True)
class Existing:
    """An index or a constraint that the server has.

    Attributes:
        spec: what it is for, with all its properties.
        name: what the server calls it.
        serves: it is only there for a constraint, which is listed instead.
        failure: why it serves nothing: making it failed, and the server left it behind.
        wanted: the name under which searches would look for it, where it has another one.
        others: further labels that it is for as well.
    """

    spec: IndexSpec
    name: str = ""
    serves: bool = False
    failure: str = ""
    wanted: str = ""
    others: tuple[str, ...] = ()


class Patience:
    """Pauses between looks at the server, which grow, until a limit is reached."""

    def __init__(self, what: str, backend: str, timeout: float, *, blocking: bool) -> None:
        self._what, self._backend, self._timeout, self._blocking = what, backend, timeout, blocking
        self._deadline = time.monotonic() + timeout
        self._pause = 0.002

    @property
    def over(self) -> bool:
        """Whether it has been too long."""
        return time.monotonic() > self._deadline

    async def pause(self) -> None:
        """Wait a little.

        Raises:
            QueryTimeout: it has been too long.
        """
        if self.over:
            error = QueryTimeout(
                f"the {self._what} was not ready after {self._timeout:g} s; the server goes on with it",
                backend=self._backend,
            )
            error.maybe_applied = True
            raise error
        if self._blocking:
            time.sleep(self._pause)  # noqa: ASYNC251  # there is no event loop to keep waiting
        else:
            await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 1.5, 0.25)


class SchemaEngine(ABC):
    """Creates, lists and drops the indexes and constraints of one database.

    A backend's author writes :meth:`existing`, :meth:`make` and :meth:`remove`, and :meth:`settle` where
    the server makes indexes in the background; see :mod:`.adapters` for what users hold.

    Args:
        driver: a driver of either colour.
        blocking: whether the driver is a sync one.
        timeout: longest time in seconds until an index or a constraint must be usable.

    Attributes:
        kinds: the kinds of indexes that it knows.
        split: the kinds that are listed as one for each property.
        by_edition: capabilities that the dialect does not claim because only some editions of the server
            have them: :meth:`make` asks the server.
    """

    kinds: ClassVar[tuple[str, ...]] = ("RANGE", "UNIQUE", "MANDATORY", "FULLTEXT", "VECTOR", "POINT")
    split: ClassVar[frozenset[str]] = frozenset({"FULLTEXT"})
    by_edition: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(
        self, driver: GraphDriver | AsyncGraphDriver, *, blocking: bool, timeout: float = 300.0
    ) -> None:
        self._driver = driver
        self._blocking = blocking
        self._timeout = timeout

    # -- what a backend writes ------------------------------------------------------------------

    @abstractmethod
    async def existing(self) -> list[Existing]:
        """Every index and constraint of the server, also those that are not listed."""

    @abstractmethod
    async def make(self, spec: IndexSpec, present: Sequence[Existing]) -> None:
        """Create ``spec``, of which no part is there; ``present`` is what is.

        Raises:
            ConstraintViolation: stored data violates it; nothing is left behind.
        """

    @abstractmethod
    async def remove(self, spec: IndexSpec, found: Sequence[Existing]) -> None:
        """Drop what ``spec`` says of ``found``, which are all that have a part of it."""

    def check(self, spec: IndexSpec) -> IndexSpec:
        """Refuse what cannot be, before anything is sent; or say what stands for ``spec`` here."""
        return spec

    async def settle(self, spec: IndexSpec) -> None:
        """Wait until ``spec`` is usable; nothing to do where the server answers then."""
        del spec

    async def ensure_types(self, entity_classes: Sequence[type]) -> None:
        """Create vertex and edge types on servers that need them."""
        del entity_classes

    # -- what an adapter does -------------------------------------------------------------------

    @property
    def dialect(self) -> Dialect:
        """The dialect of the server."""
        return self._driver.dialect

    @property
    def name(self) -> str:
        """The backend's public name."""
        return self.dialect.name

    def expand(self, spec: IndexSpec) -> tuple[IndexSpec, ...]:
        """``spec`` as :meth:`listed` shows it."""
        if spec.index_type not in self.split or len(spec.properties) == 1:
            return (spec,)
        return tuple(
            IndexSpec(spec.label, name, spec.index_type, spec.entity, options=spec.options)
            for name in spec.properties
        )

    async def listed(self) -> list[IndexSpec]:
        """All indexes and constraints that are usable, without those that only serve a constraint."""
        found: dict[IndexSpec, IndexSpec] = {}
        # Those that searches find come first, and stand for others over the same.
        for each in sorted(await self.existing(), key=lambda each: bool(each.wanted)):
            if each.serves or each.failure:
                continue
            for part in self.expand(each.spec):
                # A search would not find an index of another name: a comparison must see that.
                told = {**part.options, "name": each.name} if each.wanted else part.options
                found.setdefault(part, _with(part, told))
        return [*found.values()]

    async def create(self, spec: IndexSpec, *, if_not_exists: bool = True) -> None:
        """Create ``spec`` and wait until it is usable."""
        spec = self._checked(spec)
        present = await self.existing()
        have = self._parts(present, spec)
        failed = [have[part] for part in self.expand(spec) if part in have]
        failed = [each for each in failed if each.failure]
        if failed:
            # What a failed attempt left behind serves nothing, and stands in the way.
            await self.remove(spec, failed)
            present = await self.existing()
            have = self._parts(present, spec)
        missing = [part for part in self.expand(spec) if part not in have]
        taken = [have[part] for part in self.expand(spec) if part in have]
        self._refuse_other_names(spec, taken)
        if taken and not if_not_exists:
            raise ServerError(f"{spec} exists already", backend=self.name)
        if missing:
            await self._make(_joined(missing, spec), present, if_not_exists=if_not_exists)
        await self.settle(spec)

    def _refuse_other_names(self, spec: IndexSpec, taken: Iterable[Existing]) -> None:
        for each in taken:
            if each.wanted:
                raise ServerError(
                    f"{spec} exists under the name {each.name!r}, and searches look for {each.wanted!r}: drop"
                    " it first, or let sync_schema(..., drop_extra=True) make it anew",
                    backend=self.name,
                )

    async def _make(self, spec: IndexSpec, present: Sequence[Existing], *, if_not_exists: bool) -> None:
        patience = Patience(f"conflict over {spec}", self.name, CONFLICT_SECONDS, blocking=self._blocking)
        while True:
            try:
                await self.make(spec, present)
            except (ServerError, ConstraintViolation, TransientConflictError) as error:
                # Somebody else may have made it at the same time: several processes that start, for one.
                if not if_not_exists:
                    raise
                present = await self.existing()
                have = self._parts(present, spec)
                missing = [part for part in self.expand(spec) if part not in have or have[part].failure]
                if not missing:
                    return
                # Or be still at it, and have won the locks (Neo4j 2026.08: DeadlockDetected).
                if not isinstance(error, TransientConflictError) or patience.over:
                    raise
            else:
                return
            spec = _joined(missing, spec)
            await patience.pause()

    async def drop(self, spec: IndexSpec, *, if_exists: bool = True) -> None:
        """Drop ``spec``."""
        spec = self._named(spec)
        wanted = set(self.expand(spec))
        found = [
            each
            for each in await self.existing()
            if not each.serves and not wanted.isdisjoint(self.expand(each.spec))
        ]
        # What somebody else made over the same stays, beside runic's own.
        found = [each for each in found if not each.wanted] or found
        usable = {part for each in found if not each.failure for part in self.expand(each.spec)}
        absent = [part for part in self.expand(spec) if part not in usable]
        if absent and not if_exists:
            raise ServerError(f"there is no {absent[0]}", backend=self.name)
        if found:
            await self.remove(spec, found)

    def _checked(self, spec: IndexSpec) -> IndexSpec:
        for capability in needed_capabilities(spec):
            if capability not in self.dialect.capabilities | self.by_edition:
                raise UnsupportedByBackendError(
                    self.name, capability.value, self.dialect.hints.get(capability, "")
                )
        return self.check(self._named(spec))

    def _named(self, spec: IndexSpec) -> IndexSpec:
        given = cast("object", spec)  # whatever the annotation says
        if not isinstance(given, IndexSpec):
            raise TypeError(f"an index is described by an IndexSpec, not by {given!r}")
        if spec.entity not in ("NODE", "EDGE"):
            raise MetadataError(f"an index is of a NODE or an EDGE, not of {spec.entity!r}")
        if spec.index_type not in self.kinds:
            raise MetadataError(f"unknown index type {spec.index_type!r}: one of {', '.join(self.kinds)}")
        if len(set(spec.properties)) != len(spec.properties):
            raise MetadataError(f"an index takes one or more different properties, not {spec.properties!r}")
        if spec.index_type in ("VECTOR", "POINT") and len(spec.properties) > 1:
            raise MetadataError(f"a {spec.index_type} index takes one property, not {spec.properties!r}")
        for name in (spec.label, *spec.properties):
            # Here also where it would travel as a parameter. Backslashes are escapes to some servers.
            if not name or not set("`\\").isdisjoint(name) or any(ord(char) < 32 for char in name):
                raise InvalidNameError(f"{name!r:.80} cannot be quoted", backend=self.name)
            self.quote(name)
        return spec

    def _parts(self, present: Iterable[Existing], spec: IndexSpec) -> dict[IndexSpec, Existing]:
        """What is there, part by part. An index that serves a unique constraint is an index too."""
        found: dict[IndexSpec, Existing] = {}
        for each in sorted(present, key=lambda each: bool(each.wanted)):
            if not each.serves:
                for part in self.expand(each.spec):
                    found.setdefault(part, each)
        if spec.index_type == "RANGE":
            for each in present:
                if each.spec.index_type == "UNIQUE" and not each.failure:
                    found.setdefault(_as_range(each.spec), each)
                if each.serves:
                    for part in self.expand(each.spec):
                        found.setdefault(part, each)
        return found

    # -- how ------------------------------------------------------------------------------------

    def quote(self, name: str) -> str:
        """A name as it stands in a statement.

        Raises:
            InvalidNameError: it cannot be quoted.
        """
        return self.dialect.quote(name)

    def accesses(self, names: Iterable[str]) -> str:
        """``x.a, x.b``."""
        return ", ".join(f"x.{self.quote(name)}" for name in names)

    def pattern(self, label: str, entity: EntityKind) -> str:
        """A pattern that finds each of the nodes or edges once, as ``x``."""
        quoted = self.quote(label)
        return f"(x:{quoted})" if entity == "NODE" else f"()-[x:{quoted}]->()"

    async def on_port[R](self, work: Callable[[Any], Awaitable[R]]) -> R:
        """Run ``work(port)`` on a connection of its own."""
        port = self._driver.connect()
        try:
            return await work(port)
        finally:
            await port.release()

    async def run(
        self, statement: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement on a connection of its own, outside of explicit transactions."""
        port = self._driver.connect()
        try:
            return await port.execute(Request(statement, params or {}, write=write))
        finally:
            await port.release()

    async def rows(self, statement: str, params: Mapping[str, Any] | None = None) -> Sequence[list[Any]]:
        """The rows of a statement that only reads."""
        return (await self.run(statement, params, write=False)).rows

    async def table(self, statement: str) -> Sequence[dict[str, Any]]:
        """The rows of a statement that only reads, by column."""
        result = await self.run(statement, write=False)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    async def violations(self, spec: IndexSpec) -> str:
        """What stands in the way of a constraint, for its error; empty: nothing."""
        match = f"MATCH {self.pattern(spec.label, spec.entity)}"
        names = [f"x.{self.quote(name)}" for name in spec.properties]
        if spec.index_type == "MANDATORY":
            missing = " OR ".join(f"{name} IS NULL" for name in names)
            rows = await self.rows(f"{match} WHERE {missing} RETURN count(x)")
            return f"{rows[0][0]} without a value" if rows[0][0] else ""
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        rows = await self.rows(
            f"{match} WHERE {present} WITH [{', '.join(names)}] AS v, count(x) AS c WHERE c > 1"
            f" RETURN v, c ORDER BY c DESC LIMIT {SHOWN}"
        )
        return ", ".join(f"{v[0] if len(v) == 1 else v} x {c}" for v, c in rows)

    def violated(self, spec: IndexSpec, found: str, statement: str | None = None) -> ConstraintViolation:
        """The error of a constraint that stored data violates."""
        pattern = spec.label if spec.entity == "NODE" else f"[{spec.label}]"
        return ConstraintViolation(
            f"the {spec.index_type} constraint on {pattern}({', '.join(spec.properties)}) is violated"
            f" already: {found}",
            backend=self.name,
            statement=statement,
        )

    def patience(self, what: str) -> Patience:
        """For waiting until ``what`` is ready."""
        return Patience(what, self.name, self._timeout, blocking=self._blocking)


def _as_range(spec: IndexSpec) -> IndexSpec:
    return IndexSpec(spec.label, spec.property, "RANGE", spec.entity, spec.properties)


def _with(spec: IndexSpec, options: Mapping[str, Any]) -> IndexSpec:
    told = MappingProxyType(dict(options))
    return IndexSpec(spec.label, spec.property, spec.index_type, spec.entity, spec.properties, told)


def _joined(parts: Sequence[IndexSpec], spec: IndexSpec) -> IndexSpec:
    """The missing parts of ``spec`` as one."""
    names = tuple(dict.fromkeys(name for part in parts for name in part.properties))
    return IndexSpec(spec.label, names[0], spec.index_type, spec.entity, names, spec.options)
