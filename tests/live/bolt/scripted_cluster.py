"""A cluster of scripted servers, and drivers of either colour that are used in the same way."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any, Self

from runic.orm import (
    Session,
    create_async_driver,
    create_driver,
    run_in_transaction,
    run_in_transaction_async,
)
from runic.orm.session.async_session import AsyncSession
from tests.live.memgraph.scripted_bolt import Failure, Script, ScriptedBolt

NOT_THE_LEADER = Failure("Neo.ClientError.Cluster.NotALeader", "No write operations are allowed here")
READ_ONLY = Failure("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", "this member is a follower")
SWITCH = Failure("Neo.TransientError.Transaction.LeaderSwitch", "the leader changes")


class Cluster:
    """Members by name. Every one of them answers ROUTE with the same table, which tests may change.

    Attributes:
        roles: which members read, write and route.
    """

    def __init__(self, *names: str) -> None:
        self.roles: dict[str, list[str]] = {"READ": [], "WRITE": [], "ROUTE": list(names)}
        self.members: dict[str, ScriptedBolt] = {}
        self._stack = ExitStack()
        for name in names:
            script = Script(agent="Neo4j/5.26.0", route=self._table)
            self.members[name] = self._stack.enter_context(ScriptedBolt(script))

    def _table(self) -> dict[str, list[str]]:
        return {role: [self.address(name) for name in names] for role, names in self.roles.items()}

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.members[name].port}"

    def script(self, name: str) -> Script:
        return self.members[name].script

    def begun(self, name: str) -> list[dict[str, Any]]:
        """What came with each BEGIN at a member."""
        return [fields[0] for message, fields in self.script(name).log if message == "BEGIN"]

    def texts(self, name: str) -> list[str]:
        """The statements that a member ran, without what stands before those of runic."""
        return [text for text, _ in self.script(name).runs()]

    def routed(self) -> int:
        """How often a table was asked for."""
        return sum(message == "ROUTE" for each in self.members.values() for message, _ in each.script.log)

    def stop(self, name: str) -> None:
        """End a member: its connections break, and nobody listens any more."""
        self.members[name].__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Blocking:
    """A blocking driver."""

    def __init__(self, **options: Any) -> None:
        self.driver: Any = create_driver("neo4j", **options)

    def execute(self, text: str, *, write: bool = True) -> list[list[Any]]:
        rows: list[list[Any]] = self.driver.execute(text, write=write).rows
        return rows

    def in_session(self, text: str, *, read_only: bool = False) -> list[list[Any]]:
        with Session(self.driver, read_only=read_only) as session:
            return session.execute(text, write=not read_only).rows

    def unit(self, *texts: str, attempts: int = 5) -> None:
        def work(session: Session) -> None:
            for text in texts:
                session.execute(text, write=True)

        run_in_transaction(self.driver, work, attempts)

    def close(self) -> None:
        self.driver.close()


class Async:
    """An async driver, with an event loop of its own."""

    def __init__(self, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self.driver: Any = create_async_driver("neo4j", **options)

    def execute(self, text: str, *, write: bool = True) -> list[list[Any]]:
        async def main() -> list[list[Any]]:
            rows: list[list[Any]] = (await self.driver.execute(text, write=write)).rows
            return rows

        return self._runner.run(main())

    def in_session(self, text: str, *, read_only: bool = False) -> list[list[Any]]:
        async def main() -> list[list[Any]]:
            async with AsyncSession(self.driver, read_only=read_only) as session:
                return (await session.execute(text, write=not read_only)).rows

        return self._runner.run(main())

    def unit(self, *texts: str, attempts: int = 5) -> None:
        async def work(session: AsyncSession) -> None:
            for text in texts:
                await session.execute(text, write=True)

        self._runner.run(run_in_transaction_async(self.driver, work, attempts))

    def close(self) -> None:
        self._runner.run(self.driver.aclose())
        self._runner.close()
