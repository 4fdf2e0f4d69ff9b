"""The session core: everything a session does, written once for both colours.

The only code that does I/O, and it awaits nothing but the driver port and itself.
:class:`~runic.orm.session.session.Session` runs it with ``run_blocking``,
:class:`~runic.orm.session.async_session.AsyncSession` awaits it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from runic.orm.compile.dialect import Capability
from runic.orm.driver.port import QueryResult, Request
from runic.orm.exceptions import (
    ConstraintViolation,
    DriverError,
    EntityNotFoundError,
    LazyLoadError,
    OrmError,
    QueryError,
    StaleObjectError,
)
from runic.orm.mapper.mapper import Mapper
from runic.orm.plugin.manager import adopt
from runic.orm.session.blocking import check_colour, run_blocking
from runic.orm.session.blocks import Blocks, take_block_back
from runic.orm.session.cascade import cascade
from runic.orm.session.connection import Connection
from runic.orm.session.exclusive import Exclusive
from runic.orm.session.flush import NOTHING, Guarantee, apply_left, execute_plan, name_violation, promise
from runic.orm.session.load import Loader
from runic.orm.session.outcome import PATIENCE, Outcome, maybe_applied, told
from runic.orm.session.plan import make_plan
from runic.orm.session.reflect import Reflection
from runic.orm.session.relating import Relating
from runic.orm.session.siblings import lacking_siblings, stale_siblings
from runic.orm.session.staging import Staging, refuse_if_read_only, require_persistent, several
from runic.orm.session.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runic.orm.compile.dialect import Dialect
    from runic.orm.compile.shape import Compiled
    from runic.orm.core.descriptors import FieldDescriptor
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
    from runic.orm.session.plan import Plan

__all__ = ["SessionCore"]

logger: logging.Logger = logging.getLogger("runic.cypher")


class SessionCore:
    """State and behaviour of one session.

    Args:
        driver: where connections come from.
        blocking: whether attribute access may load (a blocking driver).
        autoflush: whether reads send staged changes first.
        read_only: refuse every write.
        log_cypher: log each statement at INFO instead of DEBUG; values are never logged.
        verifiable: let each unit leave a mark by which its outcome is found out when its reply is lost.
        mapper: a mapper of the user's own.
    """

    def __init__(
        self,
        driver: GraphDriver | AsyncGraphDriver,
        *,
        blocking: bool,
        autoflush: bool = True,
        read_only: bool = False,
        log_cypher: bool = False,
        verifiable: bool = False,
        mapper: Mapper | None = None,
    ) -> None:
        ready = hasattr(driver, "connect") and hasattr(driver, "dialect")
        self.driver: GraphDriver | AsyncGraphDriver = driver if ready else adopt(driver)
        check_colour(self.driver, blocking=blocking)
        self.blocking = blocking
        self.autoflush: bool = autoflush
        self.read_only = read_only
        log_level = logging.INFO if log_cypher else logging.DEBUG
        self.dialect: Dialect = self.driver.dialect
        self.mapper: Mapper = mapper or Mapper(self.dialect)
        self.unit: UnitOfWork = UnitOfWork(self)
        self.exclusive: Exclusive = Exclusive()
        self.outcome: Outcome = Outcome(
            self.driver,
            self.exclusive,
            verifiable=verifiable,
            marks=verifiable and not read_only,
            blocking=blocking,
        )
        self.blocks: Blocks = Blocks(savepoints=Capability.SAVEPOINTS in self.dialect.capabilities)
        self.connection: Connection = Connection(
            self.driver, self.unit, self.outcome, self.blocks, read_only=read_only, log_level=log_level
        )
        self.loader: Loader = Loader(self.unit, self.dialect, self.connection.send)
        self.staging: Staging = Staging(self.unit, self.exclusive, read_only=read_only)
        self.relating: Relating = Relating(self.unit, self.exclusive, read_only=read_only)
        self.reflection: Reflection = Reflection(self.unit, self.relating)
        self.transactional: bool = self.connection.transactional
        self._flushes = 0
        self._last: Guarantee = "transaction" if self.transactional else "single query"
        self._unit_guarantee: Guarantee = self._last

    # -- what descriptors ask for ---------------------------------------------------------------

    def entity_changed(self, entity: Any) -> None:
        """See :class:`~runic.orm.core.state.Owner`."""
        # Also while an outcome is unknown: it is a change after what was sent then.
        self.exclusive.check_free()
        self.unit.dirty[id(entity)] = entity

    def mutable_read(self, entity: Any) -> None:
        """See :class:`~runic.orm.core.state.Owner`."""
        self.unit.touched[id(entity)] = entity

    def load_missing(self, entity: Any, name: str) -> Any:
        """See :class:`~runic.orm.core.state.Owner`."""
        field: FieldDescriptor | None = entity._runic_fields.get(name)
        is_relation = field is not None and field.is_relation
        if not self.blocking:
            instead = (
                f"ask for it with fetch=[{name!r}], or await session.load(entity, {name!r})"
                if is_relation
                else "await session.refresh(entity)"
            )
            raise LazyLoadError(
                f"{type(entity).__name__}.{name} was not loaded, and attribute access cannot await: {instead}"
            )
        run_blocking(self._load_missing(entity, field if is_relation else None))
        return entity.__dict__.get(name)

    async def _load_missing(self, entity: Any, field: FieldDescriptor | None) -> None:
        with self.exclusive:
            await self._autoflush()
            if field is None:
                await self.loader.refresh([entity], stale_siblings(entity))
                return
            owners = lacking_siblings(entity, field) if field.loading == "batch" else [entity]
            await self.loader.relation(owners, field)

    # -- reading --------------------------------------------------------------------------------

    def known(self, cls: type, key: Any) -> Any:
        """The entity with that primary key if this session has it, without a statement."""
        self.exclusive.check()
        return self.loader.known(cls, key)

    async def get(self, cls: type, key: Any, fetch: Sequence[str] | None = None) -> Any:
        """The entity with that primary key, or ``None``."""
        with self.exclusive:
            if key is None:
                raise TypeError(f"get({cls.__name__}, None): a primary key is never None")
            await self._autoflush()
            entity = self.loader.known(cls, key)
            if entity is None:
                entity = await self.loader.by_key(cls, key)
            if entity is not None and (id(entity) in self.unit.deleted or not isinstance(entity, cls)):
                entity = None
            if fetch:
                # Also without an entity: what is misspelt is told at once, not when there is one.
                await self.loader.fetch(cls, [] if entity is None else [entity], fetch)
            return entity

    async def get_many(self, cls: type, keys: Iterable[Any], fetch: Sequence[str] | None = None) -> list[Any]:
        """The entities with those keys, in the order of the keys; ``None`` where there is none."""
        with self.exclusive:
            wanted = several(keys, "get_many() takes several keys")
            await self._autoflush()
            missing = list({key: None for key in wanted if self.loader.known(cls, key) is None})
            await self.loader.by_keys(cls, missing)
            found = [self.loader.known(cls, key) for key in wanted]
            if fetch:
                await self.loader.fetch(cls, found, fetch)
            return found

    async def run(self, compiled: Compiled) -> QueryResult:
        """Send a compiled read and return its cells."""
        await self._autoflush()
        return await self.connection.send(_request(compiled))

    async def stream(self, compiled: Compiled, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Send a compiled read and yield its cells in portions."""
        await self._autoflush()
        port = await self.connection.checked_out()
        portions = port.stream(_request(compiled), page)
        try:
            async for portion in portions:
                yield portion
        except DriverError as error:
            await portions.aclose()
            if self.transactional:
                await self.connection.lose(error)
            raise
        finally:
            await portions.aclose()

    async def refresh(self, entity: Any) -> None:
        """Read an entity again."""
        with self.exclusive:
            require_persistent(self.unit, entity, "refresh()")
            self.unit.restore(entity)
            await self._autoflush()
            await self.loader.refresh([entity])

    async def load(self, entities: Any, *names: str) -> None:
        """Load relations of one entity or of many."""
        with self.exclusive:
            many = isinstance(entities, Iterable)
            listed: list[Any] = [*cast("Iterable[object]", entities)] if many else [entities]
            await self._autoflush()
            groups: dict[type[Any], list[Any]] = {}
            for entity in listed:
                require_persistent(self.unit, entity, "load()")
                groups.setdefault(entity.__class__, []).append(entity)
            for cls, group in groups.items():
                await self.loader.fetch(cls, group, names)

    async def execute(self, cypher: str, params: Mapping[str, Any] | None, write: bool) -> QueryResult:
        """Run raw Cypher."""
        with self.exclusive:
            request = Request.raw(cypher, params, write=write)
            if write:
                refuse_if_read_only(self.read_only, "execute(write=True)")
            await self._autoflush()
            try:
                result = await self.connection.send(request)
            except OrmError as error:
                if write and not self.transactional and maybe_applied(error):
                    self.outcome.raw_loss = error
                raise
            if write:
                self.connection.raw_writes += 1
                self._note_write(
                    "several queries" if self._flushes or self.connection.raw_writes > 1 else self._last
                )
            return result

    @property
    def uncommitted(self) -> bool:
        """Whether a read will see writes of this session that are not committed."""
        if self._flushes or self.connection.raw_writes:
            return True
        return self.autoflush and not self.read_only and self.unit.has_work()

    # -- writing --------------------------------------------------------------------------------

    async def _autoflush(self) -> None:
        self.connection.check_usable()
        if self.autoflush and not self.read_only and self.unit.has_work():
            await self._flush()

    async def flush(self) -> None:
        """Send everything that is staged."""
        with self.exclusive:
            self.connection.check_usable()
            await self._flush()

    async def _flush(self) -> None:
        unit = self.unit
        if not unit.has_work():
            return
        await cascade(unit, self.loader)
        plan = make_plan(unit, self.dialect)
        if plan.steps:
            await self._send(plan)
        self._flushed(plan)

    async def _send(self, plan: Plan) -> None:
        if self.read_only:
            raise QueryError("this session is read-only, and an entity of it was changed")
        guarantee = promise(plan, self.dialect)
        outcome = None
        if guarantee == "several queries":
            if self.outcome.marks:
                raise QueryError(
                    f"a verifiable session cannot write more than {self.dialect.unit_rows} rows at once on"
                    f" {self.dialect.name}, which would take several queries: flush() in parts"
                )
            # Beforehand: a failure in the middle leaves some of it written.
            self._note_write(guarantee)
        elif guarantee == "single query" and self.outcome.marks:
            outcome = self.outcome
            await outcome.prepare(await self.connection.checked_out())
        try:
            await execute_plan(plan, self.unit, self.dialect, self.connection.send, outcome)
        except BaseException as error:
            if guarantee == "several queries":
                self.reflection.flushed(plan, left=self.unit.links)
            elif self.transactional and isinstance(error, StaleObjectError):
                await self.connection.lose(error)
            raise

    def _flushed(self, plan: Plan) -> None:
        """What ``plan`` says is what the database has."""
        unit = self.unit
        if plan.steps:
            self._flushes += 1
            self._note_write("several queries" if self._several_queries() else promise(plan, self.dialect))
            self.reflection.flushed(plan)
        for entity in plan.clean:
            state = entity._runic_state
            if plan.steps and self.transactional and (state.changes or state.snapshots):
                # One of which only relations changed is in no step of its own.
                unit.record(entity)
            unit.became_clean(entity)
        unit.links.clear()
        self.relating.forget()
        if not self.transactional:
            unit.committed()

    def _several_queries(self) -> bool:
        return not self.transactional and self._flushes + self.connection.raw_writes > 1

    def _note_write(self, guarantee: Guarantee) -> None:
        if self._unit_guarantee != "several queries":
            self._unit_guarantee = guarantee

    async def commit(self) -> None:
        """Flush, and make it durable."""
        with self.exclusive:
            self.connection.check_usable()
            self.outcome.applied = False
            try:
                await self._flush()
            finally:
                if self.outcome.unknown is not None:
                    self.outcome.unknown.committing = True
            unproven = list(self.unit.unproven)
            try:
                await self.connection.commit()
            except ConstraintViolation as error:
                if unproven:
                    await name_violation(error, unproven, self.dialect, self.connection.send, NOTHING)
                    await self.connection.rollback()
                raise
            self._committed()

    def _committed(self) -> None:
        self.unit.committed()
        self.outcome.applied, self.outcome.raw_loss = True, None
        self._last, self._unit_guarantee = self._unit_guarantee, self._initial_guarantee()
        self._flushes = 0

    async def verify(self, patience: float) -> bool:
        """Whether the last commit was applied, asking the database if that is not known."""
        with self.exclusive.though_barred():
            return await self._verify(patience)

    async def _verify(self, patience: float) -> bool:
        unknown = self.outcome.unknown
        if unknown is None:
            return self.outcome.known()
        left = await self.outcome.ask(patience)
        self.outcome.settle()
        self.outcome.applied = left is not None
        if left is None:
            self.connection.not_applied(unknown)
            return False
        if unknown.plan is not None and unknown.sent is not None:
            later = unknown.sent.later_changes()
            apply_left(unknown.plan, left, self.unit)
            self._flushed(unknown.plan)
            for change in later:
                change.stage(self.unit)
        if unknown.committing:
            self._committed()
        return True

    async def rollback(self) -> None:
        """Take back everything since the last commit."""
        with self.exclusive.though_barred():
            self.outcome.give_up()
            self._unit_guarantee = self._initial_guarantee()
            self._flushes = 0
            self.unit.rollback()
            self.relating.forget()
            await self.connection.rollback()

    async def leave(self, error: BaseException | None) -> None:
        """The end of a ``with`` block: commit, or roll back and let ``error`` go on."""
        try:
            if error is None:
                await self._commit_or_verify()
            elif self.outcome.unknown is not None:
                await self._verified(error)
        finally:
            try:
                await self.close()
            except OrmError as problem:
                if error is None:
                    raise
                # The error of the block matters more than that of cleaning up after it.
                error.add_note(f"while rolling back: {problem}")

    async def _commit_or_verify(self) -> None:
        try:
            await self.commit()
        except OrmError as error:
            # Its reply was lost: that is no failure if it was applied.
            if not await self._verified(error):
                raise

    async def _verified(self, error: BaseException) -> bool:
        """Before the session ends, find out whether what failed with ``error`` was applied; let it say so."""
        unknown = self.outcome.unknown
        if unknown is None or unknown.error is not error or not isinstance(error, OrmError):
            return False
        whole = self.transactional or not (self._flushes or self.connection.raw_writes)
        try:
            applied = await self.verify(PATIENCE)
        except OrmError as problem:
            error.add_note(f"it was not found out whether it was applied: {problem}")
            return False
        told(error, applied=applied, whole=whole)
        return applied

    async def close(self) -> None:
        """Roll back what is open and forget every entity."""
        with self.exclusive.though_barred():
            self.outcome.give_up()
            try:
                # What was loaded stays readable: only what was not committed is taken back.
                self.unit.take_back()
                self.relating.forget()
                await self.connection.rollback()
            finally:
                self.unit.expunge_all()
            await self.outcome.clear()

    def _initial_guarantee(self) -> Guarantee:
        return "transaction" if self.transactional else "single query"

    @property
    def guarantee(self) -> Guarantee:
        """What the last commit promised."""
        return self._last

    async def enter_block(self) -> None:
        """Begin a block whose changes are flushed together at its end, or taken back together."""
        with self.exclusive:
            self.connection.check_usable()
            await self._flush()
            self.blocks.enter(autoflush=self.autoflush, raw_writes=self.connection.raw_writes)
            self.unit.begin_block()
            self.autoflush = False

    async def leave_block(self, failed: bool) -> None:
        """End the innermost block."""
        with self.exclusive.though_barred():
            self.autoflush = self.blocks.innermost.autoflush
            kept = False
            try:
                if not failed:
                    if self.exclusive.barred is not None:
                        self.exclusive.barred()
                    self.connection.check_usable()
                    await self._flush()
                    await self.connection.end_block(failed=False)
                    kept = True
            finally:
                try:
                    if kept or self.outcome.unknown is not None:
                        self.unit.end_block()
                    else:
                        await take_block_back(self.connection, self.unit)
                        self.relating.forget()
                finally:
                    self.blocks.leave()

    async def require(self, cls: type, key: Any) -> Any:
        """The entity with that key.

        Raises:
            EntityNotFoundError: there is none.
        """
        found = await self.get(cls, key)
        if found is None:
            raise EntityNotFoundError(f"no {cls.__name__} with primary key {key!r}")
        return found


def _request(compiled: Compiled) -> Request:
    return Request(
        compiled.text,
        compiled.parameters,
        columns=compiled.shape.columns,
        raw_cells=True,
        packed=compiled.packed,
    )
