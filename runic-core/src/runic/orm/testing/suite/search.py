"""Searches by vector and by distance, where the backend has them."""

from __future__ import annotations

import math
import random
from typing import Any, ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.core.types import GeoLocation, Vector
from runic.orm.exceptions import OrmError
from runic.orm.query.builder import select
from runic.orm.query.expressions import distance, score
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Document, Report, Visit
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
    async def test_exactly_k_are_found_however_few_pass_a_filter(self, kit: Kit) -> None:
        made = random.Random(7)
        vectors = {f"{n}": Vector([made.uniform(-1, 1) for _ in range(3)]) for n in range(2000)}
        wanted = [1.0, 0.5, -0.25]
        few = [each for each in vectors if int(each) % 100 == 7]  # 1 %
        near = sorted(vectors, key=lambda each: math.dist(vectors[each], wanted))
        best = [each for each in near if each in few]
        async with kit.session() as s:
            documents = {
                each: (Report if int(each) % 100 == 9 else Document)(
                    id=each, year=2024 if each in few else 1990 + int(each) % 30, embedding=vector
                )
                for each, vector in vectors.items()
            }
            s.add_all(documents.values())
            for at, each in enumerate(best):
                documents[each].cites.extend([documents[near[at]], documents[near[-1 - at]]])
        async with kit.session() as s:

            def search(k: int = 10, cls: type[Document] = Document) -> Any:
                return s.vector_search(cls, field=cls.embedding, vector=wanted, k=k)

            among = search().where(Document.year == 2024)
            assert [d.id for d in await among.all()] == best[:10]
            rows = await search().where(Document.year == 2024).project(Document.id, score()).all_rows()
            assert [(row["id"], row["score"]) for row in rows] == [
                (each, pytest.approx(1 / (1 + math.dist(vectors[each], wanted) ** 2), abs=1e-5))
                for each in best[:10]
            ]
            assert [d.id for d in await search(50).where(Document.year == 2024).all()] == best
            least = rows[4]["score"] - 1e-6
            close = search(10).where(Document.year == 2024).where(score() > least)
            assert [d.id for d in await close.all()] == best[:5]
            assert await search().where(Document.year == 2024).count() == 10
            page = search().where(Document.year == 2024).skip(3).limit(4)
            assert [d.id for d in await page.all()] == best[3:7]

            # What is traversed to does not count.
            on = search().alias("d").where(Document.year == 2024, on="d")
            rows = await (
                on.traverse(Document.cites, optional=False).alias("c").project("d.id", "c.id").all_rows()
            )
            pairs = [(each, near[end]) for at, each in enumerate(best[:10]) for end in (at, -1 - at)]
            assert sorted((row["d.id"], row["c.id"]) for row in rows) == sorted(pairs)
            assert [row["d.id"] for row in rows] == [each for each in best[:10] for _ in range(2)]

            # A class that shares the index of its base.
            reports = [each for each in near if int(each) % 100 == 9]
            assert [d.id for d in await search(cls=Report).all()] == reports[:10]
            old = [each for each in reports if documents[each].year < 2000]
            assert [d.id for d in await search(3, Report).where(Report.year < 2000).all()] == old[:3]

    @requires(Capability.VECTOR)
    @pytest.mark.parametrize("filtered", [False, True])
    @pytest.mark.parametrize("flushed", [False, True])
    async def test_a_search_sees_what_its_session_has_not_committed(
        self, kit: Kit, filtered: bool, flushed: bool
    ) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            s.add_all([Document(id=f"far {n}", year=2020, embedding=Vector([9, 9, n])) for n in range(3)])
        async with kit.session() as s:

            async def nearest(k: int) -> list[str]:
                def search() -> Any:
                    made = s.vector_search(Document, field=Document.embedding, vector=[1, 0, 0], k=k)
                    return made.where(Document.year > 1900) if filtered else made

                rows = await search().project(Document.id, score()).all_rows()
                assert rows == sorted(rows, key=lambda row: -row["score"])
                found = [d.id for d in await search().all()]
                assert [row["id"] for row in rows] == found
                assert await search().count() == len(found)
                return found

            assert await nearest(2) == ["1", "2"]
            known = {d.id: d for d in await s.scalars(select(Document))}
            s.add(Document(id="new", year=2020, embedding=Vector([1, 0, 0.01])))
            known["1"].embedding = Vector([-3, 0, 0])
            known["2"].embedding = None
            known["far 2"].embedding = Vector([1, 0.02, 0])
            s.delete(known["3"])
            if flushed:
                await s.flush()
            assert await nearest(3) == ["new", "far 2", "1"]
            assert len(await nearest(4)) == 4
            assert sorted(await nearest(9)) == ["1", "far 0", "far 1", "far 2", "new"]
        async with kit.session() as s:
            # Committed, it is the same.
            assert sorted(await nearest(9)) == ["1", "far 0", "far 1", "far 2", "new"]

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
