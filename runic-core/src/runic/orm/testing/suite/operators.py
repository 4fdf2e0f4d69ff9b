"""Operators: each gives what Python's own evaluation of the same data gives."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import OrmError, ValueNotStorableError
from runic.orm.query.builder import select
from runic.orm.query.expressions import Expr
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Employee, Person
from runic.orm.testing.people import PEOPLE, PeopleSuite, keys
from runic.orm.testing.values import TEXTS

__all__ = ["BaseOperators", "TestOperators"]


def compared(name: str, test: Callable[[Any, Any], bool], value: Any) -> list[str]:
    """The keys of people whose value is there and satisfies the test."""
    return keys(row for row in PEOPLE if row[name] is not None and test(row[name], value))


_P = Person
COMPARISONS: tuple[tuple[str, Any, list[str]], ...] = (
    ("eq", _P.name == "Ann", compared("name", operator.eq, "Ann")),
    ("ne", _P.name != "Ann", compared("name", operator.ne, "Ann")),
    ("lt", _P.years < 20, compared("years", operator.lt, 20)),
    ("le", _P.years <= 21, compared("years", operator.le, 21)),
    ("gt", _P.years > 20, compared("years", operator.gt, 20)),
    ("ge", _P.years >= 21, compared("years", operator.ge, 21)),
    ("text order", _P.name > "B", compared("name", operator.gt, "B")),
    ("float", _P.score >= 1.25, compared("score", operator.ge, 1.25)),
    ("float and int", _P.score > 1, compared("score", operator.gt, 1)),
    ("flag", _P.active == True, compared("active", operator.eq, True)),
    ("not flag", _P.active == False, compared("active", operator.eq, False)),
    ("empty text", _P.name == "", compared("name", operator.eq, "")),
    ("in", _P.name.in_(["Ann", "it's", "nobody"]), compared("name", lambda a, b: a in b, {"Ann", "it's"})),
    ("in nothing", _P.name.in_([]), []),
    ("not in", _P.years.not_in_([0, 7, 14]), compared("years", lambda a, b: a not in b, {0, 7, 14})),
    ("not in nothing", _P.name.not_in_([]), keys(PEOPLE)),
    ("contains", _P.name.contains("n"), compared("name", lambda a, b: b in a, "n")),
    ("contains quote", _P.name.contains("'"), compared("name", lambda a, b: b in a, "'")),
    ("contains slash", _P.name.contains("\\"), compared("name", lambda a, b: b in a, "\\")),
    ("contains percent", _P.name.contains("%"), compared("name", lambda a, b: b in a, "%")),
    ("contains empty", _P.name.contains(""), keys(PEOPLE)),
    ("startswith", _P.name.startswith("Ann"), compared("name", str.startswith, "Ann")),
    ("endswith", _P.name.endswith("e"), compared("name", str.endswith, "e")),
    ("endswith bracket", _P.name.endswith("]"), compared("name", str.endswith, "]")),
    ("is null", _P.years.is_null(), keys(r for r in PEOPLE if r["years"] is None)),
    ("is not null", _P.email.is_not_null(), keys(r for r in PEOPLE if r["email"] is not None)),
    ("eq none", _P.email == None, keys(r for r in PEOPLE if r["email"] is None)),
    ("ne none", _P.email != None, keys(r for r in PEOPLE if r["email"] is not None)),
    (
        "and",
        (_P.years > 10) & (_P.active == True),
        keys(r for r in PEOPLE if r["years"] is not None and r["years"] > 10 and r["active"]),
    ),
    (
        "or",
        (_P.name == "Bob") | (_P.years == 0),
        keys(r for r in PEOPLE if r["name"] == "Bob" or r["years"] == 0),
    ),
    ("not", ~(_P.years > 10), keys(r for r in PEOPLE if r["years"] is not None and r["years"] <= 10)),
    ("not not", ~~(_P.years > 10), compared("years", operator.gt, 10)),
    (
        "de morgan",
        ~((_P.name == "Bob") | (_P.active == True)),
        keys(r for r in PEOPLE if r["name"] != "Bob" and not r["active"]),
    ),
    (
        "mixed",
        ((_P.name == "Ann") | (_P.name == "Bob")) & ((_P.active == True) | (_P.years > 30)),
        keys(
            r
            for r in PEOPLE
            if r["name"] in ("Ann", "Bob") and (r["active"] or (r["years"] is not None and r["years"] > 30))
        ),
    ),
)


class BaseOperators(PeopleSuite):
    """Every operator gives what Python's own evaluation of the same data gives."""

    area: ClassVar[str] = "operators"

    @pytest.mark.parametrize("which", range(len(COMPARISONS)), ids=[name for name, _, _ in COMPARISONS])
    async def test_an_operator_means_what_it_means_in_python(self, kit: Kit, which: int) -> None:
        _, predicate, wanted = COMPARISONS[which]
        await self._load(kit)
        async with kit.session() as s:
            assert keys(await s.scalars(select(Person).where(predicate))) == wanted
            assert await s.count(select(Person).where(predicate)) == len(wanted)

    @requires(Capability.REGEX)
    async def test_matches_is_about_the_whole_text(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            for pattern in ("Ann", "A.*", "[A-Z]n+", "", ".*'.*", "Ann|Bob", "(ann|Ann)(-.*)?"):
                found = await s.scalars(select(Person).where(Person.name.matches(pattern)))
                wanted = [row for row in PEOPLE if re.fullmatch(pattern, row["name"])]
                assert keys(found) == keys(wanted), pattern

    async def test_several_wheres_are_anded(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            stmt = select(Person).where(Person.name == "Ann").where(Person.active == True)
            found = await s.scalars(stmt)
            assert keys(found) == keys(r for r in PEOPLE if r["name"] == "Ann" and r["active"])

    async def test_two_fields_are_compared(self, kit: Kit) -> None:
        await kit.write(
            "CREATE (:Employee:Person {id: 'a', years: 5, salary: 5}),"
            " (:Employee:Person {id: 'b', years: 5, salary: 6})"
        )
        async with kit.session() as s:
            found = await s.scalars(select(Employee).where(Employee.years == Employee.salary))
            assert keys(found) == ["a"]

    async def test_a_long_list_of_values(self, kit: Kit) -> None:
        await self._load(kit)
        async with kit.session() as s:
            wanted = [f"{n:02}" for n in range(5000)]
            assert await s.count(select(Person).where(Person.id.in_(wanted))) == len(PEOPLE)

    async def test_a_wide_predicate(self, kit: Kit) -> None:
        await self._load(kit)
        predicate: Expr = Person.id == "nobody"
        for number in range(300):
            predicate = predicate | (Person.id == f"{number:02}")
        async with kit.session() as s:
            assert await s.count(select(Person).where(predicate)) == len(PEOPLE)

    async def test_a_real_bool_is_refused(self, kit: Kit) -> None:
        with pytest.raises(TypeError):
            select(Person).where(Person.name is None)  # pyright: ignore[reportUnnecessaryComparison] - the mistake
        assert kit.recorder.requests == []

    async def test_values_of_the_wrong_type_are_refused_before_anything_is_sent(self, kit: Kit) -> None:
        async with kit.session() as s:
            predicates: list[Callable[[], Expr]] = [
                lambda: Person.years == "x",
                lambda: Person.name == 5,
                lambda: Person.years.in_(["a"]),
                lambda: Person.name == "\0",
                lambda: Person.years > 2**63,
            ]
            for predicate in predicates:
                with kit.recorder.since() as sent, pytest.raises((OrmError, TypeError)):
                    await s.scalars(select(Person).where(predicate()))
                assert sent == []

    async def test_an_index_changes_no_answer_about_texts(self, kit: Kit) -> None:
        # Person.name is indexed; indexes of texts fold case, trim, and leave out what is empty.
        texts = [*dict.fromkeys(TEXTS), "A", "b", "B", "Bo", "x" * 1000 + "y", "x ", " x"]
        await kit.write(
            "UNWIND range(0, size($texts) - 1) AS i CREATE (:Person {id: toString(i), name: $texts[i]})",
            {"texts": texts},
        )
        async with kit.session() as s:
            wrong: list[str] = []
            for text in texts:
                found = [p.name for p in await s.scalars(select(Person).where(Person.name == text))]
                if found != [text]:
                    wrong.append(text[:20])
            assert wrong == []
            found = [p.name for p in await s.scalars(select(Person).where(Person.name.in_(texts)))]
            assert sorted(found) == sorted(texts)
            for text in ("", "B", "b", "it's", "\u00e9", "x "):
                stmt = select(Person).where(Person.name <= text)
                found = [p.name for p in await s.scalars(stmt)]
                wanted = [each for each in texts if each.encode() <= text.encode()]
                assert sorted(found) == sorted(wanted), text

    async def test_a_control_character_does_not_divide_a_text(self, kit: Kit) -> None:
        await kit.write("CREATE (:Person {id: '1', name: $name})", {"name": "a\x01b"})
        async with kit.session() as s:
            assert await s.count(select(Person).where(Person.name == "a")) == 0
            assert await s.count(select(Person).where(Person.name == "a\x01b")) == 1

    async def test_a_text_key_is_found_again_or_refused_by_name(self, kit: Kit) -> None:
        texts = [*dict.fromkeys(TEXTS), "x ", " x", "a\x01b", "x" * 5000]
        for text in texts:
            session = kit.session()
            with kit.recorder.since() as sent:
                try:
                    session.add(Person(id=text, email=text))
                    await session.commit()
                except ValueNotStorableError as error:
                    assert not sent
                    assert "Person." in str(error)  # sometimes it is not refused
                    await session.close()
                    continue
            await session.close()
            async with kit.session() as s:
                found = await s.get(Person, text)
                assert found is not None, text
                assert found.id == text
                found.name = "changed"
            async with kit.session() as s:
                (found,) = await s.scalars(select(Person).where(Person.email == text))
                assert found.name == "changed"
                s.delete(found)


TestOperators = BaseOperators
