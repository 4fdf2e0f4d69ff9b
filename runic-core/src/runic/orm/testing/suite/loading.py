"""Loading: lazily in batches, eagerly along paths, in pages, or not at all."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import pytest

from runic.orm.exceptions import LazyLoadError, MetadataError
from runic.orm.query.builder import select
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Branch, Company, Employee, Guarded, Manager, Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseLoading", "TestLoading"]


class BaseLoading(LiveSuite):
    """Loading: lazily in batches, eagerly along paths, in pages, or not at all."""

    area: ClassVar[str] = "loading"

    async def _staff(self, kit: Kit, count: int = 30) -> None:
        async with kit.session() as s:
            companies = [
                Company(id=f"c{n}", branches=[Branch(id=f"b{n}", city=f"city{n}")]) for n in range(3)
            ]
            people = [Person(id=f"{n:04}", company=companies[n % 3]) for n in range(count)]
            for person, friend in itertools.pairwise(people):
                person.friends = [friend]
            s.add_all([*companies, *(c.branches[0] for c in companies), *people])

    async def test_a_relation_is_loaded_when_it_is_needed(self, kit: Kit) -> None:
        await self._staff(kit, 3)
        async with kit.session() as s:
            first = await s.get(Person, "0000")
            assert [p.id for p in await kit.related(s, first, "friends")] == ["0001"]
            with kit.recorder.since() as sent:
                assert [p.id for p in await kit.related(s, first, "friends")] == ["0001"]
            assert sent == []

    async def test_siblings_of_one_result_are_loaded_together(self, kit: Kit) -> None:
        await self._staff(kit)
        async with kit.session() as s:
            people = await s.scalars(select(Person).order_by(Person.id))
            if not kit.blocking:
                await s.load(people, "friends", "company")
                assert [len(p.friends) for p in people] == [1] * 29 + [0]
                return
            with kit.recorder.since() as sent:
                assert [len(p.friends) for p in people] == [1] * 29 + [0]
                assert {p.company.id for p in people if p.company} == {"c0", "c1", "c2"}
            assert len(sent) == 2

    async def test_two_thousand_siblings_take_a_handful_of_statements(self, kit: Kit) -> None:
        await self._staff(kit, 2000)
        async with kit.session() as s:
            people = await s.scalars(select(Person).order_by(Person.id))
            with kit.recorder.since() as sent:
                if not kit.blocking:
                    await s.load(people, "friends")
                assert sum(len(p.friends) for p in people) == 1999
            assert len(sent) <= -(-2000 // kit.dialect.batch_size)

    async def test_lazy_select_loads_one_by_one(self, kit: Kit) -> None:
        if not kit.blocking:
            pytest.skip("attribute access cannot await")
        async with kit.session() as s:
            nodes = [Guarded(id=str(n), title="t") for n in range(3)]
            s.add_all(nodes)
            for node in nodes:
                await s.relate(node, "single", nodes[0])
        async with kit.session() as s:
            found = await s.scalars(select(Guarded).order_by(Guarded.id))
            with kit.recorder.since() as sent:
                assert [len(node.single) for node in found] == [1, 1, 1]
            assert len(sent) == 3

    async def test_lazy_raise_refuses_and_names_the_fix(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Guarded(id="a", title="t"))
        async with kit.session() as s:
            found = await s.get(Guarded, "a")
            assert found is not None
            with kit.recorder.since() as sent, pytest.raises(LazyLoadError, match="fetch"):
                _ = found.closed
            assert sent == []
            await s.load(found, "closed")
            assert found.closed == []

    async def test_async_attribute_access_names_the_fix(self, kit: Kit) -> None:
        if kit.blocking:
            pytest.skip("attribute access loads here")
        await self._staff(kit, 2)
        async with kit.session() as s:
            first = await s.get(Person, "0000")
            assert first is not None
            with kit.recorder.since() as sent, pytest.raises(LazyLoadError, match=r"fetch=.*session\.load"):
                _ = first.friends
            assert sent == []

    async def test_fetch_loads_nested_paths(self, kit: Kit) -> None:
        await self._staff(kit, 6)
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                first = await s.get(Person, "0000", fetch=["friends.company.branches", "company"])
            assert first is not None
            assert len(sent) <= 5
            with kit.recorder.since() as sent:
                (friend,) = first.friends
                assert friend.company is not None
                assert friend.company.branches[0].city == "city1"
                assert first.company is not None
                assert first.company.id == "c0"
            assert sent == []

    async def test_fetch_for_many_takes_a_statement_for_each_step(self, kit: Kit) -> None:
        await self._staff(kit)
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                people = await s.get_many(
                    Person, [f"{n:04}" for n in range(30)], fetch=["friends", "company"]
                )
            assert len(sent) == 3
            with kit.recorder.since() as sent:
                assert all(p is not None and p.company is not None for p in people)
            assert sent == []

    async def test_an_unknown_relation_is_named(self, kit: Kit) -> None:
        await self._staff(kit, 1)
        async with kit.session() as s:
            with pytest.raises(MetadataError, match="enemies"):
                await s.get(Person, "0000", fetch=["enemies"])

    async def test_relations_of_subclasses_can_be_fetched(self, kit: Kit) -> None:
        async with kit.session() as s:
            boss, eve = Manager(id="m"), Employee(id="e")
            s.add_all([boss, eve, Person(id="p")])
            await s.relate(boss, "reports", eve)
        async with kit.session() as s:
            people = await s.scalars(select(Person).order_by(Person.id))
            managers = [p for p in people if isinstance(p, Manager)]
            await s.load(managers, "reports")
            assert [e.id for e in managers[0].reports] == ["e"]
            assert managers[0].reports[0] is people[0]

    async def test_a_detached_relation_says_what_to_do(self, kit: Kit) -> None:
        await self._staff(kit, 1)
        async with kit.session() as s:
            first = await s.get(Person, "0000")
        assert first is not None
        with pytest.raises(LazyLoadError, match="fetch"):
            _ = first.friends

    async def test_an_empty_relation_is_loaded_once(self, kit: Kit) -> None:
        await self._staff(kit, 1)
        async with kit.session() as s:
            first = await s.get(Person, "0000", fetch=["friends", "peers"])
            assert first is not None
            with kit.recorder.since() as sent:
                assert (first.friends, first.peers) == ([], [])
            assert sent == []

    async def test_streaming_gives_everything_once_in_bounded_memory(self, kit: Kit) -> None:
        await self._staff(kit, 250)
        async with kit.session() as s:
            session: Any = s
            seen: list[str] = []
            most = 0
            async for person in s.stream(select(Person), page=40):
                seen.append(person.id)
                core: Any = session._core if kit.blocking is False else session._session._core
                held: dict[type[Any], dict[Any, Any]] = core.unit.identities
                most = max(most, sum(map(len, held.values())))
            assert sorted(seen) == [f"{n:04}" for n in range(250)]
            assert most <= 80, f"{most} entities were held at once"

    async def test_an_abandoned_stream_gives_its_connection_back(self, kit: Kit) -> None:
        await self._staff(kit, 100)
        async with kit.session() as s:
            stream = s.stream(select(Person), page=10)
            async for person in stream:
                assert person.id
                break
            await stream.aclose()
            assert await s.count(select(Person)) == 100

    async def test_changes_made_while_streaming_are_written(self, kit: Kit) -> None:
        await self._staff(kit, 100)
        async with kit.session() as s:
            async for person in s.stream(select(Person), page=10):
                if person.id.endswith("0"):
                    person.name = "tenth"
        assert await kit.rows("MATCH (n:Person {name: 'tenth'}) RETURN count(n)") == [[10]]


TestLoading = BaseLoading
