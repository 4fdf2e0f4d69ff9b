"""The plan of a flush: what is grouped, in which order, and what is refused."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runic.orm.compile.steps import (
    CreateEdges,
    CreateNodes,
    DeleteEdges,
    DeleteNodes,
    MergeEdges,
    MergeNodes,
    UpdateNodes,
)
from runic.orm.core.state import NOT_LOADED
from runic.orm.exceptions import (
    ConstraintViolation,
    DetachedEntityError,
    FieldValidationError,
    ValueNotStorableError,
)
from runic.orm.session.links import link_of
from tests.live.session.models import Account, Animal, Cat, Company, Dog, Film, Note, Person, Rated
from tests.unit.session.bench import Owner, kinds


def relate(
    owner: Owner, source: Any, name: str, target: Any, edge: Any = None, parallel: bool = False
) -> None:
    field = type(source)._runic_fields[name]
    owner.unit.links.add(link_of(field, source, target, edge, parallel))
    if source._new:
        # As relate() does.
        if not field.uselist:
            source.__dict__[name] = target
        elif target not in source.__dict__[name]:
            source.__dict__[name].append(target)


def unrelate(owner: Owner, source: Any, name: str, target: Any) -> None:
    owner.unit.links.remove(link_of(type(source)._runic_fields[name], source, target))


# -- grouping --------------------------------------------------------------------------------------


def test_objects_of_one_class_make_one_step_whatever_order_they_were_added_in(owner: Owner) -> None:
    objects = [cls(id=f"{cls.__name__}{i}") for i in range(20) for cls in (Person, Company, Dog, Cat)]
    random.Random(7).shuffle(objects)
    for each in objects:
        owner.unit.add(each)
    plan = owner.plan()
    assert kinds(plan) == ["CreateNodes"] * 4
    assert sorted(step.shape.labels for step in plan.steps if isinstance(step.shape, CreateNodes)) == [
        ("Animal", "Cat"),
        ("Animal", "Dog"),
        ("Company",),
        ("Person",),
    ]
    for step in plan.steps:
        assert [row[0] for row in step.rows] == list(range(20))
        assert [row[1] for row in step.rows] == [entity.id for entity in step.objects]


def test_updates_are_grouped_by_class_and_changed_properties(owner: Owner) -> None:
    people = [owner.stored(Person(id=f"p{i}", name="n", age=i)) for i in range(9)]
    for person in people[:3]:
        person.name = "x"
    for person in people[3:6]:
        person.age = None
    for person in people[6:]:
        person.age, person.name = 99, "y"
    plan = owner.plan()
    assert kinds(plan) == ["UpdateNodes"] * 3
    written = {
        tuple(write.targets[0][0] for write in step.shape.writes): [row[3:] for row in step.rows]
        for step in plan.steps
        if isinstance(step.shape, UpdateNodes)
    }
    assert written == {
        ("name",): [["x"]] * 3,
        ("age",): [[None]] * 3,
        ("name", "age"): [["y", 99]] * 3,
    }


def test_edges_are_grouped_by_type_and_by_where_their_ends_come_from(owner: Owner) -> None:
    old = [owner.stored(Person(id=f"old{i}", friends=[])) for i in range(2)]
    new = [Person(id=f"new{i}") for i in range(2)]
    company = Company(id="c")
    for each in (*new, company):
        owner.unit.add(each)
    relate(owner, old[0], "friends", old[1])
    relate(owner, old[1], "friends", old[0])
    relate(owner, old[0], "friends", new[0])
    relate(owner, new[0], "friends", old[0])
    relate(owner, new[0], "friends", new[1])
    relate(owner, new[0], "company", company)
    plan = owner.plan()
    assert kinds(plan) == ["CreateNodes"] * 2 + ["MergeEdges"] + ["CreateEdges"] * 4
    merge = plan.steps[2]
    assert isinstance(merge.shape, MergeEdges)
    assert (merge.shape.source.step, merge.shape.target.step) == (None, None)
    assert [row[:5] for row in merge.rows] == [
        [0, old[0]._runic_state.id, "old0", old[1]._runic_state.id, "old1"],
        [1, old[1]._runic_state.id, "old1", old[0]._runic_state.id, "old0"],
    ]
    ends = [
        (step.shape.type, step.shape.source.step, step.shape.target.step, step.rows)
        for step in plan.steps
        if isinstance(step.shape, CreateEdges)
    ]
    identity = old[0]._runic_state.id
    assert ends == [
        ("KNOWS", None, 0, [[0, identity, "old0", 0]]),
        ("KNOWS", 0, None, [[0, 0, identity, "old0"]]),
        ("KNOWS", 0, 0, [[0, 0, 1]]),
        ("WORKS_AT", 0, 1, [[0, 0, 0]]),
    ]


def test_the_same_work_makes_equal_shapes_so_that_text_is_compiled_once(owner: Owner) -> None:
    def shapes() -> list[Any]:
        other = Owner()
        old = other.stored(Person(id="old", friends=[]))
        new = Person(id="new", tags=["x"], company=Company(id="c"))
        for each in (new, new.company):
            other.unit.add(each)
        old.age = random.randrange(100)
        relate(other, old, "friends", new)
        return [step.shape for step in other.plan().steps]

    first, second = shapes(), shapes()
    assert first == second
    assert [hash(each) for each in first] == [hash(each) for each in second]


# -- order -----------------------------------------------------------------------------------------


def test_what_frees_comes_before_what_takes_and_nodes_before_their_edges(owner: Owner) -> None:
    gone, left, right = (owner.stored(Person(id=key, friends=[])) for key in ("gone", "left", "right"))
    edge = Rated(score=1.0)
    edge._runic_state.ends = (left, right)
    owner.stored(edge)
    unrelate(owner, left, "friends", right)
    owner.unit.delete(gone)
    left.name = "changed"
    edge.score = 2.0
    new = Person(id="new")
    owner.unit.add(new)
    owner.unit.add(Person(id="merged"), merge=True)
    relate(owner, new, "friends", left)
    assert kinds(owner.plan()) == [
        "DeleteEdges",
        "DeleteNodes",
        "UpdateNodes",
        "CreateNodes",
        "MergeNodes",
        "CreateEdges",
        "UpdateEdges",
    ]


def test_planning_twice_gives_the_same_and_changes_nothing(owner: Owner) -> None:
    old = owner.stored(Person(id="old", friends=[], tags=["a"]))
    old.tags.append("b")
    old.friends.append(Person(id="new"))
    owner.unit.add(old.friends[0])
    first, second = owner.plan(), owner.plan()
    assert [step.shape for step in first.steps] == [step.shape for step in second.steps]
    assert [step.rows for step in first.steps] == [step.rows for step in second.steps]
    assert not owner.unit.links
    assert old._dirty


# -- edges -----------------------------------------------------------------------------------------


def test_an_edge_named_at_both_ends_is_written_once(owner: Owner) -> None:
    person, company = Person(id="p"), Company(id="c")
    person.company, company.staff = company, [person, person]
    one, two = Person(id="1"), Person(id="2")
    one.mates, two.mates = [two], [one]
    one.friends, two.fans = [two], [one]
    for each in (person, company, one, two):
        owner.unit.add(each)
    steps = owner.plan().steps
    edges = [(step.shape.type, len(step.rows)) for step in steps if isinstance(step.shape, CreateEdges)]
    assert sorted(edges) == [
        ("KNOWS", 1),
        ("MATE", 1),
        ("WORKS_AT", 1),
    ]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("relate", ["MergeEdges"]),
        ("relate relate", ["MergeEdges"]),
        ("relate unrelate", ["DeleteEdges"]),
        ("unrelate relate", ["DeleteEdges", "CreateEdges"]),
        ("unrelate unrelate", ["DeleteEdges"]),
        ("relate unrelate relate", ["DeleteEdges", "CreateEdges"]),
        ("parallel parallel", ["CreateEdges"]),
        ("parallel unrelate", ["DeleteEdges"]),
        ("relate parallel", ["MergeEdges", "CreateEdges"]),
    ],
)
def test_the_last_word_on_an_edge_counts(owner: Owner, work: str, expected: list[str]) -> None:
    left, right = owner.stored(Person(id="l")), owner.stored(Person(id="r"))
    for word in work.split():
        if word == "unrelate":
            unrelate(owner, left, "friends", right)
        else:
            relate(owner, left, "friends", right, parallel=word == "parallel")
    plan = owner.plan()
    assert kinds(plan) == expected
    if work == "parallel parallel":
        assert len(plan.steps[0].rows) == 2


def test_taking_out_of_a_new_objects_relation_takes_back_what_was_related(owner: Owner) -> None:
    new, other, third = Person(id="new"), Person(id="other"), Person(id="third")
    for each in (new, other, third):
        owner.unit.add(each)
    for target, parallel in ((other, False), (third, True), (other, True)):
        relate(owner, new, "friends", target, parallel=parallel)
    relate(owner, new, "boss", other)
    relate(owner, third, "friends", new)
    new.friends, new.boss = [third], None
    third.friends = [new]
    plan = owner.plan()
    assert kinds(plan) == ["CreateNodes", "CreateEdges", "CreateEdges"]
    assert sorted(row[1:] for step in plan.steps[1:] for row in step.rows) == [[0, 2], [2, 0]]


def test_an_edge_to_what_may_exist_already_is_merged(owner: Owner) -> None:
    merged, new = Person(id="merged"), Person(id="new")
    owner.unit.add(merged, merge=True)
    owner.unit.add(new)
    old = owner.stored(Person(id="old", friends=[]))
    relate(owner, merged, "friends", old)
    relate(owner, merged, "friends", new)
    plan = owner.plan()
    assert kinds(plan) == ["CreateNodes", "MergeNodes", "MergeEdges", "MergeEdges"]


def test_nodes_of_a_class_without_a_key_are_told_by_identity_and_label(owner: Owner) -> None:
    note = owner.stored(Note(text="x"))
    note.text = "y"
    [step] = owner.plan().steps
    assert isinstance(step.shape, UpdateNodes)
    assert (step.shape.match.key, step.shape.match.label) == (None, "Note")
    assert step.rows == [[0, note._runic_state.id, "y"]]


def test_a_list_replaced_unseen_clears_what_is_stored(owner: Owner) -> None:
    person, friend = owner.stored(Person(id="p")), owner.stored(Person(id="f"))
    person.__dict__["friends"] = NOT_LOADED
    person.friends = [friend]
    plan = owner.plan()
    assert kinds(plan) == ["DeleteEdges", "MergeEdges"]
    clearing = plan.steps[0].shape
    assert isinstance(clearing, DeleteEdges)
    assert clearing.target is None
    assert (clearing.reverse, clearing.undirected) == (False, False)


def test_a_list_replaced_unseen_takes_back_what_was_staged_before(owner: Owner) -> None:
    person, friend, fan = (owner.stored(Person(id=key)) for key in ("p", "friend", "fan"))
    for each in (person, friend, fan):
        each.__dict__.update(friends=NOT_LOADED, fans=NOT_LOADED)
    relate(owner, person, "friends", friend)
    relate(owner, friend, "fans", person)
    relate(owner, person, "friends", friend, parallel=True)
    relate(owner, fan, "friends", person)
    relate(owner, person, "company", owner.stored(Company(id="c")))
    person.friends = []
    plan = owner.plan()
    assert kinds(plan) == ["DeleteEdges", "MergeEdges", "MergeEdges"]
    assert [step.rows[0][2] for step in plan.steps[1:]] == ["fan", "p"]


@pytest.mark.parametrize("end", [0, 1])
def test_edges_of_deleted_nodes_are_dropped(owner: Owner, end: int) -> None:
    people = [owner.stored(Person(id=f"p{i}", friends=[])) for i in range(3)]
    relate(owner, people[0], "friends", people[1])
    unrelate(owner, people[1], "friends", people[0])
    relate(owner, people[0], "friends", people[1], parallel=True)
    people[2].friends.append(people[end])
    owner.unit.delete(people[end])
    assert kinds(owner.plan()) == ["DeleteNodes"]


def test_an_end_that_is_in_no_session_is_named(owner: Owner) -> None:
    person = Person(id="p", company=Company(id="stray"))
    owner.unit.add(person)
    with pytest.raises(DetachedEntityError, match=r"Person\.company.*stray"):
        owner.plan()


def test_what_is_put_into_a_relation_has_to_fit_it(owner: Owner) -> None:
    person = Person(id="p")
    person.friends = [Film(id="f")]  # type: ignore[list-item]
    owner.unit.add(person)
    owner.unit.add(person.friends[0])
    with pytest.raises(FieldValidationError, match=r"Person\.friends"):
        owner.plan()


# -- keys, versions, values ------------------------------------------------------------------------


def test_two_objects_with_one_key_are_refused_across_the_hierarchy(owner: Owner) -> None:
    owner.stored(Dog(id="rex"))
    cat = Cat(id="rex")
    owner.unit.add(cat)
    with pytest.raises(ConstraintViolation, match="rex") as caught:
        owner.plan()
    assert caught.value.entity is cat
    owner.unit.expunge(cat)
    owner.unit.add(Person(id="rex"))
    first, second = Animal(id="x"), Dog(id="x")
    owner.unit.add(first)
    owner.unit.add(second)
    with pytest.raises(ConstraintViolation):
        owner.plan()


def test_the_key_of_a_deleted_object_is_free(owner: Owner) -> None:
    old = owner.stored(Person(id="p"))
    owner.unit.delete(old)
    owner.unit.add(Person(id="p"))
    assert kinds(owner.plan()) == ["DeleteNodes", "CreateNodes"]


def test_an_object_without_its_key_is_refused(owner: Owner) -> None:
    owner.unit.add(Person(id=None))  # type: ignore[arg-type]
    with pytest.raises(FieldValidationError, match=r"Person\.id"):
        owner.plan()


def test_versions_start_at_one_and_are_checked_and_counted(owner: Owner) -> None:
    new, old = Account(id="new"), owner.stored(Account(id="old", version=4))
    legacy = owner.stored(Account(id="legacy", version=None))
    owner.unit.add(new)
    old.balance = legacy.balance = 7
    create = next(step for step in owner.plan().steps if isinstance(step.shape, CreateNodes))
    update = next(step for step in owner.plan().steps if isinstance(step.shape, UpdateNodes))
    assert create.rows == [[0, "new", 0, 1]]
    assert isinstance(update.shape, UpdateNodes)
    assert update.shape.match.version == "version"
    assert update.rows == [
        [0, old._runic_state.id, "old", 4, 7, 5],
        [1, legacy._runic_state.id, "legacy", 0, 7, 1],
    ]
    owner.unit.delete(old)
    delete = next(step for step in owner.plan().steps if isinstance(step.shape, DeleteNodes))
    assert delete.rows == [[0, old._runic_state.id, "old", 4]]


def test_a_merge_writes_every_property_but_lets_the_server_count_the_version(owner: Owner) -> None:
    owner.unit.add(Account(id="a", balance=3), merge=True)
    [step] = owner.plan().steps
    assert isinstance(step.shape, MergeNodes)
    assert step.shape.version == "version"
    assert step.rows == [[0, "a", 3]]


@pytest.mark.parametrize("bad", [2**63, "1", 1.5, [1], object()])
def test_a_value_that_does_not_fit_is_refused_with_class_and_field(owner: Owner, bad: Any) -> None:
    owner.unit.add(Person(id="good"))
    owner.unit.add(Person(id="bad", age=bad))
    with pytest.raises(ValueNotStorableError, match=r"Person\.age"):
        owner.plan()


def test_an_empty_unit_plans_nothing_and_reading_does_not_change_that(owner: Owner) -> None:
    person = owner.stored(Person(id="p", tags=["a"], data={"k": [1]}, friends=[], company=None))
    assert (person.tags, person.data, person.friends, person.company) == (["a"], {"k": [1]}, [], None)
    person.name = None
    person.friends = []
    assert owner.plan().steps == []
