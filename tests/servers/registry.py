"""Which servers the tests can have, which were had, and how many tests passed on each.

A backend is one module beside this one with a function ``start() -> Server``, and one line in
:data:`STARTERS`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

from tests.servers import age, arcadedb, falkordb, memgraph, neo4j
from tests.servers.base import NotAvailable, Server

STARTERS: dict[str, Callable[[], Server]] = {
    "falkordb": falkordb.start,
    "neo4j": neo4j.start_5,
    "neo4j_2026": neo4j.start_2026,
    "arcadedb": arcadedb.start,
    "memgraph": memgraph.start,
    "age": age.start,
    "age_15": age.start_15,
}
"""Backends whose server can be started, by public name."""


def required() -> tuple[str, ...]:
    """Backends that must be live: ``RUNIC_TEST_REQUIRE=name,name``."""
    names = os.environ.get("RUNIC_TEST_REQUIRE", "")
    return tuple(name.strip() for name in names.split(",") if name.strip())


class Registry:
    """The servers of one test session: started at first use, stopped at its end."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._reasons: dict[str, str] = {}
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def get(self, name: str) -> Server:
        """The server of ``name``, started if need be; :class:`NotAvailable` with the reason."""
        if name in self._servers:
            return self._servers[name]
        if name not in self._reasons:
            try:
                if name not in STARTERS:
                    raise NotAvailable("no such backend in tests/servers")
                self._servers[name] = STARTERS[name]()
                return self._servers[name]
            except NotAvailable as error:
                self._reasons[name] = str(error)
        raise NotAvailable(self._reasons[name])

    def missing(self) -> dict[str, str]:
        """Required backends that could not be had, and why."""
        out = {}
        for name in required():
            try:
                self.get(name)
            except NotAvailable as error:
                out[name] = str(error)
        return out

    def stop(self) -> None:
        """Stop whatever was started."""
        for server in self._servers.values():
            server.stop()
        self._servers.clear()

    def table(self) -> list[str]:
        """The closing table."""
        rows = [("backend", "version", "how it was started", "tests")]
        for name in dict.fromkeys((*STARTERS, *required())):
            if name in self._servers:
                server = self._servers[name]
                count = f"{self.passed[name]} passed"
                if self.failed[name]:
                    count += f", {self.failed[name]} failed"
                rows.append((name, server.version, server.how, count))
                continue
            reason = self._reasons.get(name, "no test of this run uses it")
            must = " (REQUIRED)" if name in required() else ""
            rows.append((name, "-", "-", f"not tested: {reason}{must}"))
        widths = [max(len(row[at]) for row in rows) for at in range(3)]
        return ["  ".join([*(row[at].ljust(widths[at]) for at in range(3)), row[3]]).rstrip() for row in rows]
