"""The schema of the kit's models, by the backend's own index adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runic.orm.schema.index_manager import IndexSpec, extract_declared_specs
from runic.orm.schema.needs import needed_capabilities

if TYPE_CHECKING:
    from runic.orm.compile.dialect import Dialect
    from runic.orm.driver.port import GraphDriver
    from runic.orm.plugin.backend import Backend

__all__ = ["create_declared", "declared_for"]


def declared_for(dialect: Dialect, models: Sequence[type]) -> list[IndexSpec]:
    """What ``models`` declare, as far as the dialect claims to have it; one fulltext index a label."""
    specs: list[IndexSpec] = []
    texts: dict[str, list[IndexSpec]] = {}
    for model in models:
        for spec in extract_declared_specs(model):
            if not dialect.capabilities.issuperset(needed_capabilities(spec)):
                continue
            if spec.index_type == "FULLTEXT":
                texts.setdefault(spec.label, []).append(spec)
            else:
                specs.append(spec)
    for found in texts.values():
        names = tuple(dict.fromkeys(name for spec in found for name in spec.properties))
        specs.append(IndexSpec(found[0].label, names[0], "FULLTEXT", found[0].entity, names))
    return specs


def create_declared(backend: Backend, driver: GraphDriver, models: Sequence[type]) -> list[IndexSpec]:
    """Create what ``models`` declare, as far as the backend claims to have it; returns what it was."""
    if backend.index_adapter is None:
        return []
    adapter = backend.index_adapter(driver)
    specs = declared_for(driver.dialect, models)
    for spec in specs:
        adapter.create(spec)
    return specs
