"""Searches by vector and by distance, where the backend has them."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.exceptions import OrmError
from runic.orm.query.builder import select
from runic.orm.query.expressions import distance, score
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Document, Visit
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseSearch", "TestSearch"]

PLACES = {
    "berlin": GeoLocation(52.5200066, 13.404954),
    "paris": GeoLocation(48.856614, 2.3522219),
    "sydney": GeoLocation(-33.8688197, 151.2092955),
    "quito": GeoLocation(-0.1806532, -78.4678382),
}


def metres(a: GeoLocation, b: GeoLocation) -> float:
    """Great-circle distance on a sphere."""
    φ1, φ2 = math.radians(a.latitude), math.radians(b.latitude)
    λ = math.radians(b.longitude - a.longitude)
    h = math.sin((φ2 - φ1) / 2) ** 2 + math.cos(φ1) * math.cos(φ2) * math.sin(λ / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(h))


class BaseSearch(LiveSuite):
    """Searches by vector and by distance."""

    area: ClassVar[str] = "search"

    async def _documents(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all(
                [
                    Document(id="1", title="graph databases", body="nodes and edges", year=2020,
                             embedding=Vector([1, 0, 0])),
                    Document(id="2", title="cooking", body="a graph of flavours", year=2010,
                             embedding=Vector([0.9, 0.1, 0])),
                    Document(id="3", title="gardening", body="roses and tulips", year=2020,
                             embedding=Vector([0, 1, 0])),
                    Document(id="4", title="empty", body="", year=2000),
                ]
            )  # fmt: skip

    @requires(Capability.VECTOR)
    async def test_the_nearest_come_first(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            search = s.vector_search(Document, field=Document.embedding, vector=[1, 0, 0], k=2)
            assert [d.id for d in await search.all()] == ["1", "2"]

    @requires(Capability.VECTOR)
    async def test_a_filter_counts_before_k(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            search = s.vector_search(Document, field=Document.embedding, vector=[1, 0, 0], k=2)
            found = await search.where(Document.year == 2020).all()
            assert [d.id for d in found] == ["1", "3"]

    @requires(Capability.VECTOR)
    @pytest.mark.parametrize("filtered", [False, True])
    async def test_the_score_of_a_vector_is_a_similarity(self, kit: Kit, filtered: bool) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            search = s.vector_search(Document, field=Document.embedding, vector=[1, 0, 0], k=3)
            if filtered:
                search = search.where(Document.year > 1900)
            rows = await search.project(Document.id, score()).all_rows()
        # 1 / (1 + d^2), which some servers compute from quantised vectors
        scores = [(row["id"], row["score"]) for row in rows]
        assert scores == [
            ("1", pytest.approx(1, abs=1e-3)),
            ("2", pytest.approx(1 / 1.02, abs=1e-3)),
            ("3", pytest.approx(1 / 3, abs=1e-3)),
        ]

    @requires(Capability.VECTOR)
    async def test_a_vector_of_another_length_is_refused_before_anything_is_sent(self, kit: Kit) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                with pytest.raises((OrmError, ValueError), match=r"embedding|dimension"):
                    await s.vector_search(Document, field=Document.embedding, vector=[1.0, 2.0], k=1).all()
                s.add(Document(id="x", embedding=Vector([1, 2, 3, 4])))
                with pytest.raises(OrmError, match=r"Document\.embedding"):
                    await s.flush()
            assert sent == []
            await s.rollback()

    @requires(Capability.POINT)
    async def test_distance_is_in_metres(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Visit(id=name, where=place) for name, place in PLACES.items()])
            s.add(Visit(id="nowhere"))
            await s.flush()
            here = PLACES["berlin"]
            for limit in (1_000, 900_000, 11_000_000):
                found = await s.scalars(select(Visit).where(distance(Visit.where, here) < limit))
                wanted = [name for name, place in PLACES.items() if metres(here, place) < limit]
                assert sorted(v.id for v in found) == sorted(wanted)
            stmt = select(Visit).where(Visit.where.is_not_null()).order_by(distance(Visit.where, here))
            assert [v.id for v in await s.scalars(stmt)] == sorted(
                PLACES, key=lambda name: metres(here, PLACES[name])
            )


TestSearch = BaseSearch
