"""The pytest plugin (entry point ``pytest11``): fixtures, options, and the run of checks in both colours.

It is loaded wherever runic-core is installed, so it imports nothing of runic until a fixture asks.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runic.orm.testing.harness import Harness
    from runic.orm.testing.kit import Colour, Drivers, Kit
    from runic.orm.testing.report import Result

__all__: list[str] = []

FACTS = "runic"
"""Name of the user property that carries what the report needs to know of a test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the conformance kit."""
    group = parser.getgroup("runic", "conformance of runic backends")
    group.addoption(
        "--runic-report", choices=("md", "json"), help="write what conforms, as a table or as data"
    )
    group.addoption(
        "--runic-report-file", type=Path, metavar="FILE", help="where to write it (default: the terminal)"
    )
    group.addoption(
        "--runic-update-golden",
        action="store_true",
        help="write the texts of the kit's statements to the harness's golden file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare for checks, should there be any."""
    pytest.register_assert_rewrite(
        "runic.orm.testing.suite", "runic.orm.testing.kit", "runic.orm.testing.people"
    )
    if not hasattr(config, "workerinput"):  # results come together in the main process
        config.pluginmanager.register(_Collector(config), "runic-report")


# -- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def runic_harness() -> Harness:
    """The backend under test; authors of backends replace this fixture in their ``conftest.py``."""
    pytest.fail("give the backend's Harness as a fixture named runic_harness, of scope session or module")


@pytest.fixture(scope="module")
def runic_drivers(runic_harness: Harness) -> Iterator[Drivers]:
    """The drivers of the harness, for all tests of one file."""
    from runic.orm.testing.kit import Drivers
    from runic.orm.testing.models import MODELS

    drivers = Drivers(runic_harness, MODELS)
    yield drivers
    drivers.close()


@pytest.fixture(params=["sync", "async"])
def runic_colour(request: pytest.FixtureRequest) -> Colour:
    """Each live check runs in both."""
    colour: Colour = request.param
    return colour


@pytest.fixture
def runic_kit(
    request: pytest.FixtureRequest, runic_harness: Harness, runic_drivers: Drivers, runic_colour: Colour
) -> Kit:
    """Sessions on an empty database; skips what the backend does not claim, after a probe."""
    from runic.orm.testing.gating import check_refused, required_by
    from runic.orm.testing.kit import Kit

    runic_harness.reset(runic_drivers.sync)
    kit = Kit(runic_drivers, runic_colour)
    facts: Any = dict(request.node.user_properties).get(FACTS)
    if facts is not None:  # a dialect is refined by the server's version
        facts["claimed"] = sorted(each.name for each in kit.dialect.capabilities)
    for capability in required_by(request.function, getattr(request, "cls", None)):
        if capability not in kit.dialect.capabilities:
            how = kit.run(check_refused(kit, capability))
            pytest.skip(f"not claimed: {capability.name} ({how})")
    return kit


# -- running ------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the ``async def`` checks of the kit, in the colour of their kit."""
    kit: Any = pyfuncitem.funcargs.get("runic_kit")
    if kit is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    kit.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


# -- report -------------------------------------------------------------------------------------


class _Collector:
    """Remembers how the checks of one run ended, and writes the report."""

    def __init__(self, config: pytest.Config) -> None:
        self.kind: str | None = config.getoption("--runic-report")
        self.file: Path | None = config.getoption("--runic-report-file")
        self.results: list[Result] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts: Any = dict(report.user_properties).get(FACTS)
        if facts is not None and (report.when == "call" or (report.when == "setup" and not report.passed)):
            from runic.orm.testing.report import Result

            self.results.append(Result.of(report, facts))

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.kind is None:
            return
        from runic.orm.testing.report import render

        text = render(self.results, self.kind)
        if self.file is None:
            terminalreporter.section("conformance")
            terminalreporter.write(text)
        else:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(text, encoding="utf-8")
            terminalreporter.line(f"conformance report: {self.file}")
