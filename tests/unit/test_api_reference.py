"""Everything that the API reference documents is there, with the parameters that it documents."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import runic.orm
from tests.unit.api_reference import ADDED, DOCUMENTED, EXPORTED

Definition = ast.FunctionDef | ast.AsyncFunctionDef
KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "by position only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "by position or keyword",
    inspect.Parameter.VAR_POSITIONAL: "any number",
    inspect.Parameter.KEYWORD_ONLY: "by keyword only",
    inspect.Parameter.VAR_KEYWORD: "any keyword",
}


def documented(tables: tuple[dict[str, str], ...]) -> Iterator[Any]:
    """(module, class or None, definition) of each line of the tables."""
    for table in tables:
        for module, text in table.items():
            for node in ast.parse(text).body:
                assert isinstance(node, ast.ClassDef | Definition)
                yield pytest.param(module, None, node, id=f"{module}.{node.name}")
                for member in node.body if isinstance(node, ast.ClassDef) else ():
                    if isinstance(member, Definition):
                        name = f"{module}.{node.name}.{member.name}"
                        yield pytest.param(module, node.name, member, id=name)
                    elif isinstance(member, ast.AnnAssign):
                        name = f"{module}.{node.name}.{ast.unparse(member.target)}"
                        yield pytest.param(module, node.name, member, id=name)


def parameters_of(node: Definition) -> list[tuple[str, Any, str | None]]:
    """(name, kind, default) of each documented parameter, without ``self``."""
    arguments = node.args
    found: list[tuple[str, Any, str | None]] = []
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + [*map(ast.unparse, arguments.defaults)]
    for number, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        by_position = number < len(arguments.posonlyargs)
        kind = inspect.Parameter.POSITIONAL_ONLY if by_position else inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append((argument.arg, kind, default))
    if arguments.vararg:
        found.append((arguments.vararg.arg, inspect.Parameter.VAR_POSITIONAL, None))
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = None if value is None else ast.unparse(value)
        found.append((argument.arg, inspect.Parameter.KEYWORD_ONLY, default))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, inspect.Parameter.VAR_KEYWORD, None))
    return [each for each in found if each[0] != "self"]


def differences(node: Definition, signature: inspect.Signature) -> list[str]:
    """How ``signature`` breaks what ``node`` documents. Further optional parameters do not."""
    ours = {name: each for name, each in signature.parameters.items() if name != "self"}
    expected = parameters_of(node)
    faults: list[str] = []
    for name, kind, default in expected:
        actual = ours.get(name)
        if actual is None:
            faults.append(f"no parameter {name!r}")
            continue
        if actual.kind is not kind:
            faults.append(f"{name!r} is taken {KINDS[actual.kind]}, not {KINDS[kind]}")
        if default == "factory":
            if actual.default is inspect.Parameter.empty:
                faults.append(f"{name!r} has no default")
        elif default is not None and repr(actual.default) != default:
            faults.append(f"{name!r} is {actual.default!r} by default, not {default}")
    names = {name for name, _, _ in expected}
    by_position = [
        name
        for name, each in ours.items()
        if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    order = [name for name, kind, _ in expected if name in by_position]
    if by_position[: len(order)] != order:
        faults.append(f"the parameters are {by_position}, which should begin with {order}")
    for name, each in ours.items():
        variable = each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if name not in names and not variable and each.default is inspect.Parameter.empty:
            faults.append(f"{name!r} is not documented, and must be given")
    return faults


def look_up(module: str, owner: str | None, name: str) -> Any:
    home = importlib.import_module(module)
    if owner is None:
        return getattr(home, name)
    return inspect.getattr_static(getattr(home, owner), name)


@pytest.mark.parametrize(("module", "owner", "node"), list(documented((DOCUMENTED, ADDED))))
def test_a_documented_name_is_as_documented(module: str, owner: str | None, node: Any) -> None:
    if isinstance(node, ast.AnnAssign):
        assert look_up(module, owner, ast.unparse(node.target)) == ast.literal_eval(node.annotation)
        return
    if isinstance(node, ast.ClassDef):
        found = look_up(module, None, node.name)
        assert inspect.isclass(found)
        bases = {base.__name__ for base in found.__mro__}
        assert bases >= {ast.unparse(base) for base in node.bases}
        return
    if node.name == "__init__":
        assert owner is not None
        found = getattr(importlib.import_module(module), owner)
        assert differences(node, inspect.signature(found)) == []
        return
    found = look_up(module, owner, node.name)
    if any(ast.unparse(each) == "property" for each in node.decorator_list):
        assert isinstance(found, property)
        return
    assert callable(found)
    assert inspect.iscoroutinefunction(found) is isinstance(node, ast.AsyncFunctionDef)
    signature = inspect.signature(found)
    if node.name.startswith(
        "__"
    ):  # called by an operator: what the parameters are called is nobody's business
        assert len(signature.parameters) == len(node.args.args)
    else:
        assert differences(node, signature) == []


@pytest.mark.parametrize("name", EXPORTED)
def test_a_name_of_the_design_is_exported(name: str) -> None:
    assert name in runic.orm.__all__
    assert getattr(runic.orm, name) is not None


@pytest.mark.parametrize("name", ["create_driver", "create_async_driver"])
def test_a_driver_may_be_named_by_keyword_too(name: str) -> None:
    inspect.signature(getattr(runic.orm, name)).bind(backend="somedb", host="localhost")


def as_documented(first: Any, second: int = 1, *, third: str = "x") -> None: ...
def with_more(first: Any, second: int = 1, extra: int = 0, *, third: str = "x", fourth: int = 4) -> None: ...
def without_one(first: Any, second: int = 1) -> None: ...
def renamed(initial: Any, second: int = 1, *, third: str = "x") -> None: ...
def reordered(second: int = 1, first: Any = None, *, third: str = "x") -> None: ...
def inserted(zeroth: Any, first: Any, second: int = 1, *, third: str = "x") -> None: ...
def of_another_kind(first: Any, *, second: int = 1, third: str = "x") -> None: ...
def of_another_default(first: Any, second: int = 2, *, third: str = "x") -> None: ...
def demanding(first: Any, second: int, *, third: str = "x") -> None: ...


@pytest.mark.parametrize(
    ("ours", "right"),
    [
        (as_documented, True),
        (with_more, True),
        (without_one, False),
        (renamed, False),
        (reordered, False),
        (inserted, False),
        (of_another_kind, False),
        (of_another_default, False),
        (demanding, False),
    ],
)
def test_the_comparison_sees_what_would_break_a_caller(ours: Callable[..., None], right: bool) -> None:
    (node,) = ast.parse("def documented(first, second=1, *, third='x'): ...").body
    assert isinstance(node, ast.FunctionDef)
    assert (differences(node, inspect.signature(ours)) == []) is right
