"""Connection managers: a client and a graph's name, from which sessions get their drivers.

For programs that have a client of their own; the rest use
:func:`~runic.orm.driver.factory.create_driver`, whose drivers are pools themselves.
"""

from __future__ import annotations

import threading
from typing import Any, cast

from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
from runic.orm.exceptions import UnknownHandleError
from runic.orm.plugin import manager

__all__ = ["AsyncConnectionManager", "ConnectionManager"]


class _Manager:
    def __init__(self, db: Any, graph_name: str) -> None:
        if not hasattr(db, "select_graph"):
            raise UnknownHandleError(
                f"{type(db).__module__}.{type(db).__qualname__} is no client with graphs to select; make a"
                " driver with create_driver(name_or_url)"
            )
        self._db = db
        self._graph_name = graph_name
        self._lock = threading.Lock()
        self._driver: Any = None

    @property
    def graph_name(self) -> str:
        """Name of the graph."""
        return self._graph_name

    def _adopted(self, expected: type[Any]) -> Any:
        with self._lock:
            if self._driver is None:
                driver = manager.adopt(self._db.select_graph(self._graph_name))
                if not isinstance(driver, expected):
                    raise UnknownHandleError(
                        f"{type(self).__name__} does not take a {type(self._db).__name__}, which is"
                        f" {'async' if isinstance(driver, AsyncGraphDriver) else 'blocking'}"
                    )
                self._driver = driver
            return self._driver


class ConnectionManager(_Manager):
    """Hands out drivers of one graph of a blocking client.

    Example::

        manager = ConnectionManager(db, "social")
        with Session(manager.acquire()) as session: ...

    Args:
        db: the client of a backend whose clients have graphs to select.
        graph_name: name of the graph.

    Raises:
        UnknownHandleError: ``db`` is no such client.
    """

    def acquire(self) -> GraphDriver:
        """The driver of the graph. It is thread-safe: all calls return the same one."""
        return cast("GraphDriver", self._adopted(GraphDriver))

    def release(self, driver: GraphDriver) -> None:
        """Take a driver back. Nothing to do: sessions give their connections back themselves."""


class AsyncConnectionManager(_Manager):
    """Hands out drivers of one graph of an async client; see :class:`ConnectionManager`."""

    def acquire(self) -> AsyncGraphDriver:
        """The driver of the graph; all calls return the same one."""
        return cast("AsyncGraphDriver", self._adopted(AsyncGraphDriver))

    async def release(self, driver: AsyncGraphDriver) -> None:
        """Take a driver back. Nothing to do: sessions give their connections back themselves."""
