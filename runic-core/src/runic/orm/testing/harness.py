"""The harness: what the author of a backend writes, some forty lines, to have it tested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from runic.orm.driver.factory import create_async_driver, create_driver
from runic.orm.plugin.manager import load

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import AsyncGraphDriver, GraphDriver
    from runic.orm.plugin.backend import Backend
    from runic.orm.testing.gaps import Gap

__all__ = ["Harness"]


class Harness(ABC):
    """One backend, as the conformance kit sees it. Give it as the fixture ``runic_harness``.

    Attributes:
        backend: the backend's public name.
        variant: which of several ways to run it (``"embedded"``, ``"network"``), for the report.
        client_modules: top-level modules of the client library; the plugin must load without them.
        known_gaps: what is known not to work, with reasons.
        scans_may_miss: whether a scan of the server may miss committed nodes while others write.
        golden: file with the text of the kit's statements; ``None``: texts are not compared.
        installed: whether the backend comes from an installed plugin, rather than ``register_backend``.

    Example::

        class MyHarness(Harness):
            backend = "mydb"
            client_modules = ("mydb_client",)

            def url(self) -> str:
                return os.environ["MYDB_URL"]

            def version(self) -> str:
                with self.driver() as driver:
                    return driver.execute("RETURN version()").rows[0][0]


        @pytest.fixture(scope="session")
        def runic_harness() -> MyHarness:
            return MyHarness()
    """

    backend: ClassVar[str]
    variant: str = ""
    client_modules: Sequence[str] = ()
    known_gaps: Sequence[Gap] = ()
    scans_may_miss: bool = False
    golden: Path | None = None
    installed: bool = True

    @abstractmethod
    def url(self) -> str:
        """The URL of a database that the kit may empty; or the backend's name, beside :meth:`options`."""

    @abstractmethod
    def version(self) -> str:
        """The server's version, for the report and for gaps that a later server closes."""

    def options(self) -> Mapping[str, Any]:
        """Options of ``create_driver`` beside the URL."""
        return {}

    def driver(self) -> GraphDriver:
        """A new sync driver."""
        return create_driver(self.url(), **self.options())

    def async_driver(self) -> AsyncGraphDriver:
        """A new async driver of the same database."""
        return create_async_driver(self.url(), **self.options())

    def reset(self, driver: GraphDriver) -> None:
        """Empty the database; indexes and constraints stay. Called before each live test."""
        driver.execute("MATCH (n) DETACH DELETE n", write=True)

    def prepare(self, driver: GraphDriver, models: Sequence[type]) -> None:
        """Create the indexes and constraints that ``models`` declare. Called once for each test file."""
        from runic.orm.testing.schema import create_declared

        create_declared(self.spec, driver, models)

    def server_statements(self, driver: GraphDriver) -> int | None:
        """How many statements the server has run since it started; ``None``: it does not tell.

        Statements of this method itself must not count.
        """
        del driver
        return None

    def cell(self, stored: Any) -> Any:
        """A stored value as a cell of the server's reply would hold it, for tests without a server."""
        return stored

    @property
    def spec(self) -> Backend:
        """The backend as its plugin describes it."""
        return load(self.backend)

    @property
    def dialect(self) -> Dialect:
        """The backend's dialect, without a connection."""
        return self.spec.dialect()

    @property
    def label(self) -> str:
        """Name and variant."""
        return f"{self.backend} ({self.variant})" if self.variant else self.backend

    def __repr__(self) -> str:
        return f"<Harness {self.label}>"
