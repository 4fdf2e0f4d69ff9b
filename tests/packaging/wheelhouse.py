"""Small distributions that are really installed: a wheel, written here, installed by uv."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

GOOD = """
from runic.orm.plugin.backend import Backend
from runic.orm.plugin.hookspecs import hookimpl


def connect(**options):
    return ("sync", options)


def connect_async(**options):
    return ("async", options)


class Dialect:
    capabilities = frozenset()


class Plugin:
    @hookimpl
    def runic_backend(self):
        return Backend(
            name={name!r}, description="a test", dialect=Dialect, connect=connect,
            connect_async=connect_async, url_schemes=({name!r},),
            options_from_url=lambda target: {{"host": target.host, "password": target.password}},
            options=frozenset(["host", "password"]),
        )

    @hookimpl
    def runic_adopt(self, handle):
        return ("adopted", handle) if type(handle).__name__ == {handle!r} else None


plugin = Plugin()
"""


@dataclass(slots=True)
class Dist:
    """One distribution: its entry points by group, and the text of its modules."""

    name: str
    modules: dict[str, str]
    backends: dict[str, str] = field(default_factory=dict[str, str])
    commands: dict[str, str] = field(default_factory=dict[str, str])
    version: str = "1.2.3"

    def build(self, folder: Path) -> Path:
        """Write the wheel."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        info = f"{stem}.dist-info"
        entries = "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in table.items())
            for group, table in (("runic.backends", self.backends), ("runic.cli", self.commands))
            if table
        )
        files = {f"{module}.py": text for module, text in self.modules.items()}
        files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        files[f"{info}/WHEEL"] = (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files[f"{info}/entry_points.txt"] = entries
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
        wheel = folder / f"{stem}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return wheel


def uv(*arguments: str | Path) -> None:
    """Run uv of this environment, offline."""
    command = [sys.executable, "-m", "uv", *map(str, arguments), "--offline", "--no-config"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.fail(f"uv failed: {answer.stderr}")


def install(folder: Path, *dists: Dist) -> Path:
    """Install distributions into a folder of their own, to be put on a subprocess's path."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    site = folder / "site"
    uv("pip", "install", "--quiet", "--no-deps", "--target", site, *(dist.build(wheels) for dist in dists))
    return site


@dataclass(slots=True)
class World:
    """An interpreter, and what is on its path."""

    python: str
    site: Path | None = None
    env: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the interpreter."""
        full = {key: value for key, value in os.environ.items() if not key.startswith(("RUNIC_", "COV_"))}
        if self.site:
            full["PYTHONPATH"] = str(self.site)
        full |= self.env | env | {"COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.run(
            [self.python, *command], capture_output=True, text=True, env=full, timeout=120, check=False
        )

    def python_prints(self, code: str, **env: str) -> str:
        """Run a piece of Python that must succeed; what it prints."""
        answer = self.run("-W", "error", "-c", code, **env)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()
