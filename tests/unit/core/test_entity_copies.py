from __future__ import annotations

import copy
import gc
import io
import pickle
import sys
import weakref

import pytest

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.metadata import MetaData
from runic.orm.core.models import Edge, Node
from runic.orm.core.state import NOT_LOADED, EntityState, Status
from runic.orm.core.types import Vector
from runic.orm.exceptions import DetachedEntityError, LazyLoadError


class Base(Node, metadata=MetaData()):
    pass


class Person(Base):
    id: int = Field(primary_key=True)
    tags: list[str] = Field(default_factory=list)
    vector: Vector | None = None
    next: Person | None = Relation(relationship="NEXT", direction="OUTGOING", target="Person")
    friends: list[Person] = Relation(relationship="KNOWS", direction="BOTH", target="Person")


class Rated(Edge, type="RATED", metadata=MetaData()):
    score: float = 0.0


def detached(**values):
    person = Person.__new__(Person)
    person.__dict__.update(values)
    person._runic_state = EntityState()
    person._runic_state.status = Status.DETACHED
    person._runic_state.id = 42
    return person


def ring(size):
    people = [Person(id=number) for number in range(size)]
    for person, following in zip(people, people[1:] + people[:1], strict=True):
        person.next = following
        person.friends = [following, person]
    return people


def test_a_copy_has_properties_of_its_own_and_the_same_related_entities():
    ann, bob = Person(id=1), Person(id=2, tags=["x"], vector=Vector([1.5]))
    bob.next, bob.friends = ann, [ann, bob]
    bob._note = {"own": []}
    twin = copy.deepcopy(bob)
    assert type(twin) is Person
    assert (twin.id, twin.tags, twin.vector) == (2, ["x"], [1.5])
    assert twin.tags is not bob.tags
    assert type(twin.vector) is Vector
    assert twin.next is ann
    assert twin.friends == [ann, bob]
    assert twin.friends is not bob.friends
    assert twin._note == bob._note
    assert twin._note["own"] is not bob._note["own"]
    assert twin._new


def test_a_shallow_copy_shares_values_but_no_list_of_relations():
    ann = Person(id=1, tags=["x"])
    ann.friends = [ann]
    twin = copy.copy(ann)
    assert twin.tags is ann.tags
    twin.friends.append(twin)
    assert ann.friends == [ann]


def test_copies_of_stored_entities_are_detached_and_keep_what_was_not_loaded_unloaded():
    person = detached(id=1, tags=[], friends=NOT_LOADED)
    for twin in (copy.copy(person), copy.deepcopy(person), pickle.loads(pickle.dumps(person))):
        assert twin._runic_state.status is Status.DETACHED
        assert twin._runic_state.id == 42
        assert twin._runic_state.owner is None
        assert "friends" not in twin.__dict__
        with pytest.raises(LazyLoadError):
            _ = twin.friends


def test_an_entity_of_a_session_is_copied_as_detached_but_not_pickled():
    person = detached(id=1, tags=["x"])
    person._runic_state.status = Status.PERSISTENT
    person._runic_state.owner = object()
    twin = copy.deepcopy(person)
    assert twin._runic_state.status is Status.DETACHED
    assert twin._runic_state.owner is None
    with pytest.raises(
        DetachedEntityError, match=r"Person\(id=1\) belongs to a live session and cannot be pickled"
    ):
        pickle.dumps(person)


def test_changes_that_no_session_wrote_yet_survive_the_copy():
    ann, bob = detached(id=2), detached(id=3)
    person = detached(id=1, tags=["x"], vector=None, friends=[ann])
    person.vector = Vector([1])
    person.tags.append("y")
    person.friends.remove(ann)
    person.friends.append(bob)
    for twin in (copy.copy(person), copy.deepcopy(person), pickle.loads(pickle.dumps(person))):
        assert twin._dirty
        assert twin._runic_state.changes == {"vector": None}
        assert twin._runic_state.snapshots["tags"] == ["x"]
        assert [each.id for each in twin._runic_state.snapshots["friends"]] == [2]
        twin.id = 1
        twin.tags = ["z"]
        assert twin._runic_state.changes == {"vector": None, "tags": ["x"]}
    assert person._runic_state.changes == {"vector": None}


def test_deepcopy_of_a_container_keeps_identity_within_it():
    person = Person(id=1)
    first, second = copy.deepcopy([person, person])
    assert first is second
    assert first is not person


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_entities_come_back_with_their_relations(protocol):
    people = ring(5)
    back = pickle.loads(pickle.dumps(people, protocol))
    assert [person.id for person in back] == [0, 1, 2, 3, 4]
    for person, following in zip(back, back[1:] + back[:1], strict=True):
        assert person.next is following
        assert person.friends == [following, person]
        assert person._new
    edge = pickle.loads(pickle.dumps(Rated(score=2.5), protocol))
    assert edge.score == 2.5


def test_a_ring_of_20_000_is_shown_compared_copied_and_pickled_without_recursion():
    people = ring(20_000)
    assert len(people) > sys.getrecursionlimit()
    first = people[0]
    assert repr(first) == "Person(id=0, vector=None)"
    assert first != people[1]
    assert copy.deepcopy(first).next is people[1]
    assert len({*people}) == 20_000
    back = pickle.loads(pickle.dumps(first))
    seen, person = 0, back
    while True:
        seen += 1
        assert person.friends[0] is person.next
        assert person.friends[1] is person
        person = person.next
        if person is back:
            break
    assert seen == 20_000


def test_entities_keep_their_identity_across_one_pickle_whatever_comes_first():
    ann, bob, cat = Person(id=1), Person(id=2), Person(id=3)
    ann.next, cat.next = bob, ann
    bob._note = {"best": cat}
    for order in ([bob, ann, cat], [cat, bob, ann], [ann, cat, bob]):
        back = {person.id: person for person in pickle.loads(pickle.dumps(order))}
        assert back[3].next is back[1]
        assert back[1].next is back[2]
        assert back[2]._note["best"] is back[3]


def test_pickling_sees_each_change_in_between():
    ann, bob = Person(id=1), Person(id=2)
    ann.next = bob
    first = pickle.Pickler(io.BytesIO())
    first.dump(ann)
    bob.next, bob.tags = Person(id=3), ["new"]
    back = pickle.loads(pickle.dumps(ann))
    assert back.next.tags == ["new"]
    assert back.next.next.id == 3


def test_one_related_entity_of_a_session_is_enough_to_refuse():
    ann, bob = Person(id=1), Person(id=2)
    ann.next = bob
    bob._runic_state.owner = object()
    with pytest.raises(DetachedEntityError, match=r"Person\(id=2, vector=None\) belongs to a live session"):
        pickle.dumps(ann)


class Guarded(Base):
    id: int = 0
    secret: str = ""
    next: Guarded | None = Relation(relationship="NEXT", direction="OUTGOING", target="Guarded")

    def __getstate__(self):
        values, *rest = super().__getstate__()
        return {**values, "secret": "***"}, *rest


def test_a_class_may_decide_itself_what_is_pickled():
    guarded = Guarded(id=1, secret="s3cret", next=Guarded(id=2, secret="s3cret"))
    back = pickle.loads(pickle.dumps(guarded))
    assert (back.id, back.secret, back.next.id, back.next.secret) == (1, "***", 2, "***")


def test_an_edge_keeps_its_ends():
    ann, bob = Person(id=1), Person(id=2)
    edge = Rated(score=1.5)
    edge._runic_state.ends = (ann, bob)
    back, first = pickle.loads(pickle.dumps([edge, ann]))
    assert back._runic_state.ends[0] is first
    assert back._runic_state.ends[1].id == 2
    edge._runic_state.ends = (17, 18)
    assert pickle.loads(pickle.dumps(edge))._runic_state.ends == (17, 18)


def test_nothing_of_a_pickle_is_kept():
    person = ring(3)[0]
    pickle.dumps(person)
    reference = weakref.ref(person)
    del person
    gc.collect()
    assert reference() is None
