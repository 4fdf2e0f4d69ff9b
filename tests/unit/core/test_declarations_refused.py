"""Each wrong declaration is refused when the class is made, by a message that names class and field."""

from __future__ import annotations

from collections import OrderedDict
from uuid import uuid4

import pytest

from runic.orm.core.descriptors import Field, FieldDescriptor, Relation
from runic.orm.core.indexes import Index
from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.types import DatetimeConverter, Vector
from runic.orm.exceptions import InvalidNameError, MetadataError


def declare(annotation, value, base=Node, **keywords):
    if base is Edge:
        keywords.setdefault("type", "T")
    return type("Model", (base,), {"__annotations__": {"field": annotation}, "field": value}, **keywords)


@pytest.mark.parametrize(
    ("annotation", "options", "message"),
    [
        ("str", {"index_type": "BTREE"}, "unknown index_type 'BTREE': one of RANGE, FULLTEXT, VECTOR"),
        ("str", {"converter": "x"}, "converter takes a TypeConverter, not 'x'"),
        ("str", {"converter": DatetimeConverter}, "not the class DatetimeConverter: call it"),
        ("int", {"generated": True}, "generated belongs to the primary key"),
        ("int", {"primary_key": True, "generated": True, "default": 1}, "a generated key has no default"),
        (
            "int",
            {"primary_key": True, "generated": True, "default_factory": int},
            "a generated key has no default",
        ),
        ("int", {"primary_key": True, "generated": True, "unique": True}, "so that unique means nothing"),
        ("int", {"primary_key": True, "generated": True, "index": True}, "so that index means nothing"),
        ("int", {"primary_key": True, "version": True}, "the primary key cannot be the version too"),
        ("int", {"version": True, "default_factory": int}, "takes no default_factory"),
        ("Vector", {"dimension": 0}, "dimension is a positive int, not 0"),
        ("Vector", {"dimension": True}, "dimension is a positive int, not True"),
        ("Vector", {"dimension": 3.0}, "dimension is a positive int, not 3.0"),
        ("Vector", {"index_type": "VECTOR", "similarity": "closest"}, "unknown similarity 'closest'"),
        ("Vector", {"similarity": "cosine"}, 'similarity belongs to index_type="VECTOR"'),
        ("Vector", {"unique": True, "index_type": "VECTOR"}, "a VECTOR index cannot be unique"),
        (
            "list",
            {"default": []},
            r"the default \[\] would be shared by all entities: use default_factory=list",
        ),
        ("list", {"default": [1]}, r"use default_factory=lambda: \[1\]"),
        ("dict", {"default": {}}, "use default_factory=dict"),
        ("dict", {"default": OrderedDict()}, "use default_factory=OrderedDict"),
        ("Vector", {"default": Vector()}, "use default_factory=Vector"),
        ("str", {"default": "x", "default_factory": str}, "has both default and default_factory"),
        ("str", {"default_factory": "x"}, "default_factory is called without arguments, 'x' cannot be"),
        (
            "UUID",
            {"default": uuid4},
            "the default is uuid4 itself, not what it returns: call it, or name it as",
        ),
        ("list", {"default": list}, "the default is list itself"),
    ],
)
def test_wrong_properties(annotation, options, message):
    with pytest.raises(MetadataError, match=f"Model.field:? ?.*{message}"):
        declare(annotation, Field(**options))


@pytest.mark.parametrize("forgotten", [Field, Relation])
def test_a_field_without_its_parentheses(forgotten):
    with pytest.raises(
        MetadataError, match=f"Model.field: the default is {forgotten.__name__} itself.*call it"
    ):
        declare("str", forgotten)


def relation(**options):
    return Relation(**{"relationship": "KNOWS", "direction": "BOTH", "target": "Model", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "UP"}, "direction is one of OUTGOING, INCOMING, BOTH, not 'UP'"),
        ({"target": None}, "target is a Node class or its name, not None"),
        ({"target": ""}, "target is a Node class or its name, not ''"),
        ({"target": 5}, "target is a Node class or its name, not 5"),
        ({"edge_model": 5}, "edge_model is an Edge class or its name, not 5"),
        ({"default_factory": 5}, "default_factory is called without arguments"),
        ({"default": [1]}, r"the default \[1\] would be shared by all entities"),
    ],
)
def test_wrong_relations(options, message):
    with pytest.raises(MetadataError, match=f"Model.field: {message}"):
        declare("list[Model]", relation(**options))


def test_a_wrong_lazy_is_refused_at_once():
    for lazy in ("later", None, []):
        with pytest.raises(MetadataError, match=r'use True .the same as "batch".'):
            relation(lazy=lazy)


@pytest.mark.parametrize(
    ("lazy", "loading"),
    [(True, "batch"), (False, "raise"), ("batch", "batch"), ("select", "select"), ("raise", "raise")],
)
def test_lazy_says_how_a_relation_is_loaded(lazy, loading):
    assert relation(lazy=lazy).loading == loading


@pytest.mark.parametrize(
    "option",
    [
        {"index": True},
        {"index_type": "RANGE"},
        {"unique": True},
        {"required": True},
        {"primary_key": True},
        {"generated": True},
        {"interned": True},
        {"version": True},
        {"exact": True},
        {"converter": DatetimeConverter()},
        {"dimension": 3},
        {"similarity": "cosine"},
    ],
    ids=str,
)
def test_flags_of_properties_on_relations_are_refused(option):
    field = FieldDescriptor(relationship="KNOWS", direction="BOTH", target="Model", **option)
    with pytest.raises(MetadataError, match=r"Model.field: .* belongs to Field\(\)"):
        declare("list[Model]", field)


@pytest.mark.parametrize(
    "option", [{"cascade": True}, {"lazy": False}, {"target": "X"}, {"direction": "BOTH"}]
)
def test_flags_of_relations_on_properties_are_refused(option):
    with pytest.raises(MetadataError, match=r"Model.field: .* to Relation\(\)"):
        declare("str", FieldDescriptor(**option))


def test_edges_have_neither_relations_nor_a_primary_key():
    with pytest.raises(MetadataError, match=r"Model.field: relations belong to nodes"):
        declare("list[Model]", relation(), Edge)
    with pytest.raises(MetadataError, match=r"Model.field: an edge is identified by its ends"):
        declare("str", Field(primary_key=True), Edge)


def test_two_primary_keys_or_versions_are_refused_inherited_ones_too():
    with pytest.raises(MetadataError, match="Two has 2 primary keys: a, b; a class has one at most"):

        class Two(Node):
            a: str = Field(primary_key=True)
            b: str = Field(primary_key=True)

    class Base(Node):
        a: str = Field(primary_key=True)
        v: int = Field(version=True)

    with pytest.raises(MetadataError, match="Sub has 2 primary keys: a, b"):

        class Sub(Base):
            b: str = Field(primary_key=True)

    with pytest.raises(MetadataError, match="Versions has 2 version fields: v, w"):

        class Versions(Base):
            w: int = Field(version=True)


def test_a_field_without_annotation_is_refused():
    with pytest.raises(
        MetadataError, match=r"Bare.name has no annotation: write `name: <type> = Field\(...\)`"
    ):

        class Bare(Node):
            name = Field()

    with pytest.raises(MetadataError, match=r"`friends: <type> = Relation\(...\)`"):

        class Bare2(Node):
            friends = relation()

    class Mixin:
        name = Field()

    with pytest.raises(MetadataError, match=r"Mixin.name has no annotation"):

        class Mixed(Mixin, Node):
            pass


def test_a_property_with_an_annotation_is_refused():
    def get(self):
        return 1

    with pytest.raises(MetadataError, match=r"Model.field is annotated as a field and defined as a property"):
        declare("int", property(get))


def test_wrong_indexes_are_refused():
    with pytest.raises(MetadataError, match="takes the names of one or more different fields"):
        Index()
    with pytest.raises(MetadataError, match="different fields"):
        Index("a", "a")
    with pytest.raises(
        MetadataError, match="unknown index type 'HASH': one of RANGE, FULLTEXT, VECTOR, POINT, UNIQUE"
    ):
        Index("a", type="HASH")
    with pytest.raises(MetadataError, match="a vector index takes one field"):
        Index("a", "b", type="VECTOR")
    with pytest.raises(InvalidNameError, match="index name"):
        Index("a", name="my index")
    with pytest.raises(
        MetadataError, match=r'indexes takes Index objects, not \'name\': write Index\("..."\)'
    ):
        declare("str", Field(), indexes=["name"])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (Index("feild"), "names no field of the class: 'feild'; did you mean 'field'"),
        (Index("friends"), "'friends' is a relation, only properties have indexes"),
        (Index("id"), "'id' is a generated key and no property"),
        (Index("field", type="VECTOR"), "'field' is no Vector field"),
    ],
)
def test_indexes_of_what_has_none_are_refused_on_first_use(index, message):
    class Model(Node, indexes=[index]):
        id: int = Field(primary_key=True, generated=True)
        field: str
        friends: list[Model] = Relation(relationship="KNOWS", direction="BOTH", target="Model")

    with pytest.raises(MetadataError, match=message):
        node_meta(Model)


def test_an_index_is_a_value():
    assert Index("a", "b") == Index("a", "b")
    assert Index("a") != Index("a", type="UNIQUE")
    assert Index("a") != "a"
    assert len({Index("a"), Index("a"), Index("b")}) == 2
    assert repr(Index("a", "b", name="ab")) == "Index('a', 'b', type='RANGE', name='ab')"


def test_flags_are_carried_as_declared():
    class Model(Node):
        id: int = Field(primary_key=True)
        text: str = Field(index=True, unique=True, required=True, interned=True)
        vector: Vector | None = Field(index_type="VECTOR", dimension=3, similarity="euclidean")
        friends: list[Model] = relation(cascade=True, lazy="raise")

    text, vector, friends = Model.text, Model.vector, Model.friends
    assert (text.index, text.unique, text.required, text.interned) == (True, True, True, True)
    assert (vector.index_type, vector.dimension, vector.similarity) == ("VECTOR", 3, "euclidean")
    assert (friends.cascade, friends.loading, friends.relationship, friends.direction) == (
        True,
        "raise",
        "KNOWS",
        "BOTH",
    )
