"""Check the built wheels: who owns which file, and that each is complete.

    python tools/check_wheels.py FOLDER

No two wheels hold one path, none holds ``runic/__init__.py``, only core holds the two packages that
backends land in, every leaf package is typed, no test and no stray file is inside, and entry points
name something that is there.
"""

from __future__ import annotations

import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

TYPED = {
    "runic_core": ["runic/orm", "runic/orm/testing"],
    "runic_falkordb": ["runic/orm/driver/falkordb"],
    "runic_bolt": ["runic/orm/driver/bolt"],
    "runic_age": ["runic/orm/driver/age"],
    "runic_migrate": ["runic/migrate"],
}
CORE_ONLY = ["runic/orm/__init__.py", "runic/orm/driver/__init__.py"]


def problems_of(name: str, archive: zipfile.ZipFile) -> list[str]:
    """What is wrong with one wheel."""
    files = set(archive.namelist())
    code = {each for each in files if ".dist-info/" not in each}
    found = [f"{each} is outside of runic/" for each in code if not each.startswith("runic/")]
    if "runic/__init__.py" in files:
        found.append("holds runic/__init__.py, which makes the namespace its own")
    found += [f"{leaf}/py.typed is missing" for leaf in TYPED[name] if f"{leaf}/py.typed" not in files]
    for each in CORE_ONLY:
        if (each in files) != (name == "runic_core"):
            found.append(f"{each} belongs to runic-core, and to nothing else")
    for each in code:
        path = Path(each)
        # runic/orm/testing is the conformance kit, which is shipped on purpose.
        stray = "tests" in path.parts or path.name == "conftest.py" or path.name.startswith("test_")
        if stray or path.suffix not in {".py", ".pyi", ".typed", ".mako", ".html", ".json"}:
            found.append(f"{each} does not belong into a wheel")
    if not any(each.endswith("/licenses/LICENSE") for each in files):
        found.append("the licence is missing")
    return found


def entry_points_of(archive: zipfile.ZipFile) -> list[str]:
    """The modules that the wheel's entry points name."""
    for each in archive.namelist():
        if each.endswith(".dist-info/entry_points.txt"):
            parser = ConfigParser(delimiters=("=",))
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string(archive.read(each).decode())
            return [
                value.partition(":")[0].strip()
                for section in parser.sections()
                for _, value in parser.items(section)
            ]
    return []


def main(folder: Path) -> int:
    """Check every wheel of a folder; the number of problems."""
    wheels = {path.name.partition("-")[0]: path for path in sorted(folder.glob("*.whl"))}
    problems = [f"{name}: no wheel was built" for name in TYPED if name not in wheels]
    owners: dict[str, str] = {}
    targets: list[tuple[str, str]] = []
    for name, path in wheels.items():
        with zipfile.ZipFile(path) as archive:
            problems += [f"{name}: {each}" for each in problems_of(name, archive)]
            targets += [(name, module) for module in entry_points_of(archive)]
            for each in archive.namelist():
                if each in owners:
                    problems.append(f"{each} is in {owners[each]} and in {name}")
                owners[each] = name
    for name, module in targets:
        path_of = module.replace(".", "/")
        if owners.get(f"{path_of}.py", owners.get(f"{path_of}/__init__.py")) != name:
            problems.append(f"{name}: an entry point names {module}, which it does not hold")
    for each in problems:
        print(f"check_wheels: {each}")
    if not problems:
        print(f"check_wheels: {len(wheels)} wheels, {len(owners)} files, all in order")
    return len(problems)


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1])) else 0)
