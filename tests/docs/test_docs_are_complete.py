"""The documentation names everything that there is: errors, capabilities, commands, options, public names."""

from __future__ import annotations

import re
from inspect import iscoroutinefunction
from pathlib import Path

import pytest

import runic.orm
from runic.orm import AsyncSession, Capability, exceptions
from runic.orm.driver.age.options import LIBPQ
from runic.orm.plugin.manager import load
from tests.servers.neo4j import RELEASES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BACKENDS = ["falkordb", "neo4j", "arcadedb", "memgraph", "age"]


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def rows_of(page: str) -> list[list[str]]:
    """The cells of all table rows of a page."""
    lines = [line for line in text_of(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_error_has_a_section_that_says_what_it_means() -> None:
    sections = dict(
        re.findall(r"^### (\w+)\n\n(.+?)(?=^##|\Z)", text_of("errors.md"), re.MULTILINE | re.DOTALL)
    )
    assert set(sections) == set(exceptions.__all__)
    roots = {"OrmError", "DriverError", "PluginError"}
    assert [name for name, text in sections.items() if "What to do" not in text and name not in roots] == []


def test_the_sections_agree_with_the_classes_about_retrying() -> None:
    sections = dict(
        re.findall(r"^### (\w+)\n\n(.+?)(?=^##|\Z)", text_of("errors.md"), re.MULTILINE | re.DOTALL)
    )
    for name, text in sections.items():
        retryable = getattr(exceptions, name).retryable
        assert ("It is retryable" in text) is retryable or name == "ConnectionLostError", name


def test_the_table_of_capabilities_is_what_the_plugins_declare() -> None:
    rows = rows_of("backends.md")
    (header,) = [row for row in rows if row[:2] == ["capability", "meaning"]]
    table = {row[0].strip("`"): row for row in rows if len(row) == len(header) and row[0].startswith("`")}
    assert set(table) == {each.name for each in Capability}
    assert [name.lower() for name in header[2:]] == BACKENDS
    for column, name in enumerate(header[2:], start=2):
        declared = load(name.lower()).dialect().capabilities
        assert {capability: row[column] for capability, row in table.items()} == {
            each.name: "yes" if each in declared else "no" for each in Capability
        }, name


def test_the_page_about_async_says_what_is_awaited() -> None:
    awaited, plain = (
        set(re.findall(r"`(\w+)`", paragraph))
        for paragraph in re.findall(r"^What is (?:awaited|not): ([^.]+)\.", text_of("async.md"), re.MULTILINE)
    )
    coroutines = {name for name, each in vars(AsyncSession).items() if iscoroutinefunction(each)}
    assert awaited == {name for name in coroutines if not name.startswith("_")}
    assert plain == {"add", "add_all", "delete", "expire", "expunge"} == plain - coroutines


def test_every_command_and_its_options_have_a_row() -> None:
    typer = pytest.importorskip("typer")
    from runic.orm.cli.app import build_app

    command = typer.main.get_command(build_app())
    documented = " ".join(row[0] for row in rows_of("plugins.md"))
    for name, each in command.commands.items():
        assert f"runic {name}" in documented
        for parameter in each.params:
            for option in parameter.opts:
                assert option == "--help" or f"runic {name} {option}" in documented, option


def test_every_backend_has_a_page_in_the_navigation_and_rows_in_the_tables() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in BACKENDS:
        assert f": {name}.md\n" in navigation
        assert f"]({name}.md) | `runic-" in text_of("backends.md")
        assert f"](docs/{name}.md)" in readme


@pytest.mark.parametrize("page", ["README.md", "docs/backends.md"])
def test_the_versions_are_those_that_the_tests_start(page: str) -> None:
    row = next(line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if "[Neo4j]" in line)
    for release in RELEASES.values():
        assert release.version.rpartition(".")[0] in row


def test_the_known_gaps_are_counted_as_the_conformance_tests_name_them() -> None:
    from tests.conformance.test_age import AGEHarness
    from tests.conformance.test_arcadedb import ArcadeDBHarness
    from tests.conformance.test_neo4j import Neo4jHarness

    (row,) = [row for row in rows_of("backends.md") if row[0].startswith("conformance kit")]
    said = [int(found[1]) if (found := re.search(r"(\d+) known gap", cell)) else 0 for cell in row[2:]]
    neo4j, arcadedb, _, age = said
    assert (neo4j, arcadedb, age) == tuple(
        len(each.known_gaps) for each in (Neo4jHarness, ArcadeDBHarness, AGEHarness)
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_every_url_scheme_of_a_backend_is_listed(name: str) -> None:
    listed = set(re.findall(r"`([\w+]+)://", " ".join(row[0] for row in rows_of("plugins.md"))))
    assert set(load(name).url_schemes) <= listed


@pytest.mark.parametrize("name", ["falkordb", "neo4j", "arcadedb", "age"])
def test_every_option_of_a_backend_has_a_row(name: str) -> None:
    documented = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows_of(f"{name}.md"))))
    # Those of libpq are in libpq's own documentation.
    passed_on = LIBPQ if name == "age" else frozenset()
    assert load(name).options - passed_on <= documented


def test_every_parameter_of_fields_and_relations_has_a_row() -> None:
    import inspect

    from runic.orm import Field, Relation

    for function, page in ((Field, "models.md"), (Relation, "relations.md")):
        documented = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows_of(page))))
        assert set(inspect.signature(function).parameters) <= documented


def test_every_public_name_is_mentioned() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    missing = [name for name in runic.orm.__all__ if not re.search(rf"\b{name}\b", pages)]
    assert missing == []


def test_the_readme_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(docs/([\w-]+\.md)\)", readme))
    assert linked <= {page.name for page in DOCS.glob("*.md")}
    for page in re.findall(r"[\w/-]+\.(?:md|py)(?=\))", readme):
        assert (ROOT / page).exists(), page
