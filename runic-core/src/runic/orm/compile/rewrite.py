"""Rewriting passes: statement tree to statement tree, before text is made of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from runic.orm.query import ir

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["count_rows", "distinct_edges", "exact_vectors", "separate_matches", "with_before"]


def separate_matches(statement: ir.Statement) -> ir.Statement:
    """Put a WITH between an OPTIONAL MATCH and a MATCH.

    FalkorDB (4.22), AGE (1.8) and Memgraph refuse the one right after the other.
    """
    return with_before(
        statement,
        lambda before, match: isinstance(before, ir.Match) and before.optional and not match.optional,
    )


def with_before(statement: ir.Statement, needed: Callable[[ir.Clause, ir.Match], bool]) -> ir.Statement:
    """Put a WITH that carries everything on before each MATCH that needs one.

    Args:
        statement: the statement.
        needed: whether one is, between a clause and the MATCH that follows it.
    """
    clauses: list[ir.Clause] = []
    bound: dict[str, None] = {}
    score = False
    for clause in statement.clauses:
        match clause:
            case ir.Match():
                if clauses and needed(clauses[-1], clause):
                    clauses.append(ir.With(tuple(bound), score=score))
                elements = [element for path in clause.paths for element in path.elements]
                bound |= dict.fromkeys([each.variable for each in elements if each.variable is not None])
            case ir.With():
                bound, score = dict.fromkeys(clause.variables), clause.score
            case ir.FulltextSearch():
                bound, score = {clause.variable: None}, clause.score
            case ir.VectorSearch():
                bound, score = {clause.variable: None}, True
            case _:
                pass
        clauses.append(clause)
    return replace(statement, clauses=tuple(clauses))


def distinct_edges(statement: ir.Statement) -> ir.Statement:
    """Keep the relationships of one MATCH distinct, where the server does not.

    FalkorDB 4.22 binds r1 = r2 in ``(a)-[r1:T]->(b)<-[r2:T]-(c)``.
    """
    clauses = tuple(
        _distinct(clause, number) if isinstance(clause, ir.Match) else clause
        for number, clause in enumerate(statement.clauses)
    )
    return replace(statement, clauses=clauses)


def _distinct(clause: ir.Match, number: int) -> ir.Match:
    edges = [
        (path, position, element)
        for path, each in enumerate(clause.paths)
        for position, element in enumerate(each.elements)
        if isinstance(element, ir.EdgePattern) and element.single
    ]
    types = [element.type for _, _, element in edges]
    if len(types) == len(set(types)):
        return clause
    paths = [list(path.elements) for path in clause.paths]
    named: list[ir.EdgePattern] = []
    for path, position, element in edges:
        if element.variable is None and types.count(element.type) > 1:
            element = replace(element, variable=f"__r{number}_{len(named)}")
            paths[path][position] = element
        named.append(element)
    tests = [
        ir.Comparison(ir.Identity(a.variable, a.type), "<>", ir.Identity(b.variable, b.type))
        for a, b in combinations(named, 2)
        if a.type == b.type and a.variable is not None and b.variable is not None
    ]
    given: tuple[ir.Expression, ...] = ()
    if isinstance(clause.where, ir.Logical) and clause.where.op == "AND":
        given = clause.where.operands
    elif clause.where is not None:
        given = (clause.where,)
    parts = (*given, *tests)
    where = parts[0] if len(parts) == 1 else ir.Logical("AND", parts)
    return replace(clause, paths=tuple(ir.Path(tuple(path)) for path in paths), where=where)


def exact_vectors(statement: ir.Statement) -> ir.Statement:
    """The statement with its vector search by comparison instead of by an index."""
    clauses = tuple(
        replace(clause, exact=True) if isinstance(clause, ir.VectorSearch) else clause
        for clause in statement.clauses
    )
    return replace(statement, clauses=clauses)


def count_rows(statement: ir.Statement) -> ir.Statement:
    """The statement that counts what ``statement`` would return, without SKIP and LIMIT."""
    result = statement.result
    clauses = statement.clauses
    if result.distinct:
        clauses = (*clauses, ir.Rows(result.items, distinct=True))
    number = ir.ReturnItem(ir.Aggregate("count", None), ir.ItemKind.SCALAR, "count", type=ir.INTEGER)
    return ir.Statement(clauses, ir.Return((number,)))
