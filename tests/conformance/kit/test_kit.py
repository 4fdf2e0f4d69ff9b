"""The kit's own machinery: gaps, gating, both colours, the report."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import InternalError, UnsupportedByBackendError
from runic.orm.testing import gating
from runic.orm.testing.catalogue import check_gaps, checks
from runic.orm.testing.gaps import Gap, GapKind
from runic.orm.testing.gating import Probe, check_refused
from runic.orm.testing.harness import Harness
from runic.orm.testing.kit import Drivers, Kit
from runic.orm.testing.models import MODELS
from runic.orm.testing.report import Result, render
from tests.servers.base import Server

ROOT = Path(__file__).resolve().parents[3]

# -- in a project of its own ----------------------------------------------------------------------

CONFTEST = """
import os, pytest
from runic.orm.testing import Gap, GapKind, Harness

class MyHarness(Harness):
    backend = "falkordb"
    variant = "mine"
    known_gaps = eval(os.environ["GAPS"])
    def url(self): return os.environ["URL"]
    def version(self): return "4.22.1"

@pytest.fixture(scope="session")
def runic_harness():
    return MyHarness()
"""

TESTS = """
import pytest
from runic.orm.compile.dialect import Capability
from runic.orm.testing import requires
from runic.orm.testing.suite.crud import BaseCrud
from runic.orm.testing.suite.base import LiveSuite
from runic.orm.testing.models import Person

class TestCrud(BaseCrud):
    async def test_a_missing_key_is_none(self, kit):
        assert kit.colour == "sync"

    async def test_refresh_of_what_is_gone_says_so(self, kit):
        raise KeyError("another error")

class TestMine(LiveSuite):
    area = "mine"

    @requires(Capability.NONFINITE_FLOAT)
    async def test_nan(self, kit):
        raise AssertionError("runs without the capability")

    @requires(Capability.UNIQUE)
    async def test_of_mine(self, kit):
        async with kit.session() as s:
            s.add(Person(id="a"))
            assert await s.get(Person, "a") is not None
"""


def run_project(
    folder: Path, url: str, gaps: str, *options: str, tests: str = TESTS
) -> tuple[Any, list[Any]]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_mine.py").write_text(tests)
    report = folder / "report.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
    ]
    command += ["--runic-report=json", f"--runic-report-file={report}", *options]
    environment = {"URL": url, "GAPS": gaps, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    return done, json.loads(report.read_text()) if report.exists() else []


GAPS = """[
    Gap("TestCrud::test_a_missing_key_is_none[async]", GapKind.NOTYET, "sync only", AssertionError),
    Gap("TestCrud::test_refresh_of_what_is_gone_says_so", GapKind.NEVER, "it raises", KeyError),
    Gap("TestCrud::test_a_node_without_key_is_tracked_too", GapKind.NOTIMPL, "closed", KeyError, "4.20"),
]"""


def test_a_project_of_an_author_passes_with_its_gaps(
    tmp_path: Path, falkordb_server: Server, falkordb_graph: str
) -> None:
    done, results = run_project(tmp_path, falkordb_server.url_of(falkordb_graph), GAPS)
    assert done.returncode == 0, done.stdout
    outcomes = {(r["test"], r["parameters"]): (r["outcome"], r["reason"]) for r in results}
    assert outcomes["TestCrud::test_a_missing_key_is_none", "async"] == ("gap", "notyet: sync only")
    assert outcomes["TestCrud::test_a_missing_key_is_none", "sync"] == ("passed", "")
    for colour in ("sync", "async"):
        assert outcomes["TestCrud::test_refresh_of_what_is_gone_says_so", colour][0] == "gap"
        assert outcomes["TestCrud::test_a_node_without_key_is_tracked_too", colour][0] == "passed"
        assert outcomes["TestMine::test_of_mine", colour][0] == "passed"
        outcome, reason = outcomes["TestMine::test_nan", colour]
        assert outcome == "refused"
        assert "NONFINITE_FLOAT" in reason


def test_a_gap_that_passes_fails_and_so_does_another_error(
    tmp_path: Path, falkordb_server: Server, falkordb_graph: str
) -> None:
    gaps = """[
        Gap("TestCrud::test_a_missing_key_is_none", GapKind.NOTYET, "is not so", AssertionError),
        Gap("TestCrud::test_refresh_of_what_is_gone_says_so", GapKind.NOTYET, "another", LookupError),
        Gap("TestCrud::test_deleting_a_stranger_is_refused", GapKind.NOTYET, "wrong error", ValueError),
    ]"""
    done, results = run_project(tmp_path, falkordb_server.url_of(falkordb_graph), gaps, "-k", "TestCrud")
    assert done.returncode == 1
    failed = {(r["test"], r["parameters"]) for r in results if r["outcome"] == "failed"}
    assert failed == {
        ("TestCrud::test_a_missing_key_is_none", "sync"),
        ("TestCrud::test_deleting_a_stranger_is_refused", "sync"),
        ("TestCrud::test_deleting_a_stranger_is_refused", "async"),
    }


def test_a_gap_for_an_unknown_check_fails_the_run(
    tmp_path: Path, falkordb_server: Server, falkordb_graph: str
) -> None:
    gaps = '[Gap("TestCrud::test_nobody_wrote", GapKind.NEVER, "a typing error", ValueError)]'
    done, results = run_project(
        tmp_path, falkordb_server.url_of(falkordb_graph), gaps, "-k", "a_missing_key_is_none"
    )
    assert done.returncode == 1
    assert "there is no such check" in done.stdout
    assert not [r for r in results if r["outcome"] == "passed"]


def test_without_a_harness_the_error_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("from runic.orm.testing.suite.crud import TestCrud")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "give the backend's Harness as a fixture named runic_harness" in done.stdout


def test_the_plugin_imports_nothing_of_runic_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import sys\n"
        "def test_lean():\n"
        "    found = [m for m in sys.modules if m.startswith('runic.orm.') and '.testing' not in m]\n"
        "    assert 'runic.orm.testing.plugin' in sys.modules\n"
        "    assert not found, found\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


# -- gaps and catalogue ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"reason": " "}, ValueError),
        ({"test_id": "test_without_class"}, ValueError),
        ({"kind": "never"}, TypeError),
        ({"raises": None}, TypeError),
        ({"raises": int}, TypeError),
        ({"until": "soon"}, ValueError),
    ],
)
def test_a_gap_says_what_why_and_how(change: dict[str, Any], error: type[Exception]) -> None:
    good: dict[str, Any] = {
        "test_id": "TestCrud::test_x", "kind": GapKind.NEVER, "reason": "r", "raises": AssertionError
    }  # fmt: skip
    Gap(**good)
    with pytest.raises(error):
        Gap(**{**good, **change})


def test_a_gap_ends_with_the_version_that_closes_it() -> None:
    gap = Gap("TestCrud::test_x", GapKind.NOTYET, "r", AssertionError, "4.10")
    assert gap.open_at("4.9.3")
    assert not gap.open_at("4.10.0")
    assert not gap.open_at("v5")


class _Listed(Harness):
    backend = "nothing"

    def __init__(self, *gaps: Gap) -> None:
        self.known_gaps = gaps

    def url(self) -> str:
        return "nothing"

    def version(self) -> str:
        return "1"


def test_gaps_are_checked_against_the_catalogue() -> None:
    good = Gap("TestCrud::test_a_missing_key_is_none", GapKind.NEVER, "r", AssertionError)
    check_gaps(_Listed(good))
    with pytest.raises(LookupError, match="no such check"):
        check_gaps(_Listed(Gap("TestCrud::test_other", GapKind.NEVER, "r", AssertionError)))
    with pytest.raises(ValueError, match="two gaps"):
        check_gaps(_Listed(good, good))


def test_the_star_import_brings_every_check() -> None:
    namespace: dict[str, Any] = {}
    exec("from runic.orm.testing.suite import *", namespace)
    for check in checks():
        cls, _, method = check.partition("::")
        assert hasattr(namespace[cls], method)
        assert namespace[f"Base{cls.removeprefix('Test')}"] is namespace[cls]


def test_every_live_check_runs_in_both_colours() -> None:
    """Live checks are ``async def``; plain ones drive the kit themselves, and are few."""
    from runic.orm.testing import suite
    from runic.orm.testing.suite.base import LiveSuite

    plain = []
    for check in checks():
        cls, _, method = check.partition("::")
        base = getattr(suite, cls)
        if issubclass(base, LiveSuite) and not inspect.iscoroutinefunction(getattr(base, method)):
            plain.append(check)
    assert {check.partition("::")[0] for check in plain} <= {"TestIndexes", "TestTypes"}, plain


#: Nothing that the API does depends on it yet.
NOT_CHECKED = {
    Capability.WRITE_TIMEOUT,
}


def test_every_capability_is_required_by_a_check() -> None:
    required = {capability for found in checks().values() for capability in found}
    assert set(Capability) - required == NOT_CHECKED


# -- gating ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drivers(falkordb_network: Harness) -> Any:
    drivers = Drivers(falkordb_network, MODELS)
    yield drivers
    drivers.close()


async def _works(kit: Kit) -> None:
    return None


async def _refuses(kit: Kit) -> None:
    raise UnsupportedByBackendError(kit.dialect.name, "everything")


async def _refuses_for_another(kit: Kit) -> None:
    raise UnsupportedByBackendError("another", "everything")


async def _refuses_late(kit: Kit) -> None:
    async with kit.session() as s:
        await s.execute("RETURN 1")
        raise UnsupportedByBackendError(kit.dialect.name, "everything")


async def _fails(kit: Kit) -> None:
    async with kit.session() as s:
        await s.execute("RETURN no_such_function()")


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (Probe(_works), "was carried out"),
        (Probe(_refuses_late), "only after 1 statements"),
        (Probe(_fails), "instead of UnsupportedByBackendError"),
        (Probe(_refuses_for_another), "it names 'another'"),
        (Probe(_refuses, statement="RETURN 1"), "its server can do it"),
    ],
    ids=["works", "late", "fails", "another", "server can"],
)
def test_a_refusal_that_is_none_fails(
    falkordb_server: Server, drivers: Drivers, monkeypatch: Any, colour: Any, probe: Probe, message: str
) -> None:
    kit = Kit(drivers, colour)
    monkeypatch.setitem(gating.PROBES, Capability.SAVEPOINTS, probe)
    with pytest.raises(AssertionError, match=message):
        kit.run(check_refused(kit, Capability.SAVEPOINTS))


def test_a_refusal_before_anything_is_sent_passes(
    falkordb_server: Server, drivers: Drivers, monkeypatch: Any
) -> None:
    kit = Kit(drivers, "sync")
    monkeypatch.setitem(
        gating.PROBES, Capability.SAVEPOINTS, Probe(_refuses, statement="RETURN nothing_like_it()")
    )
    assert "does not support everything" in kit.run(check_refused(kit, Capability.SAVEPOINTS))


# -- running --------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_connection_that_is_not_given_back_fails(
    falkordb_server: Server, drivers: Drivers, colour: Any
) -> None:
    kit = Kit(drivers, colour)
    session = kit.session()

    async def leaky() -> None:
        await session.execute("RETURN 1")

    with pytest.raises(AssertionError, match="1 connections were not given back"):
        kit.run(leaky())

    async def mend() -> None:
        await session.close()

    kit.run(mend())


def test_a_task_that_still_runs_fails(falkordb_server: Server, drivers: Drivers) -> None:
    kit = Kit(drivers, "async")
    tasks: list[Any] = []

    async def careless() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(60)))

    async def tidy() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with pytest.raises(AssertionError, match="tasks still run"):
        kit.run(careless())
    kit.run(tidy())


def test_a_sync_check_has_no_event_loop(falkordb_server: Server, drivers: Drivers) -> None:
    kit = Kit(drivers, "sync")

    async def check() -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    kit.run(check())

    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(InternalError):
        kit.run(suspends())


# -- report ---------------------------------------------------------------------------------------


def result(outcome: Any, **changes: Any) -> Result:
    values: dict[str, Any] = {
        "backend": "b", "version": "1", "area": "things", "test": "TestX::test_y", "parameters": "sync",
        "capabilities": ("REGEX",), "claimed": ("REGEX", "UNIQUE"), "outcome": outcome, "reason": "",
    }  # fmt: skip
    return Result(**{**values, **changes})


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}"))


def test_the_report_shows_what_was_found() -> None:
    results = [
        result("passed"),
        result("passed", parameters="async"),
        result("refused", backend="c", claimed=(), reason="not claimed: REGEX (c does not support it)"),
        result("gap", backend="d", reason="notyet: a | in it"),
        result("failed", backend="e"),
        result("passed", backend="f", capabilities=()),
    ]
    text = render(results, "md")
    assert line_of(text, "capability") == "| capability | b 1 | c 1 | d 1 | e 1 | f 1 |"
    assert line_of(text, Capability.REGEX.value) == (
        f"| {Capability.REGEX.value} | yes (2 checks) | no (refused) | partly (see known gaps) | FAILED |"
        " yes (claimed, not checked) |"
    )
    assert line_of(text, Capability.UNIQUE.value).endswith("| yes (claimed, not checked) |")
    assert line_of(text, "things") == "| things | 2 passed | 1 refused | 1 gap | 1 failed | 1 passed |"
    assert line_of(text, "d ") == "| d | `TestX::test_y` | notyet: a \\| in it |"
    assert [each["outcome"] for each in json.loads(render(results, "json"))] == [r.outcome for r in results]
    assert render([], "md") == "No conformance checks ran.\n"
