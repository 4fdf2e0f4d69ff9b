"""The static tier: what can be known of a backend without a server."""

# Checks look inside of what they check.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from runic.orm.compile.codec import Codec
from runic.orm.compile.compiler import compile_execution, compile_statement
from runic.orm.compile.dialect import Capability, Dialect, UnitForm
from runic.orm.compile.emit import Emitter
from runic.orm.core.kinds import FieldType, Kind
from runic.orm.core.metadata import node_meta
from runic.orm.exceptions import InvalidNameError, UnsupportedByBackendError
from runic.orm.plugin.backend import API_VERSION, Target
from runic.orm.query import ir
from runic.orm.testing.harness import Harness
from runic.orm.testing.models import Values
from runic.orm.testing.statements import SECRETS, STATEMENTS, golden_text, nodes_of
from runic.orm.testing.suite.base import StaticSuite
from runic.orm.testing.suite.types import expected, same
from runic.orm.testing.values import EXACT, GOOD_NAMES

__all__ = ["BaseCodecs", "BaseCompile", "BasePlugin", "TestCodecs", "TestCompile", "TestPlugin"]


class BasePlugin(StaticSuite):
    """The plugin loads without its client, and what it returns holds together."""

    area: ClassVar[str] = "plugin"

    def test_the_plugin_loads_and_compiles_without_its_client(self, runic_harness: Harness) -> None:
        if not runic_harness.installed:
            pytest.skip("the backend is registered in this process only")
        script = (
            "import sys\n"
            "from runic.orm.plugin.manager import discover, load\n"
            "discover()\n"
            f"clients = {tuple(runic_harness.client_modules)!r}\n"
            "assert not [m for m in clients if m in sys.modules], 'discover'\n"
            f"dialect = load({runic_harness.backend!r}).dialect()\n"
            "from runic.orm.compile.compiler import compile_execution\n"
            "from runic.orm.query.builder import select\n"
            "from runic.orm.testing.models import Person\n"
            "assert compile_execution(select(Person).where(Person.name == 'x'), dialect).text\n"
            f"print([m for m in {tuple(runic_harness.client_modules)!r} if m in sys.modules])\n"
        )
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        assert found.stdout.strip() == "[]", f"the plugin imported {found.stdout.strip()}"

    def test_the_spec_is_that_of_its_name(self, runic_harness: Harness) -> None:
        spec = runic_harness.spec
        assert spec.name == runic_harness.backend
        assert spec.api_version == API_VERSION
        assert spec.description
        assert callable(spec.connect)
        assert callable(spec.connect_async)
        assert spec.options, "create_driver() would refuse every option"

    def test_the_dialect_is_named_like_the_backend(self, runic_harness: Harness) -> None:
        dialect = runic_harness.dialect
        assert dialect.name == runic_harness.backend
        assert runic_harness.dialect is dialect, "caches are keyed by the dialect: make one, not one a call"
        assert all(isinstance(each, Capability) for each in dialect.capabilities)
        assert dialect.batch_size >= 1
        if dialect.unit_form is UnitForm.TRANSACTION:
            assert Capability.TRANSACTIONS in dialect.capabilities
        else:
            assert dialect.unit_rows >= 1

    def test_urls_become_known_options(self, runic_harness: Harness) -> None:
        spec = runic_harness.spec
        if spec.options_from_url is None:
            pytest.skip("the backend takes no URLs")
        assert spec.url_schemes
        made = 0
        for scheme in spec.url_schemes:
            try:
                options = spec.options_from_url(Target(scheme, "host", 1234, "user", "s3cr3t", "/name"))
            except ValueError:
                continue  # a scheme for something that has no host
            made += 1
            assert set(options) <= spec.options
            assert "s3cr3t" in options.values()
        assert made

    def test_names_are_quoted(self, runic_harness: Harness) -> None:
        dialect = runic_harness.dialect
        for name in GOOD_NAMES:
            quoted = dialect.quote(name)
            assert name in quoted
            assert quoted != name
        for name in ("a`b", "`) DETACH DELETE n //", 'a"b'):
            try:
                quoted = dialect.quote(name)
            except InvalidNameError:
                continue
            assert quoted.replace("``", "").count("`") in (0, 2), f"{name!r} breaks out of {quoted!r}"


class BaseCodecs(StaticSuite):
    """There is a codec for every kind of value, and it gives back what it was given."""

    area: ClassVar[str] = "codecs"

    @pytest.mark.parametrize("kind", [kind.name for kind in Kind])
    def test_every_kind_of_value_has_a_codec(self, runic_harness: Harness, kind: str) -> None:
        field_types = [field.type for field in node_meta(Values).properties]
        types = [each for each in field_types if each.kind is Kind[kind]]
        assert types, f"the kit has no field of kind {kind}"
        for each in types:
            codec = runic_harness.dialect.codec(each)
            assert isinstance(codec, Codec)
            assert codec.writes[0][0] == "", "the first property is the user's"
            assert all("{v}" in template for _, template in codec.writes)
            assert "{c}" in codec.cell
            assert codec.exact or codec.encode
            assert codec.stored, "documentation says what is stored"
            assert runic_harness.dialect.codec(each) is codec, "codecs are cached"

    @pytest.mark.parametrize("field", sorted(EXACT))
    def test_values_survive_the_codec(self, runic_harness: Harness, field: str) -> None:
        type_ = node_meta(Values).fields[field].type
        codec = runic_harness.dialect.codec(type_)
        if codec.read != "{p}" or codec.writes != (("", "{v}"),):
            pytest.skip("the server takes part in it")
        read = reader(codec)
        for value in EXACT[field]:
            stored = value if type(value) in codec.exact or codec.encode is None else codec.encode(value)
            found = read(runic_harness.cell(stored))
            if isinstance(value, float) and math.isclose(found, value, rel_tol=1e-14):
                continue  # servers may round the digits of a reply
            assert same(found, expected(value)), f"{value!r} came back as {found!r}"
        assert read(runic_harness.cell(None)) is None

    def test_unequal_types_have_codecs_of_their_own(self, runic_harness: Harness) -> None:
        dialect = runic_harness.dialect
        text, whole = FieldType(Kind.STRING, str), FieldType(Kind.INTEGER, int)
        assert dialect.codec(text) is not dialect.codec(whole)


def reader(codec: Codec) -> Callable[[Any], Any]:
    """Cell -> value, as the generated hydrators do it."""
    cell: Callable[[Any], Any] = eval(f"lambda c: {codec.cell.format(c='c')}")

    def read(reply: Any) -> Any:
        stored = cell(reply)
        return stored if stored is None or codec.decode is None else codec.decode(stored)

    return read


class BaseCompile(StaticSuite):
    """Every statement compiles, or is refused by name; no value is part of a text."""

    area: ClassVar[str] = "compiler"

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_a_statement_compiles_or_is_refused_by_name(self, runic_harness: Harness, name: str) -> None:
        dialect = runic_harness.dialect
        for form in (compile_statement, compile_execution):
            try:
                compiled = form(STATEMENTS[name](), dialect)
            except UnsupportedByBackendError as error:
                assert error.backend == dialect.name
                assert error.feature
                continue
            assert compiled.text
            assert compiled.shape.items
            for parameter in compiled.parameters:
                assert f"${parameter}" in compiled.text
            shown = compiled.text if form is compile_execution else _without_numbers(compiled.text)
            for secret in SECRETS:
                assert secret not in shown, f"a value is part of the text: {compiled.text}"

    def test_the_table_has_every_kind_of_node(self) -> None:
        used = {type(node).__name__ for make in STATEMENTS.values() for node in nodes_of(make().tree())}
        abstract = {"Clause", "Expression", "IRNode"}
        assert set(ir.node_types()) - abstract <= used

    def test_the_compiler_is_total(self, runic_harness: Harness) -> None:
        emitter = runic_harness.dialect.emitter_for(()) or Emitter
        handled = {each.__name__ for each in emitter._table}
        inner = {"Clause", "Expression", "OrderItem", "Return", "ReturnItem", "Statement"}
        assert set(ir.node_types()) - inner <= handled

    def test_one_shape_is_one_text(self, runic_harness: Harness) -> None:
        dialect: Dialect = runic_harness.dialect
        for make in STATEMENTS.values():
            try:
                assert compile_execution(make(), dialect).text == compile_execution(make(), dialect).text
            except UnsupportedByBackendError:
                continue

    def test_texts_are_the_golden_ones(self, request: pytest.FixtureRequest, runic_harness: Harness) -> None:
        path = runic_harness.golden
        if path is None:
            pytest.skip("the harness names no golden file")
        text = golden_text(runic_harness.dialect)
        if request.config.getoption("--runic-update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), "run once with --runic-update-golden, and read what it wrote"
        assert text == path.read_text(encoding="utf-8"), "if it is meant: --runic-update-golden"


def _without_numbers(text: str) -> str:
    """The form for display writes the numbers of SKIP and LIMIT out."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(("SKIP", "LIMIT")))


TestPlugin = BasePlugin
TestCodecs = BaseCodecs
TestCompile = BaseCompile
