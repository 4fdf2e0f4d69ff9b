"""Each of these tests has the default registry for itself: empty before, and as it was afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runic.orm.core.metadata import MetaData, metadata


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = metadata.snapshot()
    metadata.restore(MetaData().snapshot())
    yield
    metadata.restore(before)
