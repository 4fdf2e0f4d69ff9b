"""``runic backends``: which backends are installed, and with ``--check`` whether each works."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from runic.orm.exceptions import PluginError
from runic.orm.plugin import manager

__all__ = ["backends", "inspect_backends"]


def inspect_backends(*, check: bool = False) -> list[dict[str, Any]]:
    """Facts of every installed backend, from metadata alone; ``check`` loads each to learn the rest.

    A fact that is not known without loading is ``None``.
    """
    installed = manager.discover()
    claims = Counter(each.name for each in installed)
    facts: list[dict[str, Any]] = []
    for each in installed:
        row: dict[str, Any] = {
            "name": each.name,
            "distribution": each.distribution,
            "version": each.version,
            "target": each.target,
            "duplicate": claims[each.name] > 1,
            "status": None,
            "reason": None,
            "description": None,
            "url_schemes": None,
            "options": None,
            "capabilities": None,
        }
        if check:
            row.update(_checked(each.name))
        facts.append(row)
    return facts


def _checked(name: str) -> dict[str, Any]:
    try:
        backend = manager.load(name)
        dialect = backend.dialect()
    except PluginError as error:
        return {"status": "broken", "reason": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a plugin's dialect raises is its defect, told here
        return {"status": "broken", "reason": f"its dialect cannot be made: {type(error).__name__}: {error}"}
    return {
        "status": "ok",
        "description": backend.description,
        "url_schemes": list(backend.url_schemes),
        "options": sorted(backend.options),
        "capabilities": sorted(each.name for each in dialect.capabilities),
    }


def backends(
    check: Annotated[
        bool, typer.Option("--check", help="Load each backend; exit 1 if one is broken.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the installed backends: name, distribution, version; with --check also what each can do."""
    facts = inspect_backends(check=check)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    elif not facts:
        typer.echo('No backend is installed. For example: pip install "runic-core[embedded]"')
    else:
        _print_table(facts, check=check)
    if any(row["status"] == "broken" for row in facts):
        raise typer.Exit(1)


def _print_table(facts: list[dict[str, Any]], *, check: bool) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "distribution", "version", *(("status", "capabilities") if check else ("plugin",))):
        table.add_column(title, overflow="fold")
    for row in facts:
        cells = [row["name"], row["distribution"], row["version"]]
        if check:
            names = [name.lower().replace("_", " ") for name in row["capabilities"] or ()]
            cells += [row["status"], ", ".join(names)]
        else:
            cells.append(row["target"])
        table.add_row(*cells)
    console.print(table)
    for row in facts:
        if row["status"] == "broken":
            console.print(f"{row['name']}: {row['reason']}", markup=False, highlight=False)
        elif row["duplicate"] and not check:
            console.print(
                f"{row['name']}: claimed by several distributions; {row['distribution']} is one of them",
                markup=False,
                highlight=False,
            )
