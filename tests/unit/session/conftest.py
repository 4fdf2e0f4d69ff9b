"""Fixtures of the pure session tests."""

from __future__ import annotations

import pytest

from tests.unit.session.bench import Owner


@pytest.fixture
def owner() -> Owner:
    """A stand-in for a session, with an empty unit of work."""
    return Owner()
