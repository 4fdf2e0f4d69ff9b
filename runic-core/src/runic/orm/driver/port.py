"""The driver port: all that the session core knows of a database connection.

The core awaits nothing but these methods. A blocking client implements the same protocol with
``async def`` bodies that never suspend, an async client with bodies that do: so every line of
logic above this one exists once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, cast, runtime_checkable

if TYPE_CHECKING:
    from types import TracebackType

    from runic.orm.compile.dialect import Dialect

__all__ = [
    "AsyncGraphDriver",
    "GraphDriver",
    "Port",
    "QueryResult",
    "Request",
    "SavepointPort",
    "Store",
    "TransactionalGraphDriver",
]


@dataclass(frozen=True, slots=True)
class Store:
    """A label or a relationship type under which a statement stores something.

    Attributes:
        name: the label or type.
        edge: whether it is a type.
        bases: the labels of the base classes, whose queries find these nodes too.
    """

    name: str
    edge: bool = False
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One statement on its way to the server.

    Attributes:
        text: the statement.
        parameters: stored values by parameter name (exact ``str``, ``int``, ``float``, ``bool``,
            ``None``, ``list``, ``dict``, and what else the dialect's codecs produce).
        write: whether it may change the database; a read may be routed to a read-only endpoint.
        columns: names of the result columns, for servers that must be told beforehand;
            ``None`` for raw text.
        raw_cells: leave the cells of the reply as the client delivers them; the mapper's generated
            hydrators read them through the dialect's codecs. ``False``: plain Python values.
        packed: the only column of the reply holds pages, each a list of rows; the result has the rows.
        stores: what the statement stores under, bases first, where the dialect says ``one_label``.
        lookup: it looks one node up by its key: a text that is sent again and again.
    """

    text: str
    parameters: Mapping[str, Any]
    write: bool = False
    columns: tuple[str, ...] | None = None
    raw_cells: bool = False
    packed: bool = False
    timeout: float | None = None
    stores: tuple[Store, ...] = ()
    lookup: bool = False

    @classmethod
    def raw(cls, cypher: object, params: object, *, write: bool) -> Request:
        """The request of raw Cypher, as a program passed it to ``execute()``.

        Raises:
            TypeError: it is no text, or the parameters have no names.
        """
        if not isinstance(cypher, str):
            raise TypeError(
                f"execute() takes Cypher as text, not {cypher!r}: a statement of select() runs by"
                " session.scalars() and the like"
            )
        if params is not None and not isinstance(params, Mapping):
            raise TypeError(
                f"parameters are values by name, {{'limit': 3}} for $limit, not a {type(params).__name__}"
            )
        named = cast("Mapping[str, Any] | None", params)
        return cls(cypher, dict(named or {}), write=write)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a statement returned.

    Attributes:
        rows: one list of values a row. Nodes, edges and paths are
            :class:`~runic.orm.core.values.RawNode`, ``RawEdge`` and ``RawPath``.
        columns: the column names, in order.
        counters: what a write did (``nodes_created``, ``properties_set``, ...), where the server tells.
        raw: the client's own result object.
    """

    rows: list[list[Any]]
    columns: tuple[str, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    raw: Any = None


class Port(Protocol):
    """One connection checked out of a driver's pool, used by one session at a time."""

    async def execute(self, request: Request) -> QueryResult:
        """Send one statement and return its whole result."""
        ...

    def stream(self, request: Request, page: int) -> AsyncGenerator[Sequence[list[Any]]]:
        """Yield the rows in portions of about ``page``, holding one portion at a time."""
        ...

    async def begin(self, *, read_only: bool = False) -> None:
        """Open a transaction. Servers without transactions do nothing."""
        ...

    async def commit(self) -> None:
        """Commit it. Without an open transaction: nothing."""
        ...

    async def rollback(self) -> None:
        """Roll it back. Without an open transaction: nothing."""
        ...

    async def release(self, *, discard: bool = False) -> None:
        """Give the connection back; ``discard`` it when its state is unknown. Never raises."""
        ...


class SavepointPort(Port, Protocol):
    """A port of a server with savepoints (:attr:`Capability.SAVEPOINTS`). They belong to the transaction."""

    async def savepoint(self, name: str) -> None:
        """Make one in the open transaction."""
        ...

    async def rollback_to(self, name: str) -> None:
        """Take back what was done since it was made, also after an error. It stays."""
        ...

    async def release_savepoint(self, name: str) -> None:
        """Forget it, and those made after it. What was done since stays."""
        ...


class _DriverBase(Protocol):
    @property
    def dialect(self) -> Dialect:
        """How to talk to this server: refined by its version where that matters."""
        ...


@runtime_checkable
class GraphDriver(_DriverBase, Protocol):
    """A blocking driver: a thread-safe pool of connections to one graph."""

    def connect(self) -> Port:
        """A port whose coroutines never suspend; checks a connection out at first use."""
        ...

    def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement on a connection of its own, outside of any session."""
        ...

    def close(self) -> None:
        """Close every connection. A second call does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


@runtime_checkable
class AsyncGraphDriver(_DriverBase, Protocol):
    """The async twin of :class:`GraphDriver`."""

    def connect(self) -> Port:
        """A port; checks a connection out at first use."""
        ...

    async def execute(
        self, cypher: str, params: Mapping[str, Any] | None = None, *, write: bool = True
    ) -> QueryResult:
        """Run one statement on a connection of its own, outside of any session."""
        ...

    async def aclose(self) -> None:
        """Close every connection. A second call does nothing."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


@runtime_checkable
class TransactionalGraphDriver(GraphDriver, Protocol):
    """A driver whose server has transactions of several statements."""

    def begin(self) -> None:
        """Begin a transaction for :meth:`execute`. ``RuntimeError`` if one is open."""
        ...

    def commit(self) -> None:
        """Commit the transaction opened by :meth:`begin`."""
        ...

    def rollback(self) -> None:
        """Roll back the transaction opened by :meth:`begin`."""
        ...
