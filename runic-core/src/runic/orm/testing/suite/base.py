"""The bases of all checks: how they meet the harness, its gaps and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from runic.orm.testing.gating import required_by
from runic.orm.testing.plugin import FACTS

if TYPE_CHECKING:
    from runic.orm.testing.harness import Harness
    from runic.orm.testing.kit import Kit

__all__ = ["LiveSuite", "StaticSuite", "Suite"]


class Suite:
    """Base of every class of checks.

    Attributes:
        area: what they are about, for the report.
    """

    area: ClassVar[str] = ""

    @pytest.fixture(autouse=True)
    def _runic_known_gap(self, request: pytest.FixtureRequest, runic_harness: Harness) -> None:
        from runic.orm.testing.catalogue import check_gaps

        check_gaps(runic_harness)
        node = request.node
        test_id = f"{node.parent.name}::{node.originalname}"
        parameters = node.callspec.id if hasattr(node, "callspec") else ""
        version = runic_harness.version()
        facts = {
            "backend": runic_harness.label,
            "version": version,
            "area": self.area or type(self).__name__.removeprefix("Test").removeprefix("Base"),
            "test": test_id,
            "parameters": parameters,
            "capabilities": [
                each.name for each in required_by(request.function, getattr(request, "cls", None))
            ],
            "claimed": sorted(each.name for each in runic_harness.dialect.capabilities),
        }
        node.user_properties.append((FACTS, facts))
        for gap in runic_harness.known_gaps:
            if gap.covers(test_id, parameters) and gap.open_at(version):
                reason = f"{gap.kind.name.lower()}: {gap.reason}"
                node.add_marker(pytest.mark.xfail(reason=reason, raises=gap.raises, strict=True))


class StaticSuite(Suite):
    """Base of checks without a server."""


class LiveSuite(Suite):
    """Base of checks against a server. Each is an ``async def`` that runs in both colours."""

    @pytest.fixture
    def kit(self, runic_kit: Kit) -> Kit:
        """Sessions on an empty database."""
        return runic_kit
