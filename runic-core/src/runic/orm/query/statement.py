"""What a statement is made of: its steps, their values, and its text."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self

from runic.orm.compile.compiler import compile_statement
from runic.orm.compile.dialect import Dialect
from runic.orm.compile.rewrite import count_rows
from runic.orm.core.metadata import node_meta
from runic.orm.query.assemble import assemble
from runic.orm.query.report import Report, check_backends

if TYPE_CHECKING:
    from runic.orm.compile.shape import Compiled
    from runic.orm.core.metadata import MetaData
    from runic.orm.query import ir
    from runic.orm.query.normal import Key

__all__ = ["Statement"]


class Statement:
    """The state of a query builder, and all that depends on nothing else.

    Args:
        session: the session it is bound to, or ``None``.
        root_cls: the Node class whose nodes it starts from.
    """

    __slots__ = ("_counting", "_limit", "_root", "_session", "_skip", "_steps", "_values")

    _session: Any
    _root: type
    _steps: tuple[Key, ...]
    _values: tuple[Any, ...]
    _limit: int | None
    _skip: int | None
    _counting: bool

    def __init__(self, session: Any, root_cls: type) -> None:
        node_meta(root_cls)
        self._session = session
        self._root = root_cls
        self._steps = ()
        self._values = ()
        self._limit = None
        self._skip = None
        self._counting = False

    # -- the one difference between statements and bound builders ----------------------------------

    def _target(self) -> Self:
        """What a method changes: a bound builder itself, a copy of a statement."""
        return self if self._session is not None else self._copy()

    def _copy(self) -> Self:
        cls = type(self)
        copy = cls.__new__(cls)
        copy._session = self._session
        copy._root = self._root
        copy._steps = self._steps
        copy._values = self._values
        copy._limit = self._limit
        copy._skip = self._skip
        copy._counting = self._counting
        return copy

    def _add(self, step: Key, values: Sequence[Any] = ()) -> Self:
        target = self._target()
        target._steps += (step,)
        if values:
            target._values += tuple(values)
        return target

    # -- text --------------------------------------------------------------------------------------

    def build(self) -> tuple[str, dict[str, Any]]:
        """The Cypher and its parameters, for reading and debugging; it also runs as it is.

        A bound builder is compiled for the session's backend, a statement in standard openCypher; names
        are quoted where they are words of Cypher. Sessions send a form of their own, in which nodes are
        columns; its meaning is the same.

        Raises:
            QueryError: the statement contradicts itself or the models.

        Example::

            cypher, params = session.query(User).where(User.active == True).build()
            print(cypher)
            # MATCH (n:User)
            # WHERE n.active = $p0
            # RETURN n
        """
        compiled = compile_statement(self, self._dialect())
        return compiled.text, dict(compiled.parameters)

    def compile(self, backend: str | Dialect) -> Compiled:
        """The statement for a backend, without a server or a client library.

        Args:
            backend: the name of an installed backend, or a dialect.

        Raises:
            UnknownBackendError: no such backend is installed.
            UnsupportedByBackendError: the backend cannot do it.
            QueryError: the statement contradicts itself or the models.
            ValueNotStorableError: a value that its field cannot be compared with.

        Example::

            print(select(User).where(User.age > 18).compile("falkordb").text)
        """
        if isinstance(backend, str):
            from runic.orm.plugin.manager import load

            return compile_statement(self, load(backend).dialect())
        return compile_statement(self, backend)

    def check(self, *backends: str) -> Report:
        """Whether the statement compiles for each of these backends, and if not, why.

        Args:
            *backends: names of installed backends; none: all of them.

        Example::

            print(stmt.check("age", "neo4j"))
        """
        return check_backends(self, backends)

    def __str__(self) -> str:
        return self.build()[0]

    def __repr__(self) -> str:
        kind = "bound " if self._session is not None else ""
        return f"<{kind}{type(self).__name__} of {self._root.__name__}, {len(self._steps)} steps>"

    def _dialect(self) -> Dialect:
        # A session keeps its dialect in its core; a session of another make may have it itself.
        for holder in (getattr(self._session, "_core", None), self._session):
            dialect = getattr(holder, "dialect", None)
            if isinstance(dialect, Dialect):
                return dialect
        from runic.orm.compile.standard import STANDARD

        return STANDARD

    # -- what the compiler asks --------------------------------------------------------------------

    @property
    def registry(self) -> MetaData:
        """The registry of its models."""
        return node_meta(self._root).metadata

    def shape_key(self) -> Hashable:
        """Equal for statements that differ only in values."""
        return (self._root, self._steps, self._limit is not None, self._skip is not None, self._counting)

    def tree(self) -> ir.Statement:
        """The statement tree; see :mod:`runic.orm.query.ir`."""
        statement = assemble(
            self._root,
            self._steps,
            limited=self._limit is not None,
            skipped=self._skip is not None,
            values=len(self._values),
        )
        return count_rows(statement) if self._counting else statement

    def slots(self) -> Sequence[Any]:
        """The values, by slot: those of the steps, then LIMIT, then SKIP."""
        limit, skip = self._limit, self._skip
        if limit is None:
            return self._values if skip is None else (*self._values, skip)
        return (*self._values, limit) if skip is None else (*self._values, limit, skip)

    # -- what sessions ask -------------------------------------------------------------------------

    @property
    def by_vector(self) -> bool:
        """Whether it begins with a vector search."""
        return bool(self._steps) and self._steps[0][0] == "vector"

    def limited(self, n: int) -> Self:
        """A copy, of a bound builder too, that returns at most ``n`` rows."""
        copy = self._copy()
        copy._limit = n if self._limit is None else min(n, self._limit)
        return copy

    def counted(self) -> Self:
        """A copy, of a bound builder too, that returns the number of rows without limit and skip."""
        copy = self._copy()
        copy._counting = True
        copy._limit = copy._skip = None
        return copy

    def _bound(self, method: str, instead: str) -> Any:
        if self._session is None:
            _unbound(method, instead)
        return self._session


def _unbound(method: str, instead: str) -> NoReturn:
    raise RuntimeError(
        f"{method}() needs a session, and this statement was made by select(): use {instead}, or"
        f" session.query(Model) for a builder that is bound to one"
    )
