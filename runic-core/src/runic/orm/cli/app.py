"""The ``runic`` command: its own commands, and those that plugins of ``runic.cli`` add."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from runic.orm.cli.backends import backends
from runic.orm.exceptions import PluginError
from runic.orm.plugin.discovery import CLI_GROUP, read_group
from runic.orm.plugin.loading import attach, call_hook, new_plugin_manager

__all__ = ["build_app"]


def build_app() -> typer.Typer:
    """The application with every command; a broken ``runic.cli`` plugin is told on stderr and left out."""
    app = typer.Typer(
        name="runic",
        help="Object-graph mapper for Cypher databases.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    app.callback()(_root)
    app.command("backends")(backends)
    manager = new_plugin_manager()
    for installed in read_group(CLI_GROUP)[0]:
        try:
            plugin = attach(manager, installed, "runic_cli")
            call_hook(manager, plugin, "runic_cli", app=app)
        except PluginError as error:
            sys.stderr.write(f"runic: {error}\n")
        except Exception as error:  # noqa: BLE001 - one plugin must not take the command away
            sys.stderr.write(
                f"runic: the commands of {installed} are left out: {type(error).__name__}: {error}\n"
            )
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("runic-core"))
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Object-graph mapper for Cypher databases."""
