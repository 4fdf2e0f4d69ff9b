"""Whether a statement compiles for several backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runic.orm.compile.compiler import compile_execution, compile_statement
from runic.orm.exceptions import OrmError

if TYPE_CHECKING:
    from runic.orm.compile.compiler import Readable

__all__ = ["Report", "check_backends"]


@dataclass(frozen=True, slots=True)
class Report:
    """What each backend makes of a statement.

    Attributes:
        problems: by backend, the error, or ``None`` where it compiles.
    """

    problems: Mapping[str, Exception | None]

    @property
    def ok(self) -> bool:
        """Whether it compiles everywhere."""
        return all(problem is None for problem in self.problems.values())

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(
            f"{name}: {'ok' if problem is None else problem}" for name, problem in self.problems.items()
        )


def check_backends(statement: Readable, names: Sequence[str]) -> Report:
    """Compile ``statement`` for each backend and collect what is wrong.

    Raises:
        QueryError: the statement is wrong whatever the backend.
    """
    from runic.orm.compile.standard import STANDARD
    from runic.orm.plugin import manager

    compile_statement(statement, STANDARD)
    problems: dict[str, Exception | None] = {}
    for name in names or manager.names():
        try:
            compile_execution(statement, manager.load(name).dialect())
        except OrmError as error:
            problems[name] = error
        else:
            problems[name] = None
    return Report(problems)
