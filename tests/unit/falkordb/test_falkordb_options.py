"""Options and URLs: typed, validated, and silent about passwords."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from runic.orm.driver.falkordb import create_async_falkordb_driver, create_falkordb_driver
from runic.orm.driver.falkordb.options import OPTION_NAMES, Options, options_from_url
from runic.orm.exceptions import InvalidNameError
from runic.orm.plugin.backend import Target

SECRET = "hunter2-not-to-be-seen"


def target(scheme: str = "falkordb", **parts: Any) -> Target:
    return Target(scheme, **parts)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            target(host="db", port=7000, username="ann", password=SECRET, path="/social"),
            {"host": "db", "port": 7000, "username": "ann", "password": SECRET, "graph": "social"},
        ),
        (target(), {}),
        (target("falkordbs", host="db"), {"host": "db", "tls": True}),
        (
            target("falkordb+embedded", path="/data/x.db", query={"graph": "g"}),
            {"path": "/data/x.db", "graph": "g"},
        ),
        (target("falkordb+embedded"), {"path": ":memory:"}),
        (target("falkordb+embedded", path="/:memory:"), {"path": ":memory:"}),
        (target("falkordb+unix", path="/run/f.sock"), {"unix_socket": "/run/f.sock"}),
        (
            target(
                query={
                    "max_connections": "7",
                    "timeout": "2.5",
                    "tls_verify": "false",
                    "pool_timeout": "none",
                }
            ),
            {"max_connections": 7, "timeout": 2.5, "tls_verify": False, "pool_timeout": None},
        ),
    ],
)
def test_a_url_becomes_typed_options(url: Target, options: dict[str, Any]) -> None:
    assert options_from_url(url) == options
    Options(**{"graph": "g", **options})


@pytest.mark.parametrize(
    "query",
    [{"nope": "1"}, {"max_connections": "many"}, {"tls": "perhaps"}, {"timeout": "soon"}, {"port": ""}],
)
def test_a_url_with_an_option_of_the_wrong_form_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(query))):
        options_from_url(target(query=query))


@pytest.mark.parametrize("scheme", ["falkordb+embedded", "falkordb+unix"])
def test_a_url_of_a_path_takes_no_host(scheme: str) -> None:
    with pytest.raises(ValueError, match="three slashes"):
        options_from_url(target(scheme, host="data", path="/x.db"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": "6379"},
        {"port": 0},
        {"port": 65536},
        {"host": None},
        {"host": "localhost:6379"},
        {"host": "redis://localhost"},
        {"max_connections": 0},
        {"max_connections": True},
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"connect_timeout": "5"},
        {"tls": 1},
        {"password": b"x"},
        {"path": "x.db", "unix_socket": "/x"},
    ],
)
def test_an_option_of_the_wrong_form_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Options(**wrong)


@pytest.mark.parametrize(
    "graph", ["", "a\0b", "zz\0yy", "a\nb", "a\x1bb", "a\u202eb", "a\u200bb", "\ud800", "x" * 513]
)
def test_a_graph_name_that_could_be_cut_off_or_spoofed_is_refused(graph: str) -> None:
    with pytest.raises(InvalidNameError):
        create_falkordb_driver(graph=graph)


def test_a_graph_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidNameError):
        create_falkordb_driver(graph=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("graph", ["g", "Länder", "a b", "x`y", "🙂", "a-b.c:d", "x" * 512])
def test_any_other_graph_name_is_taken(graph: str) -> None:
    assert create_falkordb_driver(graph=graph).graph_name == graph


@pytest.mark.parametrize("create", [create_falkordb_driver, create_async_falkordb_driver])
def test_a_password_shows_nowhere(create: Any) -> None:
    driver = create(host="localhost", password=SECRET, sentinel_password=SECRET, username="ann")
    for text in (repr(driver), str(driver), repr(driver.options), repr(driver.connect())):
        assert SECRET not in text


def test_a_password_of_the_wrong_type_is_not_quoted() -> None:
    with pytest.raises(TypeError) as caught:
        Options(password=SECRET.encode())  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


def test_every_option_is_documented() -> None:
    documentation = inspect.cleandoc(Options.__doc__ or "")
    for name in OPTION_NAMES:
        assert f"\n    {name}: " in documentation
