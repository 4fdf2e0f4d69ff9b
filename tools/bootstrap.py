"""Make the environments of this repository from nothing but a plain ``python3``.

    python3 tools/bootstrap.py dev      the working environment, .venv (editable installs)
    python3 tools/bootstrap.py wheels   the environment with wheels, .venv-wheels
    python3 tools/bootstrap.py uv ...   run uv as the above do
    python3 tools/bootstrap.py lock     write constraints.txt anew

Only the standard library is used, in a form that Python 3.8 reads. uv comes from the machine's own
package index; it does not read pip's configuration, so that is handed over through uv's variables.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TYPE_CHECKING = False  # importing typing only for this would cost more than it says
if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
MINORS = ("3.13", "3.14", "3.12")
MEMBERS = ("runic-core", "runic-falkordb", "runic-bolt", "runic-age", "runic-migrate")
EXTRAS = {"runic-core": "[cli,testing]", "runic-falkordb": "[embedded]"}


def say(text: str) -> None:
    print("bootstrap: " + text, file=sys.stderr, flush=True)


def run(command: list[str | Path], env: dict[str, str] | None = None, quiet: bool = False) -> None:
    words = [str(word) for word in command]
    sink = subprocess.DEVNULL if quiet else None
    subprocess.run(words, check=True, cwd=ROOT, env=env, stdout=sink, stderr=sink)


def bin_of(venv: Path, name: str) -> Path:
    folder = "Scripts" if os.name == "nt" else "bin"
    return venv / folder / (name + (".exe" if os.name == "nt" else ""))


# -- uv -----------------------------------------------------------------------------------------


def pip_settings() -> dict[str, list[str]]:
    """pip's configuration (files and environment) as a dict, whatever file it stands in."""
    found: dict[str, list[str]] = {}
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    for line in answer.stdout.splitlines():
        match = re.match(r"(global|install|:env:)\.([\w-]+)=(.*)$", line)
        if match:
            value = match.group(3)
            with contextlib.suppress(SyntaxError, ValueError):
                value = str(ast.literal_eval(value))
            found[match.group(2).replace("_", "-")] = value.split()
    return found


def uv_environment() -> dict[str, str]:
    """The environment for uv: what pip is told by the machine, uv is told too."""
    env = dict(os.environ)
    pip = pip_settings()
    links = [at for at in pip.get("find-links", []) if "://" in at or Path(at).is_dir()]
    certificate = [at for at in pip.get("cert", []) if Path(at).is_file()]
    translated = {
        "UV_DEFAULT_INDEX": " ".join(pip.get("index-url", [])),
        "UV_INDEX": " ".join(pip.get("extra-index-url", [])),
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", [])),
        "UV_HTTP_TIMEOUT": " ".join(pip.get("timeout", []) or pip.get("default-timeout", [])),
        "SSL_CERT_FILE": " ".join(certificate),
        "ALL_PROXY": " ".join(pip.get("proxy", [])),
    }
    for name, value in translated.items():
        if value:
            env.setdefault(name, value)
    # uv would otherwise act on a virtual environment that happens to be active.
    env.pop("VIRTUAL_ENV", None)
    return env


def uv_program() -> Path:
    """uv of our own, in .cache: installed from the package index at the first call."""
    venv = CACHE / "uv"
    program = bin_of(venv, "uv")
    if program.exists():
        return program
    say("installing uv into .cache/uv")
    shutil.rmtree(venv, ignore_errors=True)
    try:
        run([sys.executable, "-m", "venv", venv], quiet=True)
        run([bin_of(venv, "python"), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "uv"])
    except (OSError, subprocess.CalledProcessError):
        # Debian's python3 may lack ensurepip; a uv that is already there does as well.
        shutil.rmtree(venv, ignore_errors=True)
        present = shutil.which("uv")
        if present:
            return Path(present)
        run([sys.executable, "-m", "pip", "install", "--quiet", "--prefix", venv, "uv"])
    return program


def uv(*arguments: str | Path) -> None:
    run([uv_program(), *arguments], env=uv_environment())


# -- interpreters -------------------------------------------------------------------------------


def answers(python: str | Path, minor: str) -> bool:
    """Whether ``python`` runs and is of that version (pyenv's shims exist but may refuse)."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [str(python), "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == minor


def natural(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", str(path))]


def installed_pythons(minor: str) -> Iterator[str | Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from sorted(pyenv.glob("versions/%s.*/bin/python%s" % (minor, minor)), key=natural, reverse=True)
    on_path = shutil.which("python" + minor)
    if on_path:
        yield on_path
    if "%d.%d" % sys.version_info[:2] == minor:
        yield sys.executable


def find_python() -> str | Path:
    """An interpreter for the environments: one found on the machine, else a version uv may download."""
    wanted = os.environ.get("RUNIC_PYTHON")
    if wanted:
        return wanted
    first = (ROOT / ".python-version").read_text().strip()
    for minor in sorted(MINORS, key=lambda each: each != first):
        for python in installed_pythons(minor):
            if answers(python, minor):
                return python
    return first


def make_venv(name: str) -> Path:
    venv = ROOT / name
    python = bin_of(venv, "python")
    if not (python.exists() and any(answers(python, minor) for minor in MINORS)):
        chosen = find_python()
        say("making %s with %s" % (name, chosen))
        shutil.rmtree(venv, ignore_errors=True)
        uv("venv", "--quiet", "--python", chosen, venv)
    return python


# -- what goes in -------------------------------------------------------------------------------


def install(python: Path, *arguments: str | Path) -> None:
    uv(
        "pip", "install", "--quiet", "--python", python,
        "--constraints", "constraints.txt", "--build-constraints", "constraints.txt", *arguments
    )  # fmt: skip


def editable() -> Iterator[str]:
    for member in MEMBERS:
        yield "--editable"
        yield "./" + member + EXTRAS.get(member, "")


def make_dev() -> None:
    python = make_venv(".venv")
    say("installing the workspace and its tools into .venv")
    install(python, "--group", "dev", *editable())


def make_wheels() -> None:
    """Build every wheel into .cache/wheels and install them, with the tools that need wheels."""
    wheelhouse = CACHE / "wheels"
    shutil.rmtree(wheelhouse, ignore_errors=True)
    say("building the wheels")
    uv("build", "--quiet", "--all-packages", "--wheel", "--out-dir", wheelhouse,
       "--build-constraints", "constraints.txt")  # fmt: skip
    python = make_venv(".venv-wheels")
    built = [
        str(path) + EXTRAS.get(path.name.split("-")[0].replace("_", "-"), "")
        for path in sorted(wheelhouse.glob("*.whl"))
    ]
    again = [word for member in MEMBERS for word in ("--reinstall-package", member)]
    say("installing them into .venv-wheels")
    install(python, "--no-sources", "--find-links", wheelhouse, "--group", "wheels", *again, *built)


def lock() -> None:
    """Pin everything that the environments use: names and versions, never an address."""
    command = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.12", "--no-header",
               "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--upgrade",
               "--group", "dev", "--group", "wheels", "--all-extras",
               "--output-file", "constraints.txt"]  # fmt: skip
    for member in MEMBERS:
        command += ["--no-emit-package", member]
        command.append(member + "/pyproject.toml")
    uv(*command)


def main(arguments: list[str]) -> None:
    CACHE.mkdir(exist_ok=True)
    if arguments[:1] == ["dev"]:
        make_dev()
    elif arguments[:1] == ["wheels"]:
        make_wheels()
    elif arguments[:1] == ["lock"]:
        lock()
    elif arguments[:1] == ["uv"]:
        uv(*arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
