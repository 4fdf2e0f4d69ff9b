"""Where the graph is: the server itself, the master that a Sentinel knows, or a node of a Cluster.

A graph is one key, so one node has all of it: what a driver needs to know is that node's address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from runic.orm.exceptions import DriverError

from .wire import command

if TYPE_CHECKING:
    from .links import Link
    from .options import Options

__all__ = ["Address", "Route", "is_elsewhere"]

type Address = tuple[str, int]


class Dial[L](Protocol):
    """Makes a link to an address, not open yet."""

    def __call__(self, address: Address, *, sentinel: bool = False) -> L:
        """``sentinel``: log in as a Sentinel wants it."""
        ...


def is_elsewhere(reply: Any) -> bool:
    """Whether an error reply says that the graph is on another node: nothing was carried out.

    ``MOVED``: the cluster has given the slot away; ``READONLY``: the master has become a replica.
    """
    return type(reply).__name__ in ("MovedError", "ReadOnlyError")


class Route[L: Link]:
    """Finds the graph's node, remembers it, and opens links to it.

    Args:
        options: host and port of any server of the deployment.
        dial: makes a link to an address.
    """

    def __init__(self, options: Options, dial: Dial[L]) -> None:
        self._options = options
        self._dial = dial
        self._found: Address | None = None

    def forget(self) -> None:
        """Look again at the next connection."""
        self._found = None

    async def open(self) -> L:
        """An open link to the graph's node.

        Raises:
            ConnectFailed: no connection, here or there.
            DriverError: the deployment does not say where the graph is.
        """
        if self._found is not None:
            link = self._dial(self._found)
            try:
                await link.open()
            except BaseException:
                self.forget()
                await link.close()
                raise
            return link
        options = self._options
        seed = (options.host, options.port)
        link = self._dial(seed, sentinel=options.sentinel_service is not None)
        try:
            await link.open()
            address = await self._look(link)
        except BaseException:
            await link.close()
            raise
        if address is None:
            self._found = seed
            return link
        await link.close()
        self._found = address
        return await self.open()

    async def _look(self, link: L) -> Address | None:
        """The address, if it is not the one that was asked."""
        if self._options.sentinel_service is not None:
            return await self._master(link, self._options.sentinel_service)
        info = await self._ask(link, "INFO", "server")
        mode = ""
        if isinstance(info, str):  # a user who may not ask has a plain server
            mode = next(
                (line[11:].strip() for line in info.splitlines() if line.startswith("redis_mode:")), ""
            )
        if mode == "sentinel":
            return await self._master(link, await self._only_master(link))
        if mode == "cluster":
            return await self._node(link)
        return None

    async def _ask(self, link: L, *words: str) -> Any:
        return await link.exchange(command(*[word.encode() for word in words]), self._options.connect_timeout)

    async def _only_master(self, link: L) -> str:
        masters = await self._ask(link, "SENTINEL", "MASTERS")
        names = [_pairs(each).get("name") for each in _listed(masters)]
        if len(names) != 1:
            raise DriverError(
                f"the Sentinel at {self._options.address} watches {len(names)} masters; say which one by"
                " sentinel_service",
                backend="falkordb",
            )
        return str(names[0])

    async def _master(self, link: L, name: str) -> Address:
        reply = _listed(await self._ask(link, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name))
        if len(reply) != 2:
            raise DriverError(
                f"the Sentinel at {self._options.address} knows no master {name!r}", backend="falkordb"
            )
        return str(reply[0]), int(reply[1])

    async def _node(self, link: L) -> Address | None:
        slot = await self._ask(link, "CLUSTER", "KEYSLOT", self._options.graph)
        slots = _listed(await self._ask(link, "CLUSTER", "SLOTS"))
        if isinstance(slot, int):
            for first, last, master, *_ in slots:
                if first <= slot <= last:
                    # An empty host is the one that was asked.
                    address = (str(master[0] or self._options.host), int(master[1]))
                    return None if address == (self._options.host, self._options.port) else address
        raise DriverError(
            f"the cluster of {self._options.address} serves no node for the graph {self._options.graph!r}",
            backend="falkordb",
        )


def _listed(reply: Any) -> list[Any]:
    """The items of a reply; none of what is no list, such as an error."""
    return [*cast("list[object]", reply)] if isinstance(reply, list) else []


def _pairs(flat: Any) -> dict[str, Any]:
    if isinstance(flat, dict):
        return {**cast("dict[str, object]", flat)}
    return dict(zip(flat[::2], flat[1::2], strict=False))
