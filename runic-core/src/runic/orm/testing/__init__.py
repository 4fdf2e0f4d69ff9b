"""The conformance kit: what any backend has to pass, in runic-core's extra ``testing``.

The author of a backend writes a :class:`~runic.orm.testing.harness.Harness` and two files::

    # conftest.py
    @pytest.fixture(scope="session")
    def runic_harness():
        return MyHarness()

    # test_conformance.py
    from runic.orm.testing.suite import *
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.testing.gaps import Gap, GapKind
    from runic.orm.testing.gating import requires
    from runic.orm.testing.harness import Harness
    from runic.orm.testing.kit import Kit
    from runic.orm.testing.proxy import DriverProxy, PortProxy, Recorder

__all__ = ["DriverProxy", "Gap", "GapKind", "Harness", "Kit", "PortProxy", "Recorder", "requires"]

_HOMES = {
    "DriverProxy": "proxy",
    "Gap": "gaps",
    "GapKind": "gaps",
    "Harness": "harness",
    "Kit": "kit",
    "PortProxy": "proxy",
    "Recorder": "proxy",
    "requires": "gating",
}


def __getattr__(name: str) -> object:
    # The pytest plugin lives here too, and is loaded in every run of pytest.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
