"""Apache AGE on PostgreSQL: an address from the environment, else a Debian tree, else a container.

The tree is a small Debian of its own (PostgreSQL, AGE, pgvector) in ``.cache``, made once by debootstrap
from the mirror of the machine's own apt sources; the server runs inside of it by chroot, as the user
postgres. That needs root on a Debian machine. Of two releases of Debian come the oldest and the newest
version of AGE that runic supports.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tests.servers.base import NotAvailable, Server, address_from_environment, free_port
from tests.servers.docker import start_container

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
DATABASE = "postgres"
START_SECONDS = float(os.environ.get("RUNIC_TEST_START_SECONDS", "60"))


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the extension.

    Attributes:
        name: how tests and the closing table call it.
        folder: where its tree is, in the cache.
        suite: the release of Debian that has it.
        postgresql: the major version of its PostgreSQL.
        image: its container.
    """

    name: str
    folder: str
    suite: str
    postgresql: int
    image: str

    @property
    def tree(self) -> Path:
        """The root folder of the small Debian."""
        return CACHE / self.folder / "tree"

    @property
    def bin(self) -> str:
        """Where the server's programs are, inside."""
        return f"/usr/lib/postgresql/{self.postgresql}/bin"

    @property
    def packages(self) -> str:
        """What to install."""
        return f"postgresql-{self.postgresql}-age,postgresql-{self.postgresql}-pgvector"


RELEASES = {
    "age": Release("age", "age", "forky", 18, "apache/age:latest"),
    "age_15": Release("age_15", "age-1.5", "trixie", 17, "apache/age:release_PG16_1.5.0"),
}


@dataclass(slots=True)
class AGEServer(Server):
    """A database with the extension: graphs are in it, so a URL names both.

    Attributes:
        release: of the tree, if it is a server of one.
        data: its folder of data there.
    """

    release: Release | None = None
    data: str = ""

    def crash(self) -> None:
        """End the server without any order, and start it again on what it has left."""
        assert self.release is not None
        command = [f"{self.release.bin}/pg_ctl", "-D", self.data, "-m", "immediate", "-w"]
        run_inside(self.release, [*command, "restart", "-l", f"{self.data}/../log"])

    @property
    def url(self) -> str:
        """URL of the database, without a graph."""
        user = quote(str(self.credentials["username"]), safe="")
        if self.credentials["password"]:
            user += f":{quote(str(self.credentials['password']), safe='')}"
        return f"age://{user}@{self.host}:{self.port}/{self.credentials['database']}"

    def url_of(self, graph: str) -> str:
        """URL of one graph."""
        return f"{self.url}?graph={graph}"


def start(release: Release = RELEASES["age"]) -> Server:
    """A server of ``release``, by the first way that works; :class:`NotAvailable` tells why none did."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise NotAvailable(f"psycopg is not installed ({error})") from error
    address = address_from_environment(release.name)
    if address:
        return attach(address, f"RUNIC_TEST_{release.name.upper()}_URL")
    return start_own(release)


def start_own(release: Release = RELEASES["age"]) -> Server:
    """A server that nobody else uses, whatever the environment names."""
    reasons = []
    for way in (start_tree, start_docker):
        try:
            return way(release)
        except NotAvailable as error:
            reasons.append(str(error))
    raise NotAvailable("; ".join(reasons))


def start_15() -> Server:
    """The oldest version that runic supports."""
    return start(RELEASES["age_15"])


def attach(address: str, how: str) -> Server:
    """Use the server at ``age://user:password@host:port/database``; graphs are made and dropped in it."""
    parts = urlsplit(address)
    credentials: dict[str, Any] = {
        "username": unquote(parts.username or "postgres"),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.strip("/")) or DATABASE,
    }
    host, port = parts.hostname or "localhost", parts.port or 5432
    return _connected(host, port, how, lambda: None, credentials)


def start_docker(release: Release) -> Server:
    """The official image, which has no pgvector."""
    container, host, port = start_container(release.image, 5432, {"POSTGRES_PASSWORD": "runic"})
    credentials = {"username": "postgres", "password": "runic", "database": DATABASE}
    return _connected(host, port, f"Docker ({release.image})", container.stop, credentials)


# -- the Debian tree ------------------------------------------------------------------------------


def start_tree(
    release: Release,
    certificate: tuple[Path, Path] | None = None,
    *,
    preloaded: bool = True,
    password: str | None = None,
    durable: bool = False,
) -> AGEServer:
    """A server of the cached tree, on data of its own that are gone afterwards.

    Args:
        release: which one.
        certificate: a certificate and its key: the server speaks TLS.
        preloaded: the server loads the extension's library when it starts.
        password: of the superuser; without one, everybody is trusted.
        durable: what is committed survives a crash.
    """
    make_tree(release)
    folder = Path(tempfile.mkdtemp(prefix="runic-age-", dir=release.tree / "srv"))
    inside = f"/srv/{folder.name}"
    shutil.chown(folder, *_postgres(release))
    port = free_port()
    settings = {
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "/tmp",  # of the tree
        "shared_preload_libraries": "age" if preloaded else "",
        # A throw-away database: durability would only cost time.
        "fsync": "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "off",
        "max_connections": "150",
        "shared_buffers": "64MB",
        "wal_level": "replica",
        "max_wal_senders": "4",
    }
    for name, path in zip(("ssl_cert_file", "ssl_key_file"), certificate or (), strict=False):
        own = Path(shutil.copy(path, folder))
        own.chmod(0o600)
        shutil.chown(own, *_postgres(release))
        settings |= {"ssl": "on", name: f"{inside}/{own.name}"}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())

    def stop() -> None:
        with contextlib.suppress(NotAvailable):
            run_inside(
                release, [f"{release.bin}/pg_ctl", "-D", f"{inside}/data", "-m", "immediate", "-w", "stop"]
            )
        shutil.rmtree(folder, ignore_errors=True)

    try:
        new = ["-D", f"{inside}/data", "-U", "postgres", "--no-sync"]
        if password is None:
            new += ["-A", "trust"]
        else:
            (folder / "password").write_text(password)
            new += ["-A", "scram-sha-256", "--pwfile", f"{inside}/password"]
        run_inside(release, [f"{release.bin}/initdb", *new])
        run = ["-D", f"{inside}/data", "-w", "-l", f"{inside}/log", "-o", options, "start"]
        run_inside(release, [f"{release.bin}/pg_ctl", *run])
        credentials = {"username": "postgres", "password": password, "database": DATABASE}
        how = f"Debian tree ({release.suite}, chroot)"
        server = _connected("127.0.0.1", port, how, stop, credentials, release)
        server.data = f"{inside}/data"
        return server
    except NotAvailable as error:
        lines = (
            (folder / "log").read_text(errors="replace").splitlines()[-3:]
            if (folder / "log").exists()
            else []
        )
        stop()
        raise NotAvailable(f"PostgreSQL does not start: {error} {' / '.join(lines)}".strip()) from error


def start_standby(server: Server) -> Server:
    """A standby of a server of the tree, made by pg_basebackup: it can only be read.

    Raises:
        NotAvailable: the server is none of the tree.
    """
    if not isinstance(server, AGEServer) or server.release is None:
        raise NotAvailable("a standby is made of a server of the Debian tree only")
    release = server.release
    folder = Path(tempfile.mkdtemp(prefix="runic-age-standby-", dir=release.tree / "srv"))
    shutil.chown(folder, *_postgres(release))
    data, port = f"/srv/{folder.name}/data", free_port()

    def stop() -> None:
        with contextlib.suppress(NotAvailable):
            run_inside(release, [f"{release.bin}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
        shutil.rmtree(folder, ignore_errors=True)

    try:
        copy = ["-h", server.host, "-p", str(server.port), "-U", "postgres", "-D", data, "-R", "-c", "fast"]
        run_inside(release, [f"{release.bin}/pg_basebackup", *copy])
        # The command line of the first server, but for the port.
        settings = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp"
        settings += " -c shared_preload_libraries=age -c max_connections=150 -c hot_standby=on"
        log = f"/srv/{folder.name}/log"
        run = ["-D", data, "-w", "-l", log, "-o", settings, "start"]
        run_inside(release, [f"{release.bin}/pg_ctl", *run])
    except NotAvailable:
        stop()
        raise
    return AGEServer(
        backend="age",
        host="127.0.0.1",
        port=port,
        version=server.version,
        how="standby",
        drop=server.drop,
        stop=stop,
        credentials=server.credentials,
        release=release,
    )


def make_tree(release: Release) -> None:
    """Make the tree unless it is there.

    Raises:
        NotAvailable: not root, not Debian, or the packages cannot be had; with the reason.
    """
    if os.name != "posix" or os.geteuid() != 0:
        raise NotAvailable("the Debian tree needs root (chroot)")
    tree = release.tree
    if (tree / release.bin.lstrip("/") / "postgres").exists():
        return
    mirror = _mirror()
    if shutil.which("debootstrap") is None:
        _run(["apt-get", "update", "-qq"], 300)
        _run(["apt-get", "install", "-y", "-qq", "debootstrap"], 300)
    import fcntl  # where there is no root there is none of it either

    tree.parent.mkdir(parents=True, exist_ok=True)
    # Another run may be at it: the tree is made once, whoever comes first.
    with (tree.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if tree.exists():
            return
        part = tree.with_name("tree.part")
        # Older debootstraps know no script of that name; those of the suites after sid are all the same.
        script = "/usr/share/debootstrap/scripts/sid"
        words = ["--variant=minbase", f"--include={release.packages}", release.suite, str(part), mirror]
        for last in (False, True):  # a mirror may be busy once
            shutil.rmtree(part, ignore_errors=True)
            try:
                _run(["debootstrap", *words, script], 900)
                break
            except NotAvailable:
                if last:
                    raise
        part.rename(tree)


def _mirror() -> str:
    """The mirror that this machine's own apt uses: read when it is needed, and written nowhere."""
    folder = Path("/etc/apt")
    for path in [*sorted(folder.glob("sources.list.d/*.sources")), folder / "sources.list"]:
        if not path.exists():
            continue
        text = path.read_text(errors="replace")
        found = re.search(r"^URIs:\s*(\S+)", text, re.MULTILINE) or re.search(
            r"^deb\s+(?:\[[^]]*\]\s+)?(\S+/debian/?)\s", text, re.MULTILINE
        )
        if found:
            return found[1]
    raise NotAvailable("the Debian tree needs a Debian machine: no apt sources were found")


def run_inside(release: Release, command: list[str]) -> str:
    """Run a command in the tree as postgres."""
    who = ":".join(map(str, _postgres(release)))
    return _run(["chroot", f"--userspec={who}", str(release.tree), *command], 120)


def _postgres(release: Release) -> tuple[int, int]:
    for line in (release.tree / "etc" / "passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == "postgres":
            return int(uid), int(gid)
    raise NotAvailable("the Debian tree has no user postgres")


def _run(command: list[str], seconds: float) -> str:
    with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open in the server that pg_ctl starts
        try:
            answer = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=seconds, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotAvailable(f"{Path(command[0]).name}: {error}") from error
        output.seek(0)
        text = output.read()
    if answer.returncode != 0:
        lines = " / ".join(text.strip().splitlines()[-3:])
        raise NotAvailable(f"{' '.join(command[:1])} ended with {answer.returncode}: {lines}")
    return text


# -- both -----------------------------------------------------------------------------------------


def _connected(
    host: str,
    port: int,
    how: str,
    stop: Callable[[], object],
    credentials: dict[str, Any],
    release: Release | None = None,
) -> AGEServer:
    import psycopg

    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "user": credentials["username"],
        "password": credentials["password"],
        "dbname": credentials["database"],
        "connect_timeout": 5,
    }
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client = psycopg.connect(**options, autocommit=True)
            break
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise NotAvailable(f"nothing answers at {host}:{port}: {error}") from error
            time.sleep(0.1)
    try:
        client.execute("CREATE EXTENSION IF NOT EXISTS age")
    except psycopg.Error as error:
        client.close()
        raise NotAvailable(f"the server at {host}:{port} has no extension age: {error}") from error
    with contextlib.suppress(psycopg.Error):
        client.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
    client.execute("SET search_path = ag_catalog, public")

    def drop(graph: str) -> None:
        found = client.execute("SELECT 1 FROM ag_catalog.ag_graph WHERE name = %s", (graph,)).fetchone()
        if found:
            client.execute("SELECT ag_catalog.drop_graph(%s, true)", (graph,))

    def stop_all() -> None:
        client.close()
        stop()

    versions = dict(client.execute("SELECT extname, extversion FROM pg_extension").fetchall())
    server = client.execute("SHOW server_version").fetchone()
    number = str(server[0]).partition(" ")[0] if server else "?"
    beside = f", pgvector {versions['vector']}" if "vector" in versions else ""
    return AGEServer(
        backend="age",
        host=host,
        port=port,
        version=f"{versions['age']} (PostgreSQL {number}{beside})",
        how=how,
        drop=drop,
        stop=stop_all,
        credentials=credentials,
        release=release,
        socket=str(release.tree / "tmp") if release is not None else None,
    )
