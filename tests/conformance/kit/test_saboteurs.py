"""The kit is tested: a driver that breaks one thing is noticed, by a check whose name says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import ConnectionLostError
from runic.orm.session.blocking import run_blocking
from runic.orm.testing import suite
from runic.orm.testing.catalogue import checks
from runic.orm.testing.gating import check_refused
from runic.orm.testing.harness import Harness
from runic.orm.testing.kit import Colour, Drivers, Kit
from runic.orm.testing.models import MODELS
from runic.orm.testing.proxy import DriverProxy
from tests.conformance.kit.saboteurs import SABOTEURS, LyingDriver, NeverReleases, Saboteur


class SabotagedDrivers(Drivers):
    """Real drivers for the kit itself, broken ones for the sessions of its checks."""

    def __init__(self, honest: Drivers, make: Any) -> None:
        self.harness = honest.harness
        self.version = honest.version
        self.sync = honest.sync
        self._honest = honest
        self._make = make

    @property
    def runner(self) -> Any:
        return self._honest.runner

    def of(self, colour: Colour) -> Any:
        return self._make(colour)


@pytest.fixture(scope="module")
def honest(falkordb_network: Harness) -> Iterator[Drivers]:
    drivers = Drivers(falkordb_network, MODELS)
    yield drivers
    drivers.close()


def run_check(drivers: Drivers, colour: Colour, check: str) -> None:
    """Run one check of the kit as pytest would."""
    base, _, parameter = check.partition("[")
    name, _, method = base.partition("::")
    instance = getattr(suite, name)()
    drivers.harness.reset(drivers.sync)
    kit = Kit(drivers, colour)
    found = getattr(instance, method)(kit, *([parameter.rstrip("]")] if parameter else _arguments(method)))
    kit.run(found)


def _arguments(method: str) -> list[Any]:
    return [False] if method == "test_order" else []


def cases() -> Iterator[Any]:
    for saboteur in SABOTEURS:
        for colour in saboteur.colours:
            for check in saboteur.caught_by:
                yield pytest.param(
                    saboteur, colour, check, id=f"{saboteur}-{colour}-{check.partition('::')[2]}"
                )


@pytest.mark.parametrize(("saboteur", "colour", "check"), list(cases()))
def test_what_is_broken_is_noticed(
    falkordb_server: Any, honest: Drivers, saboteur: Saboteur, colour: Colour, check: str
) -> None:
    drivers: list[Any] = []

    def make(_: Colour) -> Any:
        if not saboteur.options:
            return DriverProxy(honest.of(colour), saboteur.wrap)
        if not drivers:
            from runic.orm.driver.factory import create_async_driver, create_driver

            options = {**honest.harness.options(), **saboteur.options}
            create = create_driver if colour == "sync" else create_async_driver
            drivers.append(create(honest.harness.url(), **options))
        return DriverProxy(drivers[0], saboteur.wrap)

    try:
        with pytest.raises((Exception, pytest.fail.Exception)) as caught:
            run_check(SabotagedDrivers(honest, make), colour, check)
        assert not isinstance(caught.value, (ImportError, SyntaxError, NameError, ConnectionLostError)), (
            caught.value
        )
    finally:
        for driver in drivers:
            if colour == "sync":
                run_blocking(NeverReleases.release_all())
                driver.close()
            else:
                honest.runner.run(NeverReleases.release_all())
                honest.runner.run(driver.aclose())


@pytest.mark.parametrize("check", sorted({check for each in SABOTEURS for check in each.caught_by}))
def test_the_same_checks_pass_for_an_honest_driver(falkordb_server: Any, honest: Drivers, check: str) -> None:
    wrapped = SabotagedDrivers(honest, lambda colour: DriverProxy(honest.of(colour), lambda port: port))
    colours = {colour for each in SABOTEURS if check in each.caught_by for colour in each.colours}
    for colour in sorted(colours):
        run_check(wrapped, colour, check)


def test_every_check_that_catches_a_saboteur_exists() -> None:
    assert {check.partition("[")[0] for each in SABOTEURS for check in each.caught_by} <= set(checks())
    assert len(SABOTEURS) >= 12


# -- flags that lie -------------------------------------------------------------------------------

CLAIMED_FALSELY = (
    (Capability.TRANSACTIONS, "TestRollback::test_rollback_takes_back_what_was_flushed"),
    (Capability.NONFINITE_FLOAT, "TestTypes::test_nan_and_infinity"),
)


@pytest.mark.parametrize(
    ("capability", "check"), CLAIMED_FALSELY, ids=lambda each: getattr(each, "name", None)
)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_capability_that_is_claimed_falsely_fails(
    falkordb_server: Any, honest: Drivers, capability: Capability, check: str, colour: Colour
) -> None:
    dialect = honest.sync.dialect
    assert capability not in dialect.capabilities
    lying = dialect.evolve(capabilities=dialect.capabilities | {capability})
    assert capability in checks()[check]
    with pytest.raises((Exception, pytest.fail.Exception)):
        run_check(SabotagedDrivers(honest, lambda c: LyingDriver(honest.of(c), lying)), colour, check)


@pytest.mark.parametrize("capability", [Capability.VARIABLE_LENGTH])
def test_a_capability_that_is_there_and_not_claimed_fails(
    falkordb_server: Any, honest: Drivers, capability: Capability
) -> None:
    dialect = honest.sync.dialect
    modest = dialect.evolve(capabilities=dialect.capabilities - {capability})
    kit = Kit(SabotagedDrivers(honest, lambda c: LyingDriver(honest.of(c), modest)), "sync")
    with pytest.raises(AssertionError, match="its server can do it"):
        kit.run(check_refused(kit, capability))


@pytest.mark.parametrize(
    "capability", [Capability.REGEX, Capability.FULLTEXT, Capability.VECTOR, Capability.NONFINITE_FLOAT]
)
def test_a_capability_that_is_not_claimed_is_refused_before_anything_is_sent(
    falkordb_server: Any, honest: Drivers, capability: Capability
) -> None:
    dialect = honest.sync.dialect
    modest = dialect.evolve(capabilities=dialect.capabilities - {capability})
    kit = Kit(SabotagedDrivers(honest, lambda c: LyingDriver(honest.of(c), modest)), "sync")
    assert kit.run(check_refused(kit, capability))
