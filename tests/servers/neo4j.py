"""Neo4j, the long-term version and the current one: an address, else its jars on a JDK, else a container.

The jars come from the Maven repository that the machine's Maven is set up for, once, into ``.cache``.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.servers.base import NotAvailable, Server, address_from_environment, free_port
from tests.servers.docker import start_container

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".cache"
LAUNCHER = HERE / "neo4j_launcher" / "Neo4jServer.java"
START_SECONDS = float(os.environ.get("RUNIC_TEST_START_SECONDS", "90"))
FETCH_SECONDS = 600

_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>neo4j-server</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{0}</version></dependency>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j-bolt</artifactId><version>{0}</version></dependency>
  </dependencies>
</project>
"""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the server.

    Attributes:
        name: how tests and the closing table call it.
        version: of its jars.
        jdk: the oldest Java that runs it.
        newest: the newest that does; ``None``: any.
        image: its container.
    """

    name: str
    version: str
    jdk: int
    newest: int | None
    image: str


RELEASES = {
    "neo4j": Release("neo4j", "5.26.30", 17, 21, "neo4j:5.26"),
    "neo4j_2026": Release("neo4j_2026", "2026.08.1", 21, None, "neo4j:2026.08"),
}


def start_5() -> Server:
    """The long-term version; :class:`NotAvailable` tells why there is none."""
    return start(RELEASES["neo4j"])


def start_2026() -> Server:
    """The current version."""
    return start(RELEASES["neo4j_2026"])


def start(release: Release) -> Server:
    """A server of ``release``, by the first way that works."""
    address = address_from_environment(release.name)
    if address:
        parts = urlsplit(address)
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        how = f"RUNIC_TEST_{release.name.upper()}_URL"
        return _connected(release, parts.hostname or "localhost", parts.port or 7687, how, lambda: None, auth)
    reasons = []
    for way in (start_jars, start_docker):
        try:
            return way(release)
        except NotAvailable as error:
            reasons.append(str(error))
    raise NotAvailable("; ".join(reasons))


# -- on a JDK -----------------------------------------------------------------------------------


def start_jars(release: Release) -> Server:
    """The server's own jars, in a process of its own."""
    process = Neo4jProcess(release)
    try:
        return _connected(release, "127.0.0.1", process.port, process.how, process.close, None)
    except NotAvailable as error:
        lines = process.last_words()
        process.close()
        raise NotAvailable(f"{error} {lines}".strip()) from error


class Neo4jProcess:
    """The server's jars in a process, on a port that stays the same when it is started again.

    It is running when the constructor returns.

    Args:
        release: the version.
        settings: further ones, as in ``neo4j.conf``.

    Raises:
        NotAvailable: it cannot be started; the text is the reason.
    """

    def __init__(self, release: Release, settings: Mapping[str, str] | None = None) -> None:
        self.release = release
        java = find_java(release)
        library = fetch_jars(release)
        self.how = f"jars ({java.parent.parent.name})"
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="runic-neo4j-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [
            str(java),
            # Tests are short and the machine is shared: a small heap, one collector thread, a quick start.
            *("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
            *("-cp", f"{library}/*", str(LAUNCHER), str(self._folder / "data"), str(self.port)),
        ]
        if settings:
            file = self._folder / "neo4j.conf"
            file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
            self._command.append(str(file))
        try:
            self.start()
        except NotAvailable as error:
            lines = self.last_words()
            self.close()
            raise NotAvailable(f"{error} {lines}".strip()) from error

    def start(self) -> None:
        """Start it, or start it again on the same data."""
        with (self._folder / "java.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        _wait_ready(self._process, self.release)

    def kill(self) -> None:
        """End it as a power failure does: it cannot finish anything."""
        self._end(0)

    def stop(self) -> None:
        """End it in order; it is killed if that takes too long."""
        self._end(5)

    def _end(self, patience: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if not patience:
            process.kill()
        process.stdin.close()
        try:
            process.wait(patience or 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def last_words(self) -> str:
        """The end of what Java said."""
        try:
            lines = (self._folder / "java.log").read_text(errors="replace").splitlines()[-3:]
        except OSError:
            return ""
        return " / ".join(lines)


def _wait_ready(process: subprocess.Popen[bytes], release: Release) -> None:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    said = b""
    while b"ready" not in said:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotAvailable(f"Neo4j {release.version} is not ready after {START_SECONDS:g} s")
        if select.select([process.stdout], [], [], left)[0]:
            part = os.read(process.stdout.fileno(), 4096)
            if not part:
                raise NotAvailable(f"Neo4j {release.version} ended while it started")
            said += part


def find_java(release: Release) -> Path:
    """A JDK of a version that runs ``release``: from the environment, the path, or where they usually are."""
    candidates = [Path(os.environ[name]) for name in ("JAVA_HOME", "RUNIC_TEST_JAVA") if os.environ.get(name)]
    on_path = shutil.which("java")
    if on_path:
        candidates.append(Path(on_path).resolve().parent.parent)
    for folder in ("/usr/lib/jvm", "/usr/java", "/opt/java", "/Library/Java/JavaVirtualMachines"):
        for home in sorted(Path(folder).glob("*")):
            candidates += [home, home / "Contents" / "Home"]
    found: dict[int, Path] = {}
    for home in candidates:
        # A single source file is run by the compiler's module, which a runtime alone does not have.
        if (home / "bin" / "javac").exists():
            version = _java_version(home)
            if version is not None:
                found.setdefault(version, home / "bin" / "java")
    for version in sorted(found):
        if version >= release.jdk and (release.newest is None or version <= release.newest):
            return found[version]
    have = ", ".join(map(str, sorted(found))) or "none"
    upto = f" to {release.newest}" if release.newest else " or newer"
    raise NotAvailable(f"Neo4j {release.version} needs a JDK {release.jdk}{upto} (found: {have})")


def _java_version(home: Path) -> int | None:
    try:
        match = re.search(r'JAVA_VERSION="(\d+)', (home / "release").read_text())
    except OSError:
        return None
    return int(match.group(1)) if match else None


def fetch_jars(release: Release) -> Path:
    """The folder with the server's jars, fetched at first use."""
    library = CACHE / f"neo4j-{release.version}"
    if library.is_dir():
        return library
    maven = shutil.which("mvn")
    if maven is None:
        raise NotAvailable("Maven (mvn), which fetches the server's jars, is not installed")
    CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="neo4j-", dir=CACHE))
    try:
        (folder / "pom.xml").write_text(_POM.format(release.version))
        command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
        if done.returncode != 0 or not any((folder / "lib").glob("neo4j-bolt-*.jar")):
            last = [line for line in done.stdout.splitlines() if "ERROR" in line][:1]
            raise NotAvailable(f"Maven cannot fetch Neo4j {release.version}: {' '.join(last)[:300]}")
        try:
            (folder / "lib").rename(library)
        except OSError:
            if not library.is_dir():  # unless another run was quicker
                raise
    except subprocess.TimeoutExpired:
        raise NotAvailable(f"Maven did not fetch Neo4j {release.version} within {FETCH_SECONDS} s") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return library


# -- in a container -----------------------------------------------------------------------------


def start_docker(release: Release) -> Server:
    """The official image."""
    container, host, port = start_container(release.image, 7687, {"NEO4J_AUTH": "none"})
    return _connected(release, host, port, f"Docker ({release.image})", container.stop, None)


# -- both ---------------------------------------------------------------------------------------


def _connected(
    release: Release,
    host: str,
    port: int,
    how: str,
    stop: Callable[[], None],
    auth: tuple[str, str] | None,
) -> Server:
    try:
        import neo4j
    except ImportError as error:
        raise NotAvailable(f"the neo4j client is not installed ({error})") from error
    driver = neo4j.GraphDatabase.driver(
        f"bolt://{host}:{port}", auth=auth, notifications_min_severity="OFF", connection_timeout=10
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            info = driver.get_server_info()
            break
        except neo4j.exceptions.ServiceUnavailable as error:
            if time.monotonic() > deadline:
                driver.close()
                raise NotAvailable(f"nothing answers at {host}:{port}: {error}") from error
            time.sleep(0.2)
        except neo4j.exceptions.Neo4jError as error:
            driver.close()
            raise NotAvailable(f"the server at {host}:{port} refuses: {error}") from error

    def drop(database: str) -> None:
        """Empty the database: a community server has only one for users."""
        with driver.session(database=database or "neo4j") as session:
            for name in session.run("SHOW CONSTRAINTS YIELD name").value():
                session.run(f"DROP CONSTRAINT `{name}`").consume()
            for name in session.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'").value():
                session.run(f"DROP INDEX `{name}`").consume()
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()

    def stop_all() -> None:
        driver.close()
        stop()

    credentials: dict[str, Any] = {}
    if auth is not None:
        credentials = {"username": auth[0], "password": auth[1]}
    return Server(
        backend="neo4j",
        host=host,
        port=port,
        version=str(info.agent).rpartition("/")[2],
        how=how,
        drop=drop,
        stop=stop_all,
        credentials=credentials,
    )
