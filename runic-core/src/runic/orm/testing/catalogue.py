"""All checks of the kit by id, so that a gap for a check that does not exist is found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from runic.orm.testing.gating import required_by

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Capability
    from runic.orm.testing.harness import Harness

__all__ = ["check_gaps", "checks", "suite_modules"]


def suite_modules() -> Iterator[str]:
    """Names of the modules that hold checks."""
    from runic.orm.testing import suite

    for found in pkgutil.iter_modules(suite.__path__):
        if found.name not in ("base", "schema"):
            yield f"{suite.__name__}.{found.name}"


@lru_cache(maxsize=1)
def checks() -> dict[str, tuple[Capability, ...]]:
    """Every check of the kit, ``"TestClass::test_name"``, and the capabilities it requires."""
    found: dict[str, tuple[Capability, ...]] = {}
    for name in suite_modules():
        module = importlib.import_module(name)
        for alias, cls in vars(module).items():
            if not (alias.startswith("Test") and isinstance(cls, type)):
                continue
            for attribute in dir(cls):
                if attribute.startswith("test_"):
                    found[f"{alias}::{attribute}"] = required_by(getattr(cls, attribute), cls)
    return found


def check_gaps(harness: Harness) -> None:
    """See that every known gap of a harness is about a check that exists, and none is listed twice.

    Raises:
        LookupError: an unknown id.
        ValueError: the same id twice.
    """
    known = checks()
    seen: set[str] = set()
    for gap in harness.known_gaps:
        if gap.base_id not in known:
            raise LookupError(f"{harness!r} has a gap for {gap.test_id}, and there is no such check")
        if gap.test_id in seen:
            raise ValueError(f"{harness!r} has two gaps for {gap.test_id}")
        seen.add(gap.test_id)
