"""Every type of value comes back exactly, or is refused by name before anything is sent."""

from __future__ import annotations

import copy
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import FieldValidationError, ValueNotStorableError
from runic.orm.query.builder import select
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Film, Interned, Person, Rated, Values
from runic.orm.testing.suite.base import LiveSuite
from runic.orm.testing.values import EXACT, REFUSED, TEXTS

__all__ = ["BaseTypes", "TestTypes"]


def expected(value: Any) -> Any:
    """What comes back for ``value``: aware datetimes are normalised to UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def same(left: Any, right: Any) -> bool:
    """Equal, of one type, to the last bit and the last digit."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return bool(left == right) and math.copysign(1, left) == math.copysign(1, right)
    if isinstance(left, Decimal):
        return bool(left.as_tuple() == right.as_tuple())
    if isinstance(left, datetime):
        return bool(left.replace(tzinfo=None) == right.replace(tzinfo=None) and left.tzinfo == right.tzinfo)
    if isinstance(left, list):
        items = cast("list[object]", left)
        return len(items) == len(right) and all(map(same, items, right))
    if isinstance(left, dict):
        mapping = cast("dict[str, object]", left)
        return list(mapping) == list(right) and all(same(mapping[key], right[key]) for key in mapping)
    return bool(left == right)


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _text
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
_normal = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)

STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "text": _text,
    "whole": st.integers(-(2**63), 2**63 - 1),
    "exact": _normal,
    "blob": st.binary(max_size=60),
    "moment": st.datetimes()
    | st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones()),
    "day": st.dates(),
    "clock": st.times(),
    "span": st.timedeltas(timedelta(days=-(10**8)), timedelta(days=10**8)),
    "amount": st.decimals(allow_nan=False, allow_infinity=False),
    "uuid": st.uuids(),
    "document": st.dictionaries(_text, _json, max_size=4),
    "texts": st.lists(_text, max_size=5),
    "wholes": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
}


class BaseTypes(LiveSuite):
    """Every type of value comes back exactly, or is refused by name."""

    area: ClassVar[str] = "types and values"

    @pytest.mark.parametrize("field", sorted(EXACT))
    async def test_values_come_back_exactly(self, kit: Kit, field: str) -> None:
        await self._round_trip(kit, field, EXACT[field])

    @pytest.mark.parametrize("field", sorted(STRATEGIES))
    def test_any_value_comes_back_exactly(self, kit: Kit, field: str) -> None:
        @settings(max_examples=12, derandomize=True, database=None, deadline=None)
        @given(st.lists(STRATEGIES[field], min_size=1, max_size=25))
        def check(values: list[Any]) -> None:
            kit.run(self._round_trip(kit, field, values))

        check()

    async def _round_trip(self, kit: Kit, field: str, values: Any) -> None:
        kit.harness.reset(kit.drivers.sync)
        async with kit.session() as s:
            s.add_all(
                [Values(id=f"{number:05}", **{field: copy.deepcopy(v)}) for number, v in enumerate(values)]
            )
        async with kit.session() as s:
            found = await s.scalars(select(Values).order_by(Values.id))
            assert len(found) == len(values)
            for value, entity in zip(values, found, strict=True):
                got = getattr(entity, field)
                assert same(got, expected(value)), f"{value!r} came back as {got!r}"

    @pytest.mark.parametrize("field", sorted(EXACT))
    async def test_values_are_found_by_key_and_after_an_update(self, kit: Kit, field: str) -> None:
        # The other two ways of values: through an update, and through a read by key.
        values = EXACT[field][:8]
        async with kit.session() as s:
            entities = [Values(id=str(number)) for number in range(len(values))]
            s.add_all(entities)
            await s.flush()
            for entity, value in zip(entities, values, strict=True):
                setattr(entity, field, copy.deepcopy(value))
        async with kit.session() as s:
            for number, value in enumerate(values):
                found = await s.get(Values, str(number))
                assert same(getattr(found, field), expected(value))

    @pytest.mark.parametrize("field", sorted(EXACT))
    async def test_a_value_can_be_cleared(self, kit: Kit, field: str) -> None:
        async with kit.session() as s:
            s.add(Values(id="a", **{field: copy.deepcopy(EXACT[field][0])}))
        async with kit.session() as s:
            found = await s.get(Values, "a")
            setattr(found, field, None)
        async with kit.session() as s:
            found = await s.get(Values, "a")
            assert found is not None
            assert getattr(found, field) is None
        rows = await kit.rows("MATCH (n:Values) RETURN keys(n)")
        assert rows == [[["id"]]], "something of the value was left behind"

    async def test_absence_is_none(self, kit: Kit) -> None:
        await kit.write("CREATE (:Values {id: 'a'})")
        async with kit.session() as s:
            found = await s.get(Values, "a")
            assert found is not None
            assert {name: getattr(found, name) for name in EXACT} == dict.fromkeys(EXACT)

    async def test_what_cannot_be_kept_is_refused_by_name_before_anything_is_sent(self, kit: Kit) -> None:
        wrong: list[str] = []
        for field, value in REFUSED:
            session = kit.session()
            try:
                with kit.recorder.since() as sent:
                    try:
                        session.add(Values(id="a", **{field: value}))
                        await session.flush()
                    except ValueNotStorableError as error:
                        if f"Values.{field}" not in str(error):
                            wrong.append(f"{field}={value!r}: the error does not name the field: {error}")
                    except FieldValidationError as error:
                        wrong.append(f"{field}={value!r}: {type(error).__name__}: {error}")
                    except Exception as error:  # collected below
                        wrong.append(f"{field}={value!r}: {type(error).__name__}: {error}")
                    else:
                        wrong.append(f"{field}={value!r} was taken")
                if sent:
                    wrong.append(f"{field}={value!r}: {len(sent)} statements were sent")
            finally:
                await session.close()
        assert not wrong, "\n".join(wrong)
        assert await kit.rows("MATCH (n) RETURN count(n)") == [[0]]

    async def test_a_refused_value_leaves_the_session_usable(self, kit: Kit) -> None:
        async with kit.session() as s:
            node = Values(id="a", whole=2**63)
            s.add_all([Values(id="b"), node])
            with pytest.raises(ValueNotStorableError, match=r"Values\.whole"):
                await s.flush()
            node.whole = 2**63 - 1
        assert await kit.rows("MATCH (n:Values) RETURN n.id, n.whole ORDER BY n.id") == [
            ["a", 2**63 - 1],
            ["b", None],
        ]

    async def test_str_is_never_called_to_store_a_value(self, kit: Kit) -> None:
        class Shouting(str):
            __slots__ = ()

            def __str__(self) -> str:
                raise AssertionError("str() was called")

            def replace(self, *args: Any) -> str:
                del args
                return "' DETACH DELETE n //"

        session = kit.session()
        session.add(Values(id="a", text=Shouting("x")))
        with pytest.raises(ValueNotStorableError, match=r"Values\.text"):
            await session.flush()
        await session.close()

    async def test_edges_carry_values_too(self, kit: Kit) -> None:
        moment = datetime(2024, 10, 27, 2, 30, 0, 5, tzinfo=UTC)
        async with kit.session() as s:
            ann, film = Person(id="a"), Film(id="f")
            s.add_all([ann, film])
            edge = Rated(stars=5, note='it\'s \\ "odd" `$p0`', at=moment, tags=["a", "'"])
            await s.relate(ann, "rated", film, edge)
        async with kit.session() as s:
            rows = await s.all_with_edges(
                select(Person)
                .alias("p")
                .traverse(Person.rated, edge_alias="r", optional=False)
                .alias("f")
                .return_nodes("p", "f")
                .return_edge("r")
            )
            (found,) = [cells[1] for cells in rows]
            assert (found.stars, found.note, found.at, found.tags) == (
                *(5, 'it\'s \\ "odd" `$p0`', moment, ["a", "'"]),
            )

    @requires(Capability.NONFINITE_FLOAT)
    async def test_nan_and_infinity(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all(
                [Values(id="a", real=math.inf), Values(id="b", real=-math.inf), Values(id="c", real=math.nan)]
            )
        async with kit.session() as s:
            a, b, c = await s.get_many(Values, ["a", "b", "c"])
            assert a is not None
            assert b is not None
            assert c is not None
            assert (a.real, b.real) == (math.inf, -math.inf)
            assert c.real is not None
            assert math.isnan(c.real)

    @requires(Capability.INTERN)
    async def test_interned_text_is_text(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Interned(id=str(n), text=text) for n, text in enumerate(TEXTS)])
        async with kit.session() as s:
            found = await s.scalars(select(Interned))
            assert {each.id: each.text for each in found} == {str(n): text for n, text in enumerate(TEXTS)}
            found[0].text = "changed"
        assert await kit.rows("MATCH (n:Interned {text: 'changed'}) RETURN count(n)") == [[1]]

    async def test_predicates_take_the_same_values(self, kit: Kit) -> None:
        async with kit.session() as s:
            for field in ("text", "whole", "moment", "day", "clock", "span", "amount", "uuid", "blob"):
                value: Any = EXACT[field][-1] if field != "text" else 'it\'s \\ "odd" `$p0`'
                s.add(Values(id=field, **{field: value}))
            await s.flush()
            for field in ("text", "whole", "moment", "day", "clock", "span", "amount", "uuid", "blob"):
                value = EXACT[field][-1] if field != "text" else 'it\'s \\ "odd" `$p0`'
                found = await s.scalars(select(Values).where(getattr(Values, field) == value))
                assert [each.id for each in found] == [field]

    async def test_instants_compare_across_zones(self, kit: Kit) -> None:
        # Python itself orders datetimes of one zone by the clock on the wall.
        moments = [value.astimezone(UTC) for value in EXACT["moment"] if value.tzinfo is not None]
        async with kit.session() as s:
            s.add_all([Values(id=str(n), moment=moment) for n, moment in enumerate(moments)])
            await s.flush()
            found = await s.scalars(select(Values).order_by(Values.moment))
            order = [moments[int(each.id)] for each in found]
            assert order == sorted(moments)
            middle = sorted(moments)[2]
            later = await s.scalars(select(Values).where(Values.moment > middle))
            assert len(later) == sum(moment > middle for moment in moments)

    async def test_a_day_is_no_moment(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add(Values(id="a", day=date(2024, 2, 29), moment=datetime(2024, 2, 29)))
        async with kit.session() as s:
            found = await s.get(Values, "a")
            assert found is not None
            assert type(found.day) is date
            assert type(found.moment) is datetime


TestTypes = BaseTypes
