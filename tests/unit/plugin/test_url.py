"""URLs are taken apart exactly, and whatever is wrong with one, its password is never told."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runic.orm.exceptions import InvalidURLError
from runic.orm.plugin.backend import Target
from runic.orm.plugin.url import parse_url

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("db://", Target("db")),
        ("db://host", Target("db", "host")),
        ("db://host:6379/g", Target("db", "host", 6379, path="/g")),
        ("DB+S://ann:p%40ss@Host:1/g", Target("db+s", "host", 1, "ann", "p@ss", "/g")),
        ("db://:pw@h", Target("db", "h", None, "", "pw")),
        ("db://[::1]:7/a%20b", Target("db", "::1", 7, path="/a b")),
        (
            "db+embedded:///abs/pa%20th.db?graph=g",
            Target("db+embedded", path="/abs/pa th.db", query={"graph": "g"}),
        ),
        ("db+embedded:///abs/me@home.db", Target("db+embedded", path="/abs/me@home.db")),
        ("db://h?a=1&b=x%26y+z&c=", Target("db", "h", query={"a": "1", "b": "x&y z", "c": ""})),
        ("  db://h/g  ", Target("db", "h", path="/g")),
    ],
)
def test_a_url_is_taken_apart_and_decoded(url: str, target: Target) -> None:
    assert parse_url(url) == target


@given(user=text, password=text, graph=text)
def test_any_quoted_user_password_and_graph_come_back_as_they_were(
    user: str, password: str, graph: str
) -> None:
    target = parse_url(
        f"db://{quote(user, safe='')}:{quote(password, safe='')}@host:1/{quote(graph, safe='')}"
    )
    assert (target.username, target.password, target.path) == (user, password, f"/{graph}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ann:s3cret@host/g", "name://"),
        ("db:/ann:s3cret@host/g", "name://"),
        ("://ann:s3cret@host", "name://"),
        ("d b://ann:s3cret@host", "name://"),
        ("db://ann:s3/cret@host/g", "%2F"),
        ("db://ann:s3#cret@host/g", "%23"),
        ("db://ann:s3?cret@host/g", "%3F"),
        ("db://ann:s3[cret@host/g", "IPv6"),
        ("db://ann:s3cret@host:port/g", "port"),
        ("db://ann:s3cret@host:70000/g", "port"),
        ("db://ann:s3cret%ff@host/g", "password"),
        ("db://ann:s3cret@ho\u2100st/g", "host"),
        ("db://ann:s3cret@host/g?a", "name=value"),
        ("db://ann:s3cret@host/g?a=1&a=2", "twice: a"),
    ],
)
def test_an_unreadable_url_says_what_to_do_and_never_its_password(url: str, told: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        parse_url(url)
    assert told in str(caught.value)
    assert isinstance(caught.value, ValueError)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    assert "cret" not in shown


def test_a_target_shows_neither_its_password_nor_its_options() -> None:
    target = parse_url("db://ann:s3cret@host/g?sentinel_password=s3cret")
    assert "s3cret" not in repr(target)
    assert "ann" in repr(target)
