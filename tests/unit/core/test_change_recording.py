"""What descriptors record of entities in a session. The session is played by a recorder."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Node
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.core.types import TypeConverter, Vector
from runic.orm.exceptions import FieldValidationError, LazyLoadError


class Box:
    """A value without equality."""

    def __init__(self, content):
        self.content = content


class BoxConverter(TypeConverter):
    def to_graph(self, value):
        return value.content

    def from_graph(self, value):
        return Box(value)


class Base(Node, metadata=MetaData()):
    pass


class Person(Base):
    id: str = Field(primary_key=True)
    name: str | None = Field()
    amount: Any = Field()
    tags: list[str] | None = Field()
    data: dict[str, Any] | None = Field()
    vector: Vector | None = Field()
    box: Box | None = Field(converter=BoxConverter())
    boss: Person | None = Relation(relationship="BOSS", direction="OUTGOING", target="Person")
    friends: list[Person] = Relation(relationship="KNOWS", direction="BOTH", target="Person")
    strict: list[Person] = Relation(relationship="KNOWS", direction="BOTH", target="Person", lazy="raise")


class Recorder:
    """Stands for the session: notes what it is told."""

    def __init__(self, **stored):
        self.changed: list[Any] = []
        self.read: list[Any] = []
        self.loaded: list[str] = []
        self.stored = stored

    def entity_changed(self, entity):
        assert not entity._runic_state.changes
        self.changed.append(entity)

    def mutable_read(self, entity):
        self.read.append(entity)

    def load_missing(self, entity, name):
        self.loaded.append(name)
        value = entity.__dict__[name] = self.stored[name]
        return value


def hydrate(status=Status.PERSISTENT, owner=None, **values):
    """An entity as a session makes it from a result."""
    entity = Person.__new__(Person)
    entity.__dict__.update(id="p", **values)
    state = entity._runic_state = EntityState()
    state.status, state.owner = status, owner
    return entity


def test_setting_a_property_records_the_value_before_once():
    owner = Recorder()
    person = hydrate(owner=owner, name="a")
    person.name = "b"
    person.name = "c"
    assert person.name == "c"
    assert person._runic_state.changes == {"name": "a"}
    assert owner.changed == [person]
    assert person._dirty


def test_setting_an_equal_value_is_no_change():
    owner = Recorder()
    person = hydrate(owner=owner, name="a", boss=None)
    person.name = "a"
    person.boss = None
    assert person._runic_state.changes is None
    assert owner.changed == []
    assert not person._dirty


def test_setting_the_old_value_again_takes_the_change_back():
    person = hydrate(owner=Recorder(), name="a")
    person.name = "b"
    person.name = "a"
    assert not person._runic_state.changes
    assert not person._dirty


def test_a_value_that_was_never_loaded_is_recorded_as_such():
    owner = Recorder()
    person = hydrate(owner=owner)
    person.name = "b"
    person.boss = None
    assert person._runic_state.changes == {"name": NOT_LOADED, "boss": NOT_LOADED}
    assert owner.loaded == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (Decimal("1.0"), Decimal("1.00")),
        ("1", 1),
        (None, False),
        ([1], [True]),
        ({"a": 1}, {"a": 1.0}),
        (time(1, tzinfo=UTC), time(3, tzinfo=timezone(timedelta(hours=2)))),
        (float("nan"), 1.0),
    ],
)
def test_values_with_different_stored_forms_are_changes_although_python_calls_them_equal(old, new):
    person = hydrate(owner=Recorder(), amount=old)
    person.amount = new
    assert list(person._runic_state.changes) == ["amount"]
    assert person.amount is new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (float("nan"), float("nan")),
        (datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))),
        ([1, [2]], [1, [2]]),
    ],
)
def test_values_with_one_stored_form_are_no_change(old, new):
    person = hydrate(owner=Recorder(), amount=old)
    person.amount = new
    assert not person._dirty


@pytest.mark.parametrize("status", [Status.TRANSIENT, Status.PENDING, Status.DELETED])
def test_only_entities_in_the_database_are_tracked(status):
    owner = Recorder() if status is Status.PENDING else None
    person = hydrate(status, owner, name="a", tags=["x"])
    person.name = "b"
    person.tags.append("y")
    person.id = "other"
    assert person._runic_state.changes is None
    assert not person._dirty or status is Status.DELETED
    assert owner is None or not (owner.changed or owner.read)
    assert (person.name, person.id) == ("b", "other")


def test_changes_to_a_detached_entity_are_kept_for_the_session_that_it_joins_next():
    person = hydrate(Status.DETACHED, None, name="a", tags=["x"])
    person.name = "b"
    person.tags.append("y")
    assert person._runic_state.changes == {"name": "a"}
    assert person._runic_state.snapshots == {"tags": ["x"]}
    assert person._dirty


def test_the_key_of_an_entity_in_the_database_cannot_change():
    person = hydrate(owner=Recorder())
    person.id = "p"
    with pytest.raises(
        FieldValidationError, match=r"Person.id cannot be changed from 'p' to 'q': .* primary key"
    ):
        person.id = "q"
    assert person.id == "p"
    assert not person._dirty


class TestValuesThatChangeInPlace:
    @pytest.mark.parametrize(
        ("name", "value", "change"),
        [
            ("tags", ["a"], lambda tags: tags.append("b")),
            ("data", {"a": {"b": 1}}, lambda data: data["a"].update(b=2)),
            ("vector", Vector([1, 2]), lambda vector: vector.append(3)),
            ("amount", [1, 2], lambda amount: amount.clear()),
        ],
    )
    def test_the_first_read_keeps_a_copy_that_changes_do_not_reach(self, name, value, change):
        owner = Recorder()
        before = repr(value)
        person = hydrate(owner=owner, **{name: value})
        assert getattr(person, name) is value
        assert getattr(person, name) is value
        assert owner.read == [person]
        assert not person._dirty
        change(getattr(person, name))
        assert repr(person._runic_state.snapshots[name]) == before
        assert person._dirty

    def test_scalars_in_untyped_fields_are_not_copied(self):
        owner = Recorder()
        person = hydrate(owner=owner, amount="text", tags=None)
        _ = person.amount, person.tags
        assert person._runic_state.snapshots is None
        assert owner.read == []

    def test_a_value_without_equality_is_never_dirty_by_reading(self):
        owner = Recorder()
        person = hydrate(owner=owner, box=Box([1]))
        person.box.content.append(2)
        assert not person._dirty
        person.box = Box([1])
        assert list(person._runic_state.changes) == ["box"]

    def test_an_equal_list_in_its_place_is_watched_from_then_on(self):
        owner = Recorder()
        person = hydrate(owner=owner, tags=["a"])
        mine = ["a"]
        person.tags = mine
        assert not person._dirty
        assert person.tags is mine
        mine.append("b")
        assert person._dirty
        assert person._runic_state.snapshots == {"tags": ["a"]}
        assert owner.read == [person]

    def test_an_assignment_after_a_change_in_place_remembers_the_stored_value(self):
        person = hydrate(owner=Recorder(), tags=["a"])
        person.tags.append("b")
        person.tags = ["c"]
        assert person._runic_state.changes == {"tags": ["a"]}

    def test_a_change_in_place_of_an_assigned_value_needs_no_copy(self):
        person = hydrate(owner=Recorder(), tags=["a"])
        person.tags = ["b"]
        person.tags.append("c")
        assert person._runic_state.changes == {"tags": ["a"]}
        assert not person._runic_state.snapshots

    @given(
        st.dictionaries(
            st.text(max_size=3),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
                lambda inner: (
                    st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
                ),
            ),
            max_size=3,
        )
    )
    def test_reading_never_makes_an_entity_dirty(self, data):
        person = hydrate(owner=Recorder(), data=data, amount=data)
        _ = person.data, person.amount
        assert not person._dirty


class TestRelations:
    def test_a_list_of_relations_is_watched_without_copying_entities(self):
        owner = Recorder()
        ann, bob = hydrate(), hydrate()
        person = hydrate(owner=owner, friends=[ann])
        person.friends.append(bob)
        assert owner.read == [person]
        (kept,) = person._runic_state.snapshots["friends"]
        assert kept is ann
        assert person._dirty

    def test_an_assigned_list_records_the_related_before(self):
        ann, bob = hydrate(), hydrate()
        related = [ann]
        person = hydrate(owner=Recorder(), friends=related)
        person.friends = [bob]
        related.append(bob)
        (before,) = person._runic_state.changes["friends"]
        assert before is ann

    def test_the_same_list_again_is_no_change(self):
        ann = hydrate()
        person = hydrate(owner=Recorder(), friends=[ann])
        person.friends = [ann]
        assert not person._dirty
        person.friends.clear()
        assert person._dirty

    def test_one_related_entity_is_recorded(self):
        ann, bob = hydrate(), hydrate()
        person = hydrate(owner=Recorder(), boss=ann)
        person.boss = ann
        assert not person._dirty
        person.boss = bob
        assert person._runic_state.changes == {"boss": ann}
        assert person.boss is bob


class TestWhatWasNotLoaded:
    @pytest.mark.parametrize("mark", [{}, {"friends": NOT_LOADED, "name": NOT_LOADED}])
    def test_reading_asks_the_session_once(self, mark):
        ann = hydrate()
        owner = Recorder(friends=[ann], name="a")
        person = hydrate(owner=owner, **mark)
        assert person.friends == [ann]
        assert person.friends == [ann]
        assert person.name == "a"
        assert owner.loaded == ["friends", "name"]
        person.friends.append(person)
        assert person._runic_state.snapshots == {"friends": [ann]}

    def test_a_relation_that_must_not_load_lazily_says_what_to_do(self):
        owner = Recorder()
        person = hydrate(owner=owner)
        with pytest.raises(LazyLoadError, match=r"Person.strict was not loaded, .*fetch=\['strict'\]"):
            _ = person.strict
        assert owner.loaded == []
        person.__dict__["strict"] = []
        assert person.strict == []

    def test_without_a_session_the_error_says_what_to_do(self):
        person = hydrate(Status.DETACHED)
        with pytest.raises(LazyLoadError, match=r"Person.friends was not loaded, .*fetch=\['friends'\]"):
            _ = person.friends
        with pytest.raises(LazyLoadError, match=r"Person.name was not loaded, .*before the session ends, or"):
            _ = person.name

    def test_showing_an_entity_loads_nothing(self):
        owner = Recorder()
        person = hydrate(owner=owner, name=NOT_LOADED, tags=["x"])
        assert repr(person) == "Person(id='p')"
        assert owner.loaded == []
        assert owner.read == []


def test_a_session_that_refuses_a_change_leaves_the_entity_as_it_was():
    class Refusing(Recorder):
        def entity_changed(self, entity):
            raise RuntimeError("read only")

    person = hydrate(owner=Refusing(), name="a")
    with pytest.raises(RuntimeError, match="read only"):
        person.name = "b"
    assert person.name == "a"
    assert not person._dirty
