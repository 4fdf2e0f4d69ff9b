"""pyright strict over the built wheels, and the completeness of the public types.

    python tools/check_types.py

pyright finds a package in one place only: with several source folders it would not see a backend
beside core, and would take a class for two. So the wheels are unpacked into one tree, which is what
a user's pyright sees as well, and the paths in its report are turned back into those of the sources.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".cache" / "wheels"
TREE = ROOT / ".cache" / "types"
VENV = ROOT / ".venv-wheels"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PUBLIC = ("runic.orm", "runic.migrate")


def unpack() -> dict[str, Path]:
    """Lay all wheels into one tree; the source of each file by its place there."""
    shutil.rmtree(TREE, ignore_errors=True)
    sources: dict[str, Path] = {}
    for wheel in sorted(WHEELS.glob("*.whl")):
        member = wheel.name.partition("-")[0].replace("_", "-")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("runic/"):
                    archive.extract(name, TREE)
                    sources[name] = ROOT / member / "src" / name
    return sources


def strict(sources: dict[str, Path]) -> int:
    """Run pyright in strict mode; the number of errors."""
    config = {
        "include": ["."],
        "pythonVersion": "3.12",
        "typeCheckingMode": "strict",
        "reportMissingTypeStubs": "none",
        "reportUnnecessaryTypeIgnoreComment": "none",
        "enableTypeIgnoreComments": True,
        "venvPath": str(ROOT),
        "venv": VENV.name,
    }
    (TREE / "pyrightconfig.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    command = [str(BIN / "pyright"), "--project", str(TREE), "--outputjson"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(answer.stdout)
    except json.JSONDecodeError:
        print(answer.stdout, answer.stderr)
        return 1
    errors = [each for each in report["generalDiagnostics"] if each["severity"] == "error"]
    for each in errors:
        inside = Path(each["file"]).resolve().relative_to(TREE.resolve()).as_posix()
        path = sources.get(inside, TREE / inside)
        line = each["range"]["start"]["line"] + 1
        message = each["message"].replace("\n", "\n    ")
        print(f"{path.relative_to(ROOT)}:{line}: {message} [{each.get('rule', 'error')}]")
    print(f"pyright --strict: {len(errors)} errors in {report['summary']['filesAnalyzed']} files")
    return len(errors)


def complete(package: str) -> int:
    """``pyright --verifytypes``; the number of public symbols without a known type."""
    command = [str(BIN / "pyright"), "--ignoreexternal", "--outputjson", "--verifytypes", package]
    # --verifytypes asks the python on the PATH for its packages, whatever --pythonpath says.
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    answer = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    try:
        report = json.loads(answer.stdout)["typeCompleteness"]
    except (json.JSONDecodeError, KeyError):
        print(answer.stdout, answer.stderr)
        return 1
    if not any(each["isExported"] for each in report["symbols"]):
        print(f"pyright --verifytypes {package}: exports nothing")
        return 0
    unknown = 0
    for symbol in report["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            unknown += 1
            reasons = "; ".join(each["message"].splitlines()[0] for each in symbol["diagnostics"])
            print(f"{symbol['name']}: {reasons}")
    print(f"pyright --verifytypes {package}: {report['completenessScore']:.1%} complete")
    return unknown


def main() -> int:
    """Run both; whether anything is wrong."""
    wrong = strict(unpack())
    wrong += sum(complete(package) for package in PUBLIC)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
