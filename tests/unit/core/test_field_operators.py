from __future__ import annotations

import operator

import pytest

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.mapped import Mapped
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.exceptions import QueryError
from runic.orm.query.expressions import FilterExpr


class Animal(Node, metadata=MetaData(), labels=["Animal"]):
    name: str = Field()
    age: Mapped[int | None] = Field()
    friends: list[Animal] = Relation(relationship="KNOWS", direction="BOTH", target="Animal")


class Dog(Animal):
    pass


class Rated(Edge, type="RATED", metadata=MetaData()):
    score: float


def parts(expression):
    assert type(expression) is FilterExpr
    return expression.cls, expression.prop, expression.op, expression.value, expression.negate


@pytest.mark.parametrize(
    ("build", "op", "value", "negate"),
    [
        (lambda f: f == "x", "=", "x", False),
        (lambda f: f != "x", "<>", "x", False),
        (lambda f: f < "x", "<", "x", False),
        (lambda f: f <= "x", "<=", "x", False),
        (lambda f: f > "x", ">", "x", False),
        (lambda f: f >= "x", ">=", "x", False),
        (lambda f: operator.eq("x", f), "=", "x", False),
        (lambda f: operator.lt("x", f), ">", "x", False),
        (lambda f: f == None, "IS NULL", None, False),  # noqa: E711
        (lambda f: f != None, "IS NOT NULL", None, False),  # noqa: E711
        (lambda f: f.is_null(), "IS NULL", None, False),
        (lambda f: f.is_not_null(), "IS NOT NULL", None, False),
        (lambda f: f.in_({"x"}), "IN", ["x"], False),
        (lambda f: f.in_(c for c in "xy"), "IN", ["x", "y"], False),
        (lambda f: f.in_([]), "IN", [], False),
        (lambda f: f.not_in_(("x",)), "IN", ["x"], True),
        (lambda f: f.contains("x"), "CONTAINS", "x", False),
        (lambda f: f.startswith("x"), "STARTS WITH", "x", False),
        (lambda f: f.endswith("x"), "ENDS WITH", "x", False),
        (lambda f: f.matches("x.*"), "=~", "x.*", False),
    ],
)
def test_every_operator_builds_its_predicate(build, op, value, negate):
    assert parts(build(Animal.name)) == (Animal, "name", op, value, negate)


def test_a_predicate_belongs_to_the_class_the_field_was_asked_on():
    assert parts(Dog.name == "Rex")[0] is Dog
    assert parts(Dog.age > 3)[0] is Dog
    assert parts(Animal.age > 3)[0] is Animal
    assert parts(Rated.score > 3)[0] is Rated


@pytest.mark.parametrize(
    "build", [lambda f: f < None, lambda f: f <= None, lambda f: f > None, lambda f: f >= None]
)
def test_ordering_against_none_is_refused_with_the_way_out(build):
    with pytest.raises(TypeError, match=r"Animal.age [<>]=? None matches nothing: .* is_null\(\)"):
        build(Animal.age)


@pytest.mark.parametrize("values", ["abc", b"abc", 3, None])
def test_in_takes_several_values(values):
    with pytest.raises(TypeError, match=r"Animal.name.in_\(\) takes several values, .* not "):
        Animal.name.in_(values)


def test_in_cannot_look_for_none():
    with pytest.raises(
        TypeError, match=r"Animal.name.not_in_\(\) cannot look for None: add `\| Animal.name.is_null"
    ):
        Animal.name.not_in_(["a", None])


@pytest.mark.parametrize("method", ["contains", "startswith", "endswith", "matches"])
@pytest.mark.parametrize("value", [None, 3, b"x"])
def test_text_operators_take_text(method, value):
    with pytest.raises(TypeError, match=rf"Animal.name.{method}\(\) takes a str, not"):
        getattr(Animal.name, method)(value)


def test_a_relation_is_not_compared():
    for build in (
        lambda: Animal.friends == 1,
        lambda: Animal.friends.is_null(),
        lambda: Animal.friends.in_([1]),
    ):
        with pytest.raises(QueryError, match=r"Animal.friends is a relation .*: use traverse\(\)"):
            build()


def test_fields_are_dictionary_keys_by_identity():
    places = {Animal.name: 1, Dog.name: 2, Animal.age: 3}
    assert (places[Animal.name], places[Dog.name], places[Animal.age]) == (1, 2, 3)


def test_asking_for_equality_by_mistake_is_no_silent_truth():
    with pytest.raises(TypeError, match="no truth value"):
        bool(Animal.name == Dog.name)
