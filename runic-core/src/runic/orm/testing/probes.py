"""What must be refused where a capability is not claimed; see :mod:`runic.orm.testing.gating`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runic.orm.compile.dialect import Capability
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.exceptions import ValueNotStorableError
from runic.orm.query.builder import select
from runic.orm.query.expressions import distance
from runic.orm.query.subqueries import exists
from runic.orm.schema.index_manager import IndexSpec
from runic.orm.testing.gating import PROBES, Probe
from runic.orm.testing.models import Document, Person, Values, Visit

if TYPE_CHECKING:
    from runic.orm.schema.index_manager import EntityKind
    from runic.orm.testing.kit import Kit

__all__ = ["PROBES"]


async def _regex(kit: Kit) -> None:
    async with kit.session() as s:
        await s.scalars(select(Person).where(Person.name.matches("a.*")))


async def _exists(kit: Kit) -> None:
    async with kit.session() as s:
        await s.scalars(select(Person).where(exists(Person.friends)))


async def _variable_length(kit: Kit) -> None:
    async with kit.session() as s:
        await s.scalars(select(Person).alias("p").repeat(Person.friends, max_hops=3).alias("q"))


async def _fulltext(kit: Kit) -> None:
    async with kit.session() as s:
        await s.fulltext_search(Document, query="anything").all()


async def _vector(kit: Kit) -> None:
    async with kit.session() as s:
        await s.vector_search(Document, field=Document.embedding, vector=Vector([1, 0, 0]), k=1).all()


async def _distance(kit: Kit) -> None:
    async with kit.session() as s:
        await s.scalars(select(Visit).where(distance(Visit.where, GeoLocation(0, 0)) < 5))


async def _nonfinite(kit: Kit) -> None:
    session = kit.session()
    session.add(Values(id="a", real=math.nan))
    try:
        await session.flush()
    finally:
        await session.close()


def _index_probe(kind: str, *names: str, entity: EntityKind = "NODE") -> Probe:
    options = {"dimension": 3} if kind == "VECTOR" else {}
    label = "Refused" if entity == "NODE" else "REFUSED"
    spec = IndexSpec(label, names[0], kind, entity, names, options)

    async def operation(kit: Kit) -> None:
        with kit.connections() as sent:
            try:
                await kit.schema.create(spec)
            finally:
                assert not sent, f"{spec} was refused only after {sent} was sent"

    return Probe(operation)


PROBES.update(
    {
        Capability.REGEX: Probe(_regex, statement="RETURN 'abc' =~ 'a.*'"),
        Capability.VARIABLE_LENGTH: Probe(
            _variable_length, statement="MATCH p = ()-[*1..2]->() RETURN count(p)"
        ),
        Capability.FULLTEXT: Probe(_fulltext),
        Capability.VECTOR: Probe(_vector),
        Capability.POINT: Probe(
            _distance,
            statement="RETURN distance(point({latitude: 0, longitude: 0}),"
            " point({latitude: 1, longitude: 1}))",
        ),
        Capability.EXISTS_SUBQUERY: Probe(
            _exists, statement="MATCH (n) WHERE EXISTS { MATCH (n)-->() } RETURN count(n)"
        ),
        Capability.NONFINITE_FLOAT: Probe(_nonfinite, ValueNotStorableError),
        Capability.RANGE_INDEX: _index_probe("RANGE", "name"),
        Capability.COMPOSITE_INDEX: _index_probe("RANGE", "name", "years"),
        Capability.EDGE_INDEX: _index_probe("RANGE", "name", entity="EDGE"),
        Capability.UNIQUE: _index_probe("UNIQUE", "name"),
        Capability.EDGE_UNIQUE: _index_probe("UNIQUE", "name", entity="EDGE"),
        Capability.MANDATORY: _index_probe("MANDATORY", "name"),
        Capability.EDGE_MANDATORY: _index_probe("MANDATORY", "name", entity="EDGE"),
        Capability.FULLTEXT_INDEX: _index_probe("FULLTEXT", "name"),
        Capability.EDGE_FULLTEXT_INDEX: _index_probe("FULLTEXT", "name", entity="EDGE"),
        Capability.VECTOR_INDEX: _index_probe("VECTOR", "name"),
        Capability.EDGE_VECTOR_INDEX: _index_probe("VECTOR", "name", entity="EDGE"),
        Capability.POINT_INDEX: _index_probe("POINT", "name"),
    }
)
