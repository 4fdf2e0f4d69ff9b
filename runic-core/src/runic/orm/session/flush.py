"""Execute a plan and carry its results back into the entities.

Two forms, chosen by the dialect; the plan is the same. With transactions every step is a few
statements in one transaction. Without them the whole plan is one query, which the server applies or
refuses as a whole; a plan too large for that is sent step by step, and says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from runic.orm.compile.dialect import UnitForm
from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteEdges,
    DeleteNodes,
    MergeEdges,
    MergeNodes,
    Step,
    UpdateEdges,
    UpdateNodes,
)
from runic.orm.compile.write import (
    must_match,
    returns_identities,
    statement_text,
    unit_columns,
    unit_text,
)
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.state import Status
from runic.orm.driver.port import Request
from runic.orm.exceptions import ConstraintViolation, DriverError, InternalError, StaleObjectError
from runic.orm.session.diagnose import find_stale, find_violation
from runic.orm.session.links import Link

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import QueryResult
    from runic.orm.session.plan import Plan
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["Guarantee", "execute_plan"]

type Guarantee = Literal["transaction", "single query", "several queries"]
type Send = Callable[[Request], Awaitable[QueryResult]]


async def execute_plan(plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send) -> Guarantee:
    """Send ``plan`` and apply its results; returns what it could promise.

    Raises:
        ConstraintViolation, StaleObjectError: with the object named, nothing of the step applied.
        DriverError: whatever else the server refused.
    """
    single = dialect.unit_form is UnitForm.SINGLE_QUERY
    rows = sum(len(step.rows) for step in plan.steps)
    if single and rows <= dialect.unit_rows:
        await _as_one_query(plan, unit, dialect, send)
        return "single query"
    await _step_by_step(plan, unit, dialect, send, journal=not single)
    return "several queries" if single else "transaction"


async def _as_one_query(plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send) -> None:
    shapes = tuple(step.shape for step in plan.steps)
    parameters = {f"s{number}": step.rows for number, step in enumerate(plan.steps)}
    request = Request(unit_text(shapes, dialect), parameters, write=True, raw_cells=True)
    try:
        result = await send(request)
    except DriverError as error:
        if dialect.vetoed(error):
            raise await _stale(plan.steps, dialect, send, error) from error
        if isinstance(error, ConstraintViolation):
            await _name_violation(error, plan.steps, dialect, send)
        raise
    row = result.rows[0]
    read = _list_reader(dialect)
    applied: list[tuple[Step, Sequence[Any]]] = []
    for step, column in zip(plan.steps, unit_columns(shapes), strict=True):
        found: Sequence[Any] = ()
        if returns_identities(step.shape):
            indexes, identities = read(row[column]), read(row[column + 1])
            if isinstance(step.shape, CreateNodes | MergeNodes) and indexes != list(range(len(indexes))):
                raise InternalError("the server did not keep the order of a list that edges count on")
            found = list(zip(indexes, identities, strict=True))
        applied.append((step, found))
    for step, found in applied:
        _apply(step, found, unit)


@lru_cache(maxsize=64)
def _list_reader(dialect: Dialect) -> Callable[[Any], list[Any]]:
    """The cell of a list of identities or indexes -> their values."""
    items, item = dialect.items_cell.format(c="c"), dialect.identity_cell.format(c="x")
    reader: Callable[[Any], list[Any]] = eval(f"lambda c: [{item} for x in {items}]")
    return reader


async def _step_by_step(
    plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send, *, journal: bool
) -> None:
    if journal:
        unit.link_journal.append(unit.links.copy())
    identities: dict[int, list[Any]] = {}
    for number, step in enumerate(plan.steps):
        rows = _with_identities(step, identities)
        text = statement_text(step.shape, dialect)
        found: list[Sequence[Any]] = []
        for start in range(0, len(rows), dialect.batch_size):
            batch = rows[start : start + dialect.batch_size]
            try:
                result = await send(Request(text, {"rows": batch}, write=True))
            except ConstraintViolation as error:
                await _name_violation(error, [step], dialect, None if journal else send)
                raise
            found += result.rows
        if must_match(step.shape) and len({pair[0] for pair in found}) < len(step.rows):
            missing = {row[0] for row in step.rows} - {pair[0] for pair in found}
            raise _stale_error([(step, sorted(missing))])
        if journal:
            for item in step.objects:
                for entity in _entities(step, item):
                    unit.record(entity)
        if isinstance(step.shape, CreateNodes | MergeNodes):
            identities[number] = [identity for _, identity in sorted(found, key=lambda pair: pair[0])]
        _apply(step, found, unit)
        _unstage(step, unit)


def _with_identities(step: Step, identities: dict[int, list[Any]]) -> list[list[Any]]:
    """The rows of an edge step with the identities of nodes made by earlier steps."""
    shape = step.shape
    if not isinstance(shape, CreateEdges | MergeEdges):
        return step.rows
    columns: list[tuple[int, list[Any]]] = []
    if shape.source.step is not None:
        columns.append((1, identities[shape.source.step]))
    if shape.target.step is not None:
        columns.append((1 + shape.source.width, identities[shape.target.step]))
    if not columns:
        return step.rows
    rows = [list(row) for row in step.rows]
    for row in rows:
        for column, known in columns:
            row[column] = known[row[column]]
    return rows


# -- results ------------------------------------------------------------------------------------


def _entities(step: Step, item: Any) -> list[Any]:
    """The entities whose state a step changes, for one of its objects."""
    if isinstance(step.shape, CreateEdges | MergeEdges):
        return [] if item.edge is None else [item.edge]
    return [] if isinstance(step.shape, DeleteEdges) else [item]


def _apply(step: Step, found: Sequence[Sequence[Any]] | Sequence[Any], unit: UnitOfWork) -> None:
    """Carry the results of one step into its entities."""
    match step.shape:
        case CreateNodes() | MergeNodes():
            if len(found) != len(step.rows):
                raise InternalError(f"{len(step.rows)} nodes were written, {len(found)} came back")
            # The server counted the versions of merged nodes: they are read when they are needed.
            stale = isinstance(step.shape, MergeNodes) and step.shape.version is not None
            unit.became_persistent([(step.objects[index], identity) for index, identity in found], stale)
        case UpdateNodes() | UpdateEdges():
            for entity in step.objects:
                meta = node_meta(type(entity)) if isinstance(step.shape, UpdateNodes) else edge_meta(type(entity))
                if meta.version_field is not None:
                    name = meta.version_field.name
                    entity.__dict__[name] = (entity.__dict__.get(name) or 0) + 1
                unit.became_clean(entity)
        case DeleteNodes():
            unit.became_deleted(step.objects)
        case CreateEdges() | MergeEdges():
            for index, identity in found:
                link = step.objects[index]
                if link.edge is not None:
                    state = link.edge._runic_state
                    state.status, state.owner, state.id = Status.PERSISTENT, unit.owner, identity
                    state.ends = (link.start, link.end)
                    unit.became_clean(link.edge)
                    unit.part(type(link.edge))[identity] = link.edge
        case DeleteEdges():
            pass


def _unstage(step: Step, unit: UnitOfWork) -> None:
    """Links that are written need not be written again, even if a later step fails."""
    if isinstance(step.shape, CreateEdges | MergeEdges | DeleteEdges):
        for link in step.objects:
            if isinstance(link, Link):
                unit.links.written(link, removed=isinstance(step.shape, DeleteEdges))


# -- failures -----------------------------------------------------------------------------------


async def _stale(steps: Sequence[Step], dialect: Dialect, send: Send, error: DriverError) -> StaleObjectError:
    missing = await find_stale(steps, dialect, send)
    found = _stale_error(missing)
    found.backend, found.statement = error.backend, error.statement
    return found


def _stale_error(missing: Sequence[tuple[Step, Sequence[int]]]) -> StaleObjectError:
    names: list[str] = []
    for step, indexes in missing:
        for index in list(indexes)[:5]:
            item = step.objects[index]
            names.append(
                f"an end of {item.type} from {item.start!r} to {item.end!r}"
                if isinstance(step.shape, CreateEdges | MergeEdges)
                else repr(item)
            )
    what = ", ".join(names) if names else "an object of the unit"
    return StaleObjectError(
        f"{what} was changed or deleted by somebody else since it was loaded; nothing was written."
        " refresh() it and try again"
    )


async def _name_violation(
    error: ConstraintViolation, steps: Sequence[Step], dialect: Dialect, send: Send | None
) -> None:
    """Find the object that a constraint refused: servers name the label at most."""
    found = await find_violation(steps, dialect, send)
    if found is None:
        return
    entity, reason = found
    error.entity = entity
    error.args = (f"{entity!r} was refused: {reason} ({error.args[0]}); nothing of the flush was written",)
