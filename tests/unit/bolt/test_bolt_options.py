"""What Bolt drivers can be told: options, URLs, credentials; nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm import create_async_driver, create_driver
from runic.orm.driver.bolt import AsyncBoltDriver, BoltDriver, Options, options_from_url, url_schemes
from runic.orm.driver.bolt.credentials import client_auth
from runic.orm.driver.neo4j import Neo4jDialect, create_neo4j_driver
from runic.orm.driver.neo4j.dialect import DIALECT, pinned_language
from runic.orm.exceptions import InvalidNameError, InvalidURLError, UnknownOptionError
from runic.orm.plugin.backend import Target
from runic.orm.plugin.url import parse_url


@pytest.mark.parametrize(
    ("url", "uri", "encrypted"),
    [
        ("neo4j://h", "neo4j://h:7687", False),
        ("neo4j://h:1/db", "neo4j://h:1", False),
        ("neo4j+s://h", "neo4j+s://h:7687", None),
        ("neo4j+ssc://h:9", "neo4j+ssc://h:9", None),
        ("neo4j+bolt://h", "bolt://h:7687", False),
        ("neo4j+bolt+s://h", "bolt+s://h:7687", None),
        ("neo4j+bolt+ssc://[::1]:5", "bolt+ssc://[::1]:5", None),
        ("neo4j://[::1]", "neo4j://[::1]:7687", False),
        ("neo4j://h?encrypted=true", "neo4j://h:7687", True),
    ],
)
def test_a_url_becomes_the_client_s_own_uri(url: str, uri: str, encrypted: bool | None) -> None:
    options = Options(**options_from_url(parse_url(url), routing=True))
    assert options.client_uri == uri
    assert options.client_config().get("encrypted") is encrypted


def test_an_authority_of_one_s_own_goes_with_the_schemes_for_tls() -> None:
    options = Options(uri="neo4j+s://h:9", ca_certs="ca.pem")
    assert (options.client_uri, options.secure, options.any_certificate) == ("neo4j://h:9", True, False)
    assert Options(uri="BOLT+SSC://h").any_certificate
    assert not Options().secure


def test_a_backend_without_routing_never_asks_for_it() -> None:
    options = Options(**options_from_url(parse_url("memgraph+s://h"), routing=False))
    assert options.client_uri == "bolt+s://h:7687"
    assert url_schemes("memgraph", routing=False) == ("memgraph", "memgraph+s", "memgraph+ssc")


def test_a_url_carries_everything_else_as_options() -> None:
    url = "neo4j://ann:p%40ss@h:1/db?timeout=2.5&max_connections=7&impersonate=bob&check_after=none"
    options = Options(**options_from_url(parse_url(url), routing=True))
    assert (options.username, options.password, options.database) == ("ann", "p@ss", "db")
    assert (options.timeout, options.max_connections, options.impersonate) == (2.5, 7, "bob")
    assert options.check_after is None
    assert "p@ss" not in repr(options)


@pytest.mark.parametrize(
    "query", ["nosuch=1", "port=x", "encrypted=perhaps", "auth=x", "uri=bolt://h", "bookmarks=x"]
)
def test_a_url_with_a_wrong_option_is_refused(query: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        create_driver(f"neo4j://ann:s3cret@h/db?{query}")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"port": 0}, ValueError),
        ({"port": "7687"}, TypeError),
        ({"encrypted": "yes"}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"pool_timeout": None}, TypeError),
        ({"password": "x"}, ValueError),
        ({"username": "a", "token": "t"}, ValueError),
        ({"uri": "bolt://ann:s3cret@h"}, ValueError),
        ({"uri": "neo4j+ssc://h", "ca_certs": "ca.pem"}, ValueError),
        ({"token": 7}, TypeError),
        ({"bookmarks": "FB:x"}, TypeError),
        ({"bookmarks": ["FB:x", 7]}, TypeError),
        ({"bookmarks": 7}, TypeError),
        ({"ca_certs": "ca.pem", "encrypted": False}, ValueError),
        ({"host": "h:7687"}, ValueError),
        ({"host": "bolt://ann:s3cret@h"}, ValueError),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        create_driver("neo4j", **options)
    assert "s3cret" not in str(caught.value)


def test_a_host_may_be_an_address() -> None:
    assert Options(host="::1").address == "::1:7687"


@pytest.mark.parametrize(
    ("query", "closest", "absent"),
    [
        ("memgraph://h?fetch_sise=3", "fetch_size", "routing"),
        ("arcadedb://h/db?htp_port=3", "http_port", "kerberos"),
        ("neo4j://h?max_connection=3", "max_connections", "http_port"),
    ],
)
def test_an_unknown_option_of_a_url_names_the_closest_of_those_that_the_backend_takes(
    query: str, closest: str, absent: str
) -> None:
    with pytest.raises(InvalidURLError, match=f"did you mean '{closest}'") as caught:
        create_driver(query)
    assert absent not in str(caught.value)


def test_an_unknown_option_names_the_closest() -> None:
    with pytest.raises(UnknownOptionError, match="max_connections"):
        create_driver("neo4j", max_conections=3)


def test_credentials_of_every_kind_reach_the_client() -> None:
    neo4j = pytest.importorskip("neo4j")
    assert client_auth(Options(), asynchronous=False) is None
    assert client_auth(Options(username="ann", password="x"), asynchronous=False) == neo4j.basic_auth(
        "ann", "x"
    )
    assert client_auth(Options(token="t"), asynchronous=False) == neo4j.bearer_auth("t")
    assert client_auth(Options(kerberos="k"), asynchronous=False) == neo4j.kerberos_auth("k")
    assert client_auth(Options(auth=("ann", "x")), asynchronous=False) == ("ann", "x")


def test_the_reference_s_constructor_makes_a_driver() -> None:
    with BoltDriver("bolt://h:1", ("ann", "s3cret"), "db", DIALECT) as driver:
        assert driver.options.client_config()["encrypted"] is True
        assert (driver.database, driver.address) == ("db", "h:1")
        assert "s3cret" not in repr(driver)
    with BoltDriver("bolt+s://h", None, None, DIALECT) as driver:
        assert "encrypted" not in driver.options.client_config()
    assert "closed" in repr(driver)


def test_both_colours_are_made_without_connecting() -> None:
    with create_neo4j_driver(username="ann", password="x") as driver:
        assert isinstance(driver.dialect, Neo4jDialect)
    assert isinstance(create_async_driver("neo4j", host="h"), AsyncBoltDriver)


@pytest.mark.parametrize(
    ("agent", "prefix"),
    [
        ("Neo4j/5.26.30", "CYPHER 5 "),
        ("Neo4j/2026.08.1", "CYPHER 5 "),
        ("Neo4j/5.20.0", ""),
        ("Neo4j/4.4.1", ""),
        ("Somebody/1.0", ""),
    ],
)
def test_the_language_is_pinned_where_the_server_knows_the_word(agent: str, prefix: str) -> None:
    assert pinned_language(agent) == prefix


@pytest.mark.parametrize("name", ["", "a`b", "a\0b", "a\\u0060b"])
def test_names_that_backticks_do_not_hold_are_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        DIALECT.quote(name)


def test_a_target_of_a_url_is_enough() -> None:
    assert options_from_url(Target("neo4j", "h", 1, "u", "p", "/d"), routing=True) == {
        "host": "h",
        "port": 1,
        "routing": True,
        "database": "d",
        "username": "u",
        "password": "p",
    }
