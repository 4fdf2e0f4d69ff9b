"""``runic.orm``: every public name, from where the design says it lives, at next to no cost."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import runic.orm
from runic.orm import exceptions

INIT = Path(str(runic.orm.__file__))
NAMES = {
    "AsyncRepository", "AsyncSession", "Capability", "Edge", "Field", "GeoLocation", "Index", "Mapped",
    "MetaData", "Node", "QueryResult", "Relation", "Repository", "Session", "Vector", "avg", "collect",
    "count", "create_async_driver", "create_driver", "distance", "max_", "metadata", "min_",
    "register_backend", "run_in_transaction", "run_in_transaction_async", "select", "sum_",
}  # fmt: skip


def in_a_new_interpreter(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


@pytest.mark.parametrize("name", sorted({*NAMES, *exceptions.__all__, *runic.orm.__all__}))
def test_a_public_name_is_what_its_home_module_defines(name: str) -> None:
    value = getattr(runic.orm, name)
    assert name in runic.orm.__all__
    assert name in dir(runic.orm)
    assert value is getattr(importlib.import_module(runic.orm._HOMES[name]), name)


def test_type_checkers_see_the_same_table_as_the_interpreter() -> None:
    tree = ast.parse(INIT.read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == runic.orm._HOMES
    assert sorted(runic.orm.__all__) == sorted(seen)


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Sesion'"):
        runic.orm.Sesion  # type: ignore[attr-defined]


def test_importing_the_package_is_lean() -> None:
    out = in_a_new_interpreter(
        "import sys; before = set(sys.modules); import runic.orm; print(*sorted(set(sys.modules) - before))"
    ).split()
    assert len(out) <= 110
    heavy = {
        "asyncio",
        "pluggy",
        "typer",
        "rich",
        "click",
        "redis",
        "falkordb",
        "neo4j",
        "psycopg",
        "email",
        "ssl",
    }
    assert not heavy & {name.partition(".")[0] for name in out}


def test_declaring_models_imports_neither_asyncio_nor_a_plugin() -> None:
    out = in_a_new_interpreter(
        "import sys; before = set(sys.modules)\n"
        "from runic.orm import Edge, Field, Node, Relation, Session, select\n"
        "print(*sorted(set(sys.modules) - before))"
    ).split()
    heavy = {"asyncio", "pluggy", "typer", "rich", "click", "redis", "falkordb", "neo4j", "psycopg", "ssl"}
    assert not heavy & {name.partition(".")[0] for name in out}
