"""Drivers by name, URL and environment, with backends registered in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from runic.orm import (
    BackendLoadError,
    DuplicateBackendError,
    InvalidURLError,
    OrmError,
    UnknownBackendError,
    UnknownHandleError,
    UnknownOptionError,
    create_async_driver,
    create_driver,
    register_backend,
    unregister_backend,
)
from runic.orm.plugin import manager
from runic.orm.plugin.backend import Backend, Target


def options_from_url(target: Target) -> dict[str, Any]:
    parts = {
        "host": target.host,
        "port": target.port,
        "username": target.username,
        "password": target.password,
    }
    given = {name: value for name, value in parts.items() if value is not None}
    return given | {"graph": target.path.removeprefix("/")} | dict(target.query)


def toy(name: str = "toy", **changes: Any) -> Backend:
    backend = Backend(
        name=name,
        description="for these tests",
        dialect=lambda: None,  # type: ignore[arg-type,return-value]
        connect=lambda **options: ("sync", options),  # type: ignore[arg-type]
        connect_async=lambda **options: ("async", options),  # type: ignore[arg-type]
        url_schemes=(name, f"{name}+s"),
        options_from_url=options_from_url,
        options=frozenset({"host", "port", "username", "password", "graph"}),
    )
    return replace(backend, **changes)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing but what a test registers: installed plugins are hidden."""
    monkeypatch.setenv("RUNIC_PLUGINS", "")
    monkeypatch.delenv("RUNIC_URL", raising=False)
    manager.reset()
    yield
    monkeypatch.undo()
    manager.reset()


def test_a_registered_backend_makes_both_drivers_from_its_name_and_options() -> None:
    register_backend(toy())
    assert create_driver("toy", host="h", port=1) == ("sync", {"host": "h", "port": 1})
    assert create_driver(backend="toy", graph="g") == ("sync", {"graph": "g"})
    assert create_async_driver("toy", host="h") == ("async", {"host": "h"})


def test_a_url_gives_the_options_and_explicit_ones_win() -> None:
    register_backend(toy())
    assert create_driver("toy+s://ann:p%40w@h:7/g", graph="other") == (
        "sync",
        {"host": "h", "port": 7, "username": "ann", "password": "p@w", "graph": "other"},
    )


def test_the_environment_names_the_database_when_the_program_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register_backend(toy())
    monkeypatch.setenv("RUNIC_URL", "toy://h/g")
    assert create_driver() == ("sync", {"host": "h", "graph": "g"})
    assert create_async_driver(graph="x") == ("async", {"host": "h", "graph": "x"})
    monkeypatch.setenv("RUNIC_URL", "toy")
    assert create_driver(host="h") == ("sync", {"host": "h"})


def test_naming_no_database_at_all_says_how_to() -> None:
    with pytest.raises(InvalidURLError, match="RUNIC_URL"):
        create_driver(host="h")


@pytest.mark.parametrize("chosen", [3, object()])
def test_a_database_is_not_chosen_by_what_is_no_text(chosen: Any) -> None:
    for make in (create_driver, create_async_driver):
        with pytest.raises(TypeError, match="a name or a URL, which is text, not"):
            make(chosen)


def test_naming_the_database_twice_is_refused() -> None:
    with pytest.raises(UnknownOptionError, match="once"):
        create_driver("toy", backend="toy")


def test_an_unknown_option_names_the_closest_and_lists_all() -> None:
    register_backend(toy())
    with pytest.raises(UnknownOptionError) as caught:
        create_driver("toy", pasword="s3cret")
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, OrmError)
    assert caught.value.backend == "toy"
    assert "did you mean 'password'?" in str(caught.value)
    assert "graph, host, password, port, username" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_option_of_a_url_is_refused_too() -> None:
    register_backend(toy())
    with pytest.raises(UnknownOptionError, match="did you mean 'graph'"):
        create_driver("toy://h?grph=x")


def test_an_unknown_name_lists_what_is_there_and_the_closest() -> None:
    register_backend(toy("walnut"))
    register_backend(toy("hazel"))
    with pytest.raises(UnknownBackendError) as caught:
        create_driver("wallnut")
    assert str(caught.value) == (
        "no backend named 'wallnut' is installed. Did you mean 'walnut'? Installed: hazel, walnut."
    )
    assert isinstance(caught.value, ValueError)


def test_an_extra_of_core_is_the_install_command_of_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "extras_with_plugins", lambda: ("otherdb",))
    with pytest.raises(UnknownBackendError, match=r'pip install "runic-core\[otherdb\]"'):
        create_driver("otherdb")
    with pytest.raises(
        UnknownBackendError, match=r'Did you mean \'otherdb\'\? .*pip install "runic-core\[otherdb\]"'
    ):
        create_driver("otherd")


@pytest.mark.parametrize("url", ["bolt://u:s3cret@h", "bolt+s://u:s3cret@h", "redis://u:s3cret@h/0"])
def test_a_url_of_a_protocol_does_not_choose_a_backend(url: str) -> None:
    register_backend(toy())
    with pytest.raises(InvalidURLError, match=r"several databases speak.*toy://") as caught:
        create_driver(url)
    assert "s3cret" not in str(caught.value)


def test_a_scheme_that_the_backend_does_not_answer_to_is_refused() -> None:
    register_backend(toy())
    with pytest.raises(InvalidURLError, match=r"toy\+x://; it answers to toy://, toy\+s://"):
        create_driver("toy+x://h")


def test_a_backend_without_urls_says_so() -> None:
    register_backend(toy(options_from_url=None))
    with pytest.raises(InvalidURLError, match="takes no URL"):
        create_driver("toy://h")


def test_what_a_backend_dislikes_about_its_url_is_an_invalid_url() -> None:
    def refuse(target: Target) -> dict[str, Any]:
        raise ValueError("no graph in the path")

    register_backend(toy(options_from_url=refuse))
    with pytest.raises(
        InvalidURLError, match="the toy:// URL cannot be used: no graph in the path"
    ) as caught:
        create_driver("toy://h")
    assert caught.value.backend == "toy"


def test_a_mistyped_url_is_never_quoted_as_an_unknown_name() -> None:
    with pytest.raises(InvalidURLError) as caught:
        create_driver("toy:/ann:s3cret@h/g")
    assert "s3cret" not in str(caught.value)


def test_a_client_library_that_is_missing_is_told_as_such() -> None:
    def connect(**options: object) -> Any:
        raise ModuleNotFoundError("No module named 'toyclient'", name="toyclient")

    register_backend(toy(connect=connect))
    with pytest.raises(BackendLoadError, match=r"client library of the backend 'toy'.*toyclient") as caught:
        create_driver("toy")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_name_is_not_taken_over_by_accident() -> None:
    first, second = toy(), toy()
    register_backend(first)
    with pytest.raises(DuplicateBackendError, match="replace=True"):
        register_backend(second)
    assert manager.load("toy") is first
    register_backend(second, replace=True)
    assert manager.load("toy") is second


def test_an_installed_name_is_taken_only_on_purpose_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNIC_PLUGINS")
    manager.reset()
    (installed, *_) = manager.discover()
    with pytest.raises(DuplicateBackendError, match=installed.distribution):
        register_backend(toy(installed.name))
    mine = toy(installed.name)
    register_backend(mine, replace=True)
    assert manager.load(installed.name) is mine
    unregister_backend(installed.name)
    assert manager.load(installed.name) is not mine


def test_unregistering_takes_a_backend_away_once() -> None:
    register_backend(toy())
    unregister_backend("toy")
    with pytest.raises(UnknownBackendError):
        create_driver("toy")
    with pytest.raises(UnknownBackendError, match="was registered in this process"):
        unregister_backend("toy")


def test_a_backend_for_another_plugin_interface_is_refused() -> None:
    with pytest.raises(BackendLoadError, match="version 99"):
        register_backend(toy(api_version=99))


def test_a_handle_that_nobody_knows_is_named_by_its_type() -> None:
    with pytest.raises(UnknownHandleError, match=r"builtins\.dict is neither a driver nor a handle"):
        manager.adopt({})
