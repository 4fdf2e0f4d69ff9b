"""What newcomers pass to sessions by mistake is refused in words that say what to write instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from runic.orm import (
    AsyncRepository,
    AsyncSession,
    FieldValidationError,
    GeoLocation,
    MetadataError,
    Repository,
    ServerError,
    Vector,
    create_async_driver,
    run_in_transaction,
    run_in_transaction_async,
    select,
)
from runic.orm.core.descriptors import Field
from runic.orm.session.session import Session
from tests.live.session.models import Company, Model, Person, Rated


class Place(Model):
    """Its nodes are read as columns also where raw text returns them whole."""

    id: str = Field(primary_key=True)
    at: GeoLocation | None = Field(default=None)
    look: Vector | None = Field(default=None, index_type="VECTOR", dimension=2)


@pytest.fixture
def people(session: Session) -> Session:
    session.add_all([Person(id="ann"), Person(id="ben"), Company(id="acme")])
    session.commit()
    return session


def ann(session: Session) -> Person:
    found = session.get(Person, "ann")
    assert found is not None
    return found


MISTAKES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda s: s.add([Person(id="x")]), r"use add_all\(\)"),
    (lambda s: s.add("ann"), "only nodes can be added to a session, and 'ann' is none$"),
    (lambda s: s.add(Rated()), r"is an edge: pass it to relate\("),
    (lambda s: s.add_all(Person(id="x")), r"add_all\(\) takes several entities.*use add\(\)"),
    (lambda s: s.delete("ann"), r"delete\(\) takes an entity, not 'ann'"),
    (lambda s: s.delete(None), r"delete\(\) takes an entity, not None"),
    (lambda s: s.expunge(Person), r"expunge\(\) takes an entity"),
    (lambda s: s.get(Person, ["ann"]), r"\['ann'\] cannot be the primary key of a Person"),
    (lambda s: s.get_many(Person, [{}]), "{} cannot be the primary key of a Person"),
    (lambda s: s.get_many(Person, "ann"), r"get_many\(\) takes several keys, as a list or so, not 'ann'"),
    (lambda s: s.get_many(Person, 3), r"get_many\(\) takes several keys"),
    (lambda s: s.get(Person, "ann", fetch="friends"), r"a list of names: fetch=\['friends'\]"),
    (lambda s: s.get(Person, "ann", fetch=[Person.friends]), "is named by text, such as"),
    (lambda s: s.load(ann(s), Person.friends), "is named by text, such as"),
    (lambda s: s.scalars(Person), r"made by select\(\), not .*: write select\(Person\)"),
    (lambda s: s.scalar(Person), r"write select\(Person\)"),
    (lambda s: s.count(Person), r"write select\(Person\)"),
    (lambda s: s.all_rows(Person), r"write select\(Person\)"),
    (lambda s: s.all_with_edges(Person), r"write select\(Person\)"),
    (lambda s: s.column(Person), r"write select\(Person\)"),
    (lambda s: s.scalar_value(Person), r"write select\(Person\)"),
    (lambda s: list(s.stream(Person)), r"write select\(Person\)"),
    (lambda s: list(s.stream(select(Person), page="x")), "page takes an int, not str"),
    (lambda s: s.scalars("MATCH (n) RETURN n"), r"raw Cypher runs by session.execute\(\)"),
    (lambda s: s.scalars(select(Person).traverse(Person.friends)), r"call .alias\('name'\) to complete it"),
    (lambda s: s.execute(select(Person)), r"Cypher as text.*session.scalars\(\)"),
    (lambda s: s.execute(None), "Cypher as text, not None"),
    (lambda s: s.execute("RETURN $x", [1]), "values by name.*not a list"),
    (lambda s: run_in_transaction(s._core.driver, awaited), r"is async: use run_in_transaction_async\(\)"),
    (lambda s: Repository(Person, s), "a Repository runs in a Session"),
    (lambda s: AsyncRepository(s, Person), "an AsyncRepository runs in an AsyncSession"),
]


async def awaited(_: object) -> int:
    return 1


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_a_wrong_argument_is_refused_by_a_message_about_it(
    people: Session, mistake: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        mistake(people)
    assert ann(people).id == "ann"


@pytest.mark.parametrize("key", ["ann", "nobody"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("frends", "Person has no relation 'frends'; its relations are"),
        ("company.stuff", "Company has no relation 'stuff'; its relations are: staff"),
        ("company.", "Company has no relation ''"),
        ("friends.boss.x", "Person has no relation 'x'"),
    ],
)
def test_misspelt_relations_are_told_whether_or_not_there_is_something_to_load(
    people: Session, key: str, path: str, message: str
) -> None:
    for look_up in (lambda: people.get(Person, key, [path]), lambda: people.get_many(Person, [key], [path])):
        with pytest.raises(MetadataError, match=message):
            look_up()


def test_none_in_a_relation_is_refused_and_not_left_out(people: Session) -> None:
    ann(people).friends.append(None)  # type: ignore[arg-type]
    with pytest.raises(FieldValidationError, match=r"Person.friends relates to Person; .* has None in it"):
        people.commit()


def test_nodes_of_another_class_in_a_raw_result_are_refused_and_not_left_out(people: Session) -> None:
    for returns in (Company, Place):
        with pytest.raises(FieldValidationError, match=rf"labels \['Person'\] is no {returns.__name__}"):
            Repository(people, returns).cypher("MATCH (n:Person) RETURN n", returns=returns)


def test_parameters_of_a_driver_have_names_and_its_text_is_text(driver: Any) -> None:
    with pytest.raises(TypeError, match="values by name"):
        driver.execute("RETURN $x", (1,))
    with pytest.raises(TypeError, match="Cypher as text"):
        driver.execute(select(Person))


def test_a_vector_search_without_an_index_says_what_to_make(people: Session) -> None:
    with pytest.raises(ServerError, match=r"no vector index to search.*create_indexes\("):
        people.vector_search(Place, field=Place.look, vector=[1, 2]).all()


def test_a_driver_of_the_other_colour_is_refused_at_once(driver: Any) -> None:
    async def main() -> None:
        async with create_async_driver("falkordb", port=1) as other:
            with pytest.raises(TypeError, match=r"a Session needs a sync driver.*create_driver\(\)"):
                Session(other)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="a Session needs a sync driver"):
                run_in_transaction(other, lambda _: None)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match=r"not async: use run_in_transaction\(\)"):
                await run_in_transaction_async(other, lambda _: 1)  # type: ignore[arg-type, return-value]

    asyncio.run(main())
    with pytest.raises(TypeError, match=r"an AsyncSession needs an async driver.*create_async_driver\(\)"):
        AsyncSession(driver)
