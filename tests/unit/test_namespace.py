"""``runic`` belongs to no distribution, and no source file grew past its ceiling."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for member in ROOT.glob("runic-*") for path in (member / "src").rglob("*.py"))


def test_no_distribution_owns_the_namespace() -> None:
    owners = [path for path in SOURCES if path.name == "__init__.py" and path.parent.name == "runic"]
    assert not owners


def test_only_core_has_the_two_packages_that_backends_land_in() -> None:
    for shared in ("runic/orm", "runic/orm/driver"):
        owners = [
            member.name
            for member in ROOT.glob("runic-*")
            if (member / "src" / shared / "__init__.py").exists()
        ]
        assert owners == ["runic-core"]


def test_every_package_below_the_namespace_has_an_init_file() -> None:
    shared = {"runic", "runic/orm", "runic/orm/driver"}
    for path in SOURCES:
        folder = path.parent
        inner = folder.as_posix().rpartition("/src/")[2]
        assert inner in shared or (folder / "__init__.py").exists(), inner


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_no_longer_than_five_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
