"""Queries: order, pages, projections and aggregates, against Python's own evaluation."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any, ClassVar

import pytest

from runic.orm.query.builder import select
from runic.orm.query.expressions import avg, collect, count, max_, min_, sum_
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Person
from runic.orm.testing.people import NAMES, PEOPLE, PeopleSuite

__all__ = ["BaseQueries", "TestQueries"]


def _true_score(row: dict[str, Any]) -> bool:
    return row["score"] is not None


class BaseQueries(PeopleSuite):
    """Order, pages, projections, aggregates."""

    area: ClassVar[str] = "queries"

    @pytest.mark.parametrize("desc", [False, True])
    async def test_order(self, kit: Kit, desc: bool) -> None:
        await self._load(kit)
        stmt = select(Person).where(Person.years.is_not_null()).order_by(Person.years, desc=desc)
        async with kit.session() as s:
            found = [p.years for p in await s.scalars(stmt.order_by(Person.id))]
        assert found == sorted((r["years"] for r in PEOPLE if r["years"] is not None), reverse=desc)

    async def test_nulls_come_last_in_ascending_order(self, kit: Kit) -> None:
        await self._load(kit)
        missing = sum(r["years"] is None for r in PEOPLE)
        async with kit.session() as s:
            up = [p.years for p in await s.scalars(select(Person).order_by(Person.years))]
            down = [p.years for p in await s.scalars(select(Person).order_by(Person.years, desc=True))]
        assert up[-missing:] == [None] * missing
        assert down[:missing] == [None] * missing

    async def test_order_by_several_terms(self, kit: Kit) -> None:
        await self._load(kit)
        stmt = select(Person).order_by(Person.name, desc=True).order_by(Person.id)
        async with kit.session() as s:
            found = [(p.name, p.id) for p in await s.scalars(stmt)]
        wanted = sorted(((r["name"], r["id"]) for r in PEOPLE), key=lambda pair: pair[1])
        wanted.sort(key=lambda pair: pair[0], reverse=True)
        assert found == wanted

    @pytest.mark.parametrize(("skip", "limit"), [(0, 5), (3, 10), (40, 10), (44, 1), (0, 0), (0, 1000)])
    async def test_pages(self, kit: Kit, skip: int, limit: int) -> None:
        await self._load(kit)
        async with kit.session() as s:
            found = await s.scalars(select(Person).order_by(Person.id).skip(skip).limit(limit))
            assert [p.id for p in found] == [r["id"] for r in PEOPLE][skip : skip + limit]

    async def test_pages_together_are_everything_once(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            stmt = select(Person).order_by(Person.name).order_by(Person.id)
            whole = [p.id for p in await s.scalars(stmt)]
            parts = [p.id for n in range(0, 49, 7) for p in await s.scalars(stmt.skip(n).limit(7))]
        assert parts == whole
        assert len(set(parts)) == len(PEOPLE)

    async def test_scalar_is_the_first_or_none(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            first = await s.scalar(select(Person).order_by(Person.id))
            assert first is not None
            assert first.id == "00"
            assert await s.scalar(select(Person).where(Person.name == "nobody")) is None

    async def test_count_ignores_limit_and_skip(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            assert await s.count(select(Person).limit(3).skip(2)) == len(PEOPLE)
            assert await s.count(select(Person).where(Person.name == "nobody")) == 0

    async def test_project_gives_values(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            names = await s.query(Person).order_by(Person.id).project(Person.name).scalars()
            assert names == [r["name"] for r in PEOPLE]
            rows = await s.all_rows(select(Person).order_by(Person.id).project(Person.name, Person.years))
            assert rows == [{"name": r["name"], "years": r["years"]} for r in PEOPLE]

    async def test_distinct(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            names = await s.query(Person).project(Person.name).distinct().scalars()
            assert sorted(names) == sorted({r["name"] for r in PEOPLE})

    async def test_aggregates(self, kit: Kit) -> None:
        await self._load(kit)
        years = [r["years"] for r in PEOPLE if r["years"] is not None]
        scores = [r["score"] for r in PEOPLE if r["score"] is not None]
        async with kit.session() as s:
            (row,) = await s.all_rows(
                select(Person).aggregate(
                    count().as_("all"),
                    count(Person.years).as_("known"),
                    count(Person.name, distinct=True).as_("names"),
                    sum_(Person.years).as_("sum"),
                    avg(Person.score).as_("mean"),
                    min_(Person.years).as_("least"),
                    max_(Person.name).as_("last"),
                    collect(Person.years).as_("list"),
                )
            )
        assert row["all"] == len(PEOPLE)
        assert row["known"] == len(years)
        assert row["names"] == len(set(NAMES))
        assert row["sum"] == sum(years)
        assert row["mean"] == pytest.approx(statistics.fmean(scores))
        assert row["least"] == min(years)
        assert row["last"] == max(NAMES)
        assert sorted(row["list"]) == sorted(years)

    async def test_aggregates_over_nothing(self, kit: Kit) -> None:
        async with kit.session() as s:
            (row,) = await s.all_rows(
                select(Person).aggregate(
                    count().as_("all"), avg(Person.years).as_("mean"), min_(Person.years).as_("least"),
                    collect(Person.name).as_("list"), sum_(Person.years).as_("sum"),
                    sum_(Person.score).as_("total"),
                )
            )  # fmt: skip
        assert row == {"all": 0, "mean": None, "least": None, "list": [], "sum": 0, "total": 0}

    async def test_grouping_by_a_field(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            rows = await s.all_rows(
                select(Person).aggregate(count().as_("n"), max_(Person.id).as_("last"), group_by=Person.name)
            )
        counts = Counter(r["name"] for r in PEOPLE)
        assert {row["name"]: row["n"] for row in rows} == counts
        assert {row["name"]: row["last"] for row in rows} == {r["name"]: r["id"] for r in PEOPLE}

    async def test_a_scalar_aggregate(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            assert await s.query(Person).aggregate(count()).scalar() == len(PEOPLE)
            assert await s.query(Person).aggregate(max_(Person.score)).scalar() == max(
                r["score"] for r in PEOPLE if _true_score(r)
            )

    async def test_a_bound_builder_and_a_statement_give_the_same(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            stmt = select(Person).where(Person.years > 20).order_by(Person.id)
            bound = s.query(Person).where(Person.years > 20).order_by(Person.id)
            assert await s.scalars(stmt) == await bound.all()
            one = await s.query(Person).where(Person.id == "07").one()
            assert one is await s.get(Person, "07")

    async def test_a_statement_is_a_value(self, kit: Kit) -> None:
        await self._load(kit)
        base = select(Person).where(Person.active == True)
        narrow = base.where(Person.name == "Ann")
        async with kit.session() as s:
            assert await s.count(base) == sum(r["active"] for r in PEOPLE)
            assert await s.count(narrow) == sum(r["active"] and r["name"] == "Ann" for r in PEOPLE)
            assert await s.count(base) == sum(r["active"] for r in PEOPLE)

    async def test_one_text_for_many_values(self, kit: Kit) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                for number in range(5):
                    await s.scalars(select(Person).where(Person.years > number).limit(number + 1))
            assert len({request.text for request in sent}) == 1

    async def test_no_value_is_in_the_text(self, kit: Kit) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent:
                await s.scalars(select(Person).where(Person.name == "s3cr3t").skip(987654).limit(123457))
            (request,) = sent
            for secret in ("s3cr3t", "987654", "123457"):
                assert secret not in request.text
            assert not request.write


TestQueries = BaseQueries
