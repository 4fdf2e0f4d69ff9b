"""Where an entity stands in the identity map."""

# The state of an entity is hidden from programs, not from the session.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

from runic.orm.core.metadata import node_meta
from runic.orm.core.models import Edge

__all__ = ["identity_of"]


def identity_of(entity: Any) -> tuple[type, Any]:
    """The identity map's part and key of an entity that has an identity."""
    if isinstance(entity, Edge):
        return type(entity), entity._runic_state.id
    meta = node_meta(entity.__class__)
    key_field = meta.primary_key
    if key_field is None or key_field.generated:
        return meta.root, entity._runic_state.id
    return meta.root, entity.__dict__.get(key_field.name)
