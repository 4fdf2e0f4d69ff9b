"""Random sequences of session operations, against a graph of plain dictionaries.

The model knows what is stored and what the session means to store. After every flush and rollback the
whole database, the identity map and every relation in memory have to agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from runic.orm import create_driver
from runic.orm.compile.dialect import Capability, UnitForm
from runic.orm.core.state import NOT_LOADED, Status
from runic.orm.driver.port import Request
from runic.orm.exceptions import QueryError, ServerError, StaleObjectError
from runic.orm.session.blocking import run_blocking
from runic.orm.session.session import Session
from tests.live.session.models import Person
from tests.live.session.support import Refined, at_write
from tests.servers.base import Server

KEYS = "abcdef"
keys = st.sampled_from(KEYS)
number = st.integers(0, 1000)
names = st.sampled_from([None, "x", "y", "z"])
# relation, the other view of the same edges
TO_MANY = {"friends": "KNOWS", "fans": "KNOWS", "mates": "MATE"}
to_many = st.sampled_from(sorted(TO_MANY))


@dataclass
class Graph:
    """Nodes by key, and edges (start, type, end). An undirected edge is stored in one direction only."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: set[tuple[str, str, str]] = field(default_factory=set)

    def drop(self, key: str) -> None:
        del self.nodes[key]
        self.edges = {edge for edge in self.edges if key not in (edge[0], edge[2])}

    def related(self, key: str, relation: str) -> set[str]:
        found = set()
        for start, kind, end in self.edges:
            if relation in ("friends", "mates", "boss") and kind == _kind(relation) and start == key:
                found.add(end)
            if relation in ("fans", "mates") and kind == _kind(relation) and end == key:
                found.add(start)
        return found

    def link(self, key: str, relation: str, other: str) -> None:
        if other not in self.related(key, relation):
            start, end = (other, key) if relation == "fans" else (key, other)
            self.edges.add((start, _kind(relation), end))

    def unlink(self, key: str, relation: str, other: str) -> None:
        ends = {(key, other)} if relation != "fans" else {(other, key)}
        if relation == "mates":
            ends.add((other, key))
        self.edges -= {(start, _kind(relation), end) for start, end in ends}


def _kind(relation: str) -> str:
    return "REPORTS_TO" if relation == "boss" else TO_MANY[relation]


def undirected(edges: set[tuple[str, str, str]]) -> list[Any]:
    """Edges as they count: mates have no direction."""
    return sorted((kind, *(sorted((a, b)) if kind == "MATE" else (a, b))) for a, kind, b in edges)


@dataclass
class Block:
    """A block of ``session.transaction()`` that is open, and what things were like when it began."""

    manager: Any
    graph: Graph
    mine: dict[str, Person]


class SessionMachine(RuleBasedStateMachine):
    driver: Any
    savepoints = False

    def __init__(self) -> None:
        super().__init__()
        self.committed = Graph()
        self.stored = Graph()
        self.meant = Graph()
        self.mine: dict[str, Person] = {}
        self.deleted: dict[str, Person] = {}
        self.blocks: list[Block] = []
        self.foreign = 0
        self.transactional = self.driver.dialect.unit_form is UnitForm.TRANSACTION

    @initialize(several=st.booleans())
    def begin(self, several: bool) -> None:
        self.driver.execute("MATCH (n) DETACH DELETE n")
        changes: dict[str, Any] = {"unit_rows": 0, "batch_size": 2} if several else {}
        if not self.savepoints:
            changes["capabilities"] = self.driver.dialect.capabilities - {Capability.SAVEPOINTS}
        self.broken = Refined(self.driver, **changes)
        self.session = Session(self.broken)

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()
            # Those of blocks that are open still end without complaint.
            while self.blocks:
                self.blocks.pop().manager.__exit__(None, None, None)

    # -- what is there -----------------------------------------------------------------------------

    def pick(self, choice: int) -> str | None:
        """An entity that the session has and keeps."""
        there = sorted(key for key in self.mine if key in self.meant.nodes)
        return there[choice % len(there)] if there else None

    def flushed(self) -> None:
        self.stored = deepcopy(self.meant)
        if not self.transactional:
            self.committed = self.stored
        for key, entity in self.deleted.items():
            if self.mine.get(key) is entity:
                del self.mine[key]
        self.deleted.clear()

    def committed_all(self) -> None:
        self.flushed()
        self.committed = deepcopy(self.stored)

    def rolled_back(self) -> None:
        if self.transactional:
            self.stored = deepcopy(self.committed)
        self.meant = deepcopy(self.stored)
        self.mine = {
            key: entity
            for key, entity in {**self.mine, **self.deleted}.items()
            if entity._runic_state.status is Status.PERSISTENT
        }
        self.deleted.clear()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What follows may read, and so flush."""
        yield
        if not self.blocks:
            self.flushed()

    # -- nodes -------------------------------------------------------------------------------------

    @rule(key=keys, name=names, friends=st.lists(number, max_size=3), boss=st.none() | number)
    def add(self, key: str, name: str | None, friends: list[int], boss: int | None) -> None:
        if key in self.meant.nodes:
            return
        others = {other: self.mine[other] for choice in friends if (other := self.pick(choice))}
        chosen = None if boss is None else self.pick(boss)
        new = Person(
            id=key, name=name, friends=list(others.values()), boss=self.mine[chosen] if chosen else None
        )
        self.session.add(new)
        self.mine[key] = new
        self.meant.nodes[key] = {"name": name, "tags": [], "extra": None}
        for other in others:
            self.meant.link(key, "friends", other)
        if chosen:
            self.meant.link(key, "boss", chosen)

    @rule(key=keys, name=names)
    def merge(self, key: str, name: str | None) -> None:
        known = self.mine.get(key) if key in self.meant.nodes else None
        found = self.session.merge(Person(id=key, name=name))
        if known is not None:
            assert found is known
        self.mine[key] = found
        there = self.meant.nodes.setdefault(key, {"extra": None})
        there.update(name=name, tags=[])

    @rule(choice=number, name=names)
    def rename(self, choice: int, name: str | None) -> None:
        key = self.pick(choice)
        if key:
            self.mine[key].name = name
            self.meant.nodes[key]["name"] = name

    @rule(choice=number, tag=st.sampled_from(["t", "u"]), how=st.sampled_from(["append", "assign", "clear"]))
    def tag(self, choice: int, tag: str, how: str) -> None:
        key = self.pick(choice)
        if not key:
            return
        entity, there = self.mine[key], self.meant.nodes[key]
        if how == "append":
            if entity.__dict__.get("tags", NOT_LOADED) is NOT_LOADED:
                with self.reading():
                    _ = entity.tags
            entity.tags.append(tag)
            there["tags"] = [*there["tags"], tag]
        elif how == "assign":
            entity.tags = [tag]
            there["tags"] = [tag]
        else:
            entity.tags = []
            there["tags"] = []

    @rule(choice=number)
    def delete(self, choice: int) -> None:
        key = self.pick(choice)
        if not key:
            return
        entity = self.mine[key]
        pending = entity._new
        if pending and key in self.stored.nodes:
            return  # a merge that is forgotten, not a deletion
        self.session.delete(entity)
        self.meant.drop(key)
        del self.mine[key]
        if not pending:
            self.deleted[key] = entity
        else:
            # It is in no session now, and lists must not have it.
            for other in self.mine.values():
                for relation in (*TO_MANY, "boss"):
                    value = other.__dict__.get(relation)
                    if isinstance(value, list) and any(each is entity for each in value):
                        getattr(other, relation).remove(entity)
                    elif value is entity:
                        setattr(other, relation, None)

    # -- relationships -----------------------------------------------------------------------------

    @rule(choice=number, other=number, relation=to_many, add=st.booleans())
    def relate_or_unrelate(self, choice: int, other: int, relation: str, add: bool) -> None:
        key, target = self.pick(choice), self.pick(other)
        if not key or not target:
            return
        if add:
            self.session.relate(self.mine[key], relation, self.mine[target])
            self.meant.link(key, relation, target)
        else:
            self.settle_merged(key, target)
            self.session.unrelate(self.mine[key], relation, self.mine[target])
            self.meant.unlink(key, relation, target)

    @rule(choice=number, others=st.lists(number, max_size=3), relation=to_many)
    def replace(self, choice: int, others: list[int], relation: str) -> None:
        key = self.pick(choice)
        if not key:
            return
        targets = {target: self.mine[target] for each in others if (target := self.pick(each))}
        self.settle(key, relation)
        setattr(self.mine[key], relation, list(targets.values()))
        for target in self.meant.related(key, relation):
            self.meant.unlink(key, relation, target)
        for target in targets:
            self.meant.link(key, relation, target)

    @rule(choice=number, other=number, relation=to_many, add=st.booleans())
    def edit_list(self, choice: int, other: int, relation: str, add: bool) -> None:
        key, target = self.pick(choice), self.pick(other)
        if not key or not target:
            return
        self.settle(key, relation)
        if self.mine[key].__dict__.get(relation, NOT_LOADED) is NOT_LOADED:
            self.session.flush()
            self.flushed()
        listed = getattr(self.mine[key], relation)
        there = any(each is self.mine[target] for each in listed)
        if add and not there:
            listed.append(self.mine[target])
            self.meant.link(key, relation, target)
        elif there and not add:
            listed.remove(self.mine[target])
            self.meant.unlink(key, relation, target)

    def settle(self, key: str, relation: str) -> None:
        """Flush before a relation is replaced that does not show what the other end of its edges staged.

        Of two lists that contradict each other nobody knows which was changed last.
        """
        entity = self.mine[key]
        value = entity.__dict__.get(relation, NOT_LOADED)
        listed = value if isinstance(value, list) else [value] if value else []
        shown = {each.id for each in listed}
        opposite = {"fans": "friends", "friends": "fans"}.get(relation, "")
        if value is NOT_LOADED:
            shown = self.stored.related(key, relation)
        # An edge of a node to itself is in both lists, and the other one was assigned.
        assigned = opposite in (entity._runic_state.changes or ())
        contradicted = assigned and (value is NOT_LOADED or key in shown)
        if contradicted or shown != self.meant.related(key, relation):
            self.session.flush()
            self.flushed()
        self.settle_merged(key)

    def settle_merged(self, *merged: str) -> None:
        """Merging says nothing of edges that it does not name, and takes none away before it is flushed."""
        if any(id(self.mine[key]) in self.session._core.unit.merged for key in merged):
            self.session.flush()
            self.flushed()

    @rule(choice=number, other=st.none() | number)
    def set_boss(self, choice: int, other: int | None) -> None:
        key = self.pick(choice)
        if not key:
            return
        target = None if other is None else self.pick(other)
        self.settle_merged(key)
        self.mine[key].boss = self.mine[target] if target else None
        for each in self.meant.related(key, "boss"):
            self.meant.unlink(key, "boss", each)
        if target:
            self.meant.link(key, "boss", target)

    # -- reading -----------------------------------------------------------------------------------

    @rule(key=keys)
    def get(self, key: str) -> None:
        self.session.flush()
        self.flushed()
        found = self.session.get(Person, key)
        if key not in self.stored.nodes:
            assert found is None
        else:
            assert found is self.mine.setdefault(key, found)  # type: ignore[arg-type]

    @rule(choice=number, relation=st.sampled_from([*sorted(TO_MANY), "boss"]))
    def look(self, choice: int, relation: str) -> None:
        key = self.pick(choice)
        if not key:
            return
        self.session.flush()
        self.flushed()
        value = getattr(self.mine[key], relation)
        shown = {each.id for each in value} if isinstance(value, list) else {value.id} if value else set()
        assert shown == self.stored.related(key, relation), (key, relation)

    @rule()
    def query(self) -> None:
        if self.blocks:
            self.session.flush()
        found = {each.id: each for each in self.session.query(Person).all()}
        self.flushed()
        assert found.keys() == self.stored.nodes.keys()
        for key, entity in found.items():
            assert self.mine.setdefault(key, entity) is entity

    @rule(choice=number, how=st.sampled_from(["expire", "refresh"]))
    def forget_values(self, choice: int, how: str) -> None:
        key = self.pick(choice)
        if key:
            self.session.flush()
            self.flushed()
            if key in self.mine:
                getattr(self.session, how)(self.mine[key])

    # -- the unit of work --------------------------------------------------------------------------

    @rule(how=st.sampled_from(["flush", "commit"]))
    def write(self, how: str) -> None:
        if how == "flush" or self.blocks:
            self.session.flush()
            self.flushed()
        else:
            self.session.commit()
            self.committed_all()
        self.compare()

    @rule(at=st.integers(1, 6))
    @precondition(lambda self: not self.blocks)
    def write_with_a_fault(self, at: int) -> None:
        self.broken.before = at_write(at, ServerError("refused on purpose"))
        try:
            self.session.commit()
        except ServerError:
            self.broken.before = lambda _: None
            self.session.commit()
        finally:
            self.broken.before = lambda _: None
        self.committed_all()
        self.compare()

    # -- blocks ------------------------------------------------------------------------------------

    @rule()
    @precondition(lambda self: len(self.blocks) < 3)
    def enter(self) -> None:
        manager = self.session.transaction()
        manager.__enter__()
        self.flushed()
        self.blocks.append(Block(manager, deepcopy(self.meant), dict(self.mine)))

    @rule()
    @precondition(lambda self: self.blocks)
    def leave(self) -> None:
        self.blocks.pop().manager.__exit__(None, None, None)
        self.flushed()
        self.compare()

    @rule()
    @precondition(lambda self: self.blocks)
    def leave_by_an_error(self) -> None:
        block = self.blocks.pop()
        self.failed(block, ZeroDivisionError())
        if self.savepoints:
            self.stored = deepcopy(block.graph)
        # Without savepoints, what was flushed in it stays.
        self.took_back(block, self.stored)
        self.compare()

    @rule(at=st.integers(1, 4))
    @precondition(lambda self: self.blocks)
    def flush_in_a_block_with_a_fault(self, at: int) -> None:
        self.broken.before = at_write(at, ServerError("refused on purpose"))
        try:
            self.session.flush()
        except ServerError as error:
            self.broken.before = lambda _: None
            if self.transactional and not self.savepoints:
                self.leave_all(error)
                return
            # What was flushed in the block is staged again, and nothing of it is lost.
            self.session.flush()
        finally:
            self.broken.before = lambda _: None
        self.flushed()
        self.compare()

    @rule()
    @precondition(lambda self: self.blocks and self.transactional)
    def a_statement_fails_in_a_block(self) -> None:
        with pytest.raises(ServerError) as caught:
            self.session.execute("THIS IS NO CYPHER")
        if not self.savepoints:
            with pytest.raises(QueryError, match="leave the block"):
                self.session.flush()
            self.leave_all(caught.value)
            return
        block = self.blocks.pop()
        self.failed(block, caught.value)
        self.stored = deepcopy(block.graph)
        self.took_back(block, block.graph)
        self.compare()

    def failed(self, block: Block, error: Exception) -> None:
        assert not block.manager.__exit__(type(error), error, None), "the error goes on"

    def took_back(self, block: Block, graph: Graph) -> None:
        self.meant = deepcopy(graph)
        there = {**block.mine, **self.mine, **self.deleted}
        self.mine = {
            key: entity
            for key, entity in there.items()
            if entity._runic_state.owner is not None and key in self.meant.nodes
        }
        self.deleted.clear()

    def leave_all(self, error: Exception) -> None:
        """The transaction is lost, and with it every block; what was flushed before them is staged again."""
        outermost = self.blocks[0]
        while self.blocks:
            self.failed(self.blocks.pop(), error)
        self.stored = deepcopy(self.committed)
        self.took_back(outermost, outermost.graph)
        self.mine = {key: entity for key, entity in outermost.mine.items() if key in self.meant.nodes}
        self.session.flush()
        self.flushed()
        self.compare()

    @rule()
    @precondition(lambda self: not self.blocks)
    def rollback(self) -> None:
        self.session.rollback()
        self.rolled_back()
        self.compare()

    @rule(commit=st.booleans())
    @precondition(lambda self: not self.blocks)
    def reopen(self, commit: bool) -> None:
        if commit:
            self.session.commit()
            self.committed_all()
        self.session.close()
        self.rolled_back()
        self.mine.clear()
        self.session = Session(self.broken)
        self.compare()

    # -- another client ----------------------------------------------------------------------------

    # Where there are transactions, another client would wait for this one.

    @precondition(lambda self: not self.transactional)
    @rule(key=keys)
    def somebody_sets_a_property(self, key: str) -> None:
        self.driver.execute("MATCH (n {id: $key}) SET n.extra = 1", {"key": key})
        if key in self.stored.nodes:
            self.stored.nodes[key]["extra"] = 1
            # An object deleted and made anew has not got it.
            if key in self.meant.nodes and key not in self.deleted:
                self.meant.nodes[key]["extra"] = 1

    @precondition(lambda self: self.foreign < 3 and not self.transactional)
    @rule()
    def somebody_adds_a_node(self) -> None:
        self.foreign += 1
        key = f"x{self.foreign}"
        self.driver.execute("CREATE (:Person {id: $key, tags: []})", {"key": key})
        for graph in (self.stored, self.meant):
            graph.nodes[key] = {"name": None, "tags": [], "extra": None}

    @precondition(lambda self: not self.transactional and not self.blocks)
    @rule(choice=number, how=st.sampled_from(["change", "relate", "delete", "nothing"]), reuse=st.booleans())
    def somebody_deletes(self, choice: int, how: str, reuse: bool) -> None:
        self.session.flush()
        self.flushed()
        key = self.pick(choice)
        if not key or key.startswith("x"):
            return
        self.driver.execute("MATCH (n {id: $key}) DETACH DELETE n", {"key": key})
        self.stored.drop(key)
        self.meant.drop(key)
        ghost = self.mine.pop(key)
        if reuse:
            self.somebody_adds_a_node()
        if how == "delete":
            self.session.delete(ghost)
            self.session.flush()
        else:
            other = self.pick(choice)
            if how == "change":
                ghost.name = f"changed {choice}"
            elif how == "relate" and other:
                self.session.relate(self.mine[other], "boss", ghost)
            if how == "change" or (how == "relate" and other):
                with pytest.raises(StaleObjectError):
                    self.session.flush()
            self.session.rollback()
            self.rolled_back()
            self.session.expunge(ghost)
        self.compare()

    # -- comparing ---------------------------------------------------------------------------------

    def rows(self, text: str) -> list[list[Any]]:
        """What the database holds, as the session's transaction sees it."""
        if not self.transactional:
            rows: list[list[Any]] = self.driver.execute(text, write=False).rows
            return rows
        return run_blocking(self.session._core.connection.send(Request(text, {}))).rows

    def compare(self) -> None:
        rows = self.rows("MATCH (n) RETURN n.id, n.name, n.tags, n.extra")
        assert len({row[0] for row in rows}) == len(rows)
        assert {key: {"name": n, "tags": t, "extra": e} for key, n, t, e in rows} == self.stored.nodes
        links = self.rows("MATCH (a)-[r]->(b) RETURN a.id, type(r), b.id")
        assert undirected({tuple(row) for row in links}) == undirected(self.stored.edges)
        assert len(links) == len(self.stored.edges)
        part = self.session._core.unit.identities.get(Person, {})
        assert {key: part.get(key) for key in self.mine} == self.mine
        for key, entity in part.items():
            assert entity.id == key
            if key not in self.stored.nodes:
                continue
            values = entity.__dict__
            assert values.get("name", NOT_LOADED) in (self.stored.nodes[key]["name"], NOT_LOADED)
            assert values.get("tags", NOT_LOADED) in (self.stored.nodes[key]["tags"], NOT_LOADED)
            for relation in (*TO_MANY, "boss"):
                value = values.get(relation, NOT_LOADED)
                if value is NOT_LOADED:
                    continue
                listed = value if isinstance(value, list) else [value] if value else []
                shown = {each.id for each in listed if each._runic_state.owner is not None}
                assert shown == self.stored.related(key, relation), (key, relation)


def run(
    driver: Any, examples: int, steps: int, *, always_the_same: bool = False, savepoints: bool = False
) -> None:
    machine = type("Machine", (SessionMachine,), {"driver": driver, "savepoints": savepoints})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=always_the_same,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        ),
    )


def test_sequences_of_operations_keep_memory_and_database_together(driver: Any) -> None:
    run(driver, examples=100, steps=30, always_the_same=True)


@pytest.mark.parametrize("savepoints", [True, False])
def test_sequences_with_transactions_keep_memory_and_database_together(
    age_server: Server, age_graph: str, savepoints: bool
) -> None:
    """With savepoints, and as on a server that has none."""
    with create_driver(age_server.url_of(age_graph)) as driver:
        run(driver, examples=60, steps=30, always_the_same=True, savepoints=savepoints)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("savepoints", [True, False])
def test_many_long_sequences_with_transactions_keep_memory_and_database_together(
    age_server: Server, age_graph: str, savepoints: bool
) -> None:
    with create_driver(age_server.url_of(age_graph)) as driver:
        run(driver, examples=1500, steps=60, savepoints=savepoints)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_long_sequences_of_operations_keep_memory_and_database_together(driver: Any) -> None:
    run(driver, examples=3000, steps=60)
