"""The shared table of statements: every backend compiles each, or says that it cannot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from runic.orm.compile.compiler import compile_execution, compile_statement
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.exceptions import UnsupportedByBackendError
from runic.orm.query import ir
from runic.orm.query.builder import QueryBuilder, select
from runic.orm.query.expressions import avg, collect, count, distance, max_, min_, score, sum_
from runic.orm.query.specialised import FulltextQueryBuilder, VectorQueryBuilder
from runic.orm.query.subqueries import count_of, exists
from runic.orm.testing.models import (
    Company,
    Counted,
    Document,
    Employee,
    Film,
    Person,
    Rated,
    Report,
    Values,
    Visit,
)

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect

__all__ = ["SECRETS", "STATEMENTS", "golden_text", "nodes_of"]

SECRET = "s3cr3t '\"` $p0 \\"  # noqa: S105 - no password
"""A text that must never be part of a statement."""

NUMBER = 918273645
"""A number that must never be part of a statement."""

SECRETS = ("s3cr3t", "918273645", "918273.645")

_HERE = GeoLocation(9.18273645, 9.18273645)


def _people() -> QueryBuilder[Person]:
    return select(Person).alias("p")


STATEMENTS: dict[str, Callable[[], Any]] = {
    "all": lambda: select(Company),
    "polymorphic": lambda: select(Person),
    "subclass": lambda: select(Employee),
    "equal": lambda: select(Person).where(Person.name == SECRET),
    "not equal": lambda: select(Person).where(Person.name != SECRET),
    "less": lambda: select(Person).where(Person.years < NUMBER),
    "text order": lambda: select(Person).where(Person.name >= SECRET),
    "in": lambda: select(Person).where(Person.name.in_([SECRET, "b"])),
    "in nothing": lambda: select(Person).where(Person.name.in_([])),
    "not in": lambda: select(Person).where(Person.name.not_in_([SECRET])),
    "contains": lambda: select(Person).where(Person.name.contains(SECRET)),
    "startswith": lambda: select(Person).where(Person.name.startswith(SECRET)),
    "endswith": lambda: select(Person).where(Person.name.endswith(SECRET)),
    "matches": lambda: select(Person).where(Person.name.matches(SECRET)),
    "null": lambda: select(Person).where(Person.email.is_null() | Person.years.is_not_null()),
    "and or not": lambda: select(Person).where(
        ~((Person.name == SECRET) | (Person.years > NUMBER)) & (Person.active == True)
    ),
    "two fields": lambda: select(Employee).where(Employee.salary > Employee.years),
    "generated key": lambda: select(Counted).where(Counted.id.is_not_null()),
    "bytes": lambda: select(Values).where(Values.blob == SECRET.encode()),
    "order": lambda: select(Person).order_by(Person.name).order_by(Person.years, desc=True),
    "page": lambda: select(Person).order_by(Person.id).skip(NUMBER).limit(NUMBER),
    "distinct": lambda: select(Person).distinct(),
    "project": lambda: select(Person).project(Person.name, Person.seen),
    "aggregate": lambda: select(Person).aggregate(
        *(count(), sum_(Person.years), avg(Person.score)),
        *(min_(Person.name), max_(Person.seen), collect(Person.name)),
    ),
    "group by field": lambda: select(Person).aggregate(
        count(Person.id, distinct=True).as_("n"), group_by=Person.name
    ),
    "group by node": lambda: (
        _people()
        .traverse(Person.friends, optional=False)
        .alias("f")
        .aggregate(collect("f").as_("all"), group_by="p")
    ),
    "hop": lambda: _people().traverse(Person.friends).alias("f"),
    "incoming hop": lambda: _people().traverse(Person.known_by, optional=False).alias("f"),
    "undirected hop": lambda: _people().traverse(Person.peers, optional=False).alias("f"),
    "hop with predicate": lambda: (
        _people().traverse(Person.friends).alias("f").where(Person.name == SECRET, on="f").return_target("p")
    ),
    "edge": lambda: (
        _people().traverse(Person.rated, edge_alias="r", optional=False).alias("m")
        .where(Rated.stars > NUMBER, on="r").return_nodes("p", "m").return_edge("r")
    ),
    "two hops": lambda: (
        _people().traverse(Person.company, optional=False).alias("c").traverse(Company.staff).alias("q")
    ),
    "repeat": lambda: _people().repeat(Person.friends, min_hops=2, max_hops=4).alias("q").distinct(),
    "stage": lambda: (
        _people().where(Person.years > NUMBER, on="p").with_("p").traverse(Person.friends).alias("q")
    ),
    "distance": lambda: (
        select(Visit).where(distance(Visit.where, _HERE) < NUMBER).order_by(distance(Visit.where, _HERE))
    ),
    "fulltext": lambda: FulltextQueryBuilder(None, Document, SECRET, None),
    "fulltext refined": lambda: (
        FulltextQueryBuilder(None, Document, SECRET, ["title"])
        .where(score() > NUMBER)
        .where(Document.year > NUMBER)
    ),
    "fulltext of a subclass": lambda: FulltextQueryBuilder(None, Report, SECRET, None),
    "fulltext with scores of a subclass": lambda: (
        FulltextQueryBuilder(None, Report, SECRET, None).project(Report.id, score())
    ),
    "words": lambda: FulltextQueryBuilder(None, Document, SECRET, None, "plain"),
    "words in fields": lambda: FulltextQueryBuilder(None, Document, SECRET, ["body"], "plain"),
    "count": lambda: select(Person).distinct().counted(),
    "vector": lambda: VectorQueryBuilder(None, Document, Document.embedding, Vector([1, 2, 3]), 5),
    "vector refined": lambda: (
        VectorQueryBuilder(None, Document, Document.embedding, Vector([1, 2, 3]), 5).where(
            Document.year == NUMBER
        )
    ),
    "exists": lambda: select(Person).where(exists(Person.friends) & ~exists(Person.company)),
    "exists with predicates": lambda: select(Person).where(
        ~exists(Person.rated, Rated.stars > NUMBER, Film.title == SECRET)
    ),
    "nested exists": lambda: select(Person).where(
        exists(Person.friends, exists(Person.rated, Film.year > Person.years)) | (Person.name == SECRET)
    ),
    "exists in an optional hop": lambda: (
        _people().traverse(Person.friends).alias("f").where(exists(Person.rated, Film.year < NUMBER), on="f")
    ),
    "counted relations": lambda: (
        select(Person)
        .where(count_of(Person.rated, Rated.stars == NUMBER) >= NUMBER)
        .order_by(count_of(Person.friends), desc=True)
        .project(Person.id, count_of(Person.friends).as_("friends"))
    ),
    "film": lambda: select(Film).where(Film.year.in_([NUMBER, 7])),
}  # fmt: skip
"""By name; each makes its statement, so that a mistake in one is that one's failure."""


def nodes_of(tree: object) -> Iterator[ir.IRNode]:
    """Every node of a statement tree."""
    if isinstance(tree, ir.IRNode):
        yield tree
        for each in dataclasses.fields(tree):  # type: ignore[arg-type]  # every concrete node is one
            yield from nodes_of(getattr(tree, each.name))
    elif isinstance(tree, tuple):
        for item in cast("tuple[object, ...]", tree):
            yield from nodes_of(item)


def golden_text(dialect: Dialect) -> str:
    """The text of every statement, for reading and as it is sent, or why there is none."""
    parts: list[str] = []
    for name, make in STATEMENTS.items():
        parts.append(f"== {name}")
        for form in (compile_statement, compile_execution):
            try:
                compiled = form(make(), dialect)
            except UnsupportedByBackendError as error:
                parts.append(f"-- {error}")
            else:
                parts += [compiled.text, f"-- {', '.join(sorted(compiled.parameters)) or 'no parameters'}"]
    return "\n".join(parts) + "\n"
