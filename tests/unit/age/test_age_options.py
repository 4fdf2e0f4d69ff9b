"""Options of a connection to PostgreSQL, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm import InvalidURLError, create_driver
from runic.orm.driver.age.options import Options


@pytest.mark.parametrize(
    "options",
    [
        {"port": "here"},
        {"port": 5432.0},
        {"port": 0},
        {"port": 65536},
        {"host": 127},
        {"host": "localhost:5432"},
        {"host": "one,two:5432"},
        {"host": "postgresql://ann:s3cret@localhost"},
        {"database": 1},
        {"username": b"ann"},
        {"password": 7},
    ],
)
def test_an_option_of_the_wrong_form_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=f"the option {next(iter(options))}") as caught:
        create_driver("age", **options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("one,two", "5432,5433"),
        ("/run/postgresql", 5432),
        ("::1", "5432"),
        ("one,two", ",5433"),
        (None, None),
    ],
)
def test_hosts_and_ports_are_as_libpq_takes_them(host: str | None, port: Any) -> None:
    options = Options(host=host, port=port)
    assert options.connect_arguments().get("port") == port


def test_an_unknown_option_of_a_url_names_the_closest() -> None:
    with pytest.raises(InvalidURLError, match="did you mean 'sslmode'"):
        create_driver("age://h/db?sslmod=require")
