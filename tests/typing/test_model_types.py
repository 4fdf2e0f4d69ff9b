"""Runs type checkers over the files beside this one."""

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
GOOD = HERE / "model_types.py"
BAD = HERE / "model_type_errors.py"

Report = dict[tuple[str, int], list[str]]


def run_mypy(cache: Path) -> Report:
    """(file, line) -> messages."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]
    command += [
        "--config-file",
        "",
        "--explicit-package-bases",
        "--cache-dir",
        str(cache),
        str(GOOD),
        str(BAD),
    ]
    done = subprocess.run(
        command,
        cwd=cache,
        env={"MYPYPATH": str(SOURCES), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    report: Report = {}
    for line in done.stdout.splitlines():
        if found := re.fullmatch(r"(?P<file>.+?):(?P<line>\d+): error: (?P<text>.*)", line):
            name = Path(found["file"]).name
            if name not in (GOOD.name, BAD.name):
                continue  # the library has a check of its own
            report.setdefault((name, int(found["line"])), []).append(found["text"])
    return report


def run_pyright(folder: Path) -> Report:
    program = shutil.which("pyright", path=str(Path(sys.executable).parent)) or shutil.which("pyright")
    if program is None:
        pytest.skip("pyright is not installed here; `make types` has it")
    for file in (GOOD, BAD):
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


def marked(file: Path) -> set[int]:
    lines = file.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if "# E:" in line}


def test_good_uses_are_accepted(report: Report) -> None:
    assert {place: texts for place, texts in report.items() if place[0] != BAD.name} == {}


def test_bad_uses_are_refused_and_nothing_else_is(report: Report) -> None:
    refused = {line: texts for (name, line), texts in report.items() if name == BAD.name}
    expected = marked(BAD)
    assert {line: texts for line, texts in refused.items() if line not in expected} == {}
    assert {line: BAD.read_text().splitlines()[line - 1].strip() for line in expected - refused.keys()} == {}


def test_the_good_uses_run() -> None:
    runpy.run_path(str(GOOD), run_name="__main__")
