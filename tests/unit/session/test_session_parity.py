"""Session and AsyncSession are the same session in two colours."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from runic.orm.session.async_session import AsyncSession
from runic.orm.session.session import Session

#: Names that only one of them has, and why.
ONLY: dict[str, set[str]] = {
    "Session": {"__enter__", "__exit__"},
    "AsyncSession": {"__aenter__", "__aexit__"},
}

#: Methods whose documentation differs because what they do differs.
DIFFERENT_TEXT = {
    "__init__",  # the driver's colour
    "load_relationship",  # cannot load here
    "query",
    "fulltext_search",
    "vector_search",
}

#: Methods that an async session awaits although the reference has no I/O in them, or the other way round.
NOT_AWAITED = {
    "add",
    "add_all",
    "delete",
    "expire",
    "expunge",
    "register_or_get",
    "load_relationship",
    "query",
    "fulltext_search",
    "vector_search",
    "stream",
    "transaction",
}


def members(cls: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(cls).items()
        if (callable(value) or isinstance(value, property))
        and (not name.startswith("_") or name == "__init__")
    }


def public(cls: type) -> set[str]:
    return set(members(cls)) | {
        name for name in ("__enter__", "__exit__", "__aenter__", "__aexit__") if name in vars(cls)
    }


def test_both_have_the_same_names() -> None:
    assert public(Session) - ONLY["Session"] == public(AsyncSession) - ONLY["AsyncSession"]


@pytest.mark.parametrize("name", sorted(members(Session)))
def test_both_take_the_same_parameters(name: str) -> None:
    one, two = members(Session)[name], members(AsyncSession)[name]
    if isinstance(one, property):
        assert isinstance(two, property)
        return

    def parameters(function: Any) -> list[tuple[str, Any, Any]]:
        return [
            (each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()
        ]

    assert parameters(one) == parameters(two)


@pytest.mark.parametrize("name", sorted(set(members(Session)) - DIFFERENT_TEXT))
def test_both_are_documented_alike(name: str) -> None:
    def text(member: Any) -> str:
        found = inspect.getdoc(member.fget if isinstance(member, property) else member) or ""
        found = found.replace("AsyncSession", "Session").replace("async with", "with").replace("await ", "")
        return re.sub(r"\s+", " ", found)

    assert text(members(Session)[name])
    assert text(members(AsyncSession)[name]) == text(members(Session)[name])


@pytest.mark.parametrize("name", sorted(members(Session)))
def test_what_talks_to_the_database_is_awaited(name: str) -> None:
    two = members(AsyncSession)[name]
    if isinstance(two, property) or name == "__init__":
        return
    assert inspect.iscoroutinefunction(two) is (name not in NOT_AWAITED)
    assert not inspect.iscoroutinefunction(members(Session)[name])
