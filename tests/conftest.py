"""Fixtures of all tests: real servers, and the table that tells what was tested on which."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.servers.base import NotAvailable, Server
from tests.servers.registry import STARTERS, Registry, required

ROOT = Path(__file__).resolve().parent.parent
BACKENDS_FILE = ROOT / ".cache" / "backends.txt"
# Hypothesis reads it when it first needs a place for its examples.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".cache" / "hypothesis"))
REGISTRY = pytest.StashKey[Registry]()
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REGISTRY] = Registry()


def backends_of(item: pytest.Item) -> set[str]:
    """The backends that a test talks to: by its fixtures, or by ``@pytest.mark.live("name")``."""
    names = {name for marker in item.iter_markers("live") for name in marker.args}
    fixtures: list[str] = getattr(item, "fixturenames", [])
    found = names | {name for name in STARTERS if f"{name}_server" in fixtures}
    callspec = getattr(item, "callspec", None)
    # One fixture for all versions of a server: its parameter says which.
    for name in ("neo4j", "age"):
        chosen = None if callspec is None else callspec.params.get(f"{name}_server")
        if chosen:
            found = (found - {name}) | {chosen}
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if backends_of(item):
            item.add_marker(pytest.mark.live)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    registry = item.config.stash[REGISTRY]
    if report.when == "call" and report.passed:
        registry.passed.update(backends_of(item))
    elif report.failed:
        registry.failed.update(backends_of(item))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    registry = session.config.stash[REGISTRY]
    if registry.missing() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    lines = registry.table()
    BACKENDS_FILE.parent.mkdir(exist_ok=True)
    BACKENDS_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    session.config.stash[TABLE] = lines
    registry.stop()


TABLE = pytest.StashKey[list[str]]()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.section("backends")
    for line in config.stash.get(TABLE, []):
        terminalreporter.line(line, red="REQUIRED" in line)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Registry:
    """The registry of servers of this session."""
    return request.config.stash[REGISTRY]


def server_or_skip(servers: Registry, name: str) -> Server:
    """The server, or a skip with the reason; a failure where the environment requires the backend."""
    try:
        return servers.get(name)
    except NotAvailable as error:
        if name in required():
            pytest.fail(f"{name} is required (RUNIC_TEST_REQUIRE) and not available: {error}", pytrace=False)
        pytest.skip(f"{name} is not available: {error}")


@pytest.fixture(scope="session")
def falkordb_server(servers: Registry) -> Server:
    """A running FalkorDB: ``.url``, ``.host``, ``.port``, ``.socket``, ``.version``, ``.reset(graph)``."""
    return server_or_skip(servers, "falkordb")


@pytest.fixture
def falkordb_graph(falkordb_server: Server) -> Iterator[str]:
    """The name of a graph that this test has for itself."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    falkordb_server.reset(name)
    yield name
    falkordb_server.reset(name)


@pytest.fixture(scope="session")
def neo4j_server(servers: Registry, request: pytest.FixtureRequest) -> Server:
    """A running Neo4j: the long-term version, or what the test is parametrised with.

    ``@pytest.mark.parametrize("neo4j_server", ["neo4j", "neo4j_2026"], indirect=True)`` runs a test on
    both. There is one database, which everything shares: ``.reset("")`` empties it.
    """
    return server_or_skip(servers, getattr(request, "param", "neo4j"))


@pytest.fixture(scope="session")
def arcadedb_server(servers: Registry) -> Server:
    """A running ArcadeDB with Bolt; ``.options["http_port"]`` is for SQL."""
    return server_or_skip(servers, "arcadedb")


@pytest.fixture
def arcadedb_graph(arcadedb_server: Server) -> str:
    """The name of an empty database that this test has for itself."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    arcadedb_server.reset(name)
    return name


@pytest.fixture(scope="session")
def memgraph_server(servers: Registry) -> Server:
    """A running Memgraph, where there is one. There is one database: ``.reset("")`` empties it."""
    return server_or_skip(servers, "memgraph")


@pytest.fixture(scope="session")
def age_server(servers: Registry, request: pytest.FixtureRequest) -> Server:
    """A running PostgreSQL with Apache AGE; ``.credentials["database"]`` holds the graphs.

    The current version, or what the test is parametrised with: ``"age"``, or ``"age_15"`` for the oldest.
    """
    return server_or_skip(servers, getattr(request, "param", "age"))


@pytest.fixture
def age_graph(age_server: Server) -> Iterator[str]:
    """The name of a graph that this test has for itself."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    age_server.reset(name)
    yield name
    age_server.reset(name)
