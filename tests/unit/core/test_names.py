from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.indexes import Index
from runic.orm.core.models import Edge, Node
from runic.orm.core.names import check_name
from runic.orm.exceptions import InvalidNameError, MetadataError

HOSTILE = [
    ("", "it is empty"),
    ("a`b", "a backtick at position 1"),
    ("a\0b", "a NUL character at position 1"),
    ("a\nb", r"the control character '\\n' at position 1"),
    ("a\u202eb", r"the bidirectional control '\\u202e' at position 1"),
    ("\ud800", r"the lone surrogate '\\ud800' at position 0"),
    ("a b", "the character ' ' at position 1"),
    ("Ünïcode", r"the character '\\xdc' at position 0"),
    ("٣", r"the character '\\u0663' at position 0"),
    ("1st", "it starts with a digit"),
    ("a" * 64, "it has 64 characters, 63 are the most"),
]


@pytest.mark.parametrize(("name", "reason"), HOSTILE)
def test_a_name_that_cannot_be_quoted_is_refused_with_its_reason_and_shown_escaped(name, reason):
    with pytest.raises(InvalidNameError, match=reason) as caught:
        check_name(name, "label", "Person")
    message = str(caught.value)
    assert message.startswith(f"Person: invalid label {name!a}")
    assert message.isascii()
    assert message.isprintable()


@pytest.mark.parametrize("name", ["a", "_", "Person", "snake_case_2", "A" * 63])
def test_an_ordinary_name_is_returned_as_it_is(name):
    assert check_name(name, "label") == name


@given(st.text(max_size=70))
def test_exactly_the_documented_names_are_accepted(name):
    allowed = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name, re.ASCII) is not None
    if allowed:
        assert check_name(name, "label") is name
    else:
        with pytest.raises(InvalidNameError):
            check_name(name, "label")


def test_a_str_subclass_is_no_name():
    class Sneaky(str):
        __slots__ = ()

        def __format__(self, spec):
            return "x`) DETACH DELETE"

    with pytest.raises(InvalidNameError, match="a name is a str, not Sneaky"):
        check_name(Sneaky("fine"), "label")


@pytest.mark.parametrize("name", ["a`b", "a\0b", "1a", "a" * 64])
def test_hostile_names_are_refused_wherever_a_model_declares_one(name):
    with pytest.raises(InvalidNameError, match="Bad: invalid label"):
        type("Bad", (Node,), {}, labels=[name])
    with pytest.raises(InvalidNameError, match="Bad: invalid relationship type"):
        type("Bad", (Edge,), {}, type=name)
    with pytest.raises(InvalidNameError, match="Bad: invalid property name"):
        type("Bad", (Node,), {"__annotations__": {name: str}, name: Field()}, labels=["B"])
    relation = Relation(relationship=name, direction="BOTH", target="Bad")
    with pytest.raises(InvalidNameError, match="invalid relationship type"):
        type("Bad", (Node,), {"__annotations__": {"r": list}, "r": relation}, labels=["B"])
    with pytest.raises(InvalidNameError, match="invalid index name"):
        Index("a", name=name)


def test_a_class_with_a_name_that_is_no_label_needs_labels():
    with pytest.raises(InvalidNameError, match="invalid label"):
        type("Größe", (Node,), {})


@pytest.mark.parametrize("name", ["score__exact", "_new", "_dirty", "_runic_state", "__x__"])
def test_names_that_runic_uses_itself_are_reserved(name):
    with pytest.raises(InvalidNameError, match="reserved"):
        type("Bad", (Node,), {"__annotations__": {name: float}, name: Field()}, labels=["B"])


def test_invalid_names_are_metadata_errors():
    assert issubclass(InvalidNameError, MetadataError)
