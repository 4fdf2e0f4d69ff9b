"""Hostile text wherever text goes: it comes back as it is or is refused by name, and breaks nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from runic.orm import Edge, Field, Mapped, Node, OrmError, Relation, Session, ValueNotStorableError, select
from runic.orm.core.metadata import metadata
from runic.orm.driver.age import AGEDriver, create_age_driver
from runic.orm.driver.age.index_adapter import AGEIndexAdapter
from runic.orm.testing.values import TEXTS
from tests.servers.base import Server

NEVER = ("a\0b", "\0", "\0'}) DETACH DELETE n //", "\ud800", "x\udfff")
BREAKS = (
    "$$) AS (a agtype); DROP TABLE public.canary; --",
    "'}) DETACH DELETE n WITH 1 AS x CREATE (:Pwned) //",
    "`) DETACH DELETE n //",
    '"; DROP TABLE public.canary; --',
    "x' || pg_sleep(9) || '",
)


class Parcel(Node):
    k: int = Field(primary_key=True)
    text: Mapped[str | None] = Field(default=None, index_type="FULLTEXT")
    tags: list[str] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)
    others: list[Parcel] = Relation(
        relationship="SENT_WITH", direction="OUTGOING", target="Parcel", edge_model="SentWith"
    )


class SentWith(Edge, type="SENT_WITH"):
    note: str | None = Field(default=None)


@pytest.fixture(scope="module")
def guarded(age_server: Server) -> Iterator[AGEDriver]:
    """A graph with a canary in it, beside a table that is one; both are looked at in the end."""
    age_server.reset("test_age_hostile")
    options = {"host": age_server.host, "port": age_server.port, **age_server.credentials}
    with create_age_driver(**options, graph="test_age_hostile") as driver:
        driver.sql("DROP TABLE IF EXISTS public.canary")
        driver.sql("CREATE TABLE public.canary (alive boolean)")
        AGEIndexAdapter(driver).create_fulltext_index("Parcel", "text")
        driver.execute("CREATE (:Canary {alive: true})")
        yield driver
        assert driver.execute("MATCH (n:Canary) RETURN n.alive").rows == [[True]]
        assert driver.execute("MATCH (n:Pwned) RETURN n").rows == []
        assert driver.sql("SELECT count(*) FROM public.canary") == [(0,)]
        driver.sql("DROP TABLE public.canary")
    age_server.reset("test_age_hostile")


def test_text_comes_back_from_every_place_that_takes_a_value(guarded: AGEDriver) -> None:
    texts = list(dict.fromkeys((*TEXTS, *BREAKS)))
    guarded.execute("MATCH (n:Parcel) DETACH DELETE n")
    with Session(guarded) as session:
        parcels = [Parcel(k=n, text=t, tags=[t, t], extra={t: [t]}) for n, t in enumerate(texts)]
        session.add_all(parcels)
        session.flush()
        for n, text in enumerate(texts):
            session.relate(parcels[n], "others", parcels[0], SentWith(note=text))
    with Session(guarded) as session:
        for n, text in enumerate(texts):
            found = session.get(Parcel, n)
            assert found is not None
            assert (found.text, found.tags, found.extra) == (text, [text, text], {text: [text]}), text
            equal = session.scalars(select(Parcel).where(Parcel.text == text))
            assert [each.k for each in equal] == [n], text
            assert session.count(select(Parcel).where(Parcel.text.in_([text]))) == 1, text
            assert session.count(select(Parcel).where(Parcel.text.contains(text))) >= 1, text
            raw = session.execute(
                "RETURN $v AS v, {k: $v} AS m, [$v] AS l, $m AS p", {"v": text, "m": {text: text}}
            )
            assert raw.rows == [[text, {"k": text}, [text], {text: text}]], text
            with contextlib.suppress(OrmError, ValueError):
                session.fulltext_search(Parcel, query=text).all()
        notes = session.execute("MATCH (:Parcel)-[r:SENT_WITH]->() RETURN r.note AS note").rows
        assert sorted(note for (note,) in notes) == sorted(texts)


@pytest.mark.parametrize("text", NEVER, ids=ascii)
def test_text_that_postgresql_cannot_keep_is_refused_by_name(guarded: AGEDriver, text: str) -> None:
    for parcel in (Parcel(k=-1, text=text), Parcel(k=-1, tags=[text])):
        with Session(guarded) as session:
            session.add(parcel)
            with pytest.raises(ValueNotStorableError, match=r"Parcel\.(text|tags)"):
                session.flush()
            session.rollback()
    with pytest.raises(ValueNotStorableError, match=r"\$v"):
        guarded.execute("RETURN $v", {"v": text})
    with pytest.raises(ValueNotStorableError, match=r"\$v"):
        guarded.execute("RETURN $v", {"v": {text: 1}})


@pytest.mark.parametrize("text", [*TEXTS, *NEVER, *BREAKS], ids=lambda text: ascii(text)[:30])
def test_a_name_is_taken_as_it_is_or_refused(guarded: AGEDriver, text: str) -> None:
    """Labels, properties, aliases, parameter names, graphs: none of them can leave its quotes."""
    adapter = AGEIndexAdapter(guarded)
    registered = metadata.snapshot()
    attempts = (
        lambda: adapter.create_range_index(text, "k"),
        lambda: adapter.create_range_index("Parcel", text),
        lambda: guarded.execute("RETURN 1 AS x", {text: 1}),
        lambda: select(Parcel).alias(text).compile("age"),
        lambda: type("Model", (Node,), {"__annotations__": {"k": int}}, labels=[text]),
        lambda: create_age_driver(graph=text),
        lambda: guarded.with_isolation(text),
    )
    for attempt in attempts:
        with contextlib.suppress(OrmError, ValueError, TypeError):
            attempt()
    metadata.restore(registered)
    for spec in adapter.list_indexes():
        if spec.index_type == "RANGE":
            adapter.drop(spec)


def test_raw_text_with_hostile_literals_is_one_statement(guarded: AGEDriver) -> None:
    for text in (*TEXTS, *BREAKS):
        literal = text.replace("\\", "\\\\").replace("'", "\\'")
        assert guarded.execute(f"RETURN '{literal}' AS t").rows == [[text]], text
        name = text.replace("`", "``")
        with contextlib.suppress(OrmError):
            guarded.execute(f"RETURN 1 AS `{name}`")
