"""Results of raw Cypher as typed values: scalars, dicts or entities of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from runic.orm.core.metadata import edge_meta, node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.core.state import EntityState, Status
from runic.orm.core.values import RawEdge, RawNode
from runic.orm.exceptions import FieldValidationError
from runic.orm.session.identities import identity_of
from runic.orm.session.load import identity_text

if TYPE_CHECKING:
    from runic.orm.driver.port import QueryResult
    from runic.orm.session.core import SessionCore

__all__ = ["RawResults"]

_SCALARS = (int, float, str, bool)


class RawResults:
    """Turns the rows of raw Cypher into what the caller asked for."""

    def __init__(self, core: SessionCore) -> None:
        self.core = core

    async def typed(self, result: QueryResult, returns: type[Any] | None) -> list[Any]:
        """The rows as ``returns`` says.

        Raises:
            TypeError: ``returns`` is nothing that rows can become.
            FieldValidationError: a value of another type.
        """
        if returns is None:
            return []
        if returns is dict:
            return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        if returns in _SCALARS:
            return [_scalar(row[0], returns) for row in result.rows]
        given = cast("object", returns)  # whatever the annotation says
        if isinstance(given, type) and issubclass(given, Node):
            return await self._nodes([row[0] for row in result.rows], given)
        if isinstance(given, type) and issubclass(given, Edge):
            return self._edges([row[0] for row in result.rows], given)
        raise TypeError(f"returns={returns!r}: expected int, float, str, bool, dict or a model class")

    async def _nodes(self, raws: list[Any], cls: type) -> list[Any]:
        for raw in raws:
            if raw is not None and not isinstance(raw, RawNode):
                raise FieldValidationError(
                    f"expected nodes of {cls.__name__} in the first column, found {raw!r}: write RETURN n"
                )
        found = [raw for raw in raws if raw is not None]
        core = self.core
        if not core.mapper.exact_from_raw(cls):
            for raw in found:
                core.mapper.node_class(raw, cls)
            # Whole nodes lack what the columns of the class add: read those.
            keys = list({raw.id: None for raw in found})
            text = identity_text(cls, core.dialect)
            entities = await core.loader.nodes(cls, text, {"keys": keys}, 0)
            known = {entity._runic_state.id: entity for entity in entities}
            return [known[raw.id] for raw in found if raw.id in known]
        return [self._register(core.mapper.decode_node(raw, cls), node_meta(cls).root) for raw in found]

    def _edges(self, raws: list[Any], cls: type[Edge]) -> list[Any]:
        for raw in raws:
            if raw is not None and not isinstance(raw, RawEdge):
                raise FieldValidationError(
                    f"expected relationships of {cls.__name__} in the first column, found {raw!r}:"
                    " write RETURN r"
                )
        edge_meta(cls)
        mapper = self.core.mapper
        return [self._register(mapper.decode_edge(raw, cls), cls) for raw in raws if raw is not None]

    def _register(self, entity: Any, part_of: type) -> Any:
        """The entity that the session has under the same key, or this one."""
        core = self.core
        _, key = identity_of(entity)
        part = core.unit.part(part_of)
        known = part.get(key)
        if known is not None:
            if known._runic_state.stale:
                core.loader.refreshed(known)
                kept = known._runic_state
                known.__dict__.update(entity.__dict__)
                known._runic_state = kept
            return known
        state: EntityState = entity._runic_state
        state.status, state.owner = Status.PERSISTENT, core
        part[key] = entity
        return entity


def _scalar(value: Any, expected: type) -> Any:
    if value is None or type(value) is expected:
        return value
    if expected is float and type(value) is int:
        return float(value)
    raise FieldValidationError(f"expected {expected.__name__} in the first column, found {value!r}")
