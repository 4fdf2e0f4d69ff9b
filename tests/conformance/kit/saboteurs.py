"""Drivers that break one thing each: what the kit is tested with.

Each wraps the ports of a real FalkorDB driver. A result's cells are those of the compact reply,
``[type, value]``, where the request asks for raw cells.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable, Generator
from typing import Any, ClassVar

from runic.orm.compile.dialect import Dialect
from runic.orm.driver.port import Port, QueryResult, Request
from runic.orm.exceptions import ConstraintViolation, DriverError
from runic.orm.testing.proxy import DriverProxy, PortProxy

type Break = Callable[[Port, Request], Awaitable[QueryResult]]


@dataclasses.dataclass(frozen=True)
class Saboteur:
    """One way to be wrong, and the checks of the kit of which each must notice it."""

    name: str
    broken: Break
    caught_by: tuple[str, ...]
    colours: tuple[str, ...] = ("sync", "async")
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    port: type[PortProxy] | None = None

    def wrap(self, port: Port) -> Port:
        return self.port(port) if self.port is not None else BrokenPort(port, self.broken)

    def __str__(self) -> str:
        return self.name


class BrokenPort(PortProxy):
    def __init__(self, port: Port, broken: Break) -> None:
        super().__init__(port)
        self.broken = broken

    async def execute(self, request: Request) -> QueryResult:
        return await self.broken(self.port, request)


class LyingDriver(DriverProxy):
    """A driver whose dialect claims other things than the server can do."""

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        super().__init__(driver, lambda port: port)
        self._dialect = dialect

    @property
    def dialect(self) -> Dialect:
        return self._dialect


# -- ways to break --------------------------------------------------------------------------------


def text(change: Callable[[str], str], *, writes: bool | None = None) -> Break:
    """Change the statement."""

    async def broken(port: Port, request: Request) -> QueryResult:
        if writes is None or request.write is writes:
            request = dataclasses.replace(request, text=change(request.text))
        return await port.execute(request)

    return broken


def parameters(change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Break:
    """Change the parameters."""

    async def broken(port: Port, request: Request) -> QueryResult:
        changed = change(request.text, dict(request.parameters))
        return await port.execute(dataclasses.replace(request, parameters=changed))

    return broken


def rows(change: Callable[[list[list[Any]]], list[list[Any]]], *, writes: bool = False) -> Break:
    """Change the rows of a result."""

    async def broken(port: Port, request: Request) -> QueryResult:
        result = await port.execute(request)
        if request.write is writes and request.raw_cells:
            result = dataclasses.replace(result, rows=change(list(result.rows)))
        return result

    return broken


def cells(change: Callable[[Any], Any]) -> Break:
    """Change every cell of every read, nested ones too."""

    def deep(cell: Any) -> Any:
        if isinstance(cell, list) and len(cell) == 2 and isinstance(cell[1], list):
            return [cell[0], [deep(each) for each in cell[1]]]
        return change(cell)

    return rows(lambda found: [[deep(cell) for cell in row] for row in found])


def mapped(change: Callable[[Any], Any]) -> Break:
    """Change every scalar among the parameters."""

    def deep(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [deep(each) for each in value]
        if isinstance(value, dict):
            return {key: deep(each) for key, each in value.items()}
        return change(value)

    return parameters(lambda _, values: {key: deep(value) for key, value in values.items()})


async def ignores_veto(port: Port, request: Request) -> QueryResult:
    if request.write:
        request = dataclasses.replace(
            request, text=request.text.replace("THEN 0 ELSE 1 END", "THEN 1 ELSE 1 END")
        )
    return await port.execute(request)


async def commits_half(port: Port, request: Request) -> QueryResult:
    try:
        return await port.execute(request)
    except ConstraintViolation:
        # What comes before the part that failed stays.
        kept = dict(request.parameters)
        for name in sorted(kept, reverse=True):
            kept[name] = []
            try:
                await port.execute(dataclasses.replace(request, parameters=kept))
            except DriverError:
                continue
            break
        raise


async def swallows_errors(port: Port, request: Request) -> QueryResult:
    try:
        return await port.execute(request)
    except DriverError:
        return QueryResult([], ())


async def writes_twice(port: Port, request: Request) -> QueryResult:
    if request.write and "CREATE" in request.text:
        await port.execute(request)
    return await port.execute(request)


async def writes_nothing(port: Port, request: Request) -> QueryResult:
    if request.write and "SET" in request.text and "CREATE" not in request.text:
        names = [name for name in request.parameters if name.startswith("s")]
        request = dataclasses.replace(
            request,
            text=re.sub(r" SET n\.`\w+` = row\[\d+\]", " SET n.`zz` = 0", request.text),
            parameters={name: request.parameters[name] for name in names} or request.parameters,
        )
    return await port.execute(request)


async def reads_may_write(port: Port, request: Request) -> QueryResult:
    return await port.execute(dataclasses.replace(request, write=True))


class Cache:
    """Answers a read that it has seen before by heart."""

    def __init__(self) -> None:
        self.known: dict[str, QueryResult] = {}

    async def __call__(self, port: Port, request: Request) -> QueryResult:
        if request.write:
            return await port.execute(request)
        key = f"{request.text} {request.parameters}"
        if key not in self.known:
            self.known[key] = await port.execute(request)
        return self.known[key]


class Mixer:
    """Answers with the result of the request before, whoever sent it."""

    def __init__(self) -> None:
        self.last: dict[str, QueryResult] = {}

    async def __call__(self, port: Port, request: Request) -> QueryResult:
        result = await port.execute(request)
        if request.raw_cells or request.write:
            return result
        before, self.last[request.text] = self.last.get(request.text, result), result
        return before


class _Suspends:
    def __await__(self) -> Generator[None]:
        yield


async def suspends(port: Port, request: Request) -> QueryResult:
    await _Suspends()
    return await port.execute(request)


async def swallows_interrupts(port: Port, request: Request) -> QueryResult:
    try:
        return await port.execute(request)
    except asyncio.CancelledError:
        return await port.execute(request)


class NeverReleases(PortProxy):
    kept: ClassVar[list[Port]] = []

    async def release(self, *, discard: bool = False) -> None:
        del discard
        self.kept.append(self.port)

    @classmethod
    async def release_all(cls) -> None:
        """After the check, so that nothing is left open."""
        while cls.kept:
            await cls.kept.pop().release()


def swap_direction(query: str) -> str:
    return re.sub(r"(CREATE|MERGE) \(a\)-\[(r[^]]*)\]->\(b\)", r"\1 (b)-[\2]->(a)", query)


def one_label(query: str) -> str:
    return re.sub(r"CREATE \(n:(`\w+`)(:`\w+`)+", r"CREATE (n:\1", query)


def huge_limit(query: str, values: dict[str, Any]) -> dict[str, Any]:
    found = re.search(r"LIMIT \$(\w+)", query)
    return {**values, found[1]: 10**6} if found else values


def no_skip(query: str, values: dict[str, Any]) -> dict[str, Any]:
    found = re.search(r"SKIP \$(\w+)", query)
    return {**values, found[1]: 0} if found else values


def wrong_identity(found: list[list[Any]]) -> list[list[Any]]:
    return [
        [[cell[0], cell[1] + 1] if n == 0 and cell[0] == 3 else cell for n, cell in enumerate(row)]
        for row in found
    ]


def shuffled_identities(found: list[list[Any]]) -> list[list[Any]]:
    def turned(cell: Any) -> Any:
        if cell[0] == 6 and len(cell[1]) > 1:
            return [6, [*cell[1][1:], cell[1][0]]]
        return cell

    # The cells of a flush: lists of indexes and lists of identities take turns; turn the identities.
    return [[turned(cell) if n % 2 else cell for n, cell in enumerate(row)] for row in found]


def strip_zone(cell: Any) -> Any:
    if cell[0] == 2 and isinstance(cell[1], str) and cell[1].endswith("+00:00"):
        return [2, cell[1].removesuffix("+00:00")]
    return cell


def ints_as_doubles(cell: Any) -> Any:
    return [3, int(float(cell[1]))] if cell[0] == 3 and abs(cell[1]) < 2**63 - 2**10 else cell


def trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) and len(value) > 1 else value


def none_as_text(value: Any) -> Any:
    # Not an empty text: with a unique constraint on it FalkorDB 4.22.1 ends.
    return "none" if value is None else value


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "drops a property",
        text(lambda query: re.sub(r", `name`: row\[\d+\]", "", query), writes=True),
        ("TestCrud::test_a_new_node_is_stored_with_its_values",),
    ),
    Saboteur(
        "swaps the direction of edges",
        text(swap_direction, writes=True),
        (
            "TestRelations::test_an_incoming_relation_is_stored_the_other_way_round",
            "TestTraversal::test_direction",
        ),
    ),
    Saboteur(
        "ignores limit", parameters(huge_limit), ("TestQueries::test_pages_together_are_everything_once",)
    ),
    Saboteur("ignores skip", parameters(no_skip), ("TestQueries::test_pages_together_are_everything_once",)),
    Saboteur(
        "ignores order",
        text(lambda query: re.sub(r"\nORDER BY .*", "\nORDER BY 1", query), writes=False),
        ("TestQueries::test_order_by_several_terms",),
    ),
    Saboteur("loses the time zone", cells(strip_zone), ("TestTypes::test_edges_carry_values_too",)),
    Saboteur(
        "returns identities of others",
        rows(wrong_identity),
        ("TestChanges::test_only_changed_properties_are_written",),
    ),
    Saboteur(
        "returns the identities of a flush in another order",
        rows(shuffled_identities, writes=True),
        ("TestFlush::test_generated_keys_of_many_rows_belong_to_the_right_objects",),
    ),
    Saboteur(
        "ignores the veto of a guard",
        ignores_veto,
        (
            "TestLocking::test_the_second_writer_gets_an_error",
            "TestLocking::test_saving_what_is_gone_does_not_create_it_again",
        ),
    ),
    Saboteur(
        "keeps half of a failed unit",
        commits_half,
        ("TestFlush::test_a_violation_in_the_last_part_leaves_nothing",),
    ),
    Saboteur(
        "duplicates rows",
        rows(lambda found: found * 2),
        ("TestQueries::test_order", "TestTraversal::test_two_hops_to_another_class"),
    ),
    Saboteur(
        "loses the last row",
        rows(lambda found: found[:-1] if len(found) > 1 else found),
        ("TestQueries::test_order",),
    ),
    Saboteur(
        "keeps integers as doubles",
        cells(ints_as_doubles),
        ("TestTypes::test_values_come_back_exactly[whole]",),
    ),
    Saboteur("trims texts", mapped(trimmed), ("TestTypes::test_values_come_back_exactly[text]",)),
    Saboteur(
        "writes text for nothing",
        mapped(none_as_text),
        ("TestCrud::test_a_new_node_is_stored_with_its_values", "TestChanges::test_none_clears_a_property"),
    ),
    Saboteur("swallows errors", swallows_errors, ("TestErrors::test_a_syntax_error_is_a_server_error",)),
    Saboteur(
        "writes twice",
        writes_twice,
        (
            "TestRelations::test_parallel_edges_are_made_on_purpose",
            "TestIdentity::test_the_most_specific_class_comes_back",
        ),
    ),
    Saboteur("forgets updates", writes_nothing, ("TestChanges::test_only_changed_properties_are_written",)),
    Saboteur(
        "makes an edge that is there again",
        text(lambda query: query.replace("MERGE (a)", "CREATE (a)"), writes=True),
        ("TestRelations::test_relating_twice_makes_one_edge",),
    ),
    Saboteur(
        "keeps one label only",
        text(one_label, writes=True),
        ("TestIdentity::test_the_most_specific_class_comes_back",),
    ),
    Saboteur(
        "sends reads as writes",
        reads_may_write,
        ("TestSessions::test_the_server_refuses_a_write_in_a_read",),
    ),
    Saboteur(
        "answers reads by heart", Cache(), ("TestSessions::test_what_one_session_commits_another_sees",)
    ),
    Saboteur(
        "mixes the answers of sessions",
        Mixer(),
        ("TestConcurrency::test_values_of_requests_at_once_do_not_mix",),
    ),
    Saboteur(
        "suspends in a blocking port",
        suspends,
        ("TestPorts::test_a_blocking_port_never_suspends",),
        ("sync",),
    ),
    Saboteur(
        "swallows cancellation",
        swallows_interrupts,
        ("TestCancellation::test_a_cancelled_task_leaves_nothing_behind",),
        ("async",),
    ),
    Saboteur(
        "never gives a connection back",
        lambda port, request: port.execute(request),
        ("TestSessions::test_a_session_can_be_used_for_several_units",),
        options={"max_connections": 2, "pool_timeout": 0.05},
        port=NeverReleases,
    ),
)

__all__ = ["SABOTEURS", "LyingDriver", "NeverReleases", "Saboteur"]
