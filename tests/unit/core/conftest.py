"""Models defined in these tests leave no trace in the registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runic.orm.core.metadata import metadata


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = metadata.snapshot()
    yield
    metadata.restore(before)
