"""Compile: lower, emit, wrap. A statement is compiled once per shape; after that only values are bound.

Two forms. The one for display is what users see: one clause a line, ``RETURN n``, names quoted only
where Cypher needs it. The one for execution has every name quoted, every number bound, and every node
and edge laid out as columns (:mod:`runic.orm.compile.layout`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from runic.orm.compile.emit import HOLE, Emitter
from runic.orm.compile.results import Columns, displayed, laid_out, packed
from runic.orm.compile.rewrite import distinct_edges, exact_vectors, separate_matches
from runic.orm.compile.shape import Compiled, Shape

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.core.metadata import MetaData
    from runic.orm.query import ir

__all__ = ["Plan", "Readable", "compile_execution", "compile_statement"]


class Readable(Protocol):
    """A statement with its values: what the query builder is to the compiler."""

    @property
    def registry(self) -> MetaData:
        """The registry of its models: text may change when a model is added."""
        ...

    def shape_key(self) -> Hashable:
        """Equal for statements that differ only in values."""
        ...

    def tree(self) -> ir.Statement:
        """The statement tree."""
        ...

    def slots(self) -> Sequence[Any]:
        """The values, by slot."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled shape.

    Attributes:
        text: the text.
        binds: (parameter, slot, encoder or ``None``).
        pieces: the text around numbers that are written out; empty if there are none.
        holes: the slots of these numbers.
        shape: the result's.
        registry: the registry it was made from.
        version: that registry's version then.
        packed: whether the rows come in pages.
    """

    text: str
    binds: tuple[tuple[str, int, Callable[[Any], Any] | None], ...]
    pieces: tuple[str, ...]
    holes: tuple[int, ...]
    shape: Shape
    registry: MetaData
    version: int
    packed: bool = False

    def bind(self, values: Sequence[Any]) -> Compiled:
        """The statement with these values.

        Raises:
            ValueNotStorableError: a value that its field cannot be compared with.
        """
        parameters = {
            name: values[slot] if encode is None else encode(values[slot])
            for name, slot, encode in self.binds
        }
        if not self.holes:
            return Compiled(self.text, parameters, self.shape, self.packed)
        parts = [self.pieces[0]]
        for slot, piece in zip(self.holes, self.pieces[1:], strict=True):
            parts += (f"{values[slot]:d}", piece)
        return Compiled("".join(parts), parameters, self.shape, self.packed)


def compile_statement(statement: Readable, dialect: Dialect) -> Compiled:
    """The form for display: for ``build()``, ``print()`` and ``compile()``. It runs as it is, too.

    Raises:
        QueryError: the statement contradicts itself or the models.
        UnsupportedByBackendError: the backend cannot do it.
        ValueNotStorableError: a value that its field cannot be compared with.
    """
    return _compiled(statement, dialect, display=True)


def compile_execution(
    statement: Readable, dialect: Dialect, *, stream: bool = False, exact: bool = False
) -> Compiled:
    """The form that sessions send: columns instead of whole nodes.

    Args:
        statement: the statement.
        dialect: the backend's.
        stream: every row is a record of its own, also where the dialect packs rows into pages.
        exact: vectors are compared, not looked up in an index.

    Raises:
        QueryError: the statement contradicts itself or the models.
        UnsupportedByBackendError: the backend cannot do it.
        ValueNotStorableError: a value that its field cannot be compared with.
    """
    return _compiled(statement, dialect, display=False, stream=stream, exact=exact)


def _compiled(
    statement: Readable, dialect: Dialect, *, display: bool, stream: bool = False, exact: bool = False
) -> Compiled:
    values = statement.slots()
    emitter = dialect.emitter_for(values) or Emitter
    key = (display, stream, exact, emitter, statement.shape_key())
    plan = dialect.plans.get(key)
    if plan is None or plan.version != plan.registry.version:
        plan = _make_plan(statement, dialect, emitter(dialect, display=display), stream=stream, exact=exact)
        dialect.plans.put(key, plan)
    return plan.bind(values)


def _make_plan(statement: Readable, dialect: Dialect, emitter: Emitter, *, stream: bool, exact: bool) -> Plan:
    registry = statement.registry
    version = registry.version
    tree = statement.tree()
    tree = _lower(exact_vectors(tree) if exact else tree, dialect)
    lines = [emitter.clause(clause) for clause in tree.clauses]
    computed = emitter.before_result(tree.result)
    if computed:
        lines.append(computed)
    pages = dialect.page_rows > 0 and not emitter.display
    columns: Columns
    if pages:
        columns = packed(emitter, tree.result, stream=stream)
    else:
        columns = displayed(emitter, tree.result) if emitter.display else laid_out(emitter, tree.result)
    text = emitter.wrap("\n".join([*lines, *columns.lines]), columns.shape.columns)
    holes = tuple(emitter.holes)
    pieces = tuple(text.split(HOLE)) if holes else ()
    return Plan(text, tuple(emitter.binds), pieces, holes, columns.shape, registry, version, pages)


def _lower(tree: ir.Statement, dialect: Dialect) -> ir.Statement:
    tree = separate_matches(tree)
    if not dialect.edges_distinct:
        tree = distinct_edges(tree)
    for rewrite in dialect.rewrites:
        tree = rewrite(tree)
    return tree
