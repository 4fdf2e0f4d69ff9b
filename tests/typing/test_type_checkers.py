"""What mypy and pyright, both strict, make of the files beside this one.

``*_types.py`` and ``query_statements.py`` are accepted as they are; in ``*_errors.py`` each line with the
mark ``# E`` is refused, and no other.
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SOURCES = ROOT / "runic-core" / "src"
BAD = sorted(HERE.glob("*_errors.py"))
GOOD = sorted({*HERE.glob("*.py")} - {*BAD, Path(__file__).resolve()})

Report = dict[tuple[str, int], list[str]]


def run_mypy(folder: Path) -> Report:
    """(file, line) -> messages."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]
    command += ["--config-file", "", "--explicit-package-bases", "--cache-dir", str(folder)]
    done = subprocess.run(
        [*command, *map(str, (*GOOD, *BAD))],
        cwd=folder,
        env={"MYPYPATH": str(SOURCES), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    names = {file.name for file in (*GOOD, *BAD)}
    report: Report = {}
    for line in done.stdout.splitlines():
        found = re.fullmatch(r"(?P<file>.+?):(?P<line>\d+): error: (?P<text>.*)", line)
        # The library has a check of its own.
        if found and (name := Path(found["file"]).name) in names:
            report.setdefault((name, int(found["line"])), []).append(found["text"])
    return report


def run_pyright(folder: Path) -> Report:
    places = [Path(sys.executable).parent, ROOT / ".venv-wheels" / "bin"]
    program = next(filter(None, (shutil.which("pyright", path=str(place)) for place in places)), None)
    if program is None:
        pytest.skip("pyright is not installed here; `make types` installs it")
    for file in (*GOOD, *BAD):
        shutil.copy(file, folder)
    settings = {
        "include": ["."],
        "extraPaths": [str(SOURCES)],
        "typeCheckingMode": "strict",
        "reportUnusedExpression": False,
        "pythonVersion": "3.12",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [program, "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report: Report = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] == "error":
            place = Path(each["file"]).name, each["range"]["start"]["line"] + 1
            report.setdefault(place, []).append(each["message"])
    return report


@pytest.fixture(scope="module", params=[run_mypy, run_pyright], ids=["mypy", "pyright"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    found: Report = request.param(tmp_path_factory.mktemp("types"))
    return found


@pytest.mark.parametrize("file", GOOD, ids=[file.name for file in GOOD])
def test_good_uses_are_accepted(report: Report, file: Path) -> None:
    assert {line: texts for (name, line), texts in report.items() if name == file.name} == {}


@pytest.mark.parametrize("file", BAD, ids=[file.name for file in BAD])
def test_bad_uses_are_refused_and_nothing_else_is(report: Report, file: Path) -> None:
    refused = {line: texts for (name, line), texts in report.items() if name == file.name}
    lines = dict(enumerate(file.read_text().splitlines(), 1))
    expected = {number for number, line in lines.items() if "# E:" in line}
    assert {line: texts for line, texts in refused.items() if line not in expected} == {}
    assert [lines[line].strip() for line in sorted(expected - refused.keys())] == []


def test_the_good_uses_of_models_run() -> None:
    runpy.run_path(str(HERE / "model_types.py"), run_name="__main__")
