"""Statements that mean nothing are refused before anything is sent, in words that say what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from runic.orm import (
    GeoLocation,
    InvalidNameError,
    MetadataError,
    QueryError,
    QueryTooComplexError,
    UnsupportedByBackendError,
    ValueNotStorableError,
    avg,
    collect,
    count,
    count_of,
    distance,
    exists,
    select,
    sum_,
)
from runic.orm.query import score
from runic.orm.query.expressions import CompoundExpr, Expr, FilterExpr
from runic.orm.query.specialised import FulltextQueryBuilder, VectorQueryBuilder
from tests.unit.query.shop import Movie, Rated, Role, Ticket, User

u = select(User).alias("u")
friends = u.traverse(User.friends).alias("f")
rated = u.traverse(User.rated, edge_alias="r").alias("m")
HERE = GeoLocation(1, 2)


@pytest.mark.parametrize("value", [User.name is None, True, False])
def test_plain_bool_explains_itself(value: bool) -> None:
    with pytest.raises(TypeError, match="decided by Python before the query sees them"):
        select(User).where(value)


@pytest.mark.parametrize("combine", [lambda a, b: a and b, lambda a, b: a or b, lambda a, b: not a])
def test_python_logic_on_predicates_explains_itself(combine: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"& \| ~ instead of and/or/not"):
        combine(User.age > 1, User.age < 5)


def test_chained_comparison_explains_itself() -> None:
    with pytest.raises(TypeError, match="do not chain"):
        1 < User.age < 5  # noqa: B015


def test_missing_parentheses_explain_themselves() -> None:
    with pytest.raises(TypeError, match="parentheses"):
        (User.age > 1) & 5  # type: ignore[operator]


@pytest.mark.parametrize("value", ["n.age > 3", 3, None, User, count(), distance(User.home, HERE)])
def test_where_takes_predicates_only(value: Any) -> None:
    with pytest.raises(TypeError, match=r"where\(\) takes a predicate"):
        select(User).where(value)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown alias": (
        lambda: rated.where(User.age > 1, on="users"),
        r"unknown alias 'users'.*known here are 'u' ",
    ),
    "the closest alias": (lambda: select(User).alias("user").return_target("usr"), r"did you mean 'user'\?"),
    "class not in the statement": (
        lambda: select(User).where(Movie.year > 1),
        r"Movie.year: Movie is not part of the statement; known here are 'n' \(User\)",
    ),
    "exists() of no relation": (
        lambda: exists(User.name),
        r"exists\(\) follows a Relation\(\) field, such as User.friends, and User.name is none",
    ),
    "count_of() of a value": (
        lambda: count_of([]),
        r"count_of\(\) follows a Relation\(\) field.*\[\] is none",
    ),
    "exists() of a relation of another class": (
        lambda: select(Movie).where(exists(User.friends)),
        r"User.friends: User is not part of the statement; known here are 'n' \(Movie\)",
    ),
    "a relation under two aliases": (
        lambda: friends.where(exists(User.rated)),
        r"User.rated may belong to 'u' \(User\) and 'f' \(User\): say which, by on='u'",
    ),
    "a class that exists() does not reach": (
        lambda: select(User).where(exists(User.friends, Movie.year > 1)),
        r"Movie.year: Movie is not part of the statement",
    ),
    "exists() with an edge without a model": (
        lambda: select(User).where(exists(User.liked, Rated.score > 1)),
        r"Rated.score: Rated is not part of the statement",
    ),
    "class under two aliases": (
        lambda: friends.where(User.age > 1),
        r"User.age may belong to 'u' \(User\) and 'f' \(User\): say which, by on='u'",
    ),
    "on that does not carry the class": (
        lambda: rated.where(User.age > 1, on="m"),
        r"User.age cannot be asked of 'm' \(Movie\)",
    ),
    "edge field without edge alias": (
        lambda: u.traverse(User.rated).alias("m").where(Rated.score > 1),
        "edge_alias='r'",
    ),
    "alias taken": (lambda: u.traverse(User.friends).alias("u"), r"the alias 'u' is taken by 'u' \(User\)"),
    "not carried by with_": (
        lambda: rated.with_("u").where(Movie.year > 1, on="m"),
        r"unknown alias 'm'.*known here are 'u' \(User\)",
    ),
    "with_ of an unknown alias": (lambda: u.with_("x"), "unknown alias 'x'"),
    "with_ that carries no node": (lambda: rated.with_("r"), "with_\\(\\) carried no node on"),
    "a relation of another class": (
        lambda: select(Movie).traverse(User.friends).alias("f"),
        "User is not part of the statement",
    ),
    "order by a class under two aliases, neither returned": (
        lambda: friends.project("u.name").order_by(User.age),
        "may belong to 'u' .* and 'f' ",
    ),
    "order by something distinct does not return": (
        lambda: rated.distinct().order_by(User.name),
        r"order_by\(User.name\): after distinct.*'u' \(User\) is not among 'm'",
    ),
    "order by one of two returned": (
        lambda: friends.return_nodes("u", "f").distinct().order_by(User.name),
        "may mean u.name and f.name",
    ),
    "order by text that distinct does not return": (
        lambda: rated.distinct().order_by("u.name"),
        r"order_by\('u.name'\): after distinct",
    ),
    "order by an aggregation not returned": (
        lambda: u.aggregate(count(), group_by="u").order_by(avg(User.age)),
        r"order_by\(avg\(u.age\)\): the aggregation is not returned",
    ),
    "order by a distance after distinct": (
        lambda: u.distinct().order_by(distance(User.home, HERE)),
        r"return distance\(\) under a name",
    ),
    "an unknown field by text": (
        lambda: select(User).order_by("n.nmae"),
        r"User has no field 'nmae': did you mean 'name'\?",
    ),
    "a relation as a value": (lambda: select(User).project("n.friends"), "User.friends is a relation"),
    "two values of one name": (
        lambda: select(User).project(User.name, "toUpper(n.name)", "toUpper(n.name)"),
        "returned 2 times",
    ),
    "return_nodes of an edge": (lambda: rated.return_nodes("r"), "is a relationship; use return_edge"),
    "return_edge of a node": (lambda: rated.return_edge("m"), "is a node; use return_nodes"),
    "an edge without a model": (
        lambda: u.traverse(User.liked, edge_alias="l").alias("m").return_edge("l"),
        "declares no edge_model",
    ),
    "a target beside a projection": (
        lambda: rated.project(User.name).return_target("m"),
        r"project\('m', ...\)",
    ),
    "score without a search": (lambda: select(User).order_by(score()), "score\\(\\) needs a fulltext_search"),
    "sum of a whole node": (lambda: u.aggregate(sum_("u")), "only count\\(\\) and collect\\(\\)"),
    "distance of no place": (
        lambda: select(User).where(distance(User.name, HERE) < 1),
        "User.name is neither",
    ),
    "fields of different things": (
        lambda: select(User).where(User.age == User.name),
        "User.age and User.name hold different things",
    ),
    "an empty group": (lambda: select(User).where(CompoundExpr("AND")), "an AND of no predicates"),
    "an unknown operator": (
        lambda: select(User).where(FilterExpr(User, "age", "~", 1)),
        "unknown operator '~'",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_contradiction_is_refused(name: str) -> None:
    make, message = CASES[name]
    with pytest.raises(QueryError, match=message):
        make().build()


def test_boolean_field_of_another_type_is_no_predicate() -> None:
    with pytest.raises(TypeError, match=r"User.name alone is one only if the field is a bool"):
        select(User).where(User.name).build()


@pytest.mark.parametrize("method", ["limit", "skip"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1, ValueError),
        (2**63, ValueError),
        ("5", TypeError),
        (1.0, TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_extent_takes_natural_numbers(method: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=method):
        getattr(select(User), method)(value)


@pytest.mark.parametrize(
    ("low", "high", "error"),
    [(3, 2, ValueError), (-1, 2, ValueError), (0, 0, ValueError), ("1", 2, TypeError), (1, True, TypeError)],
)
def test_hops_are_checked(low: Any, high: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="hops"):
        u.repeat(User.friends, min_hops=low, max_hops=high).alias("f")


@pytest.mark.parametrize(
    "text",
    [
        "n.name; MATCH (x) DELETE x",
        "n.name) //",
        "`n`.name",
        "n.name DESC NULLS FIRST",
        "n.a.b",
        "count(*)",
        "1",
        "",
        "n.name\0",
        "n.é",
        "rand()",
        "apoc.x(n.name)",
    ],
)
def test_text_holds_names_only(text: str) -> None:
    with pytest.raises(QueryError):
        select(User).order_by(text).build()
    with pytest.raises(QueryError):
        select(User).project(text).build()


@pytest.mark.parametrize("name", ["a b", "a`b", "1a", "", "a\0", "é", "a" * 64, 5, None])
def test_aliases_are_names(name: Any) -> None:
    with pytest.raises(InvalidNameError):
        select(User).alias(name)
    with pytest.raises(InvalidNameError):
        u.traverse(User.friends).alias(name)
    if name is not None:
        with pytest.raises(InvalidNameError):
            u.traverse(User.friends, edge_alias=name).alias("f")
    with pytest.raises(InvalidNameError):
        count().as_(name)


def test_reserved_aliases_are_refused() -> None:
    with pytest.raises(QueryError, match="reserved"):
        select(User).alias("__score")


def test_traverse_follows_relations_only() -> None:
    with pytest.raises(QueryError, match=r"User.name is no relation"):
        u.traverse(User.name).alias("x")
    with pytest.raises(QueryError, match="is no relation"):
        u.traverse("friends").alias("x")


def test_unfinished_traversal_says_so() -> None:
    with pytest.raises(AttributeError, match=r"call .alias\('name'\)"):
        u.traverse(User.friends).where(User.age > 1)  # type: ignore[attr-defined]


def test_relation_is_no_value() -> None:
    with pytest.raises(QueryError, match="use traverse"):
        User.friends == 1  # noqa: B015


@pytest.mark.parametrize("members", ["abc", b"abc", 5])
def test_in_takes_several_values(members: Any) -> None:
    with pytest.raises(TypeError, match="several values"):
        User.name.in_(members)


def test_in_cannot_look_for_none() -> None:
    with pytest.raises(TypeError, match=r"is_null\(\)"):
        User.name.in_(["a", None])
    with pytest.raises(TypeError, match=r"is_null\(\)"):
        select(User).where(FilterExpr(User, "name", "IN", ["a", None]))


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        (lambda: User.age == "x", "User.age: .*str.*int"),
        (lambda: User.age == True, "User.age: .*bool"),  # noqa: E712
        (lambda: User.name == 5, "User.name: .*int.*str"),
        (lambda: User.height > math.nan, "User.height: nan is not a finite number"),
        (lambda: User.height.in_([1.0, math.inf]), "User.height: inf is not a finite number"),
        (lambda: User.age == 2**63, "User.age: an integer outside of 64 bits"),
        (lambda: User.name == "a\0b", "User.name: .*NUL character at offset 1"),
        (lambda: User.name == "a\ud800", "User.name: .*lone surrogate at offset 1"),
        (lambda: User.name.contains("\0"), "User.name: .*NUL"),
        (lambda: User.name.matches("\0"), "User.name: .*NUL"),
        (lambda: User.role == "admin", "User.role: expected a member of Role"),
        (lambda: User.token == "x", "User.token: "),
        (lambda: User.joined == "2020", "User.joined: "),
        (lambda: User.home == (1, 2), "User.home: "),
        (lambda: Ticket.id == "x", "Ticket.id is generated by the server"),
        (lambda: Ticket.id.in_([1, 2.0]), "Ticket.id is generated by the server"),
        (lambda: distance(User.home, HERE) < "x", "computed number"),
        (lambda: distance(User.home, HERE) < math.nan, "computed number.*nan"),
        (lambda: distance(User.home, (1, 2)) < 1, "distance\\(\\) takes GeoLocation"),
    ],
)
def test_value_that_its_field_cannot_hold_names_the_field(
    predicate: Callable[[], Expr], message: str
) -> None:
    with pytest.raises(ValueNotStorableError, match=message):
        select(User if "Ticket" not in message else Ticket).where(predicate()).build()


class Sly:
    def __str__(self) -> str:
        raise AssertionError("str() of a value was called")

    __repr__ = __str__


class SlyText(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "field", ["name", "age", "active", "height", "role", "balance", "token", "joined", "tags"]
)
def test_foreign_objects_are_refused_unread(field: str) -> None:
    with pytest.raises(ValueNotStorableError, match=f"User.{field}"):
        select(User).where(FilterExpr(User, field, "=", Sly())).build()
    if field != "active":
        with pytest.raises(ValueNotStorableError, match=f"User.{field}"):
            select(User).where(FilterExpr(User, field, "=", SlyText("x"))).build()


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_order_against_none_is_refused(op: str) -> None:
    with pytest.raises(TypeError, match="is_null"):
        select(User).where(FilterExpr(User, "age", op, None))
    with pytest.raises(TypeError, match="is_null"):
        User.age < None  # noqa: B015


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (lambda: select(User).where(User.balance > Decimal(1)), "> on User.balance, stored as decimal text"),
        (lambda: select(User).order_by(User.balance), "ORDER BY on User.balance"),
        (lambda: select(User).aggregate(sum_(User.balance)), "sum on User.balance"),
        (lambda: select(User).aggregate(avg(User.name)), "avg on User.name"),
        (lambda: select(User).where(User.age.contains("x")), "CONTAINS on User.age.*that is for text"),
        (lambda: select(User).where(User.tags.contains("x")), "CONTAINS on User.tags"),
        (lambda: select(User).where(User.home > HERE), "> on User.home"),
        (lambda: select(User).order_by("n.balance"), "ORDER BY on User.balance"),
        (lambda: select(Movie).where(Movie.embedding == [1.0, 2.0]), "= on Movie.embedding"),
    ],
)
def test_operator_that_the_stored_form_cannot_honour(statement: Callable[[], Any], message: str) -> None:
    with pytest.raises(UnsupportedByBackendError, match=message):
        statement().build()


def test_deep_nesting_is_too_complex() -> None:
    predicate: Expr = User.age > 0
    for number in range(200):
        predicate = (predicate & (User.age > number)) | (User.age < number)
    with pytest.raises(QueryTooComplexError, match="more than 12 deep"):
        select(User).where(predicate)
    for number in range(200):
        predicate = ~(predicate & (User.age > number))
    with pytest.raises(QueryTooComplexError):
        select(User).where(predicate)


def test_deep_subqueries_are_too_complex() -> None:
    predicate: Expr = exists(User.friends)
    counted: Expr = count_of(User.friends) > 1
    for _ in range(13):
        predicate, counted = exists(User.friends, predicate), count_of(User.friends, counted) > 1
    for each in (predicate, counted):
        with pytest.raises(QueryTooComplexError, match="nested more than 12 deep"):
            select(User).where(each)


@pytest.mark.parametrize("method", ["all", "one", "all_rows", "all_with_edges", "count", "scalar", "scalars"])
def test_statement_without_a_session_says_who_executes_it(method: str) -> None:
    with pytest.raises(RuntimeError, match=rf"{method}\(\) needs a session"):
        getattr(select(User), method)()


def test_select_takes_node_classes() -> None:
    with pytest.raises(MetadataError, match="is an Edge, where a Node model is needed"):
        select(Rated)
    with pytest.raises((TypeError, MetadataError)):
        select(dict)


def test_aggregate_and_project_take_what_they_say() -> None:
    for call in (
        lambda: select(User).aggregate(User.name),  # type: ignore[arg-type]
        lambda: select(User).aggregate(count(), group_by=5),
        lambda: select(User).project(5),
        lambda: select(User).project(User.age > 5),
        lambda: select(User).order_by(5),
        lambda: select(User).aggregate(count(5)),
    ):
        with pytest.raises(TypeError):
            call()  # type: ignore[no-untyped-call]
    for call in (select(User).aggregate, select(User).project, select(User).with_, select(User).return_nodes):
        with pytest.raises(QueryError):
            call()
    with pytest.raises(QueryError, match=r"collect\(\*\) is nothing"):
        select(User).aggregate(collect("*")).build()


def test_searches_check_what_they_search() -> None:
    with pytest.raises(ValueError, match="empty"):
        FulltextQueryBuilder(None, Movie, "  ")
    with pytest.raises(TypeError, match="is a str"):
        FulltextQueryBuilder(None, Movie, 5)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match=r"no field 'titel'.*'title'"):
        FulltextQueryBuilder(None, Movie, "x", ["titel"])
    with pytest.raises(TypeError, match=r"a list of names: \['title'\], not 'title'"):
        FulltextQueryBuilder(None, Movie, "x", "title")
    with pytest.raises(QueryError, match="holds no text"):
        FulltextQueryBuilder(None, Movie, "x", ["year"])
    with pytest.raises(ValueNotStorableError, match=r"Movie.embedding.*has 3 numbers, the field 2"):
        VectorQueryBuilder(None, Movie, Movie.embedding, [1, 2, 3])
    with pytest.raises(ValueNotStorableError, match=r"Movie.embedding"):
        VectorQueryBuilder(None, Movie, Movie.embedding, [1, math.nan])
    with pytest.raises(TypeError, match="list of numbers"):
        VectorQueryBuilder(None, Movie, Movie.embedding, "12")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="holds no vectors"):
        VectorQueryBuilder(None, Movie, Movie.title, [1, 2])
    with pytest.raises(QueryError, match="a field of that class"):
        VectorQueryBuilder(None, Movie, User.name, [1, 2])
    for k, error in ((0, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="k"):
            VectorQueryBuilder(None, Movie, Movie.embedding, [1, 2], k)  # type: ignore[arg-type]


def test_contradictory_directions_are_refused() -> None:
    with pytest.raises(QueryError, match="contradicts itself"):
        select(User).order_by("n.name ASC", desc=True)


def test_good_values_of_every_type_are_taken() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    statement = (
        select(User)
        .where(User.role == Role.ADMIN)
        .where(User.balance == Decimal("1.50"))
        .where(User.joined > now)
        .where(User.tags == ["a"])
        .where(User.age > 1.5)
        .where(User.height == 2)
        .where(User.role.in_([Role.ADMIN, Role.MOD]))
    )
    assert list(statement.build()[1].values()) == [
        "admin",
        "1.50",
        "2026-01-02T03:04:05.000006+00:00",
        ["a"],
        1.5,
        2,
        ["admin", "mod"],
    ]
