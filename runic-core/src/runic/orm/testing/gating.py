"""``@requires``: checks that need a capability, and the probe that runs where it is not claimed.

A flag cannot lie in either direction: what is claimed is tested, and what is not claimed must be
refused before anything is sent. Where the probe can tell, the server itself must not be able to do
it either.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runic.orm.exceptions import OrmError, UnsupportedByBackendError
from runic.orm.testing.report import NOTHING

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Capability
    from runic.orm.testing.kit import Kit

__all__ = ["PROBES", "Probe", "check_refused", "required_by", "requires"]

_MARK = "_runic_requires"


@dataclass(frozen=True, slots=True)
class Probe:
    """How to see that a capability which is not claimed is really not there.

    Attributes:
        operation: what must be refused; ``None``: there is no operation to refuse.
        raises: the error it must be refused with.
        statement: raw Cypher that must fail on a server without the capability; ``None``: cannot tell.
    """

    operation: Callable[[Kit], Awaitable[Any]] | None = None
    raises: type[BaseException] = UnsupportedByBackendError
    statement: str | None = None


PROBES: dict[Capability, Probe] = {}
"""By capability; :mod:`runic.orm.testing.probes` fills it."""


def requires(*capabilities: Capability) -> Callable[[Any], Any]:
    """Mark a check, or a class of checks, as needing capabilities.

    Example::

        class BaseSearch(LiveSuite):
            @requires(Capability.FULLTEXT)
            async def test_best_match_comes_first(self, kit: Kit) -> None: ...
    """

    def mark(target: Any) -> Any:
        setattr(target, _MARK, (*getattr(target, _MARK, ()), *capabilities))
        return target

    return mark


def required_by(function: Any, cls: type | None = None) -> tuple[Capability, ...]:
    """The capabilities that a test needs, by its own mark and that of its class."""
    found = (*getattr(cls, _MARK, ()), *getattr(function, _MARK, ()))
    return tuple(dict.fromkeys(found))


async def check_refused(kit: Kit, capability: Capability) -> str:
    """See that ``capability``, which the dialect does not claim, is refused; returns how.

    Raises:
        AssertionError: it is not refused, or only by the server, or the server can do it.
    """
    importlib.import_module("runic.orm.testing.probes")  # fills the table
    probe = PROBES.get(capability, Probe())
    how = NOTHING
    if probe.operation is not None:
        with kit.recorder.since() as sent:
            how = await _refusal(kit, capability, probe)
        assert not sent, f"{capability.name} was refused only after {len(sent)} statements were sent"
    if probe.statement is not None:
        try:
            kit.drivers.sync.execute(probe.statement, write=False)
        except OrmError:
            pass
        else:
            raise AssertionError(
                f"{kit.dialect.name} does not claim {capability.name}, but its server can do it:"
                f" {probe.statement}"
            )
    return how


async def _refusal(kit: Kit, capability: Capability, probe: Probe) -> str:
    assert probe.operation is not None
    try:
        await probe.operation(kit)
    except probe.raises as error:
        if isinstance(error, UnsupportedByBackendError):
            assert error.backend == kit.dialect.name, f"it names {error.backend!r}"  # noqa: PT017
        return str(error)
    except Exception as error:
        raise AssertionError(
            f"{capability.name} is not claimed, and was refused with {type(error).__name__} instead of"
            f" {probe.raises.__name__}: {error}"
        ) from error
    raise AssertionError(
        f"{kit.dialect.name} does not claim {capability.name}, but the operation was carried out"
    )
