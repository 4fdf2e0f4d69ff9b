"""Relationships in the unit of work: what is staged, what is stored, and what memory shows."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm.exceptions import ConstraintViolation, DetachedEntityError, FieldValidationError, MetadataError
from runic.orm.session.session import Session
from tests.live.session.models import (
    Animal,
    Cat,
    Company,
    Dog,
    Film,
    Line,
    Note,
    Order,
    Person,
    Rated,
    Signed,
)
from tests.live.session.support import database, edges


@pytest.fixture
def people(session: Session) -> list[Person]:
    """Ann, Ben and Cleo, persistent, knowing nobody, in ``session``, with nothing loaded but themselves."""
    with_keys = [Person(id=key) for key in ("ann", "ben", "cleo")]
    session.add_all(with_keys)
    session.commit()
    session.rollback()  # forgets what the relations hold
    return with_keys


def knows(*pairs: str) -> list[tuple[str, str, str]]:
    """``knows("ann ben")``: the edges that there should be."""
    return sorted((start, "KNOWS", end) for start, end in (pair.split() for pair in pairs))


# -- relate and unrelate ---------------------------------------------------------------------------


def test_relating_twice_makes_one_edge_and_parallel_makes_another(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, _ = people
    session.relate(ann, "friends", ben)
    session.relate(ann, Person.friends, ben)
    session.relate(ben, "fans", ann)
    session.commit()
    assert edges(driver) == knows("ann ben")
    session.relate(ann, "friends", ben)
    session.commit()
    assert edges(driver) == knows("ann ben")
    session.relate(ann, "friends", ben, parallel=True)
    session.relate(ann, "friends", ben, parallel=True)
    session.commit()
    assert edges(driver) == knows("ann ben", "ann ben", "ann ben")
    assert ann.friends == [ben]
    session.unrelate(ann, "friends", ben)
    session.commit()
    assert edges(driver) == []


def test_relate_updates_the_properties_of_the_edge_that_is_there(driver: Any, session: Session) -> None:
    ann, film = Person(id="ann"), Film(id="f")
    session.relate(ann, "rated", film, Rated(score=1.0, note="meh"))
    session.commit()
    session.relate(ann, "rated", film, Rated(score=2.0))
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score, r.note").rows == [[2.0, None]]


def test_relate_without_an_edge_leaves_the_properties_of_the_one_that_is_there(
    driver: Any, session: Session
) -> None:
    ann, film = Person(id="ann"), Film(id="f")
    session.relate(ann, "rated", film, Rated(score=1.5))
    session.commit()
    session.relate(ann, "rated", film)
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score").rows == [[1.5]]


def test_an_assigned_relation_gives_a_new_edge_the_defaults_of_its_class(
    driver: Any, session: Session
) -> None:
    ann, film = Person(id="ann"), Film(id="f")
    ann.rated = [film]
    session.add_all([ann, film])
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score").rows == [[0.0]]


def test_an_edge_that_needs_values_cannot_be_made_by_assignment(session: Session) -> None:
    ann, film = Person(id="ann"), Film(id="f")
    with pytest.raises(TypeError, match="Signed"):
        session.relate(ann, "signed", film)
    ann.signed = [film]
    session.add_all([ann, film])
    with pytest.raises(FieldValidationError, match=r"Person\.signed.*relate"):
        session.commit()
    session.relate(ann, "signed", film, Signed(role="star"))
    session.commit()


def test_an_edge_object_stays_though_its_end_takes_over_the_identity_of_a_deleted_node(
    driver: Any, session: Session
) -> None:
    gone = Person(id="gone")
    session.add(gone)
    session.commit()
    identity = gone._runic_state.id
    ann, film, edge = Person(id="ann"), Film(id="f"), Rated(score=1.0)
    session.add_all([ann, film])
    session.relate(ann, "rated", film, edge)
    session.delete(gone)
    session.commit()
    assert identity in (ann._runic_state.id, film._runic_state.id)
    edge.score = 4.0
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score").rows == [[4.0]]


def test_a_changed_edge_object_writes_its_properties(driver: Any, session: Session) -> None:
    ann, film, edge = Person(id="ann"), Film(id="f"), Rated(score=1.0)
    session.relate(ann, "rated", film, edge)
    session.commit()
    edge.score = 4.0
    edge.note = "better"
    session.commit()
    edge.note = None
    session.commit()
    assert driver.execute("MATCH ()-[r]->() RETURN r.score, r.note").rows == [[4.0, None]]
    edge.score = 5.0
    session.rollback()
    assert edge.score == 4.0


def test_the_last_word_counts_when_a_relationship_is_staged_and_taken_back(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, cleo = people
    session.relate(ann, "friends", ben)
    session.unrelate(ann, "friends", ben)
    session.relate(ann, "friends", cleo)
    session.commit()
    assert edges(driver) == knows("ann cleo")
    session.unrelate(ann, "friends", cleo)
    session.relate(ann, "friends", cleo)
    session.commit()
    assert edges(driver) == knows("ann cleo")


def test_removing_from_the_list_takes_back_what_relate_staged(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, cleo = people
    assert ann.friends == []
    session.relate(ann, "friends", ben)
    session.relate(ann, "friends", cleo, parallel=True)
    assert ann.friends == [ben, cleo]
    ann.friends.remove(ben)
    ann.friends.remove(cleo)
    session.commit()
    assert edges(driver) == []
    new = Person(id="new")
    session.relate(ann, "friends", new)
    ann.friends.clear()
    session.commit()
    assert edges(driver) == []


def test_relate_after_removing_from_the_list_keeps_the_edge(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, _ = people
    ann.friends = [ben]
    session.commit()
    ann.friends.remove(ben)
    session.relate(ann, "friends", ben)
    session.commit()
    assert edges(driver) == knows("ann ben")
    assert ann.friends == [ben]


def test_a_loaded_relation_shows_what_is_staged(session: Session, people: list[Person]) -> None:
    ann, ben, _ = people
    assert ann.friends == []
    session.relate(ann, "friends", ben)
    assert ann.friends == [ben]
    session.unrelate(ann, "friends", ben)
    assert ann.friends == []
    new = Person(id="new")
    session.relate(new, "friends", ann)
    assert new.friends == [ann]


# -- assigning -------------------------------------------------------------------------------------


def test_a_relation_can_be_replaced_without_having_been_loaded(driver: Any, people: list[Person]) -> None:
    driver.execute("MATCH (a {id: 'ann'}), (b {id: 'ben'}) CREATE (a)-[:KNOWS]->(b), (a)-[:MATE]->(b)")
    driver.execute("CREATE (:Company {id: 'c'})")
    driver.execute("MATCH (a {id: 'ann'}), (c:Company) CREATE (a)-[:KNOWS]->(c)")
    with Session(driver) as session:
        ann, cleo = session.get(Person, "ann"), session.get(Person, "cleo")
        assert ann is not None
        assert cleo is not None
        ann.friends = [cleo]
        assert ann.friends == [cleo]
    # An edge of the same type to a node of another kind is not one of the relation.
    assert edges(driver) == sorted([("ann", "KNOWS", "cleo"), ("ann", "MATE", "ben"), ("ann", "KNOWS", "c")])
    with Session(driver) as session:
        ann = session.get(Person, "ann")
        assert ann is not None
        ann.friends = []
        session.commit()
        assert ann.friends == []
    assert edges(driver) == sorted([("ann", "MATE", "ben"), ("ann", "KNOWS", "c")])


def test_lists_are_changed_in_place(driver: Any, session: Session, people: list[Person]) -> None:
    ann, ben, cleo = people
    ann.friends.append(ben)
    ann.friends.append(cleo)
    session.commit()
    assert edges(driver) == knows("ann ben", "ann cleo")
    ann.friends.remove(ben)
    session.commit()
    assert edges(driver) == knows("ann cleo")
    ann.friends[0] = ben
    session.commit()
    assert edges(driver) == knows("ann ben")
    ann.friends.clear()
    session.commit()
    assert edges(driver) == []
    ann.friends += [ben, ben]
    session.commit()
    assert edges(driver) == knows("ann ben")


def test_a_list_that_was_handed_out_before_the_flush_is_still_watched_after_it(
    driver: Any, session: Session
) -> None:
    ann, ben = Person(id="ann", tags=["a"]), Person(id="ben")
    friends, tags = ann.friends, ann.tags
    session.add_all([ann, ben])
    session.commit()
    friends.append(ben)
    tags.append("b")
    session.commit()
    assert edges(driver) == knows("ann ben")
    assert driver.execute("MATCH (n {id: 'ann'}) RETURN n.tags").rows == [[["a", "b"]]]
    friends.clear()
    tags.clear()
    session.commit()
    assert edges(driver) == []
    assert driver.execute("MATCH (n {id: 'ann'}) RETURN n.tags").rows == [[[]]]


def test_a_relation_to_one_is_set_replaced_and_cleared(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, *_ = people
    first, second = Company(id="first"), Company(id="second")
    session.add_all([first, second])
    ann.company = first
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "first")]
    ann.company = second
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "second")]
    ann.company = second
    session.commit()
    ann.company = None
    session.commit()
    assert edges(driver) == []


def test_reordering_a_relation_writes_nothing(driver: Any, session: Session, people: list[Person]) -> None:
    ann, ben, cleo = people
    ann.friends = [ben, cleo]
    session.commit()
    ann.friends.reverse()
    session.flush()
    ann.friends = [ben, cleo]
    session.commit()
    assert edges(driver) == knows("ann ben", "ann cleo")


def test_both_directions_of_one_edge_set_at_once_make_one_edge(driver: Any, session: Session) -> None:
    ann, company = Person(id="ann"), Company(id="c")
    ann.company = company
    company.staff = [ann]
    session.add_all([ann, company])
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "c")]
    other = Company(id="d", staff=[])
    session.add(other)
    session.commit()
    ann.company = other
    company.staff.remove(ann)
    other.staff.append(ann)
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "d")]


@pytest.mark.parametrize("first", ["add", "remove"])
def test_an_edge_that_one_end_adds_and_the_other_removes_stays_whatever_comes_first(
    driver: Any, session: Session, people: list[Person], first: str
) -> None:
    ann, ben, _ = people
    ann.friends.append(ben)
    session.commit()
    assert ben.fans == [ann]
    if first == "add":
        ben.fans = []
        session.relate(ann, "friends", ben)
    else:
        session.relate(ann, "friends", ben)
        ann.friends.clear()
        ann.friends.append(ben)
    session.commit()
    assert ("ann", "KNOWS", "ben") in edges(driver)


def test_the_other_end_shows_what_was_written(session: Session, people: list[Person]) -> None:
    ann, ben, cleo = people
    company = Company(id="c")
    new = Person(id="new", company=company, friends=[ann])
    session.add_all([company, new])
    assert ann.fans == [new]
    assert company.staff == [new]
    ann.company = company
    cleo.friends.append(ann)
    session.flush()
    assert set(company.staff) == {new, ann}
    assert set(ann.fans) == {new, cleo}
    ann.company = None
    session.flush()
    assert company.staff == [new]
    session.relate(ben, "company", company)
    assert ben.company is company
    assert set(company.staff) == {new, ben}


def test_relating_from_one_end_keeps_what_was_changed_at_the_other(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, _ = people
    company = Company(id="c", staff=[])
    session.add(company)
    session.commit()
    company.staff.append(ann)
    session.relate(ben, "company", company)
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "c"), ("ben", "WORKS_AT", "c")]
    assert set(company.staff) == {ann, ben}


def test_self_loops_and_undirected_edges(driver: Any, session: Session, people: list[Person]) -> None:
    ann, ben, cleo = people
    ann.friends = [ann, ben]
    ann.mates = [ann]
    session.relate(ben, "mates", cleo)
    session.relate(cleo, "mates", ben)
    session.commit()
    expected = [
        ("ann", "KNOWS", "ann"),
        ("ann", "KNOWS", "ben"),
        ("ann", "MATE", "ann"),
        ("ben", "MATE", "cleo"),
    ]
    assert edges(driver) == expected
    session.relate(cleo, "mates", ben)
    session.commit()
    assert edges(driver) == expected
    session.rollback()
    assert ann.friends == [ann, ben] or ann.friends == [ben, ann]
    assert ann.mates == [ann]
    assert (ben.mates, cleo.mates) == ([cleo], [ben])
    cleo.mates.clear()
    ann.mates.clear()
    ann.friends.remove(ann)
    session.commit()
    assert edges(driver) == knows("ann ben")
    session.rollback()
    assert (ann.mates, ben.mates, cleo.mates) == ([], [], [])


def test_new_undirected_friends_that_name_each_other_share_one_edge(driver: Any, session: Session) -> None:
    one, two = Person(id="1"), Person(id="2")
    one.mates, two.mates = [two], [one]
    session.add_all([one, two])
    session.commit()
    assert edges(driver) == [("1", "MATE", "2")]
    one.mates = []
    session.commit()
    assert edges(driver) == []


# -- ends ------------------------------------------------------------------------------------------


def test_an_end_that_was_not_added_is_refused_by_name_and_can_be_added_then(
    driver: Any, session: Session
) -> None:
    ann = Person(id="ann", company=Company(id="c"))
    session.add(ann)
    with pytest.raises(DetachedEntityError, match=r"Person\.company.*Company.*add\(\) it"):
        session.commit()
    assert database(driver) == ([], [])
    session.add(ann.company)
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "c")]


def test_relate_adds_both_ends(driver: Any, session: Session) -> None:
    session.relate(Person(id="ann"), "company", Company(id="c"))
    session.commit()
    assert edges(driver) == [("ann", "WORKS_AT", "c")]


def test_an_entity_of_another_session_is_refused(driver: Any, session: Session, people: list[Person]) -> None:
    ann, *_ = people
    with Session(driver) as other:
        theirs = other.get(Person, "ben")
        with pytest.raises(DetachedEntityError, match="another session"):
            session.relate(ann, "friends", theirs)
        with pytest.raises(DetachedEntityError, match="another session"):
            session.add(theirs)
        with pytest.raises(DetachedEntityError):
            session.delete(theirs)
        with pytest.raises(DetachedEntityError):
            session.refresh(theirs)
        ann.friends = [theirs]  # type: ignore[list-item]
        with pytest.raises(DetachedEntityError):
            session.commit()
        session.rollback()


def test_a_relation_is_loaded_by_name(driver: Any, people: list[Person]) -> None:
    with Session(driver) as session:
        ann, bob = (session.get(Person, each.id) for each in people[:2])
        session.relate(ann, Person.friends, bob)
        session.expire(ann)
        for load in (session.load_relationship, session.rel_loader.load):
            assert load(ann, "friends") == [bob]
            assert load(ann, "friends") is ann.friends
            for wrong in ("nothing", "name"):
                with pytest.raises(MetadataError, match=f"no relation '{wrong}'; its relations are: friends"):
                    load(ann, wrong)
            with pytest.raises(TypeError, match="named by text, such as 'friends', not by"):
                load(ann, Person.friends)
            with pytest.raises(DetachedEntityError, match="does not belong to this session"):
                load(Person(id="ann"), "friends")
        with pytest.raises(TypeError, match="named by text, such as 'friends', not by"):
            session.load(ann, Person.friends)
        with pytest.raises(TypeError, match=r"a list of names: fetch=\['friends'\]"):
            session.get(Person, "ann", fetch="friends")


def test_wrong_ends_and_names_are_refused(session: Session, people: list[Person]) -> None:
    ann, ben, _ = people
    with pytest.raises(TypeError, match=r"Person\.company relates to Company"):
        session.relate(ann, "company", ben)
    with pytest.raises(Exception, match="colleagues"):
        session.relate(ann, "colleagues", ben)
    with pytest.raises(TypeError, match="Rated"):
        session.relate(ann, "friends", ben, Rated())


def test_deleting_a_node_takes_its_staged_edges_along(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, cleo = people
    ann.friends.append(ben)
    session.relate(ben, "friends", cleo)
    session.relate(cleo, "friends", ann)
    session.delete(ben)
    session.commit()
    assert edges(driver) == knows("cleo ann")
    assert ann.friends == []
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[2]]


def test_cascade_adds_and_deletes_what_belongs_to_an_entity(driver: Any, session: Session) -> None:
    order = Order(id="o", lines=[Line(id="l1", parts=[Line(id="p1")]), Line(id="l2")])
    session.add(order)
    session.commit()
    assert edges(driver) == [("l1", "HAS_PART", "p1"), ("o", "HAS_LINE", "l1"), ("o", "HAS_LINE", "l2")]
    order.lines.append(Line(id="l3"))
    session.commit()
    session.close()
    with Session(driver) as other:
        loaded = other.get(Order, "o")
        other.delete(loaded)
    assert database(driver) == ([], [])


@pytest.mark.parametrize("loaded", [(), ("order",), ("order", "lines")])
def test_a_line_that_is_moved_by_its_own_relation_outlives_its_old_order(
    driver: Any, session: Session, loaded: tuple[str, ...]
) -> None:
    session.add_all([Order(id="o", lines=[Line(id="l1"), Line(id="l2")]), Order(id="p")])
    session.commit()
    session.close()
    with Session(driver) as other:
        old, new = other.get_many(Order, ["o", "p"], fetch=["lines"] if "lines" in loaded else [])
        line = other.get(Line, "l1", fetch=["order"] if "order" in loaded else [])
        assert line is not None
        line.order = new
        other.delete(old)
    assert edges(driver) == [("p", "HAS_LINE", "l1")]
    assert driver.execute("MATCH (n) RETURN count(n)").rows == [[2]]


def test_nodes_whose_key_the_server_makes_are_related_in_the_flush_that_makes_them(
    driver: Any, session: Session
) -> None:
    last = Note(text="3")
    first = Note(text="1", next=Note(text="2", next=last))
    assert first.next is not None
    session.add_all([first, first.next, last])
    session.commit()
    assert len({first.id, first.next.id, last.id}) == 3
    assert session.get(Note, last.id) is last
    rows = driver.execute("MATCH (a)-[:NEXT]->(b) RETURN a.text, b.text ORDER BY a.text").rows
    assert rows == [["1", "2"], ["2", "3"]]
    assert driver.execute("MATCH (n:Note) RETURN keys(n) LIMIT 1").rows == [[["text"]]]
    last.next = first
    first.next = None
    session.commit()
    rows = driver.execute("MATCH (a)-[:NEXT]->(b) RETURN a.text, b.text ORDER BY a.text").rows
    assert rows == [["2", "3"], ["3", "1"]]


# -- merge -----------------------------------------------------------------------------------------


def test_merge_creates_or_updates_with_edges_and_doubles_none(driver: Any) -> None:
    for name in ("old", "new"):
        with Session(driver) as session:
            ann = session.merge(Person(id="ann", name=name))
            ben = session.merge(Person(id="ben"))
            session.relate(ann, "friends", ben)
            ann.mates = [ben]
            film = session.merge(Film(id="f"))
            session.relate(ann, "rated", film, Rated(score=float(len(name))))
            session.commit()
            assert ann.name == name
            assert session.get(Person, "ann") is ann
    nodes, links = database(driver)
    assert len(nodes) == 3
    assert [link.split()[1] for link in links] == ["-KNOWS", "-MATE", "-RATED"]
    assert driver.execute("MATCH (n {id: 'ann'})-[r:RATED]->() RETURN n.name, r.score").rows == [["new", 3.0]]


def test_merging_a_relation_to_one_replaces_the_one_that_is_stored(driver: Any) -> None:
    for key in ("first", "second"):
        with Session(driver) as session:
            company = session.merge(Company(id=key))
            session.merge(Person(id="ann", company=company))
    assert edges(driver) == [("ann", "WORKS_AT", "second")]


def test_merging_leaves_what_an_object_does_not_hold(driver: Any, session: Session) -> None:
    ann = Person(id="ann", name="Ann", age=1, tags=["a"])
    session.add(ann)
    session.commit()
    session.expire(ann)
    session.expunge(ann)
    ann.age = 2
    session.merge(ann)
    ben = Person(id="ben", name="Ben")
    session.merge(ben)
    session.commit()
    rows = driver.execute("MATCH (n) RETURN n.id, n.name, n.age, n.tags ORDER BY n.id").rows
    assert rows == [["ann", "Ann", 2, ["a"]], ["ben", "Ben", None, []]]
    assert (ann.name, ann.age, ann.tags) == ("Ann", 2, ["a"])


def test_merging_what_the_session_has_changes_that(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, ben, _ = people
    ann.age = 3
    found = session.merge(Person(id="ann", name="Ann", friends=[ben]))
    assert found is ann
    session.commit()
    assert driver.execute("MATCH (n {id: 'ann'}) RETURN n.name").rows == [["Ann"]]
    assert edges(driver) == knows("ann ben")


def test_merging_one_key_several_times_keeps_one_entity_with_the_last_values(
    driver: Any, session: Session
) -> None:
    first = session.merge(Person(id="ann", name="1"))
    second = session.merge(Person(id="ann", name="2", age=2))
    assert second is first
    added = Person(id="ben", name="1")
    session.add(added)
    assert session.merge(Person(id="ben", name="2")) is added
    session.commit()
    assert driver.execute("MATCH (n) RETURN n.id, n.name, n.age ORDER BY n.id").rows == [
        ["ann", "2", 2],
        ["ben", "2", None],
    ]


def test_reading_what_was_merged_and_not_flushed_is_explained(driver: Any) -> None:
    with Session(driver) as session:
        session.add(Person(id="ann", name="Ann"))
    session = Session(driver, autoflush=False)
    session.merge(Person(id="ann", name="new"))
    assert session.get(Person, "ann").name == "Ann"  # type: ignore[union-attr]
    with pytest.raises(ConstraintViolation, match="flush\\(\\) in between"):
        session.commit()
    session.close()


def test_merging_the_key_of_a_deleted_entity_makes_it_anew(
    driver: Any, session: Session, people: list[Person]
) -> None:
    ann, *_ = people
    session.delete(ann)
    again = session.merge(Person(id="ann", name="again"))
    session.commit()
    assert again is not ann
    assert driver.execute("MATCH (n {id: 'ann'}) RETURN n.name").rows == [["again"]]
    assert session.get(Person, "ann") is again


# -- hierarchies -----------------------------------------------------------------------------------


def test_a_hierarchy_shares_its_relations_and_loads_its_own_classes(driver: Any) -> None:
    with Session(driver) as session:
        ann = Person(id="ann")
        session.add_all(
            [ann, Dog(id="rex", owner=ann, tricks=["sit"]), Cat(id="tom", owner=ann), Animal(id="x")]
        )
    assert driver.execute("MATCH (n:Dog) RETURN labels(n)").rows == [[["Animal", "Dog"]]]
    with Session(driver) as session:
        rex, tom, x = session.get_many(Animal, ["rex", "tom", "x"], fetch=["owner"])
        assert (type(rex), type(tom), type(x)) == (Dog, Cat, Animal)
        assert rex is not None
        assert tom is not None
        assert rex.owner is tom.owner
        rex.name = "Rex"
        assert session.get(Cat, "rex") is None
        assert session.get(Dog, "rex") is rex
        tom.owner = None
        session.delete(x)
    assert driver.execute("MATCH (n:Animal) RETURN n.id, n.name ORDER BY n.id").rows == [
        ["rex", "Rex"],
        ["tom", None],
    ]
    assert edges(driver) == [("rex", "OWNED_BY", "ann")]
