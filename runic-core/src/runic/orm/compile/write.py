"""Compile the steps of a flush: each as a statement, or all of them as one query.

Pure, and cached by shape. Statement form::

    UNWIND $rows AS row CREATE (n:`P` {`k`: row[1]}) RETURN row[0], id(n)

Single-query form, for servers whose unit of atomicity is the query: every step is a ``CALL`` part,
created nodes are collected, and edges find their ends by position in those lists::

    CALL { UNWIND $s0 AS row CREATE (n:`P` {`k`: row[1]}) RETURN collect(row[0]) AS i0, collect(n) AS n0 }
    CALL { WITH n0 UNWIND $s1 AS row WITH row, n0[row[1]] AS a, n0[row[2]] AS b
           CREATE (a)-[r:`K`]->(b) RETURN count(*) AS c1 }
    RETURN i0, [x IN n0 | id(x)] AS d0, c1
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from runic.orm.compile.dialect import LABELS_PROPERTY, THEN
from runic.orm.compile.marker import MARKER_LABEL
from runic.orm.compile.paging import in_one_page
from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteEdges,
    DeleteNodes,
    End,
    Match,
    MergeEdges,
    MergeNodes,
    Shape,
    UpdateEdges,
    UpdateNodes,
    Write,
)
from runic.orm.driver.port import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runic.orm.compile.dialect import Dialect

__all__ = [
    "counts_versions",
    "edge_of_row",
    "must_match",
    "probe_text",
    "returns_identities",
    "statement_text",
    "stores_of",
    "unit_columns",
    "unit_text",
]


def must_match(shape: Shape) -> bool:
    """Whether a row that finds nothing means that the object was changed or deleted meanwhile."""
    match shape:
        case CreateNodes() | MergeNodes() | DeleteEdges():
            return False
        case DeleteNodes():
            return shape.match.version is not None
        case CreateEdges() | MergeEdges():
            return shape.source.step is None or shape.target.step is None
        case _:
            return True


@lru_cache(maxsize=2048)
def statement_text(shape: Shape, dialect: Dialect) -> str:
    """One step as a statement of its own: parameter ``rows``, returns rows of index, identity, version."""
    own = dialect.step_text(shape)
    if own is not None:
        return own
    if _is_apart(shape, dialect):
        bodies, created = _apart(shape, dialect)
        return THEN.join([_statement(shape, body, created, dialect) for body in bodies])
    return _statement(shape, *_body(shape, dialect, None), dialect)


def _statement(shape: Shape, body: str, created: str | None, dialect: Dialect) -> str:
    head, columns = dialect.rows(), ["row[0]"]
    if not dialect.rows_after_set and (" SET " in body or isinstance(shape, MergeEdges)):
        head, columns = f"{head} WITH row, row[0] AS i", ["i"]
    if isinstance(shape, MergeEdges):
        # Parallel edges match a MERGE more than once: one result row for each row.
        columns.append(f"min({dialect.identity.format(v='r')})")
        if dialect.page_rows:
            body += f" WITH {columns[0]} AS i, {columns[1]} AS d"
            columns = ["i", "d"]
    elif created:
        columns.append(dialect.identity.format(v=created))
        if counts_versions(shape):
            columns.append(_counted_version(shape, dialect))
    tail = in_one_page(columns) if dialect.page_rows else f"RETURN {', '.join(columns)}"
    return f"{head} {body} {tail}"


def stores_of(shape: Shape, dialect: Dialect) -> tuple[Store, ...]:
    """The labels and types that a step stores something under, where the server must be told."""
    if not dialect.one_label:
        return ()
    match shape:
        case CreateNodes() | MergeNodes():
            return shape.stores
        case CreateEdges() | MergeEdges():
            return (Store(shape.type, edge=True),)
        case _:
            return ()


@lru_cache(maxsize=512)
def unit_text(shapes: tuple[Shape, ...], dialect: Dialect, marked: bool = False) -> str:
    """All steps as one query: parameters ``s0``, ``s1``, ...; one row, columns as :func:`unit_columns`.

    Args:
        shapes: the steps.
        dialect: the backend's.
        marked: take the turn of a commit marker (parameter ``marker``: its id, turn, next turn and time), and
            keep there what the row returns, as properties ``i0``, ``d0``, ``v0``, ...
    """
    used = {end.step for shape in shapes for end in _new_ends(shape)}
    lines: list[str] = []
    returned: list[str] = []
    kept: list[str] = []
    variables: list[str] = []
    for number, shape in enumerate(shapes):
        imported = _imports(shape)
        head = f"WITH {', '.join(imported)} " if imported else ""
        body, result = _unit_part(shape, dialect, number, number in used)
        lines.append(f"CALL {{ {head}UNWIND $s{number} AS row {body} RETURN {result} }}")
        if must_match(shape):
            # A row that found nothing vetoes the whole query. The division must depend on data:
            # a constant 1 / 0 is folded and always raises (FalkorDB 4.22).
            done = f"size(i{number})" if returns_identities(shape) else f"c{number}"
            lines.append(
                f"CALL {{ WITH {'i' if returns_identities(shape) else 'c'}{number} RETURN 1 / CASE"
                f" WHEN {done} < size($s{number}) THEN 0 ELSE 1 END AS g{number} }}"
            )
        if not returns_identities(shape):
            returned.append(f"c{number}")
        else:
            # The indexes are told only if they are not in order, which spares half of the reply.
            in_order = f"i{number} = range(0, size($s{number}) - 1)"
            indexes = f"CASE WHEN {in_order} THEN null ELSE i{number} END"
            ids = f"[x IN n{number} | {dialect.identity.format(v='x')}]" if number in used else f"d{number}"
            returned += [f"{indexes} AS i{number}", f"{ids} AS d{number}" if number in used else ids]
            kept += [f"i{number}: {indexes}", f"d{number}: {ids}"]
            variables += [f"i{number}", f"n{number}" if number in used else f"d{number}"]
        if counts_versions(shape):
            returned.append(f"v{number}")
            kept.append(f"v{number}: v{number}")
            variables.append(f"v{number}")
    if marked:
        lines += _marker_parts(kept, variables, dialect)
    return "\n".join([*lines, "RETURN " + ", ".join(returned)])


def _marker_parts(kept: list[str], variables: list[str], dialect: Dialect) -> list[str]:
    """Take the turn of the commit marker, or veto the query if somebody else did."""
    head = f"WITH {', '.join(variables)} " if variables else ""
    values = ["id: $marker[0]", "turn: $marker[2]", "applied: $marker[1]", "at: $marker[3]", *kept]
    found = f"MATCH (m:{dialect.quote(MARKER_LABEL)} {{id: $marker[0]}}) WHERE m.turn = $marker[1]"
    return [
        f"CALL {{ {head}{found} SET m = {{{', '.join(values)}}} RETURN count(m) AS m0 }}",
        "CALL { WITH m0 RETURN 1 / CASE WHEN m0 < 1 THEN 0 ELSE 1 END AS m1 }",
    ]


def _unit_part(shape: Shape, dialect: Dialect, number: int, used: bool) -> tuple[str, str]:
    """The body of one part and what it returns: indexes and identities, or a count."""
    body, created = _body(shape, dialect, number)
    if not returns_identities(shape):
        counted = "DISTINCT row[0]" if isinstance(shape, MergeEdges) else "*"
        return body, f"count({counted}) AS c{number}"
    assert created is not None
    identity = dialect.identity.format(v=created)
    if isinstance(shape, MergeEdges):
        # Parallel edges match a MERGE more than once: one pair for each row.
        body += f" WITH row[0] AS i, min({identity}) AS d"
        return body, f"collect(i) AS i{number}, collect(d) AS d{number}"
    if isinstance(shape, MergeNodes):
        # MERGE reorders its rows (FalkorDB 4.22): edges count on the order of the list.
        body += " WITH row, n ORDER BY row[0]"
    collected = f"collect(n) AS n{number}" if used else f"collect({identity}) AS d{number}"
    if counts_versions(shape):
        collected += f", collect({_counted_version(shape, dialect)}) AS v{number}"
    return body, f"collect(row[0]) AS i{number}, {collected}"


def returns_identities(shape: Shape) -> bool:
    """Whether the results of a step carry identities: of nodes, and of edges that are objects."""
    if isinstance(shape, CreateEdges | MergeEdges):
        return shape.with_objects
    return isinstance(shape, CreateNodes | MergeNodes)


def counts_versions(shape: Shape) -> bool:
    """Whether the server counts the versions of what a step writes, and its results carry them."""
    return isinstance(shape, MergeNodes) and shape.version is not None


def _counted_version(shape: Shape, dialect: Dialect) -> str:
    assert isinstance(shape, MergeNodes)
    assert shape.version is not None
    return f"n.{dialect.quote(shape.version)}"


def probe_text(shape: Shape, dialect: Dialect) -> list[tuple[str, tuple[int, ...]]]:
    """Reads that tell which rows of a guarded step still find their objects.

    Returns:
        Pairs of a statement and the row columns it takes after the index.
    """
    match shape:
        case UpdateNodes() | DeleteNodes():
            ends = [(shape.match, 1)]
        case CreateEdges() | MergeEdges():
            ends = [(end.match, column) for end, column in _placed(shape) if end.step is None]
        case UpdateEdges():
            body, _ = _body(UpdateEdges(shape.type, shape.version, ()), dialect, None)
            return [(f"{dialect.rows()} {body} RETURN row[0]", (1, 2, 3, 4) if shape.version else (1, 2, 3))]
        case _:
            return []
    return [
        (
            f"{dialect.rows()} {_found('n', match, 1, dialect)} RETURN row[0]",
            tuple(range(column, column + match.width)),
        )
        for match, column in ends
    ]


def _placed(shape: CreateEdges | MergeEdges) -> list[tuple[End, int]]:
    """Both ends with the row columns at which they begin."""
    return [(shape.source, 1), (shape.target, 1 + shape.source.width)]


def unit_columns(shapes: tuple[Shape, ...]) -> list[int]:
    """For each step, the first of its columns in the row that the unit's query returns."""
    columns: list[int] = []
    position = 0
    for shape in shapes:
        columns.append(position)
        position += 1 + returns_identities(shape) + counts_versions(shape)
    return columns


def _imports(shape: Shape) -> list[str]:
    return sorted({f"n{end.step}" for end in _new_ends(shape)})


def _new_ends(shape: Shape) -> list[End]:
    """The ends of a step's edges that an earlier step makes."""
    if not isinstance(shape, CreateEdges | MergeEdges | DeleteEdges):
        return []
    return [end for end in (shape.source, shape.target) if end is not None and end.step is not None]


def _body(  # noqa: C901 - a case a kind of step
    shape: Shape, dialect: Dialect, number: int | None
) -> tuple[str, str | None]:
    """The clauses after UNWIND, and the variable whose identity is returned."""
    q = dialect.quote
    match shape:
        case CreateNodes():
            if dialect.one_label:
                # All in the map: AGE (1.8) takes quadratic time for SET after CREATE.
                extra = _label_list(shape.labels, dialect, ": ")
                label = q(shape.stores[-1].name)
                return f"CREATE (n:{label}{_map(shape.writes, 1, dialect, extra)})", "n"
            labels = "".join(f":{q(label)}" for label in shape.labels)
            return f"CREATE (n{labels}{_map(shape.writes, 1, dialect)})", "n"
        case MergeNodes():
            key = _map((shape.key,), 1, dialect)
            match = shape.match[-1:] if dialect.one_label else shape.match
            text = f"MERGE (n{''.join(f':{q(label)}' for label in match)}{key})"
            others = [label for label in shape.labels if label not in match]
            sets = [f"n{''.join(f':{q(label)}' for label in others)}"] if others else []
            if dialect.one_label:
                sets = [f"n.{listed}" for listed in _label_list(shape.labels, dialect, " = ")]
            sets += _assignments("n", shape.writes, 2, dialect)
            if shape.version:
                text += _locked("n", dialect)
                sets.append(f"n.{q(shape.version)} = coalesce(n.{q(shape.version)}, 0) + 1")
            return text + _set(sets), "n"
        case UpdateNodes():
            found = _found("n", shape.match, 1, dialect, lock=shape.match.version is not None)
            return found + _set(_assignments("n", shape.writes, 1 + shape.match.width, dialect)), None
        case DeleteNodes():
            found = _found("n", shape.match, 1, dialect, lock=shape.match.version is not None)
            return f"{found} DETACH DELETE n", None
        case CreateEdges():
            ends, column = _ends((("a", shape.source), ("b", shape.target)), dialect, number)
            return f"{ends} CREATE (a)-[r:{q(shape.type)}{_map(shape.writes, column, dialect)}]->(b)", "r"
        case MergeEdges():
            ends, column = _ends((("a", shape.source), ("b", shape.target)), dialect, number)
            arrow = "-" if shape.undirected else "->"
            text = f"{ends} MERGE (a)-[r:{q(shape.type)}]{arrow}(b)"
            if not shape.keep or not shape.writes:
                return text + _set(_assignments("r", shape.writes, column, dialect)), "r"
            return f"{text} ON CREATE{_set(_assignments('r', shape.writes, column, dialect))}", "r"
        case UpdateEdges():
            # From both ends: looking through all edges of one of them is quadratic (FalkorDB 4.22).
            if dialect.one_label:
                text = edge_of_row(shape.type, 1, dialect)
            else:
                start, end = _found("a", Match(), 1, dialect), _found("b", Match(), 2, dialect)
                text = _between(start, end, shape.type, dialect)
                text += f" WHERE {dialect.identity.format(v='r')} = row[3]"
            column = 4
            if shape.version:
                locked = _locked("r", dialect)
                text += f"{locked} WHERE " if locked else " AND "
                text += _version("r", shape.version, 4, dialect)
                column = 5
            return text + _set(_assignments("r", shape.writes, column, dialect)), None
        case DeleteEdges():
            start, column = _ends((("a", shape.source),), dialect, number)
            if shape.target is not None:
                end = _found("b", shape.target.match, column, dialect)
                return f"{_between(start, end, shape.type, dialect)} DELETE r", None
            left, right = ("<-", "-") if shape.reverse else ("-", "-" if shape.undirected else "->")
            targets = shape.target_labels[-1:] if dialect.one_label else shape.target_labels
            other = "".join(f":{q(label)}" for label in targets)
            return f"{start} MATCH (a){left}[r:{q(shape.type)}]{right}(b{other}) DELETE r", None


def _is_apart(shape: Shape, dialect: Dialect) -> bool:
    """Whether a step that merges is two statements."""
    match shape:
        case MergeNodes():
            return not dialect.merge_nodes
        case MergeEdges():
            return not dialect.merge_sets and bool(shape.writes)
        case _:
            return False


def _apart(shape: Shape, dialect: Dialect) -> tuple[tuple[str, str], str]:
    """A MERGE in two: the clauses that create what is not there, and those that set what is."""
    q = dialect.quote
    if isinstance(shape, MergeNodes):
        label = f":{q(shape.match[-1])}"
        listed = _label_list(shape.labels, dialect, ": ")
        sets = [f"n.{each}" for each in _label_list(shape.labels, dialect, " = ")]
        sets += _assignments("n", shape.writes, 2, dialect)
        if shape.version:
            listed.append(f"{q(shape.version)}: 1")
            sets.append(f"n.{q(shape.version)} = coalesce(n.{q(shape.version)}, 0) + 1")
        old, found = [" AND ".join(_assignments(v, (shape.key,), 1, dialect)) for v in ("o", "n")]
        absent = f"OPTIONAL MATCH (o{label}) WHERE {old} WITH row, o WHERE o IS NULL"
        created = f"{absent} CREATE (n{label}{_map((shape.key, *shape.writes), 1, dialect, listed)})"
        return (created, f"MATCH (n{label}) WHERE {found}{_set(sets)}"), "n"
    assert isinstance(shape, MergeEdges)
    ends, column = _ends((("a", shape.source), ("b", shape.target)), dialect, None)
    arrow, type_ = "-" if shape.undirected else "->", q(shape.type)
    carried = "row, a, b, o" if dialect.rows_after_set else "row, i, a, b, o"
    absent = f"{ends} OPTIONAL MATCH (a)-[o:{type_}]{arrow}(b) WITH {carried} WHERE o IS NULL"
    created = f"{absent} CREATE (a)-[r:{type_}{_map(shape.writes, column, dialect)}]->(b)"
    sets = [] if shape.keep else _assignments("r", shape.writes, column, dialect)
    return (created, f"{ends} MATCH (a)-[r:{type_}]{arrow}(b){_set(sets)}"), "r"


def _between(start: str, end: str, type_: str, dialect: Dialect) -> str:
    """Clauses that bind ``r`` to the edges from ``a`` to ``b``.

    The WITH makes FalkorDB (4.22) look the edge up by its two ends; without it, it goes through
    every edge of one of them: 8.9 s instead of 4 ms for 2,000 edges of a node that has 10,000.
    """
    return f"{start} {end} WITH row, a, b MATCH (a)-[r:{dialect.quote(type_)}]->(b)"


def edge_of_row(type_: str, column: int, dialect: Dialect) -> str:
    """The clause that binds ``r`` to the edge whose ends and identity stand in three columns of the row.

    For servers where a type is a table of its own. It has an index for either end and none for the identity
    (AGE 1.8): without the ends, one edge is looked for among all.
    """
    columns = (dialect.source, dialect.target, dialect.identity)
    terms = [
        f"{template.format(v='r')} = row[{at}]"
        for at, template in enumerate(columns, start=column)
        if template is not None
    ]
    return f"MATCH ()-[r:{dialect.quote(type_)}]->() WHERE {' AND '.join(terms)}"


def _ends(ends: tuple[tuple[str, End], ...], dialect: Dialect, number: int | None) -> tuple[str, int]:
    """Clauses that bind the variables to these ends, and the first row column after theirs."""
    bound: list[str] = []
    matches: list[str] = []
    column = 1
    for variable, end in ends:
        if end.step is not None and number is not None:
            bound.append(f"n{end.step}[row[{column}]] AS {variable}")
        else:
            # Outside of a single query a node made by an earlier step is found by its identity.
            found = Match(label=end.match.label) if end.step is not None else end.match
            matches.append(_found(variable, found, column, dialect))
        column += end.width
    head = f"WITH {', '.join(['row', *bound])} " if bound else ""
    return (head + " ".join(matches)).rstrip(), column


def _found(variable: str, match: Match, column: int, dialect: Dialect, *, lock: bool = False) -> str:
    """The clause that binds ``variable`` to the node that the columns from ``column`` on describe.

    Args:
        variable: the variable.
        match: what the node is found by.
        column: the first of its columns.
        dialect: the backend's.
        lock: nobody else can change the node once it was found, where the server needs to be told.
    """
    label = f":{dialect.quote(match.label)}" if match.label else ""
    identity, *others = _conditions(variable, match, column, dialect)
    text = f"MATCH ({variable}{label}) WHERE {identity}"
    if not others:
        return text
    locked = _locked(variable, dialect) if lock else ""
    return f"{text}{locked} WHERE {' AND '.join(others)}" if locked else f"{text} AND {' AND '.join(others)}"


def _locked(variable: str, dialect: Dialect) -> str:
    """Clauses that lock ``variable``; what follows sees it as the last writer left it."""
    return f" {dialect.lock.format(v=variable)} WITH row, {variable}" if dialect.lock else ""


def _conditions(variable: str, match: Match, column: int, dialect: Dialect) -> list[str]:
    """The identity, and what else must hold."""
    terms = [f"{dialect.identity.format(v=variable)} = row[{column}]"]
    if match.key is not None:
        column += 1
        name, template = match.key
        terms.append(f"{variable}.{dialect.quote(name)} = {template.format(v=f'row[{column}]')}")
    if match.version is not None:
        column += 1
        terms.append(_version(variable, match.version, column, dialect))
    return terms


def _version(variable: str, name: str, column: int, dialect: Dialect) -> str:
    """An object stored before its class had a version counts as version 0."""
    return f"coalesce({variable}.{dialect.quote(name)}, 0) = row[{column}]"


def _label_list(labels: tuple[str, ...], dialect: Dialect, sign: str) -> list[str]:
    """The property that stands for labels which the server cannot give a node, if there are any."""
    if len(labels) < 2:
        return []
    return [f"{dialect.quote(LABELS_PROPERTY)}{sign}[{', '.join(repr(label) for label in labels)}]"]


def _map(writes: tuple[Write, ...], column: int, dialect: Dialect, extra: Sequence[str] = ()) -> str:
    pairs = [
        f"{dialect.quote(name)}: {template.format(v=f'row[{column + position}]')}"
        for position, write in enumerate(writes)
        for name, template in write.targets
    ]
    pairs += extra
    return f" {{{', '.join(pairs)}}}" if pairs else ""


def _assignments(variable: str, writes: tuple[Write, ...], column: int, dialect: Dialect) -> list[str]:
    """Assignments of a SET."""
    return [
        f"{variable}.{dialect.quote(name)} = {template.format(v=f'row[{column + position}]')}"
        for position, write in enumerate(writes)
        for name, template in write.targets
    ]


def _set(assignments: list[str]) -> str:
    return f" SET {', '.join(assignments)}" if assignments else ""
