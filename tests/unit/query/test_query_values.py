"""Statements are values, bound builders are not; equal shapes share one text."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runic.orm import Field, GeoLocation, Node, QueryError, UnsupportedByBackendError, count, select
from runic.orm.compile.compiler import compile_execution, compile_statement
from runic.orm.compile.dialect import Capability, Dialect
from runic.orm.compile.emit import Emitter
from runic.orm.compile.rewrite import distinct_edges
from runic.orm.compile.shape import ItemKind
from runic.orm.compile.standard import STANDARD, StandardDialect
from runic.orm.core.metadata import MetaData
from runic.orm.query import QueryBuilder, ir
from runic.orm.query.expressions import CompoundExpr, Expr, FilterExpr, NegatedExpr, OrderExpr
from runic.orm.query.specialised import AsyncQueryBuilder
from tests.unit.query.shop import Admin, Movie, Rated, User


class Recorder:
    """A session that tells what it was asked."""

    dialect = STANDARD

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda stmt: self.asked.append((name, stmt))


def test_every_method_of_a_statement_returns_a_new_one() -> None:
    base = select(User)
    before = str(base)
    refined = [
        base.alias("x"),
        base.where(User.age > 1),
        base.order_by(User.age),
        base.limit(1),
        base.skip(1),
        base.distinct(),
        base.project(User.age),
        base.aggregate(count()),
        base.return_target("n"),
        base.return_nodes("n"),
        base.with_("n"),
        base.traverse(User.friends).alias("f"),
        base.repeat(User.friends).alias("f"),
    ]
    assert str(base) == before
    assert all(each is not base for each in refined)
    assert len({str(each) for each in refined}) >= len(refined) - 2


def test_two_refinements_of_one_statement_do_not_meet() -> None:
    base = select(User).where(User.active == True)  # noqa: E712
    one, two = base.where(User.age > 1), base.where(User.name == "x").limit(3)
    assert one.build() == (
        "MATCH (n:User)\nWHERE n.active = $p0 AND n.age > $p1\nRETURN n",
        {"p0": True, "p1": 1},
    )
    assert two.build()[1] == {"p0": True, "p1": "x"}


def test_bound_builder_changes_and_returns_itself() -> None:
    builder = QueryBuilder(Recorder(), User)
    step = builder.traverse(User.friends)
    assert builder.where(User.age > 1) is builder
    assert step.alias("f") is builder
    assert builder.limit(3).skip(1).order_by(User.name).distinct() is builder
    assert "KNOWS" in str(builder)


def test_terminals_ask_the_session() -> None:
    session = Recorder()
    builder = QueryBuilder(session, User)
    for method in ("all", "one", "all_rows", "all_with_edges", "count", "scalar", "scalars"):
        getattr(builder, method)()
    assert [name for name, _ in session.asked] == [
        "scalars",
        "scalar",
        "all_rows",
        "all_with_edges",
        "count",
        "scalar_value",
        "column",
    ]
    assert all(stmt is builder for _, stmt in session.asked)


def test_async_builder_stays_async() -> None:
    builder = AsyncQueryBuilder(Recorder(), User)
    assert type(builder.project(User.name)) is AsyncQueryBuilder
    assert builder.traverse(User.friends).alias("f") is builder


def test_limited_and_counted_copies_leave_a_bound_builder_alone() -> None:
    builder = QueryBuilder(Recorder(), User).limit(5).skip(2)
    assert str(builder.limited(1)).endswith("SKIP 2\nLIMIT 1")
    assert str(builder.limited(9)).endswith("LIMIT 5")
    assert str(builder.counted()) == "MATCH (n:User)\nRETURN count(*)"
    assert str(builder).endswith("SKIP 2\nLIMIT 5")


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (select(User).order_by(User.age).limit(1), "MATCH (n:User)\nRETURN count(*)"),
        (select(User).distinct(), "MATCH (n:User)\nWITH DISTINCT n\nRETURN count(*)"),
        (
            select(User).project(User.name, User.age).distinct(),
            "MATCH (n:User)\nWITH DISTINCT n.name AS __s0, n.age AS __s1\nRETURN count(*)",
        ),
        (select(User).aggregate(count(), group_by=User.age), "MATCH (n:User)\nRETURN count(*)"),
    ],
)
def test_count_counts_rows(statement: QueryBuilder[Any], text: str) -> None:
    assert str(statement.counted()) == text


def test_equal_shapes_share_one_text() -> None:
    def make(age: int, names: list[str]) -> QueryBuilder[User]:
        return select(User).where(User.age > age).where(User.name.in_(names)).limit(age)

    a = compile_execution(make(1, ["x"]), STANDARD)
    b = compile_execution(make(2, ["y", "z"]), STANDARD)
    assert a.text is b.text
    assert a.parameters == {"p0": 1, "p1": ["x"], "p2": 1}
    assert b.parameters == {"p0": 2, "p1": ["y", "z"], "p2": 2}


def test_shapes_that_depend_on_values_do_not_share() -> None:
    texts = {
        compile_execution(select(User).where(User.name.in_(values)), STANDARD).text for values in ([], ["x"])
    } | {compile_execution(select(User).where(User.name == value), STANDARD).text for value in (None, "x")}
    assert len(texts) == 4


def test_caches_of_dialects_are_apart_and_bounded() -> None:
    one, two = StandardDialect(), StandardDialect(identity="elementId({v})")
    assert compile_execution(select(User), one).text != compile_execution(select(User), two).text
    one.plans.size = 8
    for width in range(40):
        compile_statement(
            select(User).project(*([User.name] if not width else []), *[User.age][: width > 0]), one
        )
        compile_statement(select(User).alias(f"a{width}"), one)
    assert len(one.plans) <= 8


def test_a_later_subclass_changes_what_is_read() -> None:
    class Base(Node, metadata=MetaData()):
        pass

    class Animal(Base, labels=["Animal"]):
        id: str = Field(primary_key=True)

    statement = select(Animal)
    before = compile_execution(statement, STANDARD)

    class Dog(Animal, labels=["Dog"]):
        breed: str = Field(default="")

    after = compile_execution(statement, STANDARD)
    assert "breed" not in before.text
    assert "`n`.`breed`" in after.text
    assert "labels(`n`)" in after.text
    assert Dog.breed.owner is Dog


def test_a_list_changed_later_does_not_change_the_statement() -> None:
    names = ["a"]
    tags = ["x"]
    statement = select(User).where(User.name.in_(names)).where(User.tags == tags)
    names.append("b")
    tags.append("y")
    assert statement.build()[1] == {"p0": ["a"], "p1": ["x"]}


# -- what is sent -----------------------------------------------------------------------------------


def test_everything_sent_is_quoted_or_bound() -> None:
    statement = select(User).where(User.name == "x").order_by(User.age, desc=True).skip(2).limit(3)
    compiled = compile_execution(statement.project(User.name, User.age), STANDARD)
    assert compiled.text == (
        "MATCH (`n`:`User`)\nWHERE `n`.`name` = $p0\nRETURN `n`.`name` AS `c0`, `n`.`age` AS `c1`"
        "\nORDER BY `n`.`age` DESC\nSKIP $p1\nLIMIT $p2"
    )
    assert compiled.parameters == {"p0": "x", "p1": 2, "p2": 3}


def test_shape_names_the_columns_of_each_item() -> None:
    statement = (
        select(User)
        .alias("u")
        .traverse(User.rated, edge_alias="r")
        .alias("m")
        .return_nodes("u", "m")
        .return_edge("r")
    )
    shape = compile_execution(statement, STANDARD).shape
    assert [(item.kind, item.name, item.cls, item.nullable) for item in shape.items] == [
        (ItemKind.NODE, "u", User, False),
        (ItemKind.EDGE, "r", Rated, True),
        (ItemKind.NODE, "m", Movie, True),
    ]
    starts = [(item.start, item.width) for item in shape.items]
    assert starts[0][0] == 0
    assert all(a[0] + a[1] == b[0] for a, b in pairwise(starts))
    assert len(shape.columns) == sum(starts[-1])


def test_nodes_are_grouped_whole_before_their_columns_are_read() -> None:
    statement = select(Admin).alias("a").aggregate(count().as_("n"), group_by="a").order_by("n", desc=True)
    text = compile_execution(statement, STANDARD).text
    assert text.startswith("MATCH (`a`:`Admin`)\nWITH `a`, count(*) AS `__s1`\nRETURN id(`a`), ")
    assert text.endswith("`__s1` AS `c16`\nORDER BY `__s1` DESC")


def test_names_of_values_are_fields_unless_two_would_be_one() -> None:
    friends = select(User).alias("u").traverse(User.friends).alias("f")
    shape = compile_execution(friends.project("u.name", "f.name", "f.age"), STANDARD).shape
    assert [item.name for item in shape.items] == ["u.name", "f.name", "age"]


def test_rewritten_pattern_keeps_edges_distinct_where_the_server_does_not() -> None:
    edge = ir.EdgePattern(None, "T", "OUTGOING")
    path = ir.Path((ir.NodePattern("a"), edge, ir.NodePattern("b"), edge, ir.NodePattern("c")))
    other = ir.Path((ir.NodePattern("a"), ir.EdgePattern(None, "X", "BOTH"), ir.NodePattern("d")))
    result = ir.Return((ir.ReturnItem(ir.Variable("a"), ir.ItemKind.NODE, "a", model=User),))
    tree = ir.Statement((ir.Match((path, other)),), result)
    text = Emitter(STANDARD, display=True).visit(distinct_edges(tree).clauses[0])
    assert text == ("MATCH (a)-[__r0_0:T]->(b)-[__r0_1:T]->(c), (a)-[:X]-(d)\nWHERE id(__r0_0) <> id(__r0_1)")


def test_dialect_without_a_capability_refuses_by_name() -> None:
    poor = StandardDialect(name="poor", capabilities=frozenset(), hints={Capability.REGEX: "use contains()"})
    here = GeoLocation(1, 2)
    from runic.orm import distance

    for statement, feature in (
        (select(User).where(User.name.matches("x")), "=~ operator.*use contains"),
        (select(User).repeat(User.friends).alias("f"), "variable-length"),
        (select(User).where(distance(User.home, here) < 1), "distance"),
    ):
        with pytest.raises(UnsupportedByBackendError, match=f"poor does not support .*{feature}") as caught:
            compile_statement(statement, poor)
        assert isinstance(caught.value, NotImplementedError)


def test_emitter_methods_name_nodes_and_can_be_taken_away() -> None:
    with pytest.raises(TypeError, match="visit_Nothing names no node"):

        class Wrong(Emitter):
            def visit_Nothing(self, node: Any) -> str:
                return ""

    class Less(Emitter):
        visit_NullTest = None  # type: ignore[assignment]

    dialect = StandardDialect(name="less", emitter=Less)
    with pytest.raises(UnsupportedByBackendError, match="less does not support NullTest"):
        compile_statement(select(User).where(User.age.is_null()), dialect)
    assert compile_statement(select(User).where(User.age.is_null()), STANDARD)


def test_every_node_that_a_statement_can_hold_has_a_method() -> None:
    abstract = {"IRNode", "Expression", "Clause"}
    parts = {"ReturnItem", "OrderItem", "Return", "Statement"}  # put together by the compiler itself
    missing = set(ir.node_types()) - abstract - parts - {node.__name__ for node in Emitter._table}
    assert not missing


# -- size -------------------------------------------------------------------------------------------


def _flat(terms: int) -> int:
    """Compile a chain of so many terms; how many calls it took."""
    predicate: Expr = User.age > 0
    for number in range(1, terms):
        predicate = predicate & (User.age != number) if number % 2 else predicate & ~(User.age == number)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        compiled = compile_execution(select(User).where(predicate), StandardDialect())
    finally:
        sys.setprofile(None)
    assert len(compiled.parameters) == terms
    assert "(" not in compiled.text.partition("WHERE")[2].partition("RETURN")[0]
    return calls


def test_five_thousand_terms_compile_flat_and_in_linear_time() -> None:
    assert _flat(5000) < 11 * _flat(500)


def test_a_thousand_negations_are_none() -> None:
    predicate: Expr = User.age > 0
    for _ in range(1000):
        predicate = ~predicate
    assert "NOT" not in str(select(User).where(predicate))
    assert "NOT n.age" in str(select(User).where(~predicate))


def test_long_chains_built_from_the_right_are_flat_too() -> None:
    predicate: Expr = User.age > 0
    for number in range(2000):
        predicate = (User.age < number) | predicate
    assert "(" not in str(select(User).where(predicate)).partition("WHERE")[2]


def test_documented_expression_classes_can_be_made_by_hand() -> None:
    predicate = CompoundExpr(
        op="AND",
        operands=[
            FilterExpr(User, "age", ">", 18),
            NegatedExpr(FilterExpr(User, "name", "=", "x", alias="n")),
        ],
    )
    listed = FilterExpr(cls=User, prop="age", op="IN", value=[1], negate=True)
    statement = select(User).where(predicate).where(listed).order_by(OrderExpr("n", "age", desc=True))
    assert str(statement) == (
        "MATCH (n:User)\nWHERE n.age > $p0 AND NOT n.name = $p1 AND NOT n.age IN $p2"
        "\nRETURN n\nORDER BY n.age DESC"
    )


# -- properties of all statements ---------------------------------------------------------------------

_texts = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=8)
_leaves = st.one_of(
    st.builds(lambda v: User.name == v, _texts),
    st.builds(lambda v: User.name.contains(v), _texts),
    st.builds(lambda v: User.age > v, st.integers(10**12, 10**15)),
    st.builds(lambda v: User.name.in_(v), st.lists(_texts, max_size=3)),
)
_predicates = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=8,
)


def _values(value: Any) -> list[str]:
    return [text for each in value for text in _values(each)] if isinstance(value, list) else [str(value)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(_predicates)
def test_no_value_ever_occurs_in_the_text(predicate: Expr) -> None:
    statement = select(User).where(predicate)
    for compiled in (compile_statement(statement, STANDARD), compile_execution(statement, STANDARD)):
        for value in _values(list(compiled.parameters.values())):
            assert value not in compiled.text


@given(_predicates, st.sampled_from([STANDARD, StandardDialect()]))
def test_equal_keys_mean_equal_text(predicate: Expr, dialect: Dialect) -> None:
    one, two = select(User).where(predicate), select(User).where(predicate)
    assert one.shape_key() == two.shape_key()
    assert hash(one.shape_key()) == hash(two.shape_key())
    assert compile_execution(one, dialect).text == compile_execution(two, StandardDialect()).text


def test_check_reports_each_backend() -> None:
    report = select(User).check("falkordb")
    assert report.ok
    assert str(report) == "falkordb: ok"
    assert report
    with pytest.raises(QueryError):
        select(User).where(Movie.year > 1).check("falkordb")


def test_installed_backend_compiles_offline_by_name() -> None:
    compiled = select(User).where(User.age > 18).compile("falkordb")
    assert compiled.text == "MATCH (n:User)\nWHERE n.age > $p0\nRETURN n"
    assert str(compiled) == compiled.text
    assert compiled.parameters == {"p0": 18}
