"""What each backend is sent for each statement, in files to be read in reviews.

``RUNIC_UPDATE_GOLDEN=1 pytest tests/golden`` writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runic.orm import OrmError
from runic.orm.compile.compiler import compile_execution
from runic.orm.compile.dialect import Dialect
from runic.orm.compile.shape import Compiled
from runic.orm.plugin.manager import load
from tests.unit.query.test_query_text import CASES

HERE = Path(__file__).parent


def shortened(compiled: Compiled) -> str:
    """The text with ``<n: User>`` for the columns of a node: those are another module's concern."""
    text = compiled.text
    for item in compiled.shape.items:
        if item.layout is not None and item.cls is not None:
            for name in (item.alias, "__x"):
                columns = ", ".join(column.replace("{v}", f"`{name}`") for column in item.layout.columns)
                text = text.replace(columns, f"<{name}: {item.cls.__name__}>")
    return text


def rendered(dialect: Dialect) -> str:
    parts: list[str] = []
    for name, (statement, _) in CASES.items():
        try:
            compiled = compile_execution(statement, dialect)
            shown = f"{shortened(compiled)}\n{dict(compiled.parameters)}"
        except OrmError as error:
            shown = f"{type(error).__name__}: {error}"
        parts.append(f"-- {name}\n{shown}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("backend", ["falkordb"])
def test_backend_is_sent_what_the_golden_file_says(backend: str) -> None:
    path = HERE / f"queries_{backend}.txt"
    text = rendered(load(backend).dialect())
    if os.environ.get("RUNIC_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
