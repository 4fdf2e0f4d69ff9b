"""Every Python block of the README and the documentation runs, and prints what the page says it prints.

The blocks of a page are one program, from top to bottom. A ``text`` block right after a Python block is the
expected output of that block.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runic.orm import MetaData, metadata

pytestmark = pytest.mark.live("falkordb")

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```[ \t]*\n(?P<gap>\s*)", re.MULTILINE | re.DOTALL
)


@dataclass
class Block:
    """A Python block: its first line in the page, and the output that the page shows for it."""

    line: int
    code: str
    output: str | None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8") + "\n"
    blocks: list[Block] = []
    previous_end = -1
    for fence in FENCE.finditer(text):
        if fence["language"] == "python":
            blocks.append(Block(text.count("\n", 0, fence.start("code")), fence["code"], None))
        elif fence["language"] == "text" and blocks and fence.start() == previous_end:
            blocks[-1].output = fence["code"]
        previous_end = fence.end() if fence["language"] == "python" else -1
    return blocks


@contextlib.contextmanager
def page_module(page: Path) -> Iterator[types.ModuleType]:
    """A module for the blocks of a page; models that they declare are forgotten afterwards."""
    module = types.ModuleType(f"page_{page.stem.replace('-', '_').lower()}")
    registered = metadata.snapshot()
    metadata.restore(MetaData().snapshot())  # no models of other tests
    sys.modules[module.__name__] = module
    try:
        yield module
    finally:
        for value in list(vars(module).values()):
            if hasattr(value, "close") and hasattr(value, "dialect") and not isinstance(value, type):
                value.close()
        del sys.modules[module.__name__]
        metadata.restore(registered)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_the_page_runs_and_prints_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNIC_URL", raising=False)
    with page_module(page) as module:
        for block in blocks_of(page):
            # Empty lines before it, so that a traceback points into the page.
            code = compile("\n" * block.line + block.code, str(page), "exec", dont_inherit=True)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(code, vars(module))
            if block.output is not None:
                where = f"{page.name}, line {block.line + 1}"
                assert printed.getvalue().rstrip() == block.output.rstrip(), f"output of the block at {where}"


def test_no_python_block_hides_under_another_name() -> None:
    for page in PAGES:
        languages = {fence["language"] for fence in FENCE.finditer(page.read_text(encoding="utf-8") + "\n")}
        assert languages <= {"python", "text", "console", "toml", "html", "cypher", "sql"}, page
