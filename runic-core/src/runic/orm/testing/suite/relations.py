"""Relations: both directions, with and without properties, staged and flushed with their nodes."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from runic.orm.exceptions import DetachedEntityError
from runic.orm.query.builder import select
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Branch, Company, Counted, Film, Line, Order, Person, Rated
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseRelations", "TestRelations"]

EDGES = "MATCH (a)-[r]->(b) RETURN a.id, type(r), b.id ORDER BY type(r), a.id, b.id"


def ids(entities: Any) -> list[str]:
    """Sorted keys."""
    return sorted(each.id for each in entities)


class BaseRelations(LiveSuite):
    """Relations: both directions, with and without properties, staged and flushed with their nodes."""

    area: ClassVar[str] = "relations"

    async def _three(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id=each, name=each.upper()) for each in "abc"])

    async def test_relate_is_staged_and_flushed(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b = Person(id="a"), Person(id="b")
            s.add_all([a, b])
            await s.relate(a, "friends", b)
            assert kit.recorder.requests == []
        assert await kit.rows(EDGES) == [["a", "KNOWS", "b"]]

    async def test_relate_adds_new_ends_by_itself(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Person(id="a"), Person.friends, Person(id="b"))
        assert await kit.rows(EDGES) == [["a", "KNOWS", "b"]]

    async def test_an_incoming_relation_is_stored_the_other_way_round(self, kit: Kit) -> None:
        await self._three(kit)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.relate(a, "known_by", b)
        assert await kit.rows(EDGES) == [["b", "KNOWS", "a"]]
        async with kit.session() as s:
            b = await s.get(Person, "b", fetch=["friends", "known_by"])
            assert b is not None
            assert ids(b.friends) == ["a"]
            assert b.known_by == []

    async def test_both_directions_are_one_edge_seen_from_both_ends(self, kit: Kit) -> None:
        await self._three(kit)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.relate(a, "peers", b)
            await s.flush()
            await s.relate(b, "peers", a)
        assert await kit.rows("MATCH (:Person)-[r:PEER]->(:Person) RETURN count(r)") == [[1]]
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"], fetch=["peers"])
            assert a is not None
            assert b is not None
            assert (ids(a.peers), ids(b.peers)) == (["b"], ["a"])

    async def test_relating_twice_makes_one_edge(self, kit: Kit) -> None:
        await self._three(kit)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.relate(a, "friends", b)
            await s.relate(a, "friends", b)
            await s.flush()
            await s.relate(a, "friends", b)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.relate(a, "friends", b)
        assert await kit.rows(EDGES) == [["a", "KNOWS", "b"]]

    async def test_parallel_edges_are_made_on_purpose(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, f = Person(id="a"), Film(id="f")
            s.add_all([a, f])
            await s.relate(a, "rated", f, Rated(stars=1))
            await s.relate(a, "rated", f, Rated(stars=2), parallel=True)
            await s.flush()
            await s.relate(a, "rated", f, Rated(stars=3), parallel=True)
        rows = await kit.rows("MATCH (:Person)-[r:RATED]->(:Film) RETURN r.stars ORDER BY r.stars")
        assert rows == [[1], [2], [3]]
        async with kit.session() as s:
            found = await s.get(Person, "a", fetch=["rated"])
            assert found is not None
            assert ids(found.rated) == ["f"]

    async def test_relating_again_updates_the_edge(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Person(id="a"), "rated", Film(id="f"), Rated(stars=1, note="first"))
        async with kit.session() as s:
            a, f = await s.get(Person, "a"), await s.get(Film, "f")
            await s.relate(a, "rated", f, Rated(stars=5))
        rows = await kit.rows("MATCH ()-[r:RATED]->() RETURN r.stars, r.note")
        assert rows == [[5, None]]

    async def test_unrelate_removes_the_edge_and_nothing_else(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b, c = (Person(id=each) for each in "abc")
            await s.relate(a, "friends", b)
            await s.relate(a, "friends", c)
            await s.relate(b, "friends", a)
            await s.relate(a, "peers", b)
        async with kit.session() as s:
            start, end = await s.get_many(Person, ["a", "b"])
            await s.unrelate(start, Person.friends, end)
        assert await kit.rows(EDGES) == [["a", "KNOWS", "c"], ["b", "KNOWS", "a"], ["a", "PEER", "b"]]

    async def test_unrelate_what_is_not_related_is_no_error(self, kit: Kit) -> None:
        await self._three(kit)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.unrelate(a, "friends", b)
        assert await kit.rows(EDGES) == []

    async def test_relate_and_unrelate_before_the_flush_leave_nothing(self, kit: Kit) -> None:
        await self._three(kit)
        async with kit.session() as s:
            a, b = await s.get_many(Person, ["a", "b"])
            await s.relate(a, "friends", b)
            await s.unrelate(a, "friends", b)
        assert await kit.rows(EDGES) == []

    async def test_unrelate_and_relate_before_the_flush_leave_one_new_edge(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Person(id="a"), "rated", Film(id="f"), Rated(stars=1, note="old"))
        async with kit.session() as s:
            a, f = await s.get(Person, "a"), await s.get(Film, "f")
            await s.unrelate(a, "rated", f)
            await s.relate(a, "rated", f, Rated(stars=2))
        assert await kit.rows("MATCH ()-[r:RATED]->() RETURN r.stars, r.note") == [[2, None]]

    async def test_relations_given_to_init_are_flushed(self, kit: Kit) -> None:
        async with kit.session() as s:
            acme = Company(id="c")
            bob = Person(id="b", company=acme)
            s.add_all([acme, bob, Person(id="a", friends=[bob], company=acme)])
        assert await kit.rows(EDGES) == [["a", "KNOWS", "b"], ["a", "WORKS_AT", "c"], ["b", "WORKS_AT", "c"]]

    async def test_a_target_outside_of_the_session_is_named(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", friends=[Person(id="stranger")]))
            with pytest.raises(DetachedEntityError, match=r"Person\.friends"):
                await s.flush()
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]

    async def test_append_and_remove_on_a_loaded_list(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.relate(Person(id="a"), "friends", Person(id="b"))
            s.add(Person(id="c"))
        async with kit.session() as s:
            a = await s.get(Person, "a", fetch=["friends"])
            b, c = await s.get_many(Person, ["b", "c"])
            assert a is not None
            assert c is not None
            a.friends.append(c)
            await s.flush()
            assert (await s.execute(EDGES)).rows == [["a", "KNOWS", "b"], ["a", "KNOWS", "c"]]
            assert b is not None
            a.friends.remove(b)
        assert await kit.rows(EDGES) == [["a", "KNOWS", "c"]]

    async def test_replacing_a_loaded_list_writes_the_difference(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b, c, d = (Person(id=each) for each in "abcd")
            await s.relate(a, "friends", b)
            await s.relate(a, "friends", c)
            s.add(d)
        edges = "MATCH (:Person {id: 'a'})-[r:KNOWS]->(b) SET r.kept = b.id"
        await kit.write(edges)
        async with kit.session() as s:
            found = await s.get(Person, "a", fetch=["friends"])
            c2, d2 = await s.get_many(Person, ["c", "d"])
            assert found is not None
            assert c2 is not None
            assert d2 is not None
            found.friends = [c2, d2]
        rows = await kit.rows("MATCH (:Person {id: 'a'})-[r:KNOWS]->(b) RETURN b.id, r.kept ORDER BY b.id")
        assert rows == [["c", "c"], ["d", None]]

    async def test_replacing_a_list_that_was_never_loaded_replaces_what_is_stored(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b, c = (Person(id=each) for each in "abc")
            await s.relate(a, "friends", b)
            await s.relate(c, "friends", a)
            await s.relate(a, "peers", b)
        async with kit.session() as s:
            found, other = await s.get_many(Person, ["a", "c"])
            assert found is not None
            assert other is not None
            found.friends = [other]
        assert await kit.rows(EDGES) == [["a", "KNOWS", "c"], ["c", "KNOWS", "a"], ["a", "PEER", "b"]]

    async def test_to_one_is_assigned_replaced_and_cleared(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a"), Company(id="x"), Company(id="y")])
        for step, wanted in (("x", ["x"]), ("y", ["y"]), (None, [])):
            async with kit.session() as s:
                a = await s.get(Person, "a", fetch=["company"])
                assert a is not None
                a.company = await s.get(Company, step) if step else None
            rows = await kit.rows("MATCH (:Person)-[:WORKS_AT]->(c) RETURN c.id")
            assert [row[0] for row in rows] == wanted

    async def test_to_one_is_replaced_without_being_loaded(self, kit: Kit) -> None:
        async with kit.session() as s:
            x = Company(id="x")
            s.add_all([x, Person(id="a", company=x), Company(id="y")])
        async with kit.session() as s:
            a = await s.get(Person, "a")
            assert a is not None
            a.company = await s.get(Company, "y")
        assert await kit.rows(EDGES) == [["a", "WORKS_AT", "y"]]

    async def test_the_other_side_is_seen_after_the_flush(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a"), Company(id="x")])
        async with kit.session() as s:
            a, x = await s.get(Person, "a"), await s.get(Company, "x", fetch=["staff"])
            assert a is not None
            assert x is not None
            assert x.staff == []
            a.company = x
            await s.flush()
            await s.refresh(x)
            assert ids(await kit.related(s, x, "staff")) == ["a"]

    async def test_a_cycle_of_new_nodes_is_flushed(self, kit: Kit) -> None:
        async with kit.session() as s:
            people = [Person(id=str(n)) for n in range(5)]
            for position, person in enumerate(people):
                person.friends = [people[(position + 1) % 5], person]
            s.add_all(people)
        assert await kit.rows("MATCH (a)-[r:KNOWS]->(b) RETURN count(r), count(DISTINCT a)") == [[10, 5]]
        assert await kit.rows("MATCH (a)-[:KNOWS]->(a) RETURN count(a)") == [[5]]

    async def test_nodes_without_a_key_of_their_own_are_related(self, kit: Kit) -> None:
        async with kit.session() as s:
            one, two, three = (Counted(text=each) for each in "123")
            s.add_all([one, two, three])
            one.next = two
            await s.flush()
            await s.relate(two, "next", three)
        rows = await kit.rows("MATCH (a:Counted)-[:NEXT]->(b) RETURN a.text, b.text ORDER BY a.text")
        assert rows == [["1", "2"], ["2", "3"]]

    async def test_cascade_adds_what_is_owned(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Order(id="o", lines=[Line(id="1", parts=[Line(id="1.1")]), Line(id="2")]))
        assert await kit.rows(EDGES) == [
            ["o", "HAS_LINE", "1"],
            ["o", "HAS_LINE", "2"],
            ["1", "HAS_PART", "1.1"],
        ]

    async def test_cascade_deletes_what_is_owned_loaded_or_not(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Order(id="o", lines=[Line(id="1", parts=[Line(id="1.1")]), Line(id="2")]))
            s.add(Order(id="p", lines=[Line(id="3")]))
        async with kit.session() as s:
            s.delete(await s.get(Order, "o"))
        assert await kit.rows(EDGES) == [["p", "HAS_LINE", "3"]]
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[2]]

    async def test_cascade_spares_what_is_moved_to_another_owner(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Order(id="o", lines=[Line(id="1"), Line(id="2")]), Order(id="p")])
        async with kit.session() as s:
            o, p = await s.get_many(Order, ["o", "p"])
            line = await s.get(Line, "1")
            assert o is not None
            await s.unrelate(o, "lines", line)
            await s.relate(p, "lines", line)
            # Staged of what goes: it goes as well.
            await s.relate(o, "lines", Line(id="3"))
            s.delete(o)
        assert await kit.rows(EDGES) == [["p", "HAS_LINE", "1"]]
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[2]]

    @pytest.mark.parametrize("how", ["delete an end", "unrelate", "clear", "relate another", "again"])
    async def test_an_edge_that_is_changed_and_then_taken_away(self, kit: Kit, how: str) -> None:
        async with kit.session() as s:
            await s.relate(Person(id="a"), "rated", Film(id="f"), Rated(stars=1))
        statement = select(Person).alias("a").traverse(Person.rated, edge_alias="r", optional=False)
        async with kit.session() as s:
            [row] = await s.all_with_edges(statement.alias("f").return_nodes("a", "f").return_edge("r"))
            a, edge, film = row
            edge.stars, new = 2, Rated(stars=3)
            if how == "delete an end":
                s.delete(film)
            elif how == "unrelate":
                await s.unrelate(a, "rated", film)
            elif how == "clear":
                a.rated = []
            elif how == "relate another":
                await s.unrelate(a, "rated", film)
                await s.relate(a, "rated", film, new)
            else:
                await s.relate(a, "rated", film, new)
            await s.flush()
            edge.stars = 4
            await s.flush()
            new.note = "x"
        rows = await kit.rows("MATCH ()-[r:RATED]->() RETURN r.stars, r.note")
        assert rows == ([[3, "x"]] if how in ("relate another", "again") else [])

    async def test_deletion_does_not_cascade_by_default(self, kit: Kit) -> None:
        async with kit.session() as s:
            acme = Company(id="c", branches=[Branch(id="b")])
            s.add_all([acme, acme.branches[0], Person(id="a", company=acme)])
        async with kit.session() as s:
            s.delete(await s.get(Company, "c"))
        assert sorted(row[0] for row in await kit.rows("MATCH (n) RETURN n.id")) == ["a", "b"]

    async def test_ends_of_the_wrong_class_are_refused(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(TypeError, match="Person"):
                await s.relate(Person(id="a"), "friends", Company(id="c"))
            with pytest.raises(TypeError):
                await s.relate(Person(id="a"), "rated", Film(id="f"), object())

    async def test_thousands_of_edges_take_few_statements(self, kit: Kit) -> None:
        hub = Person(id="hub")
        async with kit.session() as s:
            spokes = [Person(id=str(number)) for number in range(1500)]
            s.add_all([hub, *spokes])
            for spoke in spokes:
                await s.relate(hub, "friends", spoke)
            with kit.recorder.since() as sent:
                await s.commit()
            batches = -(-1501 // kit.dialect.batch_size)
            assert len(sent) <= 2 * batches
        assert await kit.rows("MATCH (:Person {id: 'hub'})-[r:KNOWS]->() RETURN count(r)") == [[1500]]


TestRelations = BaseRelations
