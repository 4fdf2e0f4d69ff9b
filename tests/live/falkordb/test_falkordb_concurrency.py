"""Many threads and tasks on one driver: everybody gets the own answer, and every connection comes back."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from runic.orm.driver.falkordb import create_async_falkordb_driver, create_falkordb_driver
from runic.orm.driver.port import Request
from runic.orm.exceptions import OrmError
from tests.servers.base import Server


def test_32_threads_on_one_driver_never_meet(falkordb_server: Server, falkordb_graph: str) -> None:
    faults: list[BaseException] = []
    with create_falkordb_driver(
        falkordb_server.host,
        falkordb_server.port,
        falkordb_graph,
        max_connections=8,
        **falkordb_server.credentials,
    ) as driver:
        barrier = threading.Barrier(32)

        def work(number: int) -> None:
            try:
                barrier.wait()
                for round_ in range(25):
                    mark = f"{number}-{round_}"
                    rows = driver.execute("CREATE (n:T {mark: $mark}) RETURN n.mark", {"mark": mark}).rows
                    assert rows == [[mark]]
                    with pytest.raises(OrmError, match="Division"):
                        driver.execute("RETURN 1 / $zero", {"zero": 0})
                    rows = driver.execute(
                        "MATCH (n:T {mark: $mark}) RETURN n.mark, $size",
                        {"mark": mark, "size": "x" * number},
                        write=False,
                    ).rows
                    assert rows == [[mark, "x" * number]]
            except BaseException as error:
                faults.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults
        assert driver.execute("MATCH (n:T) RETURN count(n), count(DISTINCT n.mark)").rows == [[800, 800]]
        assert driver._pool.in_use == 0
        assert driver._pool.idle <= 8


def test_200_tasks_on_one_driver_never_meet_even_when_some_are_cancelled(
    falkordb_server: Server, falkordb_graph: str
) -> None:
    async def main() -> None:
        async with create_async_falkordb_driver(
            falkordb_server.host,
            falkordb_server.port,
            falkordb_graph,
            max_connections=10,
            **falkordb_server.credentials,
        ) as driver:

            async def work(number: int) -> int:
                port = driver.connect()
                try:
                    for round_ in range(5):
                        mark = f"{number}-{round_}"
                        result = await port.execute(Request("RETURN $mark", {"mark": mark}))
                        assert result.rows == [[mark]]
                        await asyncio.sleep(0)
                finally:
                    await port.release()
                return number

            tasks = [asyncio.create_task(work(number)) for number in range(200)]
            for step in range(40):
                await asyncio.sleep(0.001)
                tasks[step * 5].cancel()
            results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
            for number, result in enumerate(results):
                assert result == number or isinstance(result, asyncio.CancelledError), result
            assert sum(1 for result in results if isinstance(result, int)) >= 160
            assert driver._pool.in_use == 0
            assert driver._pool.idle <= 10
            assert (await driver.execute("RETURN 1")).rows == [[1]]
        # Whatever was left open would warn here.
        gc.collect()

    asyncio.run(main())


def test_drivers_closed_while_in_use_leave_nothing_open(falkordb_server: Server, falkordb_graph: str) -> None:
    driver = create_falkordb_driver(
        falkordb_server.host, falkordb_server.port, falkordb_graph, **falkordb_server.credentials
    )
    port = driver.connect()
    with pytest.raises(StopIteration):
        port.execute(Request("RETURN 1", {})).send(None)
    driver.close()
    with pytest.raises(StopIteration):
        port.release().send(None)
    assert driver._pool.idle == 0
    assert driver._pool.in_use == 0
    gc.collect()
