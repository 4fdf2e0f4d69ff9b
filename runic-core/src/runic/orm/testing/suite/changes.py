"""A flush writes the properties that changed, and no others; reading changes nothing."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any, ClassVar

from runic.orm.core.types import Vector
from runic.orm.query.builder import select
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Film, Person, Rated, Values
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseChanges", "TestChanges"]


class BaseChanges(LiveSuite):
    """A flush writes the properties that changed, and no others; reading changes nothing."""

    area: ClassVar[str] = "change tracking"

    async def _ann(self, kit: Kit, **values: Any) -> None:
        async with kit.session() as s:
            given: dict[str, Any] = {"id": "a", "name": "Ann", "years": 41, **values}
            s.add(Person(**given))

    async def test_only_changed_properties_are_written(self, kit: Kit) -> None:
        await self._ann(kit)
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            # What somebody else writes to other properties meanwhile stays.
            await kit.write("MATCH (n:Person) SET n.years = 99, n.extra = 'kept'")
            ann.name = "Anna"
        rows = await kit.rows("MATCH (n:Person) RETURN n.name, n.years, n.extra")
        assert rows == [["Anna", 99, "kept"]]

    async def test_one_statement_writes_an_update(self, kit: Kit) -> None:
        await self._ann(kit)
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.name = "Anna"
            with kit.recorder.since() as sent:
                await s.commit()
            assert [request.write for request in sent] == [True]

    async def test_reading_everything_changes_nothing(self, kit: Kit) -> None:
        await self._ann(kit, tags=["x"], facts={"k": [1, {"z": None}]}, score=0.25)
        async with kit.session() as s:
            s.add(Values(id="v", vector=Vector([1, 2]), nested=[{"a": 1}], texts=["a"], exact=0.1 + 0.2))
        async with kit.session() as s:
            ann, values = await s.get(Person, "a", fetch=["friends", "company"]), await s.get(Values, "v")
            assert ann is not None
            assert values is not None
            _ = (ann.tags, ann.facts, ann.score, ann.friends, ann.company, list(ann.tags), repr(ann))
            _ = (values.vector, values.nested, values.texts, values.exact, values.real)
            assert not ann._dirty
            assert not values._dirty
            with kit.recorder.since() as sent:
                await s.commit()
            assert sent == []

    async def test_assigning_an_equal_value_changes_nothing(self, kit: Kit) -> None:
        await self._ann(kit, tags=["x"])
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.name = "An" + "n"
            ann.tags = ["x"]
            ann.email = None
            with kit.recorder.since() as sent:
                await s.commit()
            assert sent == []

    async def test_an_equal_value_of_another_type_is_a_change(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Values(id="a", anything=1))
        async with kit.session() as s:
            found = await s.get(Values, "a")
            assert found is not None
            found.anything = True
        async with kit.session() as s:
            found = await s.get(Values, "a")
            assert found is not None
            assert found.anything is True

    async def test_a_change_taken_back_writes_nothing(self, kit: Kit) -> None:
        await self._ann(kit)
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.name = "x"
            ann.name = "Ann"
            with kit.recorder.since() as sent:
                await s.commit()
            assert sent == []

    async def test_none_clears_a_property(self, kit: Kit) -> None:
        await self._ann(kit, email="a@x")
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.years = None
            ann.email = None
        (row,) = await kit.rows("MATCH (n:Person) RETURN keys(n)")
        assert not {"years", "email"} & set(row[0])

    async def test_lists_and_dicts_changed_in_place_are_written(self, kit: Kit) -> None:
        await self._ann(kit, tags=["a"], facts={"n": {"deep": [1]}})
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.tags.append("b")
            ann.facts["n"]["deep"].append(2)
            assert ann._dirty
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            assert (ann.tags, ann.facts) == (["a", "b"], {"n": {"deep": [1, 2]}})

    async def test_a_list_kept_by_the_program_is_watched_after_each_flush(self, kit: Kit) -> None:
        await self._ann(kit, tags=["a"])
        async with kit.session() as s:
            ann = await s.get(Person, "a")
            assert ann is not None
            tags = ann.tags
            tags.append("b")
            await s.flush()
            tags.append("c")
            await s.flush()
            tags.remove("a")
        async with kit.session() as s:
            found = await s.get(Person, "a")
            assert found is not None
            assert found.tags == ["b", "c"]

    async def test_a_new_entitys_list_is_watched_after_its_flush(self, kit: Kit) -> None:
        async with kit.session() as s:
            tags = ["a"]
            s.add(Person(id="a", tags=tags))
            await s.flush()
            found = await s.get(Person, "a")
            assert found is not None
            found.tags.append("b")
        async with kit.session() as s:
            found = await s.get(Person, "a")
            assert found is not None
            assert found.tags == ["a", "b"]

    async def test_vectors_changed_in_place_are_written(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Values(id="v", vector=Vector([1, 2])))
        async with kit.session() as s:
            found = await s.get(Values, "v")
            assert found is not None
            assert found.vector is not None
            found.vector[0] = 5
        async with kit.session() as s:
            found = await s.get(Values, "v")
            assert found is not None
            assert found.vector == [5.0, 2.0]

    async def test_edges_are_tracked_too(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann, film = Person(id="a"), Film(id="f")
            s.add_all([ann, film])
            await s.relate(ann, "rated", film, Rated(stars=3, note="n", tags=["x"]))
        stmt = (
            select(Person)
            .alias("p")
            .traverse(Person.rated, edge_alias="r", optional=False)
            .alias("f")
            .return_nodes("p", "f")
            .return_edge("r")
        )
        async with kit.session() as s:
            ((_, edge, _),) = await s.all_with_edges(stmt)
            await kit.write("MATCH ()-[r:RATED]->() SET r.note = 'theirs'")
            edge.stars = 4
            edge.tags.append("y")
        rows = await kit.rows("MATCH ()-[r:RATED]->() RETURN r.stars, r.note, r.tags")
        assert rows == [[4, "theirs", ["x", "y"]]]
        async with kit.session() as s:
            ((_, edge, _),) = await s.all_with_edges(stmt)
            edge.note = None
        assert await kit.rows("MATCH ()-[r:RATED]->() RETURN r.note, r.stars") == [[None, 4]]

    async def test_kinds_of_changes_are_written_in_few_statements(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id=str(n), name="n", years=n) for n in range(40)])
        async with kit.session() as s:
            people = await s.scalars(select(Person))
            for person in people:
                if int(person.id) % 2:
                    person.name = "odd"
                else:
                    person.years = -1
            with kit.recorder.since() as sent:
                await s.commit()
            assert len(sent) <= 2
        rows = await kit.rows("MATCH (n:Person) RETURN n.name, count(n), min(n.years) ORDER BY n.name")
        assert rows == [["n", 20, -1], ["odd", 20, 1]]


TestChanges = BaseChanges
