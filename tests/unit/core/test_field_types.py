from __future__ import annotations

import typing
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Final, Literal, NewType, Optional, TypedDict, Union
from uuid import UUID

import pytest

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.mapped import Mapped
from runic.orm.core.metadata import metadata, node_meta
from runic.orm.core.models import Node
from runic.orm.core.types import (
    DatetimeConverter,
    EnumConverter,
    GeoLocation,
    GeoLocationConverter,
    TypeConverter,
    Vector,
    VectorConverter,
)
from runic.orm.exceptions import MetadataError


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Address(TypedDict):
    street: str


UserId = NewType("UserId", str)
type Tags = list[str]
type Maybe[T] = T | None


def type_of(annotation: Any, **options: Any) -> FieldType:
    """The type of a field annotated so; every annotation is tried as it is and as text."""
    cls = type("Model", (Node,), {"__annotations__": {"value": annotation}, "value": Field(**options)})
    return cls.value.type


SCALARS = [
    ("str", Kind.STRING, str),
    ("int", Kind.INTEGER, int),
    ("float", Kind.FLOAT, float),
    ("bool", Kind.BOOLEAN, bool),
    ("bytes", Kind.BYTES, bytes),
    ("datetime", Kind.DATETIME, datetime),
    ("date", Kind.DATE, date),
    ("time", Kind.TIME, time),
    ("timedelta", Kind.TIMEDELTA, timedelta),
    ("Decimal", Kind.DECIMAL, Decimal),
    ("UUID", Kind.UUID, UUID),
    ("Colour", Kind.ENUM, Colour),
    ("Level", Kind.ENUM, Level),
    ("Vector", Kind.VECTOR, Vector),
    ("GeoLocation", Kind.POINT, GeoLocation),
    ("dict", Kind.JSON, dict),
]


@pytest.mark.parametrize(("text", "kind", "python"), SCALARS)
@pytest.mark.parametrize(
    ("wrap", "nullable"),
    [
        ("{}", False),
        ("{} | None", True),
        ("None | {}", True),
        ("Optional[{}]", True),
        ("Union[None, {}]", True),
        ("Mapped[{}]", False),
        ("Mapped[{} | None]", True),
        ("Mapped['{} | None']", True),
        ("Annotated[{}, 'note']", False),
        ("Annotated[{} | None, 'note']", True),
        ("Final[{}]", False),
        ("'{}'", False),
        ("Optional['{}']", True),
        ("Maybe[{}]", True),
        ("typing.Optional[{}]", True),
    ],
)
def test_every_spelling_of_a_type_means_the_same(text, kind, python, wrap, nullable):
    annotation = wrap.format(text)
    expected = FieldType(kind, python, nullable)
    assert type_of(annotation) == expected
    assert type_of(eval(annotation)) == expected


@pytest.mark.parametrize(
    ("annotation", "item"),
    [
        (list[str], FieldType(Kind.STRING, str)),
        ("list[int]", FieldType(Kind.INTEGER, int)),
        (typing.List[float], FieldType(Kind.FLOAT, float)),  # noqa: UP006
        ("list['datetime']", FieldType(Kind.DATETIME, datetime)),
        (list[Colour], FieldType(Kind.ENUM, Colour)),
        (list[UserId], FieldType(Kind.STRING, str)),
        (list, FieldType(Kind.ANY, object)),
        (list[Any], FieldType(Kind.ANY, object)),
        ("Tags", FieldType(Kind.STRING, str)),
        ("list[Literal['a', 'b']]", FieldType(Kind.STRING, str)),
    ],
)
def test_lists_of_scalars_are_lists(annotation, item):
    found = type_of(annotation)
    assert (found.kind, found.python, found.item) == (Kind.LIST, list, item)
    assert found.mutable


@pytest.mark.parametrize(
    "annotation",
    [list[dict[str, Any]], list[list[int]], "list[str | None]", "list[int | None]", list[Address]],
)
def test_lists_that_no_server_keeps_are_json(annotation):
    found = type_of(annotation)
    assert (found.kind, found.python) == (Kind.JSON, list)


@pytest.mark.parametrize("annotation", [dict, dict[str, Any], "dict[str, list[int] | None]", Address])
def test_dicts_are_json(annotation):
    assert type_of(annotation) == FieldType(Kind.JSON, dict)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("Literal['a', 'b']", FieldType(Kind.STRING, str)),
        ("Literal[1, 2, None]", FieldType(Kind.INTEGER, int, nullable=True)),
        ("Literal[Colour.RED]", FieldType(Kind.ENUM, Colour)),
        ("Literal['a', 1]", FieldType(Kind.ANY, object)),
        ("UserId", FieldType(Kind.STRING, str)),
        ("UserId | None", FieldType(Kind.STRING, str, nullable=True)),
        ("Any", FieldType(Kind.ANY, object, nullable=True)),
        ("object", FieldType(Kind.ANY, object, nullable=True)),
        ("str | int", FieldType(Kind.ANY, object)),
        ("str | int | None", FieldType(Kind.ANY, object, nullable=True)),
    ],
)
def test_other_annotations(annotation, expected):
    assert type_of(annotation) == expected


class Money:
    pass


class MoneyConverter(TypeConverter):
    def to_graph(self, value):
        return str(value)

    def from_graph(self, value):
        return Money()


def test_a_converter_makes_any_type_storable():
    converter = MoneyConverter()
    found = type_of("Money | None", converter=converter)
    assert found == FieldType(Kind.CUSTOM, Money, nullable=True, converter=converter)
    assert type_of("NobodyKnows", converter=converter).kind is Kind.CUSTOM


@pytest.mark.parametrize(
    ("annotation", "converter"),
    [
        ("datetime", DatetimeConverter()),
        ("Colour", EnumConverter(Colour)),
        ("Vector", VectorConverter()),
        ("GeoLocation | None", GeoLocationConverter()),
    ],
)
def test_a_built_in_converter_means_what_the_annotation_means_without_it(annotation, converter):
    assert type_of(annotation, converter=converter) == type_of(annotation)


def test_a_subclass_of_a_built_in_converter_is_the_users_own():
    class Seconds(DatetimeConverter):
        pass

    assert type_of("datetime", converter=Seconds()).kind is Kind.CUSTOM


def test_flags_refine_the_type():
    assert type_of("float | None", exact=True) == FieldType(Kind.EXACT_FLOAT, float, nullable=True)
    assert type_of("str", interned=True) == FieldType(Kind.STRING, str, interned=True)
    assert type_of("Vector", dimension=3).dimension == 3


class Opaque:
    pass


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Opaque, "Opaque is no type that runic can store: give it a converter"),
        (complex, "complex is no type that runic can store"),
        (set[str], r"set\[str\] is not stored as such: use list\[...\], or give it a converter"),
        (tuple[int, ...], r"use list\[...\]"),
        (Sequence[str], r"use list\[...\]"),
        (dict[int, str], "JSON, whose keys are str, not int"),
        (dict[str, datetime], "cannot hold datetime"),
        (list[dict[str, Decimal]], "cannot hold Decimal"),
        (list[Money], "Money is no type"),
        ("list[datetime | None]", "cannot hold datetime"),
        ("datetime | Colour", "a union of datetime and Colour cannot be told apart"),
        (None, "None alone is no type"),
        (type("Text", (str,), {}), "Text is no type"),
    ],
)
def test_a_type_that_cannot_be_stored_is_refused_when_the_class_is_made(annotation, message):
    with pytest.raises(MetadataError, match=f"Model.value: .*{message}"):
        type_of(annotation)


@pytest.mark.parametrize(
    ("annotation", "options", "message"),
    [
        ("str", {"version": True}, "version=True needs an int field, not string"),
        ("int", {"exact": True}, "exact=True needs a float field, not integer"),
        ("int", {"interned": True}, "interned=True is for text, not integer"),
        ("str", {"index_type": "VECTOR"}, 'index_type="VECTOR" needs a Vector field, not string'),
        ("list[float]", {"dimension": 3}, "dimension needs a Vector field, not list"),
        ("dict", {"primary_key": True}, "json cannot be a primary key"),
    ],
)
def test_flags_that_do_not_fit_the_type_are_refused_when_the_class_is_made(annotation, options, message):
    with pytest.raises(MetadataError, match=f"Model.value: {message}"):
        type_of(annotation, **options)


def test_an_unknown_name_is_refused_on_first_use_only():
    class Model(Node):
        value: NotYet = Field()  # noqa: F821

    assert Model(value=1).value == 1
    with pytest.raises(MetadataError, match=r"Model.value: the name 'NotYet' is not known: define or import"):
        node_meta(Model)
    with pytest.raises(MetadataError, match="NotYet"):
        metadata.finalize()


def test_a_model_as_a_type_needs_a_relation():
    class Company(Node):
        name: str

    with pytest.raises(MetadataError, match=r"Person.company: Company is a model: declare .* with Relation"):

        class Person(Node):
            company: Company | None = None


def test_a_field_may_have_the_name_of_its_type():
    class Event(Node):
        date: date
        time: time | None = None

    assert Event.date.type.kind is Kind.DATE
    assert Event.time.type == FieldType(Kind.TIME, time, nullable=True)


def test_names_of_the_function_around_a_class_are_known():
    class Local(Enum):
        A = "a"

    class Model(Node):
        class Nested(Enum):
            B = "b"

        one: Local
        many: list[Local]
        nested: Nested
        quoted: "Local | None" = None

    assert Model.one.type.python is Local
    assert Model.many.type.item == FieldType(Kind.ENUM, Local)
    assert Model.nested.type.python is Model.Nested
    assert Model.quoted.type == FieldType(Kind.ENUM, Local, nullable=True)


def test_type_parameters_with_a_bound_mean_the_bound():
    class Box[T: str](Node):
        content: T

    assert Box.content.type == FieldType(Kind.STRING, str)


def test_a_relation_has_no_value_type():
    class Person(Node):
        friends: list[Person] = Relation(relationship="KNOWS", direction="BOTH", target="Person")

    with pytest.raises(MetadataError, match=r"Person.friends is a relation and has no value type"):
        _ = Person.friends.type


_ = (Optional, Union, Annotated, Final, Literal, Mapped)
