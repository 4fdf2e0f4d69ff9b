"""Every way in which an installed plugin can be wrong, with plugins that are really installed.

All are installed at once: each must fail alone, by name, and leave the good one usable.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.packaging.wheelhouse import GOOD, Dist, World, install

MISSPELT = """
from runic.orm.plugin.hookspecs import hookimpl

@hookimpl
def runic_bakend():
    pass
"""
WRONG_PARAMETERS = """
from runic.orm.plugin.hookspecs import hookimpl

@hookimpl
def runic_backend(surprise):
    pass
"""
UNMARKED = """
def runic_backend():
    pass
"""
FAILING = """
from runic.orm.plugin.hookspecs import hookimpl

@hookimpl
def runic_backend():
    raise ZeroDivisionError("in the hook")
"""
NO_BACKEND = """
from runic.orm.plugin.hookspecs import hookimpl

@hookimpl
def runic_backend():
    return {"name": "nobackend"}
"""
NEWER = GOOD.replace("options=frozenset", "api_version=99, options=frozenset")
COMMANDS = """
import typer
from runic.orm.plugin.hookspecs import hookimpl

@hookimpl
def runic_cli(app):
    @app.command("hello")
    def hello():
        typer.echo("hello from a plugin")
"""


def good(name: str, handle: str = "") -> str:
    return GOOD.format(name=name, handle=handle)


DISTS = (
    Dist("pkg-good", {"m_good": good("good", "GoodHandle")}, {"good": "m_good:plugin"}),
    Dist("pkg-broken", {"m_broken": "import a_module_that_is_nowhere"}, {"broken": "m_broken:plugin"}),
    Dist("pkg-absent", {"m_absent": "x = 1"}, {"absent": "m_absent:plugin"}),
    Dist("twin-one", {"m_one": good("twin")}, {"twin": "m_one:plugin"}),
    Dist("twin-two", {"m_two": good("twin")}, {"twin": "m_two:plugin"}, version="4.5"),
    Dist("pkg-misspelt", {"m_misspelt": MISSPELT}, {"misspelt": "m_misspelt"}),
    Dist("pkg-parameters", {"m_parameters": WRONG_PARAMETERS}, {"parameters": "m_parameters"}),
    Dist("pkg-unmarked", {"m_unmarked": UNMARKED}, {"unmarked": "m_unmarked"}),
    Dist("pkg-failing", {"m_failing": FAILING}, {"failing": "m_failing"}),
    Dist("pkg-nobackend", {"m_nobackend": NO_BACKEND}, {"nobackend": "m_nobackend"}),
    Dist("pkg-newer", {"m_newer": NEWER.format(name="newer", handle="")}, {"newer": "m_newer:plugin"}),
    Dist("pkg-renamed", {"m_renamed": good("other")}, {"renamed": "m_renamed:plugin"}),
    Dist(
        "pkg-shared", {"m_shared": good("first")}, {"first": "m_shared:plugin", "second": "m_shared:plugin"}
    ),
    Dist("pkg-commands", {"m_commands": COMMANDS}, commands={"hello": "m_commands"}),
    Dist("pkg-badcommands", {"m_badcommands": MISSPELT}, commands={"bad": "m_badcommands"}),
)

LOAD_ALL = """
import json, sys
from runic.orm.plugin import manager
out = {}
for name in sys.argv[1:]:
    for _ in range(2):  # a failure must be the same the second time
        try:
            out.setdefault(name, []).append(["ok", manager.load(name).name])
        except Exception as error:
            text = [type(error).__name__, str(error), type(error.__cause__).__name__]
            out.setdefault(name, []).append([*text, getattr(error, "distribution", None)])
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(sys.executable, install(tmp_path_factory.mktemp("plugins"), *DISTS))


@pytest.fixture(scope="module")
def loaded(world: World) -> dict[str, list[list[Any]]]:
    """The outcome of loading each, one after the other in one process, the good one last."""
    names = sorted({name for dist in DISTS for name in dist.backends} - {"good"})
    answer = world.run("-c", LOAD_ALL, *names, "good")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_discovery_lists_every_plugin_and_imports_none(world: World) -> None:
    out = world.python_prints(
        "import sys\n"
        "from runic.orm.plugin import manager\n"
        "print([each.name for each in manager.discover()])\n"
        "print([name for name in sys.modules if name.startswith('m_')])\n"
    ).splitlines()
    listed = eval(out[0])
    assert {"good", "broken", "misspelt", "renamed"} <= set(listed)
    assert listed.count("twin") == 2
    assert out[1] == "[]"


def test_loading_one_imports_no_other(world: World) -> None:
    out = world.python_prints(
        "import sys\n"
        "from runic.orm import create_driver\n"
        "print(create_driver('good', host='h'))\n"
        "print([name for name in sys.modules if name.startswith('m_')])\n"
    )
    assert out.splitlines() == ["('sync', {'host': 'h'})", "['m_good']"]


def test_a_good_plugin_loads_after_all_the_others_failed(loaded: dict[str, Any]) -> None:
    assert loaded["good"] == [["ok", "good"], ["ok", "good"]]


@pytest.mark.parametrize(
    ("name", "error", "cause", "words"),
    [
        (
            "broken",
            "BackendLoadError",
            "ModuleNotFoundError",
            ["cannot be imported", "a_module_that_is_nowhere"],
        ),
        ("absent", "BackendLoadError", "AttributeError", ["cannot be imported", "m_absent:plugin"]),
        ("misspelt", "BackendLoadError", "NoneType", ["runic_bakend", "did you mean runic_backend?"]),
        ("parameters", "BackendLoadError", "PluginValidationError", ["wrong parameters", "surprise"]),
        ("unmarked", "BackendLoadError", "NoneType", ["is not a plugin", "runic_backend()", "hookimpl"]),
        ("failing", "BackendLoadError", "ZeroDivisionError", ["runic_backend()", "in the hook"]),
        ("nobackend", "BackendLoadError", "NoneType", ["returns a dict", "not a Backend"]),
        ("newer", "BackendLoadError", "NoneType", ["version 99", "has version 1", "upgrade runic-core"]),
        ("renamed", "BackendLoadError", "NoneType", ["'other'", "'renamed'", "must be equal"]),
        ("second", "BackendLoadError", "ValueError", ["same object as another plugin"]),
    ],
)
def test_a_bad_plugin_fails_by_name_with_its_distribution_and_version(
    loaded: dict[str, Any], name: str, error: str, cause: str, words: list[str]
) -> None:
    first, second = loaded[name]
    assert first == second
    home = next(dist for dist in DISTS if name in dist.backends)
    assert first[0] == error
    assert first[2] == cause
    assert first[3] == home.name
    for word in [*words, repr(name), f"{home.name} {home.version}"]:
        assert word in first[1]


def test_two_distributions_with_one_name_are_both_named(loaded: dict[str, Any]) -> None:
    kind, message, *_ = loaded["twin"][0]
    assert kind == "DuplicateBackendError"
    assert "twin-one 1.2.3" in message
    assert "twin-two 4.5" in message


def test_a_list_of_distributions_in_the_environment_hides_the_others(world: World) -> None:
    code = (
        "from runic.orm.plugin import manager\n"
        "print(manager.names())\n"
        "print(manager.load('twin').name)\n"
        "try: manager.load('good')\n"
        "except Exception as error: print(error)\n"
    )
    out = world.python_prints(code, RUNIC_PLUGINS="Twin_Two, pkg-renamed").splitlines()
    assert out[0] == "('renamed', 'twin')"
    assert out[1] == "twin"
    assert "pkg-good 1.2.3" in out[2]
    assert "RUNIC_PLUGINS" in out[2]


def test_an_empty_list_in_the_environment_hides_every_plugin(world: World) -> None:
    code = "from runic.orm.plugin import manager; print(manager.names())"
    assert world.python_prints(code, RUNIC_PLUGINS="") == "()"


def test_a_raw_handle_is_adopted_by_the_plugin_that_knows_it_past_the_broken_ones(world: World) -> None:
    out = world.python_prints(
        "from runic.orm.plugin.manager import adopt\n"
        "class GoodHandle: pass\n"
        "print(adopt(GoodHandle())[0])\n"
        "try: adopt(7)\n"
        "except TypeError as error: print(type(error).__name__, error)\n"
    ).splitlines()
    assert out[0] == "adopted"
    assert out[1].startswith("UnknownHandleError builtins.int is neither")
    assert "pkg-broken 1.2.3" in out[1]


def test_a_plugin_named_like_the_handles_module_is_the_only_one_imported(world: World) -> None:
    out = world.python_prints(
        "import sys, types\n"
        "from runic.orm.plugin.manager import adopt\n"
        "handle = type('GoodHandle', (), {'__module__': 'good.client'})()\n"
        "print(adopt(handle)[0], [name for name in sys.modules if name.startswith('m_')])\n"
    )
    assert out == "adopted ['m_good']"


def test_the_command_lists_plugins_and_flags_duplicates_without_importing_them(world: World) -> None:
    answer = world.run("-m", "runic.orm.cli", "backends", "--json")
    assert answer.returncode == 0, answer.stderr
    rows = json.loads(answer.stdout)
    assert {row["name"] for row in rows} >= {"good", "broken", "twin"}
    assert [row["duplicate"] for row in rows if row["name"] == "twin"] == [True, True]
    assert all(row["status"] is None for row in rows)
    text = world.run("-m", "runic.orm.cli", "backends").stdout
    assert "pkg-good" in text
    assert "claimed by several distributions" in text


def test_the_command_checks_each_plugin_and_fails_if_one_is_broken(world: World) -> None:
    answer = world.run("-m", "runic.orm.cli", "backends", "--check", "--json")
    assert answer.returncode == 1
    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert rows["good"]["status"] == "ok"
    assert rows["good"]["options"] == ["host", "password"]
    assert rows["broken"]["status"] == "broken"
    assert "a_module_that_is_nowhere" in rows["broken"]["reason"]
    assert "did you mean runic_backend?" in world.run("-m", "runic.orm.cli", "backends", "--check").stdout


def test_the_command_succeeds_when_every_plugin_is_good(world: World) -> None:
    answer = world.run("-m", "runic.orm.cli", "backends", "--check", RUNIC_PLUGINS="pkg-good")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_plugins_add_commands_and_a_broken_one_is_told_and_left_out(world: World) -> None:
    answer = world.run("-m", "runic.orm.cli", "hello")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "hello from a plugin\n"
    assert "pkg-badcommands 1.2.3" in answer.stderr
    assert "runic_bakend" in answer.stderr
