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
    counts_versions,
    must_match,
    returns_identities,
    statement_text,
    stores_of,
    unit_columns,
    unit_text,
)
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Node
from runic.orm.driver.port import Request
from runic.orm.exceptions import ConstraintViolation, DriverError, InternalError, OrmError, StaleObjectError
from runic.orm.session.diagnose import find_stale, find_violation
from runic.orm.session.links import Clearing, Link
from runic.orm.session.outcome import Outcome, Unknown, maybe_applied
from runic.orm.session.sent import SentValues

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.state import EntityState
    from runic.orm.driver.port import QueryResult
    from runic.orm.session.plan import Plan
    from runic.orm.session.unit_of_work import UnitOfWork

__all__ = ["NOTHING", "Guarantee", "apply_left", "execute_plan", "name_violation", "promise"]

type Guarantee = Literal["transaction", "single query", "several queries"]
type Send = Callable[[Request], Awaitable[QueryResult]]
type Found = list[tuple[Any, ...]]
"""(index, identity, version) of each row that found or made something, as far as the step returns them."""

NOTHING = "nothing of the flush was written"
_SOME = "what was written before stays written, and the next flush does the rest"


def promise(plan: Plan, dialect: Dialect) -> Guarantee:
    """What sending ``plan`` can promise."""
    if dialect.unit_form is UnitForm.TRANSACTION:
        return "transaction"
    rows = sum(len(step.rows) for step in plan.steps)
    return "single query" if rows <= dialect.unit_rows else "several queries"


async def execute_plan(
    plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send, outcome: Outcome | None = None
) -> None:
    """Send ``plan`` and apply its results.

    Args:
        plan: what to send.
        unit: where the results go.
        dialect: the backend's.
        send: how to ask the server.
        outcome: has the marker, where a plan that is one query takes its turn.

    Raises:
        ConstraintViolation, StaleObjectError: with the object named. Nothing was written, or, if the
            plan took several queries, what memory shows as written.
        DriverError: whatever else the server refused.
    """
    form = promise(plan, dialect)
    if form == "single query":
        await _as_one_query(plan, unit, dialect, send, outcome)
    else:
        await _step_by_step(plan, unit, dialect, send, journal=form == "transaction")


async def _as_one_query(
    plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send, outcome: Outcome | None
) -> None:
    shapes = tuple(step.shape for step in plan.steps)
    parameters: dict[str, Any] = {f"s{number}": step.rows for number, step in enumerate(plan.steps)}
    if outcome is not None:
        parameters["marker"] = outcome.cell()
    text = unit_text(shapes, dialect, outcome is not None)
    try:
        result = await send(Request(text, parameters, write=True, raw_cells=True))
    except BaseException as error:
        if outcome is not None and maybe_applied(error):
            outcome.lose(Unknown(error, plan, SentValues(plan)))
        if isinstance(error, DriverError) and dialect.vetoed(error):
            raise await _refused(plan.steps, dialect, send, error, outcome) from error
        if isinstance(error, ConstraintViolation):
            await name_violation(error, plan.steps, dialect, send, NOTHING)
        raise
    if outcome is not None:
        outcome.took()
    row = result.rows[0]
    read = _list_reader(dialect)
    replies: list[list[list[Any]]] = []
    for shape, column in zip(shapes, unit_columns(shapes), strict=True):
        width = 2 + counts_versions(shape) if returns_identities(shape) else 0
        replies.append([read(cell) for cell in row[column : column + width]])
    _apply_unit(plan, replies, unit)


def apply_left(plan: Plan, left: Mapping[str, Any], unit: UnitOfWork) -> None:
    """Apply the results of a plan that was one query from what it left at the marker."""
    replies: list[list[list[Any]]] = []
    for number, step in enumerate(plan.steps):
        names = ("i", "d", "v")[: 2 + counts_versions(step.shape)] if returns_identities(step.shape) else ()
        replies.append([left.get(f"{name}{number}") or [] for name in names])
    _apply_unit(plan, replies, unit)


def _apply_unit(plan: Plan, replies: list[list[list[Any]]], unit: UnitOfWork) -> None:
    """Apply the lists of indexes, identities and versions that a query returned for each step."""
    applied: list[tuple[Step, Found]] = []
    for step, reply in zip(plan.steps, replies, strict=True):
        found: Found = []
        if reply:
            indexes, *values = reply
            if indexes and isinstance(step.shape, CreateNodes | MergeNodes):
                raise InternalError("the server did not keep the order of a list that edges count on")
            found = list(zip(indexes or range(len(step.rows)), *values, strict=True))
        applied.append((step, found))
    for step, found in applied:
        _apply(step, found, unit)


@lru_cache(maxsize=64)
def _list_reader(dialect: Dialect) -> Callable[[Any], list[Any]]:
    """The cell of a list of identities or indexes -> their values."""
    items, item = dialect.items_cell.format(c="c"), dialect.identity_cell.format(c="x")
    reader: Callable[[Any], list[Any]] = eval(f"lambda c: [{item} for x in {items} or ()]")
    return reader


async def _step_by_step(plan: Plan, unit: UnitOfWork, dialect: Dialect, send: Send, *, journal: bool) -> None:
    # An entity is clean once its own step has run, but the edges that follow from its relations come
    # later: they are staged, so that they are not forgotten if it does not come to that.
    unit.links = plan.links.copy()
    if journal:
        unit.journal.links.append(plan.links.copy())
    identities: dict[int, list[Any]] = {}
    written = False
    for number, step in enumerate(plan.steps):
        rows = _with_identities(step, identities)
        text = statement_text(step.shape, dialect)
        stores = stores_of(step.shape, dialect)
        known = identities[number] = []
        for start in range(0, len(rows), dialect.batch_size):
            batch = slice(start, start + dialect.batch_size)
            part = Step(step.shape, rows[batch], step.objects[batch])
            outcome = _SOME if written and not journal else NOTHING
            try:
                request = Request(
                    text,
                    {"rows": part.rows},
                    write=True,
                    raw_cells=True,
                    packed=dialect.page_rows > 0,
                    stores=stores,
                )
                result = await send(request)
            except ConstraintViolation as error:
                # A transaction is lost by now: the question is asked in a new one.
                await name_violation(error, [part], dialect, send, outcome)
                raise
            written = True
            found = _in_order(result.rows, start, dialect)
            missing = _missing(part, found)
            if missing and journal:
                raise _stale_error([(part, missing)], NOTHING)
            if missing:
                part = Step(part.shape, part.rows, [part.objects[pair[0]] for pair in found])
                found = [(position, *pair[1:]) for position, pair in enumerate(found)]
            if journal:
                for item in part.objects:
                    for entity in _entities(part, item):
                        unit.record(entity)
            if dialect.late_constraints:
                unit.journal.unproven.append(part)
            _apply(part, found, unit)
            _unstage(part, unit)
            if missing:
                raise _stale_error([(Step(step.shape, rows[batch], step.objects[batch]), missing)], _SOME)
            if isinstance(step.shape, CreateNodes | MergeNodes):
                known += [pair[1] for pair in found]


def _in_order(rows: Sequence[Sequence[Any]], start: int, dialect: Dialect) -> Found:
    """The rows of a reply by index, which counts from the beginning of the batch."""
    read = _row_reader(dialect)
    by_index = {pair[0] - start: pair for pair in map(read, rows)}
    return [(index, *by_index[index][1:]) for index in sorted(by_index)]


def _missing(part: Step, found: Found) -> list[int]:
    """The rows of a batch that had to find something and did not."""
    if not must_match(part.shape) or len(found) == len(part.rows):
        return []
    present = {pair[0] for pair in found}
    return [index for index in range(len(part.rows)) if index not in present]


@lru_cache(maxsize=64)
def _row_reader(dialect: Dialect) -> Callable[[Sequence[Any]], list[Any]]:
    """A row of identities or indexes -> their values."""
    item = dialect.identity_cell.format(c="x")
    reader: Callable[[Sequence[Any]], list[Any]] = eval(f"lambda row: [{item} for x in row]")
    return reader


def _with_identities(step: Step, identities: dict[int, list[Any]]) -> list[list[Any]]:
    """The rows of an edge step with the identities of nodes made by earlier steps."""
    shape = step.shape
    if not isinstance(shape, CreateEdges | MergeEdges | DeleteEdges):
        return step.rows
    columns: list[tuple[int, list[Any]]] = []
    if shape.source.step is not None:
        columns.append((1, identities[shape.source.step]))
    if shape.target is not None and shape.target.step is not None:
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
    if isinstance(step.shape, DeleteEdges):
        return [item.source] if isinstance(item, Clearing) else []
    return [item]


def _apply(step: Step, found: Found, unit: UnitOfWork) -> None:  # noqa: C901 - a case a kind of step
    """Carry the results of one step into its entities."""
    match step.shape:
        case CreateNodes() | MergeNodes():
            if len(found) != len(step.rows):
                raise InternalError(f"{len(step.rows)} nodes were written, {len(found)} came back")
            unit.became_persistent([(step.objects[pair[0]], pair[1]) for pair in found])
            if isinstance(step.shape, MergeNodes):
                for entity in step.objects:
                    _forget_relations(entity)
            if isinstance(step.shape, MergeNodes) and step.shape.version is not None:
                for index, _, version in found:
                    step.objects[index].__dict__[step.shape.version] = version
        case UpdateNodes() | UpdateEdges():
            for entity in step.objects:
                meta = (
                    node_meta(entity.__class__)
                    if isinstance(step.shape, UpdateNodes)
                    else edge_meta(entity.__class__)
                )
                if meta.version_field is not None:
                    name = meta.version_field.name
                    entity.__dict__[name] = (entity.__dict__.get(name) or 0) + 1
                unit.became_clean(entity)
        case DeleteNodes():
            unit.became_deleted(step.objects)
        case CreateEdges() | MergeEdges():
            for index, identity in found if step.shape.with_objects else ():
                link = step.objects[index]
                unit.edge_became_persistent(link.edge, identity, (link.start, link.end))
        case DeleteEdges():
            for item in step.objects:
                if isinstance(item, Clearing):
                    item.done = True
                    # Whatever was stored is gone; a second attempt must not clear what this one adds.
                    state = item.source._runic_state
                    state.changes = {**(state.changes or {}), item.field.name: []}


def _forget_relations(entity: Any) -> None:
    """A merged node may have been there with edges that memory does not know: they are loaded when needed."""
    for relation in node_meta(entity.__class__).relations:
        if relation.uselist or entity.__dict__.get(relation.name) is None:
            entity.__dict__.pop(relation.name, None)
            state: EntityState = entity._runic_state
            if state.snapshots:
                state.snapshots.pop(relation.name, None)


def _unstage(step: Step, unit: UnitOfWork) -> None:
    """Links that are written need not be written again, even if a later step fails."""
    if isinstance(step.shape, CreateEdges | MergeEdges | DeleteEdges):
        links = [link for link in step.objects if isinstance(link, Link)]
        unit.links.written(links, removed=isinstance(step.shape, DeleteEdges))


# -- failures -----------------------------------------------------------------------------------


async def _refused(
    steps: Sequence[Step], dialect: Dialect, send: Send, error: DriverError, outcome: Outcome | None
) -> OrmError:
    """Why a guard vetoed the unit: an object that is not there any more, or a constraint.

    A part that a constraint refuses makes no rows, so that the guard behind it fails first (FalkorDB 4.22).
    """
    found: OrmError
    if outcome is not None and not await outcome.is_there(send):
        return outcome.gone()
    missing = await find_stale(steps, dialect, send)
    if not missing:
        found = ConstraintViolation("a constraint refused the flush")
        await name_violation(found, steps, dialect, send, NOTHING)
        if found.entity is None:
            found = _stale_error(missing, NOTHING)
    else:
        found = _stale_error(missing, NOTHING)
    found.backend, found.statement = error.backend, error.statement
    return found


def _stale_error(missing: Sequence[tuple[Step, Sequence[int]]], outcome: str) -> StaleObjectError:
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
        f"{what} was changed or deleted by somebody else since it was loaded; {outcome}."
        " refresh() or expunge() it and try again"
    )


async def name_violation(
    error: ConstraintViolation, steps: Sequence[Step], dialect: Dialect, send: Send, outcome: str
) -> None:
    """Find the object that a constraint refused: servers name the label at most."""
    found = await find_violation(steps, dialect, send)
    if found is None:
        objects = [item for step in steps for item in step.objects if isinstance(item, Node)]
        if len(objects) != 1:
            return
        # Perhaps what it clashed with went with the transaction.
        found = objects[0], "a constraint forbids it"
    entity, reason = found
    error.entity = entity
    error.args = (f"{entity!r} was refused: {reason} ({error.args[0]}); {outcome}",)
