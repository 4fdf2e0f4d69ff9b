"""From the steps a user chained to the statement tree: resolves names, places predicates, reports misuse.

Runs once per distinct statement (the compiled text is cached by the steps), so it can afford checks.

Where a predicate goes: to the clause that binds the last of its variables, as in Cypher. On a required
match it drops rows; on an optional one it says what is joined, and rows without it stay. After
``with_()`` it goes to the WITH, and drops rows whatever the variables were bound by.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from runic.orm.core.kinds import Kind
from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.exceptions import QueryError
from runic.orm.query import ir
from runic.orm.query.normal import VALUE, Key
from runic.orm.query.result import build_result
from runic.orm.query.scope import Scope, Source, field_of, property_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runic.orm.core.descriptors import FieldDescriptor

__all__ = ["assemble"]

#: Names that begin like this are the statement's own, e.g. that of a search's score.
RESERVED_PREFIX = "__"


@dataclass(slots=True)
class Draft:
    """A clause whose predicates are still being collected."""

    clause: Any
    predicates: list[ir.Expression] = field(default_factory=list[ir.Expression])
    score_predicates: list[ir.Expression] = field(default_factory=list[ir.Expression])


def assemble(root: type, steps: Sequence[Key], *, limited: bool, skipped: bool, values: int) -> ir.Statement:
    """The statement that ``steps`` describe.

    Args:
        root: the class selected from.
        steps: what the user chained, in normal form.
        limited: whether LIMIT follows; its value is in the first slot after those of the steps.
        skipped: whether SKIP follows; in the slot after that.
        values: the number of values of the steps.

    Raises:
        QueryError: the steps contradict each other or the models.
    """
    return Assembler(root, steps).run(limited, skipped, values)


class Assembler:
    """The state of one assembly; see the module."""

    def __init__(self, root: type, steps: Sequence[Key]) -> None:
        self.root = root
        self.steps = steps
        self.scope: Scope = Scope()
        self.drafts: list[Draft] = []
        self.slot: int = 0
        self.search: str | None = None
        #: the aliases in the order they were introduced.
        self.order_of_aliases: list[str] = []
        self._late: list[tuple[Key, str, int]] = []
        self._home = 0
        self._scored = False
        #: whether hits are ordered by their score, and whether anything else is done with it.
        self.uses_score: bool = False
        self.reads_score: bool = False

    def run(self, limited: bool, skipped: bool, values: int) -> ir.Statement:
        """Assemble."""
        names = self._final_names()
        self._start(names.pop(0))
        later: list[tuple[Key, int]] = []
        for step in self.steps:
            kind = step[0]
            if kind == "where":
                self._where(step[1], step[2])
            elif kind == "hop":
                self._hop(step, names.pop(0))
            elif kind == "with":
                self._with(step[1])
            elif kind in ("alias", "fulltext", "vector"):
                pass
            else:
                # What is returned and how it is ordered depends on the whole statement.
                later.append((step, self.slot))
                self.slot += _width(step)
        self._settle_late()
        result = build_result(self, later)
        if limited:
            result = replace(result, limit=ir.Bind(values, ir.Role.COUNT))
        if skipped:
            result = replace(result, skip=ir.Bind(values + limited, ir.Role.COUNT))
        return ir.Statement(self._clauses(), result)

    # -- clauses -----------------------------------------------------------------------------------

    def _final_names(self) -> list[str]:
        """The alias of the root and of each hop, after all renaming by ``alias()``."""
        names = ["n"]
        for step in self.steps:
            if step[0] == "hop":
                names.append(step[4])
            elif step[0] == "alias":
                self.scope.renamed[names[-1]] = step[1]
                names[-1] = step[1]
        return names

    def _start(self, alias: str) -> None:
        meta = node_meta(self.root)
        label = meta.primary_label
        first: Key = self.steps[0] if self.steps else ("",)
        clause: ir.Clause
        # An index has one label, which this class may share with others.
        within = ir.HasLabels(alias, meta.match_labels) if len(meta.match_labels) > 1 else None
        if first[0] == "fulltext":
            self.search = "fulltext"
            role = ir.Role.WORDS if first[2] == "plain" else ir.Role.SEARCH
            query = ir.Bind(self._take(), role, name="__fts_query", fields=first[1])
            clause = ir.FulltextSearch(
                alias, label, query, score=False, within=within, properties=meta.searched
            )
        elif first[0] == "vector":
            self.search = "vector"
            source = Source(alias, self.root, None, home=0, nullable=False)
            descriptor = field_of(first[1], first[2])
            target = property_of(source, descriptor)
            assert isinstance(target, ir.Property)
            vector = ir.Bind(self._take(), ir.Role.VECTOR, target, name="__knn_vec")
            k = ir.Bind(self._take(), ir.Role.COUNT, name="__knn_k")
            clause = ir.VectorSearch(alias, label, target, vector, k, descriptor.similarity or "cosine")
        else:
            clause = ir.Match((ir.Path((ir.NodePattern(alias, meta.match_labels),)),))
        self.drafts.append(Draft(clause))
        if self.search == "vector" and within is not None:
            self.drafts[0].predicates.append(within)
        self._bind(alias, self.root, None, nullable=False)

    def _take(self) -> int:
        self.slot += 1
        return self.slot - 1

    def _bind(self, alias: str, model: type | None, edge_type: str | None, *, nullable: bool) -> None:
        self.scope.add(Source(alias, model, edge_type, len(self.drafts) - 1, nullable))
        if edge_type is None:
            self.order_of_aliases.append(alias)

    def _hop(self, step: Key, target_alias: str) -> None:
        _, owner, name, source_alias, _, optional, edge_alias, min_hops, max_hops = step
        relation = _relation(owner, name)
        source = self._source_of(relation, source_alias)
        relationship: str = relation.relationship or ""
        edge = ir.EdgePattern(edge_alias, relationship, relation.direction or "OUTGOING", min_hops, max_hops)
        if edge_alias is not None and not edge.single:
            raise QueryError(
                f"{owner.__name__}.{name}: edge_alias={edge_alias!r} needs a single hop; a path of several"
                " has no one relationship to name"
            )
        target: type = relation.target_cls
        found = ir.NodePattern(target_alias, node_meta(target).match_labels)
        path = ir.Path((ir.NodePattern(source.alias), edge, found))
        self.drafts.append(Draft(ir.Match((path,), optional)))
        nullable = optional or source.nullable
        self._bind(target_alias, target, None, nullable=nullable)
        model = relation.edge_cls
        if edge_alias is not None:
            self._bind(
                edge_alias, model, relationship if model is None else edge_meta(model).type, nullable=nullable
            )
        elif model is not None:
            self.scope.unnamed_edges.append(model)

    def _source_of(self, relation: FieldDescriptor, alias: str | None) -> Source:
        """The node that a hop starts from: the last one bound that has the relation."""
        if alias is not None:
            return self.scope.find(relation.owner, relation.name, alias)
        for each in reversed(self.order_of_aliases):
            source = self.scope.sources.get(each)
            if source is not None and source.carries(relation.owner):
                return source
        return self.scope.find(relation.owner, relation.name, None)

    def _with(self, aliases: tuple[str, ...]) -> None:
        self._settle_late()
        sources = [self.scope.named(alias) for alias in aliases]
        self.drafts.append(Draft(ir.With(tuple(source.alias for source in sources))))
        scope = Scope()
        scope.renamed = self.scope.renamed
        for source in sources:
            scope.add(
                Source(source.alias, source.model, source.edge_type, len(self.drafts) - 1, source.nullable)
            )
        self.scope = scope
        self.order_of_aliases = [alias for alias in self.order_of_aliases if alias in scope.sources]

    def _clauses(self) -> tuple[ir.Clause, ...]:
        return tuple(self._clause(draft) for draft in self.drafts)

    def _clause(self, draft: Draft) -> ir.Clause:
        clause: ir.Clause = draft.clause
        where = _conjunction(draft.predicates)
        if isinstance(clause, ir.VectorSearch):
            return replace(clause, where=where, score_where=_conjunction(draft.score_predicates))
        if isinstance(clause, ir.FulltextSearch):
            return replace(clause, where=where, score=self.uses_score, relative=self.reads_score)
        if isinstance(clause, ir.With):
            return replace(clause, where=where, score=self.uses_score)
        assert isinstance(clause, ir.Match)
        return replace(clause, where=where)

    # -- predicates --------------------------------------------------------------------------------

    def _where(self, key: Key, on: str | None) -> None:
        if on is not None and on not in self.scope.sources and on not in self.scope.renamed:
            # It may name a variable of a later hop of this stage.
            self._late.append((key, on, self.slot))
            self.slot += _width(key)
            return
        self._place(key, on)

    def _settle_late(self) -> None:
        after = self.slot
        for key, on, slot in self._late:
            self.slot = slot
            self._place(key, on)
        self._late.clear()
        self.slot = after

    def _place(self, key: Key, on: str | None) -> None:
        self._home = 0
        self._scored = False
        expression = self.predicate(key, on)
        draft = self.drafts[self._home]
        if self._scored and isinstance(draft.clause, ir.VectorSearch):
            draft.score_predicates.append(expression)
        else:
            draft.predicates.append(expression)

    def predicate(self, key: Key, on: str | None) -> ir.Expression:
        """The expression of a predicate in normal form."""
        kind = key[0]
        if kind == "compare":
            return self._comparison(key, on)
        if kind in ("AND", "OR"):
            return ir.Logical(kind, tuple([self.predicate(part, on) for part in key[1:]]))
        if kind == "NOT":
            return ir.Not(self.predicate(key[1], on))
        if kind == "null":
            return ir.NullTest(self.operand(key[1], on), key[2])
        if kind == "never":
            self.operand(key[1], on)
            return ir.Constant(value=False)
        if kind == "exists":
            return ir.Exists(*self._related(key, on))
        assert kind == "flag", kind
        operand = self.operand(("field", key[1], key[2], None), on)
        if not (isinstance(operand, ir.Property) and operand.type.kind is Kind.BOOLEAN):
            raise TypeError(
                f"where() takes a predicate, and {key[1].__name__}.{key[2]} alone is one only if the field"
                " is a bool: compare it with something"
            )
        return ir.Comparison(operand, "=", ir.Constant(value=True))

    def _comparison(self, key: Key, on: str | None) -> ir.Comparison:
        _, left_key, op, right_key = key
        left = self.operand(left_key, on)
        if right_key != VALUE:
            return ir.Comparison(left, op, self.operand(right_key, on))
        target = left if isinstance(left, ir.Property | ir.Identity) else None
        if op == "IN":
            role = ir.Role.LIST
        elif isinstance(left, ir.Identity):
            role = ir.Role.IDENTITY
        elif op == "=~":
            role = ir.Role.PATTERN
        elif target is None:
            role = ir.Role.NUMBER
        else:
            role = ir.Role.VALUE
        return ir.Comparison(left, op, ir.Bind(self._take(), role, target))

    def operand(self, key: Key, on: str | None, prefer: Sequence[str] = ()) -> ir.Expression:
        """The expression of a field, a distance or a score in normal form."""
        kind = key[0]
        if kind == "field":
            _, cls, prop, alias = key
            source = self.scope.find(cls, prop, alias or on, prefer)
            self._home = max(self._home, source.home)
            return self._property(source, cls, prop)
        if kind == "distance":
            return ir.Call("distance", tuple(self._place_operand(part, on, prefer) for part in key[1:]))
        if kind == "count_of":
            return ir.CountOf(*self._related(key, on, prefer))
        assert kind == "score", kind
        if self.search is None:
            raise QueryError("score() needs a fulltext_search() or a vector_search()")
        self._scored = self.uses_score = self.reads_score = True
        return ir.Score()

    def _related(
        self, key: Key, on: str | None, prefer: Sequence[str] = ()
    ) -> tuple[ir.Path, ir.Expression | None]:
        """The hop of a subquery and its predicate, whose fields are asked of the hop first."""
        _, owner, name, predicate = key
        relation = _relation(owner, name)
        source = self.scope.find(relation.owner, relation.name, on, prefer)
        self._home = max(self._home, source.home)
        # Named by depth, so that equal subqueries are equal trees.
        depth = self.scope.depth
        target: type = relation.target_cls
        model = relation.edge_cls
        relationship: str = relation.relationship or ""
        inner = Scope(self.scope, source.alias)
        inner.add(Source(f"__n{depth}", target, None, 0, nullable=False))
        edge_alias: str | None = None
        if model is not None and predicate is not None:
            edge_alias = f"__e{depth}"
            inner.add(Source(edge_alias, model, edge_meta(model).type, 0, nullable=False))
        path = ir.Path(
            (
                ir.NodePattern(source.alias),
                ir.EdgePattern(edge_alias, relationship, relation.direction or "OUTGOING"),
                ir.NodePattern(f"__n{depth}", node_meta(target).match_labels),
            )
        )
        if predicate is None:
            return path, None
        outer, self.scope = self.scope, inner
        try:
            return path, self.predicate(predicate, None)
        finally:
            self.scope = outer

    def _place_operand(self, key: Key | str, on: str | None, prefer: Sequence[str]) -> ir.Expression:
        if isinstance(key, str):
            return ir.Bind(self._take(), ir.Role.POINT)
        operand = self.operand(key, on, prefer)
        if not (isinstance(operand, ir.Property) and operand.type.kind is Kind.POINT):
            named = operand.owner if isinstance(operand, ir.Property | ir.Identity) else "its argument"
            raise QueryError(f"distance() takes GeoLocation fields and places; {named} is neither")
        return operand

    def _property(self, source: Source, cls: type, prop: str) -> ir.Expression:
        model = source.model
        # Ask the class that stands in the statement: a subclass may have its own idea of the field.
        return property_of(source, field_of(cls if model is None else model, prop))


def _relation(owner: type, name: str) -> FieldDescriptor:
    relation = node_meta(owner).fields.get(name)
    if relation is None or not relation.is_relation:
        raise QueryError(
            f"{owner.__name__}.{name} is no relation: traverse() and repeat() follow Relation() fields"
        )
    return relation


def _conjunction(predicates: list[ir.Expression]) -> ir.Expression | None:
    parts: list[ir.Expression] = []
    for predicate in predicates:
        if isinstance(predicate, ir.Logical) and predicate.op == "AND":
            parts.extend(predicate.operands)
        else:
            parts.append(predicate)
    if len(parts) < 2:
        return parts[0] if parts else None
    return ir.Logical("AND", tuple(parts))


def _width(key: object) -> int:
    """How many values a normal form holds."""
    if not isinstance(key, tuple):
        return 1 if isinstance(key, str) and key == VALUE else 0
    return sum([_width(part) for part in cast("tuple[object, ...]", key)])
