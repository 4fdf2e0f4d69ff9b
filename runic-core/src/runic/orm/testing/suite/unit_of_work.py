"""The unit of work: a flush is applied whole or not at all, in few statements, and memory follows."""

# Checks look inside of entities.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.state import Status
from runic.orm.exceptions import ConstraintViolation, OrmError, ValueNotStorableError
from runic.orm.query.builder import select
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Company, Counted, Film, Person, Rated, Values
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseFlush", "BaseRollback", "TestFlush", "TestRollback"]

COUNT = "MATCH (n) RETURN count(n)"


class BaseFlush(LiveSuite):
    """A flush is applied whole or not at all, in few statements."""

    area: ClassVar[str] = "unit of work"

    async def test_three_kinds_with_edges_take_as_many_statements_as_batches_imply(self, kit: Kit) -> None:
        count = 300
        async with kit.session() as s:
            people = [Person(id=f"p{n}") for n in range(count)]
            films = [Film(id=f"f{n}") for n in range(count)]
            s.add_all([*people, *films, *(Company(id=f"c{n}") for n in range(count))])
            for person, film in zip(people, films, strict=True):
                await s.relate(person, "rated", film, Rated(stars=1))
            before = kit.harness.server_statements(kit.drivers.sync)
            with kit.recorder.since() as sent:
                await s.commit()
            after = kit.harness.server_statements(kit.drivers.sync)
            batches = -(-count // kit.dialect.batch_size)
            allowed = 1 if kit.dialect.unit_rows >= 4 * count else 4 * batches
            assert len(sent) == allowed
            if before is not None and after is not None:
                assert after - before == allowed, "the server saw another number of statements"
        assert await kit.rows(COUNT) == [[3 * count]]
        assert await kit.rows("MATCH (:Person)-[r:RATED]->(:Film) RETURN count(r)") == [[count]]

    async def test_a_commit_without_changes_sends_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a"))
        async with kit.session() as s:
            await s.get(Person, "a")
            before = kit.harness.server_statements(kit.drivers.sync)
            with kit.recorder.since() as sent:
                await s.flush()
                await s.commit()
            after = kit.harness.server_statements(kit.drivers.sync)
            assert sent == []
            assert before == after

    @requires(Capability.UNIQUE, Capability.ATOMIC_FLUSH)
    async def test_a_violation_in_the_last_part_leaves_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="taken", email="taken@x"))
        async with kit.session() as s:
            old = await s.get(Person, "taken")
            assert old is not None
            old.name = "changed"
            film = Film(id="f")
            culprit = Person(id="new", email="taken@x", rated=[film])
            s.add_all([Company(id="c"), film, culprit])
            with pytest.raises(ConstraintViolation) as caught:
                await s.commit()  # some servers check it there
            assert caught.value.entity is culprit
            assert "Person" in str(caught.value)
            assert caught.value.backend == kit.dialect.name
            assert await kit.rows("MATCH (n) RETURN n.id, n.name") == [["taken", ""]]
            # The session stays usable: mend it, and everything goes through.
            assert culprit._runic_state.status is Status.PENDING
            assert old.name == "changed"
            culprit.email = "free@x"
            await s.commit()
        rows = await kit.rows("MATCH (n) RETURN n.id, n.name ORDER BY n.id")
        assert rows == [["c", ""], ["f", None], ["new", ""], ["taken", "changed"]]
        assert await kit.rows("MATCH (:Person)-[r:RATED]->(:Film) RETURN count(r)") == [[1]]

    @requires(Capability.UNIQUE, Capability.ATOMIC_FLUSH)
    async def test_two_new_objects_that_violate_together_leave_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            first, second = Person(id="1", email="same@x"), Person(id="2", email="same@x")
            s.add_all([Film(id="f"), first, second])
            with pytest.raises(ConstraintViolation) as caught:
                await s.flush()
            assert caught.value.entity in (first, second)
            await s.rollback()
        assert await kit.rows(COUNT) == [[0]]

    async def test_a_bad_value_in_the_last_object_sends_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id=str(n)) for n in range(50)])
            s.add(Values(id="bad", whole=2**63))
            with kit.recorder.since() as sent, pytest.raises(ValueNotStorableError):
                await s.flush()
            assert sent == []
            await s.rollback()

    @requires(Capability.ATOMIC_FLUSH)
    async def test_the_guarantee_of_a_flush_is_told(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Person(id="a"), Film(id="f")])
            await s.commit()
            assert s.guarantee in ("transaction", "single query")
            if Capability.TRANSACTIONS in kit.dialect.capabilities:
                assert s.guarantee == "transaction"

    async def test_a_unit_of_several_queries_says_so(self, kit: Kit) -> None:
        if Capability.TRANSACTIONS in kit.dialect.capabilities:
            pytest.skip("every unit is one transaction here")
        async with kit.session() as s:
            s.add(Person(id="a"))
            await s.flush()
            s.add(Person(id="b"))
            await s.commit()
            assert s.guarantee == "several queries"
            s.add(Person(id="c"))
            await s.commit()
            assert s.guarantee == "single query"  # type: ignore[comparison-overlap]  # commit() changed it

    async def test_creates_updates_edges_and_deletes_go_together(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b, c = (Person(id=each) for each in "abc")
            await s.relate(a, "friends", b)
            s.add(c)
        async with kit.session() as s:
            a2, b2, c2 = await s.get_many(Person, ["a", "b", "c"])
            assert a2 is not None
            a2.name = "Ann"
            s.delete(c2)
            await s.unrelate(a2, "friends", b2)
            film = Film(id="f")
            s.add(film)
            await s.relate(a2, "rated", film, Rated(stars=4))
            with kit.recorder.since() as sent:
                await s.commit()
            if Capability.TRANSACTIONS not in kit.dialect.capabilities:
                assert len(sent) == 1
        assert await kit.rows("MATCH (n) RETURN n.id, n.name ORDER BY n.id") == [
            *(["a", "Ann"], ["b", ""], ["f", None]),
        ]
        assert await kit.rows("MATCH ()-[r]->() RETURN type(r), r.stars") == [["RATED", 4]]

    async def test_reads_see_what_is_staged(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann"))
            assert await s.count(select(Person)) == 1
            (found,) = await s.scalars(select(Person))
            found.name = "Anna"
            assert [p.id for p in await s.scalars(select(Person).where(Person.name == "Anna"))] == ["a"]
            result = await s.execute("MATCH (n:Person) RETURN n.name")
            assert result.rows == [["Anna"]]

    async def test_autoflush_can_be_switched_off(self, kit: Kit) -> None:
        async with kit.session(autoflush=False) as s:
            s.add(Person(id="a"))
            assert await s.count(select(Person)) == 0
            await s.flush()
            assert await s.count(select(Person)) == 1

    async def test_generated_keys_of_many_rows_belong_to_the_right_objects(self, kit: Kit) -> None:
        nodes = [Counted(text=str(n)) for n in range(200)]
        async with kit.session() as s:
            s.add_all(nodes)
            await s.flush()
            assert len({node.id for node in nodes}) == 200
            for node in nodes[::7]:
                node.text = f"was {node.text}"
            keys = {node.id: node.text for node in nodes}
        async with kit.session() as s:
            found = await s.get_many(Counted, list(keys))
            assert {node.id: node.text for node in found if node is not None} == keys

    async def test_what_was_flushed_is_not_flushed_again(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b = Person(id="a"), Person(id="b")
            await s.relate(a, "friends", b)
            await s.flush()
            with kit.recorder.since() as sent:
                await s.flush()
                await s.commit()
            assert sent == []


class BaseRollback(LiveSuite):
    """After a rollback memory and database are what they were."""

    area: ClassVar[str] = "unit of work"

    async def test_rollback_takes_back_what_is_staged(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann", tags=["x"], facts={"k": [1]})
            s.add_all([ann, Person(id="gone")])
            await s.commit()
            new, gone = Person(id="new"), await s.get(Person, "gone")
            s.add(new)
            s.delete(gone)
            ann.name = "changed"
            ann.tags.append("y")
            ann.facts["k"].append(2)
            await s.relate(ann, "friends", new)
            await s.rollback()
            assert new._runic_state.status is Status.TRANSIENT
            assert (ann.name, ann.tags, ann.facts) == ("Ann", ["x"], {"k": [1]})
            assert not ann._dirty
            assert await s.get(Person, "gone") is gone
            with kit.recorder.since() as sent:
                await s.commit()
            assert not [request for request in sent if request.write]
        assert sorted(row[0] for row in await kit.rows("MATCH (n) RETURN n.id")) == ["a", "gone"]
        assert await kit.rows("MATCH ()-[r]->() RETURN count(r)") == [[0]]

    async def test_relations_return_to_what_is_stored(self, kit: Kit) -> None:
        async with kit.session() as s:
            a, b, c = (Person(id=each) for each in "abc")
            await s.relate(a, "friends", b)
            s.add(c)
            await s.commit()
            await s.load(a, "friends")
            a.friends.append(c)
            a.company = Company(id="x")
            await s.rollback()
            assert [p.id for p in await kit.related(s, a, "friends")] == ["b"]
            assert await kit.related(s, a, "company") is None

    async def test_a_rolled_back_object_can_be_added_again(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a")
            s.add(ann)
            await s.rollback()
            s.add(ann)
        assert await kit.rows("MATCH (n:Person) RETURN n.id") == [["a"]]

    async def test_reads_after_a_rollback_are_fresh(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            await kit.write("MATCH (n:Person) SET n.name = 'theirs'")
            await s.rollback()
            again = await s.get(Person, "a")
            assert again is ann
            assert ann.name == "theirs"

    @requires(Capability.TRANSACTIONS)
    async def test_rollback_takes_back_what_was_flushed(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Person(id="a", name="Ann"))
            await s.commit()
            ann = await s.get(Person, "a")
            assert ann is not None
            ann.name = "changed"
            new = Counted(text="x")
            s.add(new)
            await s.flush()
            await s.rollback()
            assert (ann.name, new.id, new._runic_state.status) == ("Ann", None, Status.TRANSIENT)
        assert await kit.rows("MATCH (n) RETURN n.name") == [["Ann"]]

    @requires(Capability.TRANSACTIONS)
    @pytest.mark.parametrize("flushed", [True, False])
    async def test_rollback_of_an_object_that_was_deleted_and_added_again(
        self, kit: Kit, flushed: bool
    ) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            s.delete(ann)
            await s.flush()
            ann.name = "again"
            s.add(ann)
            if flushed:
                await s.flush()
            await s.rollback()
            assert await s.get(Person, "a") is ann
            assert ann._runic_state.status is Status.PERSISTENT
            assert ann.name == "Ann"
            ann.name = "changed"
        assert await kit.rows("MATCH (n) RETURN n.name") == [["changed"]]

    async def test_what_was_flushed_without_transactions_stays(self, kit: Kit) -> None:
        if Capability.TRANSACTIONS in kit.dialect.capabilities:
            pytest.skip("there are transactions")
        async with kit.session() as s:
            s.add(Person(id="a"))
            await s.flush()
            await s.rollback()
            assert (await s.get(Person, "a")) is not None

    async def test_an_error_in_the_block_is_the_one_that_is_seen(self, kit: Kit) -> None:
        ann = Person(id="a")
        with pytest.raises(LookupError, match="mine"):
            async with kit.session() as s:
                s.add(ann)
                raise LookupError("mine")
        assert ann._runic_state.status in (Status.TRANSIENT, Status.DETACHED)
        assert await kit.rows(COUNT) == [[0]]

    async def test_the_session_is_usable_after_a_failed_commit_and_rollback(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Values(id="bad", real=float("nan")))
            with pytest.raises(OrmError):
                await s.commit()
            await s.rollback()
            s.add(Values(id="good"))
        assert await kit.rows("MATCH (n) RETURN n.id") == [["good"]]

    async def test_expire_reads_again_at_the_next_look(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            await kit.write("MATCH (n:Person) SET n.name = 'theirs'")
            s.expire(ann)
            if not kit.blocking:
                await s.refresh(ann)
            assert ann.name == "theirs"

    async def test_expire_forgets_changes(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann")
            s.add(ann)
            await s.commit()
            ann.name = "changed"
            s.expire(ann)
            assert not ann._dirty
            await s.commit()
        assert await kit.rows("MATCH (n:Person) RETURN n.name") == [["Ann"]]

    async def test_refresh_overwrites_changes(self, kit: Kit) -> None:
        async with kit.session() as s:
            ann = Person(id="a", name="Ann", tags=["x"])
            s.add(ann)
            await s.commit()
            ann.name = "changed"
            ann.tags.append("y")
            await s.refresh(ann)
            assert (ann.name, ann.tags) == ("Ann", ["x"])
            with kit.recorder.since() as sent:
                await s.commit()
            assert sent == []


TestFlush = BaseFlush
TestRollback = BaseRollback
