"""Create, read, update and delete."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.core.state import Status
from runic.orm.exceptions import DetachedEntityError, EntityNotFoundError, FieldValidationError
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Counted, Guarded, Nameless, Person
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseCrud", "TestCrud"]


class BaseCrud(LiveSuite):
    """Create, read, update and delete."""

    area: ClassVar[str] = "create, read, update, delete"

    async def test_a_new_node_is_stored_with_its_values(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann", years=41, tags=["x", "y"]))
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name, n.years, n.email") == [
            ["a", "Ann", 41, None]
        ]
        async with kit.session() as s:
            found = await s.get(Person, "a")
            assert found is not None
            assert (found.id, found.name, found.years, found.tags, found.email) == (
                "a",
                "Ann",
                41,
                ["x", "y"],
                None,
            )

    async def test_a_missing_key_is_none(self, kit: Kit) -> None:
        async with kit.session() as s:
            assert await s.get(Person, "nobody") is None

    async def test_nothing_is_sent_before_the_flush(self, kit: Kit) -> None:
        session = kit.session()
        session.add(Person(id="a"))
        assert kit.recorder.requests == []
        await session.flush()
        assert len(kit.recorder.requests) >= 1
        await session.close()

    async def test_leaving_the_block_commits(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a"))
        assert await kit.rows("MATCH (n:Person) RETURN count(n)") == [[1]]

    async def test_an_error_in_the_block_commits_nothing(self, kit: Kit) -> None:
        with pytest.raises(ZeroDivisionError):
            async with kit.session() as s:
                s.add(Person(id="a"))
                raise ZeroDivisionError
        assert await kit.rows("MATCH (n:Person) RETURN count(n)") == [[0]]

    async def test_close_alone_writes_nothing_that_is_staged(self, kit: Kit) -> None:
        session = kit.session()
        session.add(Person(id="a"))
        await session.close()
        assert await kit.rows("MATCH (n:Person) RETURN count(n)") == [[0]]

    async def test_deletion_removes_the_node_and_its_relationships(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b = Person(id="a"), Person(id="b")
            s.add_all([a, b])
            await s.relate(a, "friends", b)
        async with kit.session() as s:
            found = await s.get(Person, "a")
            s.delete(found)
            await s.commit()
            assert found is not None
            assert found._runic_state.status is Status.DELETED
            assert await s.get(Person, "a") is None
        assert await kit.rows("MATCH (n) RETURN n.id") == [["b"]]
        assert await kit.rows("MATCH ()-[r]->() RETURN count(r)") == [[0]]

    async def test_deleting_what_was_only_added_sends_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a")
            s.add(ann)
            s.delete(ann)
            await s.commit()
            assert kit.recorder.requests == []

    async def test_deleting_a_stranger_is_refused(self, kit: Kit) -> None:
        async with kit.session() as s:
            with pytest.raises(DetachedEntityError):
                s.delete(Person(id="a"))

    async def test_a_key_can_be_used_again_after_a_deletion_in_one_flush(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="old", email="e@x"))
        async with kit.session() as s:
            s.delete(await s.get(Person, "a"))
            s.add(Person(id="a", name="new", email="e@x"))
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name") == [["a", "new"]]

    async def test_get_many_keeps_the_order_of_the_keys(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id=str(n), years=n) for n in range(10)])
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                found = await s.get_many(Person, ["7", "x", "3", "7"])
            assert [p and p.years for p in found] == [7, None, 3, 7]
            assert found[0] is found[3]
            assert len(sent) == 1

    async def test_a_generated_key_is_known_after_the_flush(self, kit: Kit) -> None:
        async with kit.session() as s:
            first, second = Counted(text="one"), Counted(text="two")
            s.add_all([first, second])
            assert [first.id, second.id] == [None, None]
            await s.flush()
            assert first.id is not None
            assert first.id != second.id
            key = second.id
        async with kit.session() as s:
            found = await s.get(Counted, key)
            assert found is not None
            assert (found.text, found.id) == ("two", key)
            found.text = "deux"
        assert await kit.rows("MATCH (n:Counted) RETURN n.text ORDER BY n.text") == [["deux"], ["one"]]

    async def test_a_node_without_key_is_tracked_too(self, kit: Kit) -> None:
        async with kit.session() as s:
            node = Nameless(text="one")
            s.add(node)
            await s.flush()
            node.text = "two"
        assert await kit.rows("MATCH (n:Nameless) RETURN n.text") == [["two"]]

    async def test_a_required_value_must_be_there(self, kit: Kit) -> None:
        async with kit.session() as s:
            guarded = Guarded(id="a", title="t")
            s.add(guarded)
            await s.flush()
            guarded.__dict__["title"] = "t"
            with pytest.raises(FieldValidationError, match=r"Guarded\.title"):
                guarded.title = None  # type: ignore[assignment]
                await s.flush()
            await s.rollback()

    async def test_merge_creates_and_updates(self, kit: Kit) -> None:
        async with kit.session() as s:
            await s.merge(Person(id="a", name="Ann", years=1))
        async with kit.session() as s:
            await s.merge(Person(id="a", name="Anna", years=2))
            await s.merge(Person(id="b", name="Bob"))
        assert await kit.rows("MATCH (n:Person) RETURN n.id, n.name, n.years ORDER BY n.id") == [
            ["a", "Anna", 2],
            ["b", "Bob", None],
        ]

    async def test_merge_into_what_is_loaded_returns_that(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann"))
        async with kit.session() as s:
            loaded = await s.get(Person, "a")
            merged = await s.merge(Person(id="a", name="Anna"))
            assert merged is loaded
            assert merged.name == "Anna"
        assert await kit.rows("MATCH (n:Person) RETURN n.name") == [["Anna"]]

    async def test_refresh_sees_what_others_wrote(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            await kit.write("MATCH (n:Person) SET n.name = 'Zoe'")
            assert ann.name == "Ann"
            await s.refresh(ann)
            assert ann.name == "Zoe"

    async def test_refresh_of_what_is_gone_says_so(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            await kit.write("MATCH (n:Person) DELETE n")
            with pytest.raises(EntityNotFoundError, match="Person"):
                await s.refresh(ann)
            s.expunge(ann)


TestCrud = BaseCrud
