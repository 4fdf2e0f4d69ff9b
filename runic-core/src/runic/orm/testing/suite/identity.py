"""One object for each stored node in a session, of its most specific class."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.state import Status
from runic.orm.exceptions import ConstraintViolation, DetachedEntityError
from runic.orm.query.builder import select
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Company, Document, Employee, Manager, Person, Report
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseIdentity", "TestIdentity"]


class BaseIdentity(LiveSuite):
    """One object for each stored node in a session, of its most specific class."""

    area: ClassVar[str] = "identity and inheritance"

    async def _people(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all(
                [
                    Person(id="p", name="Pat"),
                    Employee(id="e", name="Eve", salary=10),
                    Manager(id="m", name="Mia", salary=20, level=3),
                ]
            )

    async def test_two_reads_give_one_object(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            first = await s.get(Person, "p")
            assert first is not None
            assert await s.get(Person, "p") is first
            assert await s.scalar(select(Person).where(Person.name == "Pat")) is first
            assert (await s.get_many(Person, ["p"]))[0] is first

    async def test_a_second_get_sends_nothing(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            await s.get(Person, "p")
            with kit.recorder.since() as sent:
                await s.get(Person, "p")
            assert sent == []

    async def test_the_most_specific_class_comes_back(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            found = await s.scalars(select(Person).order_by(Person.id))
            assert [(type(p), p.id) for p in found] == [(Employee, "e"), (Manager, "m"), (Person, "p")]
            boss = found[1]
            assert isinstance(boss, Manager)
            assert (boss.salary, boss.level) == (20, 3)

    async def test_a_query_for_a_subclass_leaves_out_the_others(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            assert {p.id for p in await s.scalars(select(Employee))} == {"e", "m"}
            assert {p.id for p in await s.scalars(select(Manager))} == {"m"}
            assert await s.count(select(Person)) == 3

    async def test_one_object_whatever_class_it_was_asked_for_by(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            as_person = await s.get(Person, "m")
            assert as_person is await s.get(Manager, "m")
            assert as_person is await s.get(Employee, "m")
            assert type(as_person) is Manager

    async def test_asking_for_a_subclass_that_it_is_not_finds_nothing(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            assert await s.get(Manager, "p") is None
            await s.get(Person, "p")
            assert await s.get(Manager, "p") is None

    async def test_equal_keys_of_unrelated_classes_are_two_objects(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="x"), Company(id="x")])
        async with kit.session() as s:
            assert type(await s.get(Person, "x")) is Person
            assert type(await s.get(Company, "x")) is Company

    async def test_two_sessions_have_two_objects(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as one, kit.session() as two:
            assert await one.get(Person, "p") is not await two.get(Person, "p")

    async def test_a_read_does_not_overwrite_what_was_changed(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session(autoflush=False) as s:
            pat = await s.get(Person, "p")
            assert pat is not None
            pat.name = "mine"
            await kit.write("MATCH (n:Person {id: 'p'}) SET n.name = 'theirs', n.years = 9")
            (again,) = await s.scalars(select(Person).where(Person.id == "p"))
            assert again is pat
            assert pat.name == "mine"
            await s.rollback()

    async def test_two_new_objects_with_one_key_are_refused(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a", name="one"), Employee(id="a", name="two")])
            with pytest.raises(ConstraintViolation) as caught:
                await s.flush()
            assert caught.value.entity is not None
            await s.rollback()
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]

    async def test_an_entity_belongs_to_one_session(self, kit: Kit) -> None:
        async with kit.session() as one, kit.session() as two:
            ann = Person(id="a")
            one.add(ann)
            with pytest.raises(DetachedEntityError):
                two.add(ann)

    async def test_expunged_entities_are_left_alone(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            pat = await s.get(Person, "p")
            assert pat is not None
            s.expunge(pat)
            assert pat._runic_state.status is Status.DETACHED
            pat.name = "not written"
            assert await s.get(Person, "p") is not pat
        assert await kit.rows("MATCH (n:Person {id: 'p'}) RETURN n.name") == [["Pat"]]

    async def test_a_detached_entity_can_join_a_session_with_its_changes(self, kit: Kit) -> None:
        await self._people(kit)
        async with kit.session() as s:
            pat = await s.get(Person, "p")
            assert pat is not None
            s.expunge(pat)
        pat.name = "changed outside"
        async with kit.session() as s:
            s.add(pat)
            pat.years = 3
        rows = await kit.rows("MATCH (n:Person {id: 'p'}) RETURN n.name, n.years")
        assert rows == [["changed outside", 3]]

    async def test_closing_detaches_everything(self, kit: Kit) -> None:
        await self._people(kit)
        session = kit.session()
        pat = await session.get(Person, "p")
        assert pat is not None
        await session.close()
        assert pat._runic_state.status is Status.DETACHED
        assert pat.name == "Pat"

    async def test_a_class_that_shares_the_primary_label_of_its_base(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Document(id="d"), Report(id="r", pages=7)])
        async with kit.session() as s:
            assert [type(each) for each in await s.scalars(select(Document).order_by(Document.id))] == [
                *(Document, Report)
            ]
            (found,) = await s.scalars(select(Report))
            assert (found.id, found.pages) == ("r", 7)
            assert await s.get(Report, "d") is None
            assert await s.get(Document, "r") is found

    @requires(Capability.MULTI_LABEL)
    async def test_every_label_of_the_hierarchy_is_on_the_node(self, kit: Kit) -> None:
        await self._people(kit)
        (row,) = await kit.rows("MATCH (n:Manager) RETURN labels(n)")
        assert sorted(row[0]) == ["Employee", "Manager", "Person"]

    @requires(Capability.MULTI_LABEL)
    async def test_labels_of_others_do_not_matter(self, kit: Kit) -> None:
        await self._people(kit)
        await kit.write("MATCH (n:Person {id: 'e'}) SET n:Audited")
        async with kit.session() as s:
            found = await s.get(Person, "e")
            assert type(found) is Employee
            found.name = "Eva"
        assert await kit.rows("MATCH (n:Audited) RETURN n.name") == [["Eva"]]


TestIdentity = BaseIdentity
