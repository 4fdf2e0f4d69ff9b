"""Every construct of the query builder, executed: that the server takes it and that it means what it says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runic.orm import (
    AsyncSession,
    Field,
    GeoLocation,
    Node,
    SearchSyntaxError,
    Session,
    avg,
    collect,
    count,
    create_async_driver,
    distance,
    max_,
    min_,
    select,
    sum_,
)
from runic.orm.core.metadata import MetaData
from runic.orm.query import QueryBuilder, score
from tests.live.query.conftest import GRAPH
from tests.servers.base import Server
from tests.unit.query.shop import Admin, Movie, Rated, Role, Ticket, User

BERLIN = GeoLocation(52.5, 13.4)
u = select(User).alias("u")
rated = u.traverse(User.rated, edge_alias="r", optional=False).alias("m")


def ids(session: Session, statement: QueryBuilder[Any]) -> list[str]:
    return sorted(each.id for each in session.scalars(statement))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (User.name == "Ann", "ann"),
        (User.name != "Ann", "bob cid dee"),
        (User.age < 30, "dee"),
        (User.age <= 30, "ann dee"),
        (User.age > 30, "bob"),
        (User.age >= 30.0, "ann bob"),
        (~(User.age > 30), "ann dee"),
        (User.age.is_null(), "cid"),
        (User.age.is_not_null(), "ann bob dee"),
        (User.age == None, "cid"),  # noqa: E711
        (User.name.in_(["Ann", "Bob", "Zed"]), "ann bob"),
        (User.name.not_in_(["Ann", "Bob"]), "cid dee"),
        (User.name.in_([]), ""),
        (User.name.not_in_([]), "ann bob cid dee"),
        (User.age.not_in_([30]), "bob dee"),
        (User.age.not_in_([]), "ann bob cid dee"),
        (User.name.contains("e"), "dee"),
        (User.name.startswith("B"), "bob"),
        (User.name.endswith("d"), "cid"),
        (User.name.matches("[A-C].*"), "ann bob cid"),
        (User.name.matches("n"), ""),
        (User.name.matches("Ann|Bob"), "ann bob"),
        (~User.name.matches("Ann|Bob"), "cid dee"),
        (User.active, "ann cid dee"),
        (User.active == False, "bob"),  # noqa: E712
        (User.role == Role.ADMIN, "ann"),
        (User.role.in_([Role.ADMIN, Role.MOD]), "ann bob"),
        (User.balance == Decimal("1.50"), "ann"),
        (User.joined > datetime(2020, 6, 1, tzinfo=UTC), "bob"),
        (User.joined == datetime(2020, 1, 1, tzinfo=UTC), "ann"),
        (User.session_time < timedelta(minutes=45), "bob"),
        (User.tags == ["a", "b"], "ann"),
        (User.exact == 0.1 + 0.2, "ann"),
        (User.exact > 0.3, "ann"),
        (User.home == GeoLocation(52.52, 13.405), "ann"),
        (User.home.is_null(), "cid dee"),
        (distance(User.home, BERLIN) < 10_000, "ann"),
        (~(distance(User.home, BERLIN) < 10_000), "bob"),
        (distance(User.home, BERLIN).is_null(), "cid dee"),
        (User.age == User.age, "ann bob dee"),
        (User.age > User.height, "ann"),
        ((User.age > 25) & (User.name == "Ann") | (User.name == "Cid"), "ann cid"),
        (((User.age > 25) | (User.name == "Cid")) & ~(User.name == "Ann"), "bob cid"),
    ],
)
def test_predicate_finds(session: Session, predicate: Any, expected: str) -> None:
    assert ids(session, select(User).where(predicate)) == expected.split()


def test_base_class_finds_subclasses_as_themselves(session: Session) -> None:
    found = session.scalars(select(User).where(User.name == "Dee"))
    assert [type(each) for each in found] == [Admin]
    assert found[0].level == 3
    assert ids(session, select(Admin)) == ["dee"]


def test_order_and_extent(session: Session) -> None:
    ordered = select(User).order_by(User.name)
    assert [each.id for each in session.scalars(ordered)] == ["ann", "bob", "cid", "dee"]
    assert [each.id for each in session.scalars(ordered.skip(1).limit(2))] == ["bob", "cid"]
    assert session.scalars(ordered.limit(0)) == []
    # Missing values: last in ascending, first in descending order.
    assert [each.id for each in session.scalars(select(User).order_by(User.age, desc=True))] == [
        "cid",
        "bob",
        "ann",
        "dee",
    ]
    assert session.scalars(select(User).order_by("toLower(n.name) DESC"))[0].id == "dee"
    nearest = select(User).where(User.home.is_not_null()).order_by(distance(User.home, BERLIN))
    assert [each.id for each in session.scalars(nearest)] == ["ann", "bob"]


def test_one_and_count(session: Session) -> None:
    statement = select(User).order_by(User.name).limit(3)
    assert session.scalar(statement).id == "ann"  # type: ignore[union-attr]
    assert session.scalar(select(User).where(User.name == "Zed")) is None
    assert session.count(statement) == 4
    assert session.count(select(User).where(User.age > 25)) == 2
    assert session.count(rated.return_target("m").distinct()) == 2
    assert session.count(rated.return_target("m")) == 3


def test_bound_builder_executes(session: Session) -> None:
    assert [each.id for each in session.query(User).where(User.age > 35).all()] == ["bob"]
    assert session.query(User).order_by(User.name).one().id == "ann"  # type: ignore[union-attr]
    assert session.query(User).count() == 4
    assert session.query(User).project(User.name).order_by(User.name).scalars() == [
        "Ann",
        "Bob",
        "Cid",
        "Dee",
    ]
    assert session.query(User).aggregate(avg(User.age).as_("mean")).scalar() == 30.0


def test_optional_traversal_keeps_what_leads_nowhere(session: Session) -> None:
    kept = u.traverse(User.rated).alias("m").return_nodes("u", "m")
    pairs = [(row["u"].id, row["m"] and row["m"].id) for row in session.all_rows(kept)]
    assert sorted(pairs, key=str) == [
        ("ann", "m1"),
        ("ann", "m2"),
        ("bob", "m1"),
        ("cid", None),
        ("dee", None),
    ]
    assert sorted(each.id for each in session.scalars(u.traverse(User.rated).alias("m"))) == [
        "m1",
        "m1",
        "m2",
    ]


def test_predicate_on_an_optional_step_limits_what_is_joined(session: Session) -> None:
    joined = u.traverse(User.rated, edge_alias="r").alias("m").where(Rated.score >= 4.5, on="r")
    pairs = {
        (row["u"].id, row["m"] and row["m"].id) for row in session.all_rows(joined.return_nodes("u", "m"))
    }
    assert pairs == {("ann", "m1"), ("bob", None), ("cid", None), ("dee", None)}
    dropped = u.traverse(User.rated, edge_alias="r").alias("m").with_("u", "r").where(Rated.score >= 4.5)
    assert ids(session, dropped.return_target("u")) == ["ann"]
    nobody = u.traverse(User.rated).alias("m").with_("u", "m").where(Movie.id.is_null()).return_target("u")
    assert ids(session, nobody) == ["cid", "dee"]


def test_edges_come_between_their_nodes(session: Session) -> None:
    rows = session.all_with_edges(rated.return_nodes("u", "m").return_edge("r").order_by("r.score"))
    assert [(a.id, edge.score, b.id) for a, edge, b in rows] == [
        ("ann", 3.0, "m2"),
        ("bob", 4.0, "m1"),
        ("ann", 5.0, "m1"),
    ]
    assert rows[0][0] is rows[2][0]


def test_directions(session: Session) -> None:
    bob = select(User).alias("u").where(User.id == "bob")
    assert ids(session, bob.traverse(User.friends, optional=False).alias("f")) == ["cid"]
    assert ids(session, bob.traverse(User.fans, optional=False).alias("f")) == ["ann"]


def test_repetition(session: Session) -> None:
    ann = select(User).alias("u").where(User.id == "ann")
    assert ids(session, ann.repeat(User.friends, max_hops=1).alias("f")) == ["bob", "dee"]
    assert ids(session, ann.repeat(User.friends, min_hops=2, max_hops=2).alias("f")) == ["cid"]
    assert ids(session, ann.repeat(User.friends).alias("f")) == ["bob", "cid", "dee", "dee"]
    assert ids(session, ann.repeat(User.friends).alias("f").distinct()) == ["bob", "cid", "dee"]
    assert ids(session, ann.repeat(User.friends, min_hops=0, max_hops=1).alias("f")) == ["ann", "bob", "dee"]


def test_stages(session: Session) -> None:
    statement = u.where(User.age > 25).with_("u").traverse(User.liked, optional=False).alias("p")
    assert ids(session, statement) == ["m1"]


def test_distinct(session: Session) -> None:
    assert [each.id for each in session.scalars(rated.distinct().order_by(Movie.year))] == ["m1", "m2"]
    years = select(Movie).project(Movie.year).distinct().order_by(Movie.year)
    assert session.scalars(years) == [1999, 2005, 2010]


def test_projection_decodes_values(session: Session) -> None:
    statement = select(User).where(User.id == "ann")
    fields = (
        User.name,
        User.role,
        User.balance,
        User.joined,
        User.home,
        User.exact,
        User.tags,
        User.session_time,
    )
    row = session.all_rows(statement.project(*fields))[0]
    assert row == {
        "name": "Ann",
        "role": Role.ADMIN,
        "balance": Decimal("1.50"),
        "joined": datetime(2020, 1, 1, tzinfo=UTC),
        "home": GeoLocation(52.52, 13.405),
        "exact": 0.1 + 0.2,
        "tags": ["a", "b"],
        "session_time": timedelta(hours=1),
    }
    assert session.scalars(statement.project(User.name, User.age)) == [("Ann", 30)]
    missing = session.all_rows(select(User).where(User.id == "cid").project(*fields))[0]
    assert missing == {**dict.fromkeys(row), "name": "Cid", "tags": []}


def test_projection_of_computed_values(session: Session) -> None:
    near = (
        select(User)
        .where(User.home.is_not_null())
        .project(User.id, distance(User.home, BERLIN).as_("metres"))
    )
    rows = session.all_rows(near.order_by("metres"))
    assert [row["id"] for row in rows] == ["ann", "bob"]
    assert 2000 < rows[0]["metres"] < 2500
    friends = (
        u.traverse(User.friends, optional=False).alias("f").project("u.name", "f.name", "toUpper(f.name)")
    )
    assert session.all_rows(friends.order_by("u.name").order_by("f.name"))[0] == {
        "u.name": "Ann",
        "f.name": "Bob",
        "toUpper(name)": "BOB",
    }
    whole = session.all_rows(rated.project("u", Movie.title).order_by(Movie.title).limit(1))[0]
    assert (whole["u"].id, whole["title"]) in {("ann", "Graph Wars"), ("bob", "Graph Wars")}


def test_aggregates(session: Session) -> None:
    row = session.all_rows(
        select(User).aggregate(
            count().as_("rows"),
            count(User.age).as_("ages"),
            count(User.active, distinct=True).as_("kinds"),
            avg(User.age).as_("mean"),
            sum_(User.age).as_("total"),
            min_(User.age).as_("least"),
            max_(User.name).as_("last"),
            min_(User.joined).as_("first"),
            max_(User.exact).as_("exact"),
            sum_(User.session_time).as_("time"),
            avg(User.session_time).as_("mean_time"),
            collect(User.age).as_("all"),
            collect(User.exact).as_("exacts"),
            collect(User.home).as_("homes"),
            collect(User.role, distinct=True).as_("roles"),
        )
    )[0]
    assert sorted(row.pop("all")) == [20, 30, 40]
    assert sorted(row.pop("exacts")) == [1e-300, 0.1 + 0.2]
    assert set(row.pop("homes")) == {GeoLocation(52.52, 13.405), GeoLocation(48.85, 2.35)}
    assert set(row.pop("roles")) == {Role.ADMIN, Role.MOD}
    assert row == {
        "rows": 4,
        "ages": 3,
        "kinds": 2,
        "mean": 30.0,
        "total": 90,
        "least": 20,
        "last": "Dee",
        "first": datetime(2020, 1, 1, tzinfo=UTC),
        "exact": 0.1 + 0.2,
        "time": timedelta(hours=1, minutes=30),
        "mean_time": timedelta(minutes=45),
    }
    assert type(row["total"]) is int


def test_sums_of_large_ints_are_exact(driver: Any) -> None:
    class Base(Node, metadata=MetaData()):
        """Abstract."""

    class Account(Base, labels=["Account"]):
        id: int = Field(primary_key=True)
        bank: str = Field(default="")
        cents: int = Field(default=0)

    with Session(driver) as session:
        rows = [(1, "a", 2**53 + 1), (2, "a", 2**53 + 3), (3, "b", 10**17 + 1), (4, "b", 10**17 + 1)]
        session.add_all([Account(id=key, bank=bank, cents=cents) for key, bank, cents in rows])
        by_bank = select(Account).aggregate(sum_(Account.cents).as_("total"), group_by=Account.bank)
        assert session.all_rows(by_bank.order_by("total", desc=True)) == [
            {"bank": "b", "total": 2 * 10**17 + 2},
            {"bank": "a", "total": 2**54 + 4},
        ]
        assert (
            session.query(Account).aggregate(sum_(Account.cents, distinct=True)).scalar()
            == 2**54 + 5 + 10**17
        )
        assert session.query(Account).where(Account.id < 0).aggregate(sum_(Account.cents)).scalar() == 0


def test_search_of_a_class_that_shares_its_label(driver: Any) -> None:
    class Base(Node, metadata=MetaData()):
        """Abstract."""

    class Place(Base, labels=["Place"]):
        id: str = Field(primary_key=True)
        text: str = Field(default="", index_type="FULLTEXT")

    class Country(Place, labels=["Place", "Country"], primary_label="Place"):
        pass

    driver.execute("CREATE FULLTEXT INDEX FOR (n:Place) ON (n.text)")
    with Session(driver) as session:
        session.add_all([Place(id="p", text="hilly"), Country(id="c", text="hilly")])
        session.commit()
        assert sorted(each.id for each in session.fulltext_search(Place, query="hilly").all()) == ["c", "p"]
        assert [each.id for each in session.fulltext_search(Country, query="hilly").all()] == ["c"]
        assert [each.id for each in session.scalars(select(Country))] == ["c"]


def test_aggregates_over_nothing(session: Session) -> None:
    nobody = select(User).where(User.name == "Zed")
    row = session.all_rows(
        nobody.aggregate(
            count(), avg(User.age), sum_(User.age), min_(User.exact), collect(User.name), collect("n")
        )
    )[0]
    assert list(row.values()) == [0, None, 0, None, [], []]


def test_groups(session: Session) -> None:
    statement = u.traverse(User.friends).alias("f").aggregate(count("f").as_("n"), group_by="u")
    rows = session.all_rows(statement.order_by("n", desc=True).order_by("u.name"))
    assert [(row["u"].id, row["n"]) for row in rows] == [("ann", 2), ("bob", 1), ("cid", 1), ("dee", 0)]
    assert type(rows[3]["u"]) is Admin
    by_year = select(Movie).aggregate(collect(Movie.title).as_("titles"), group_by=Movie.year)
    rows = session.all_rows(by_year.order_by(Movie.year))
    assert [(row["year"], sorted(row["titles"])) for row in rows] == [
        (1999, ["Graph Wars"]),
        (2005, ["Nothing", "The Graph"]),
        (2010, ["Graph again"]),
    ]


def test_collected_nodes_are_entities(session: Session) -> None:
    statement = u.traverse(User.friends).alias("f").aggregate(collect("f").as_("friends"), group_by="u")
    found = {row["u"].id: sorted(f.id for f in row["friends"]) for row in session.all_rows(statement)}
    assert found == {"ann": ["bob", "dee"], "bob": ["cid"], "cid": ["dee"], "dee": []}
    edges = rated.aggregate(collect("r").as_("ratings"), group_by="m")
    scores = {row["m"].id: sorted(e.score for e in row["ratings"]) for row in session.all_rows(edges)}
    assert scores == {"m1": [4.0, 5.0], "m2": [3.0]}


def test_generated_key(session: Session) -> None:
    ticket = session.scalar(select(Ticket))
    assert ticket is not None
    assert session.scalars(select(Ticket).where(Ticket.id == ticket.id)) == [ticket]
    assert session.scalars(select(Ticket).where(Ticket.id.in_([ticket.id]))) == [ticket]
    assert session.scalars(select(Ticket).project(Ticket.id)) == [ticket.id]
    assert session.count(select(Ticket).where(Ticket.id != ticket.id)) == 0


def test_fulltext(session: Session) -> None:
    assert [m.id for m in session.fulltext_search(Movie, query="wars").all()] == ["m1"]
    assert sorted(m.id for m in session.fulltext_search(Movie, query="graph").all()) == ["m1", "m2", "m4"]
    only = session.fulltext_search(Movie, query="graph", fields=["plot"])
    assert [m.id for m in only.all()] == ["m2"]
    filtered = (
        session.fulltext_search(Movie, query="graph").where(Movie.year > 2000).order_by(Movie.year).limit(1)
    )
    assert [m.id for m in filtered.all()] == ["m2"]
    scored = session.fulltext_search(Movie, query="graph").project(Movie.id, score()).all_rows()
    assert all(row["score"] > 0 for row in scored)
    assert scored == sorted(scored, key=lambda row: -row["score"])
    assert session.fulltext_search(Movie, query="graph").where(score() > 1).all() == []
    assert session.fulltext_search(Movie, query="graph").count() == 3


def test_hits_without_weight(session: Session) -> None:
    # Of "not this word" the server (4.22) rates all hits 0: all are equally good.
    rows = session.fulltext_search(Movie, query="-graph").project(Movie.id, score()).all_rows()
    assert rows == [{"id": "m3", "score": 1.0}]
    # With a word that is optional, some are worth nothing.
    scores = {
        row["id"]: row["score"]
        for row in session.fulltext_search(Movie, query="~wars").project(Movie.id, score()).all_rows()
    }
    assert scores == {"m1": 1.0, "m2": 0.0, "m3": 0.0, "m4": 0.0}


def test_a_weight_that_the_server_refuses_is_an_error_in_the_query(session: Session) -> None:
    with pytest.raises(SearchSyntaxError, match=r"Invalid value.*syntax='plain'"):
        session.fulltext_search(Movie, query="(graph) => {$weight: -1}").all()


@pytest.mark.parametrize("k", [1, 2, 3, 10])
def test_vector_search_finds_the_nearest(session: Session, k: int) -> None:
    found = session.vector_search(Movie, field=Movie.embedding, vector=[0.6, 0.8], k=k).all()
    assert [movie.id for movie in found] == ["m2", "m3", "m1"][:k]


def test_vector_search_counts_k_after_the_filter(session: Session) -> None:
    search = session.vector_search(Movie, field=Movie.embedding, vector=[1, 0], k=1)
    assert [movie.id for movie in search.where(Movie.year == 2005).all()] == ["m2"]
    # The score is the one that the index gives.
    unfiltered = session.vector_search(Movie, field=Movie.embedding, vector=[0.6, 0.8], k=3)
    scores = {row["id"]: row["score"] for row in unfiltered.project(Movie.id, score()).all_rows()}
    filtered = session.vector_search(Movie, field=Movie.embedding, vector=[0.6, 0.8], k=3).where(
        Movie.year > 0
    )
    assert {
        row["id"]: row["score"] for row in filtered.project(Movie.id, score()).all_rows()
    } == pytest.approx(scores, abs=1e-6)
    near = session.vector_search(Movie, field=Movie.embedding, vector=[0.6, 0.8], k=3).where(score() > 0.85)
    assert [movie.id for movie in near.all()] == ["m2", "m3"]
    both = session.vector_search(Movie, field=Movie.embedding, vector=[0.6, 0.8], k=1)
    assert [movie.id for movie in both.where(Movie.year > 0).where(score() < 0.95).all()] == ["m3"]


def test_euclidean_scores_are_those_of_the_index(session: Session) -> None:
    def scores(filtered: bool) -> list[float]:
        search = session.vector_search(Movie, field=Movie.embedding_far, vector=[0, 0], k=3)
        if filtered:
            search = search.where(Movie.year > 0)
        return search.project(score()).scalars()

    assert scores(filtered=True) == pytest.approx([1 / 26])
    assert scores(filtered=False) == pytest.approx([1 / 26])


def test_search_goes_on_to_what_is_related(session: Session) -> None:
    search = session.vector_search(Movie, field=Movie.embedding, vector=[1, 0], k=2).alias("m")
    rows = search.project("m.id", score()).all_rows()
    assert [row["id"] for row in rows] == ["m1", "m2"]
    assert session.vector_search(Movie, field=Movie.embedding, vector=[1, 0], k=2).count() == 2


def test_bound_builder_shows_what_its_backend_is_asked(session: Session) -> None:
    cypher, parameters = session.query(User).where(User.name.matches("A.*")).build()
    assert "string.matchRegEx(n.name, $p0)" in cypher
    assert parameters == {"p0": r"\A(?:A.*)\z"}


def test_display_form_runs_as_it_is(driver: Any, session: Session) -> None:
    for statement in (
        select(User).where(User.age > 25).order_by(User.name).limit(5),
        rated.return_nodes("u", "m").return_edge("r").where(Rated.score > 1),
        rated.aggregate(count("*").as_("order"), group_by="u").order_by("order"),
        select(User).alias("all").where(User.order.is_null()),
        select(User).where(User.name.matches("A.*")).project(User.name, User.home),
        session.vector_search(Movie, field=Movie.embedding, vector=[1, 0], k=2).where(Movie.year > 1),
        session.fulltext_search(Movie, query="graph"),
    ):
        compiled = statement.compile("falkordb")
        rows = driver.execute(compiled.text, compiled.parameters, write=False).rows
        assert rows


def test_async_session_finds_the_same(falkordb_server: Server, driver: Any) -> None:
    async def run() -> list[Any]:
        async with (
            create_async_driver(falkordb_server.url_of(GRAPH)) as made,
            AsyncSession(made) as session,
        ):
            return [
                [each.id for each in await session.scalars(select(User).order_by(User.name))],
                await session.query(User).where(User.age > 25).count(),
                await session.query(User).project(User.name).order_by(User.name).scalars(),
                [
                    m.id
                    for m in await session.vector_search(
                        Movie, field=Movie.embedding, vector=[1, 0], k=1
                    ).all()
                ],
                [m.id for m in await session.fulltext_search(Movie, query="wars").all()],
                (await session.query(User).where(User.id == "ann").one()).name,  # type: ignore[union-attr]
            ]

    assert asyncio.run(run()) == [
        ["ann", "bob", "cid", "dee"],
        2,
        ["Ann", "Bob", "Cid", "Dee"],
        ["m1"],
        ["m1"],
        "Ann",
    ]
