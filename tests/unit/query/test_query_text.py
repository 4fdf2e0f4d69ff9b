"""The Cypher that statements show: one clause a line, values as parameters."""

from __future__ import annotations

import pytest

from runic.orm import (
    GeoLocation,
    avg,
    collect,
    count,
    count_of,
    distance,
    exists,
    max_,
    min_,
    select,
    sum_,
)
from runic.orm.compile.compiler import compile_execution
from runic.orm.compile.standard import STANDARD
from runic.orm.query import score
from runic.orm.query.specialised import FulltextQueryBuilder, VectorQueryBuilder
from tests.unit.query.shop import Admin, Movie, Rated, Ticket, User

HERE = GeoLocation(52.5, 13.4)
u = select(User).alias("u")
rated = u.traverse(User.rated, edge_alias="r").alias("m")

CASES = {
    "the documented example": (
        select(User).where(User.active == True),  # noqa: E712
        "MATCH (n:User)\nWHERE n.active = $p0\nRETURN n",
    ),
    "every class matches by its primary label": (select(Admin), "MATCH (n:Admin)\nRETURN n"),
    "several wheres are ANDed": (
        select(User).where(User.age >= 18).where(User.age < 65),
        "MATCH (n:User)\nWHERE n.age >= $p0 AND n.age < $p1\nRETURN n",
    ),
    "or within and takes parentheses, and within or does not": (
        select(User)
        .where(((User.age > 1) | (User.age < 0)) & (User.name == "x"))
        .where((User.age == 1) & (User.name == "y") | (User.age == 2)),
        (
            "MATCH (n:User)\nWHERE (n.age > $p0 OR n.age < $p1) AND n.name = $p2"
            " AND (n.age = $p3 AND n.name = $p4 OR n.age = $p5)\nRETURN n"
        ),
    ),
    "text operators": (
        select(User)
        .where(User.name.contains("a") | User.name.startswith("b"))
        .where(User.name.endswith("c"))
        .where(User.name.matches("d.*")),
        (
            "MATCH (n:User)\nWHERE (n.name CONTAINS $p0 OR n.name STARTS WITH $p1) AND n.name ENDS WITH $p2"
            " AND n.name =~ $p3\nRETURN n"
        ),
    ),
    "membership": (
        select(User).where(User.name.in_(["a", "b"])).where(User.age.not_in_([1])),
        "MATCH (n:User)\nWHERE n.name IN $p0 AND NOT n.age IN $p1\nRETURN n",
    ),
    "null tests, also by comparison with None": (
        select(User).where(User.age.is_null() | User.name.is_not_null()).where(User.age != None),  # noqa: E711
        "MATCH (n:User)\nWHERE (n.age IS NULL OR n.name IS NOT NULL) AND n.age IS NOT NULL\nRETURN n",
    ),
    "a question for a relationship": (
        select(User).where(exists(User.mates) | (User.age > 1)),
        "MATCH (n:User)\nWHERE EXISTS { MATCH (n)-[:MATE]-(__n0:User) } OR n.age > $p0\nRETURN n",
    ),
    "a question for what is related, and for what that is related to": (
        select(User).where(~exists(User.rated, Rated.score > 1, Movie.year > User.age)),
        (
            "MATCH (n:User)\nWHERE NOT EXISTS { MATCH (n)-[__e0:RATED]->(__n0:Movie)"
            " WHERE __e0.score > $p0 AND __n0.year > n.age }\nRETURN n"
        ),
    ),
    "related things are counted": (
        select(User).where(count_of(User.friends, exists(User.rated)) >= 2),
        (
            "MATCH (n:User)\nWHERE COUNT { MATCH (n)-[:KNOWS]->(__n0:User)"
            " WHERE EXISTS { MATCH (__n0)-[:RATED]->(__n1:Movie) } } >= $p0\nRETURN n"
        ),
    ),
    "negation": (
        select(User).where(~((User.age > 1) & (User.age < 5))).where(~(User.name == "x")),
        "MATCH (n:User)\nWHERE NOT (n.age > $p0 AND n.age < $p1) AND NOT n.name = $p2\nRETURN n",
    ),
    "a negated null test is the other one": (
        select(User).where(~User.age.is_null()),
        "MATCH (n:User)\nWHERE n.age IS NOT NULL\nRETURN n",
    ),
    "a boolean field alone": (
        select(User).where(User.active),
        "MATCH (n:User)\nWHERE n.active = true\nRETURN n",
    ),
    "field against field": (
        select(User).where(User.age > User.height),
        "MATCH (n:User)\nWHERE n.age > n.height\nRETURN n",
    ),
    "words of Cypher are quoted": (
        select(User).alias("all").where(User.order == "x").order_by(User.order),
        "MATCH (`all`:User)\nWHERE `all`.`order` = $p0\nRETURN `all`\nORDER BY `all`.`order` ASC",
    ),
    "order, skip, limit": (
        select(User).order_by(User.name).order_by("n.age DESC").skip(5).limit(10),
        "MATCH (n:User)\nRETURN n\nORDER BY n.name ASC, n.age DESC\nSKIP 5\nLIMIT 10",
    ),
    "a field in text needs no alias": (
        select(User).order_by("age, toLower(name) desc", desc=False),
        "MATCH (n:User)\nRETURN n\nORDER BY n.age ASC, toLower(n.name) DESC",
    ),
    "distinct": (
        select(User).distinct().order_by(User.name, desc=True),
        "MATCH (n:User)\nRETURN DISTINCT n\nORDER BY n.name DESC",
    ),
    "projection": (select(User).project(User.name, User.age), "MATCH (n:User)\nRETURN n.name, n.age"),
    "projection by text, with a whole node": (
        u.project("u", "u.name", "toUpper(u.name)"),
        "MATCH (u:User)\nRETURN u, u.name, toUpper(u.name)",
    ),
    "a traversal returns where it leads": (
        u.traverse(User.friends).alias("f"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[:KNOWS]->(f:User)\nRETURN f",
    ),
    "directions": (
        u.traverse(User.fans, optional=False).alias("f").traverse(User.mates, optional=False).alias("g"),
        "MATCH (u:User)\nMATCH (u)<-[:KNOWS]-(f:User)\nMATCH (f)-[:MATE]-(g:User)\nRETURN g",
    ),
    "a hop starts from the last node that has the relation": (
        u.traverse(User.rated).alias("m").traverse(User.friends).alias("f"),
        (
            "MATCH (u:User)\nOPTIONAL MATCH (u)-[:RATED]->(m:Movie)"
            "\nOPTIONAL MATCH (u)-[:KNOWS]->(f:User)\nRETURN f"
        ),
    ),
    "what is required after what is optional": (
        u.traverse(User.rated, edge_alias="r").alias("m").repeat(User.friends, on="u").alias("f"),
        (
            "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nWITH u, r, m"
            "\nMATCH (u)-[:KNOWS*1..]->(f:User)\nRETURN f"
        ),
    ),
    "or from the one named": (
        u.traverse(User.friends).alias("f").traverse(User.rated, on="u").alias("m"),
        (
            "MATCH (u:User)\nOPTIONAL MATCH (u)-[:KNOWS]->(f:User)"
            "\nOPTIONAL MATCH (u)-[:RATED]->(m:Movie)\nRETURN m"
        ),
    ),
    "predicates go to the clause of their last variable": (
        rated.where(Rated.score >= 4.0, on="r").where(User.active == True, on="u"),  # noqa: E712
        (
            "MATCH (u:User)\nWHERE u.active = $p0\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)"
            "\nWHERE r.score >= $p1"
            "\nRETURN m"
        ),
    ),
    "nodes and the edge between them": (
        rated.return_nodes("u", "m").return_edge("r"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nRETURN u, r, m",
    ),
    "another target": (
        rated.return_target("u"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nRETURN u",
    ),
    "repetition": (
        select(User).alias("p").where(User.id == "1").repeat(User.friends, min_hops=1, max_hops=5).alias("a"),
        "MATCH (p:User)\nWHERE p.id = $p0\nMATCH (p)-[:KNOWS*1..5]->(a:User)\nRETURN a",
    ),
    "unbounded repetition": (
        u.repeat(User.friends).alias("t"),
        "MATCH (u:User)\nMATCH (u)-[:KNOWS*1..]->(t:User)\nRETURN t",
    ),
    "exactly two hops": (
        u.repeat(User.friends, min_hops=2, max_hops=2, optional=True).alias("t"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[:KNOWS*2..2]->(t:User)\nRETURN t",
    ),
    "stages": (
        u.where(User.active == True).with_("u").traverse(User.liked).alias("p").return_target("p"),  # noqa: E712
        "MATCH (u:User)\nWHERE u.active = $p0\nWITH u\nOPTIONAL MATCH (u)-[:LIKED]->(p:Movie)\nRETURN p",
    ),
    "after a stage predicates drop rows": (
        rated.with_("u", "r").where(Rated.score > 3.0).return_target("u"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nWITH u, r\nWHERE r.score > $p0\nRETURN u",
    ),
    "a count for each node": (
        rated.aggregate(count("*").as_("friend_count"), group_by="u").order_by("friend_count", desc=True),
        (
            "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nRETURN u, count(*) AS friend_count"
            "\nORDER BY friend_count DESC"
        ),
    ),
    "all aggregates": (
        select(User).aggregate(
            count(),
            count(User.name, distinct=True),
            avg(User.age).as_("mean"),
            sum_(User.age),
            min_(User.age),
            max_(User.age),
            collect(User.name),
        ),
        (
            "MATCH (n:User)"
            "\nRETURN count(*), count(DISTINCT n.name), avg(n.age) AS mean, sum(n.age), min(n.age),"
            " max(n.age), collect(n.name)"
        ),
    ),
    "groups by several things": (
        rated.aggregate(count("m"), group_by=["u", Movie.year]).order_by(count("m"), desc=True),
        (
            "MATCH (u:User)\nOPTIONAL MATCH (u)-[r:RATED]->(m:Movie)\nRETURN u, m.year, count(m)"
            "\nORDER BY count(m) DESC"
        ),
    ),
    "distance": (
        select(User).where(distance(User.home, HERE) < 1000).order_by(distance(User.home, HERE)),
        (
            "MATCH (n:User)\nWHERE distance(n.home, point($p0)) < $p1\nRETURN n"
            "\nORDER BY distance(n.home, point($p2)) ASC"
        ),
    ),
    "distance as a value": (
        select(User).project(User.name, distance(User.home, HERE).as_("metres")).order_by("metres"),
        "MATCH (n:User)\nRETURN n.name, distance(n.home, point($p0)) AS metres\nORDER BY metres ASC",
    ),
    "a generated key is the server's identity": (
        select(Ticket).where(Ticket.id == 7).order_by(Ticket.id),
        "MATCH (n:Ticket)\nWHERE id(n) = $p0\nRETURN n\nORDER BY id(n) ASC",
    ),
    "an empty list is a constant": (
        select(User).where(User.name.in_([])).where(User.age.not_in_([])),
        "MATCH (n:User)\nWHERE false AND NOT false\nRETURN n",
    ),
    "the root may be named last": (
        select(User).where(User.age > 1).alias("x"),
        "MATCH (x:User)\nWHERE x.age > $p0\nRETURN x",
    ),
    "a target may be renamed": (
        u.traverse(User.rated).alias("m").where(Movie.year > 1, on="m").alias("film"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[:RATED]->(film:Movie)\nWHERE film.year > $p0\nRETURN film",
    ),
    "a predicate may name what comes later": (
        u.where(Movie.year > 1, on="m").traverse(User.rated).alias("m"),
        "MATCH (u:User)\nOPTIONAL MATCH (u)-[:RATED]->(m:Movie)\nWHERE m.year > $p0\nRETURN m",
    ),
    "fulltext, as documented": (
        FulltextQueryBuilder(None, Movie, "graph databases", ["title"])
        .where(Movie.year == 1999)
        .order_by(Movie.year, desc=True)
        .limit(20),
        (
            "CALL db.idx.fulltext.queryNodes('Movie', $__fts_query) YIELD node AS n"
            "\nWHERE n.year = $p0\nRETURN n"
            "\nORDER BY n.year DESC\nLIMIT 20"
        ),
    ),
    "fulltext, best first": (
        FulltextQueryBuilder(None, Movie, "graph").where(score() > 0.5).project(Movie.title, score()),
        (
            "CALL db.idx.fulltext.queryNodes('Movie', $__fts_query) YIELD node AS n, score AS __score"
            "\nWITH collect([n, __score]) AS __hits, max(__score) AS __best\nUNWIND __hits AS __hit"
            "\nWITH __hit[0] AS n, CASE WHEN __best > 0 THEN __hit[1] / __best ELSE 1.0 END AS __score"
            "\nWHERE __score > $p0\nRETURN n.title, __score\nORDER BY __score DESC"
        ),
    ),
    "fulltext, the server's scores are enough to order by": (
        FulltextQueryBuilder(None, Movie, "graph").order_by(score()).order_by("score"),
        (
            "CALL db.idx.fulltext.queryNodes('Movie', $__fts_query) YIELD node AS n, score AS __score"
            "\nRETURN n\nORDER BY __score ASC, __score ASC"
        ),
    ),
    "fulltext, ordered by something else": (
        FulltextQueryBuilder(None, Movie, "graph", syntax="plain").order_by(Movie.year),
        (
            "CALL db.idx.fulltext.queryNodes('Movie', $__fts_query) YIELD node AS n"
            "\nRETURN n\nORDER BY n.year ASC"
        ),
    ),
    "vector": (
        VectorQueryBuilder(None, Movie, Movie.embedding, [0.1, 0.2], 5),
        (
            "CALL db.idx.vector.queryNodes('Movie', 'embedding', 5, vecf32($__knn_vec)) YIELD node AS n,"
            " score AS __score\nRETURN n\nORDER BY __score DESC"
        ),
    ),
    "vector among what fits": (
        VectorQueryBuilder(None, Movie, Movie.embedding, [0.1, 0.2], 5)
        .where(Movie.year == 1999)
        .where(score() < 0.3),
        (
            "MATCH (n:Movie)\nWHERE n.year = $p0 AND n.embedding IS NOT NULL"
            "\nWITH n, vector.similarity.cosine(n.embedding, vecf32($__knn_vec)) AS __score"
            "\nWHERE __score < $p1"
            "\nWITH n, __score\nORDER BY __score DESC\nLIMIT 5\nRETURN n\nORDER BY __score DESC"
        ),
    ),
    "a search goes on like any other statement": (
        FulltextQueryBuilder(None, Movie, "graph").alias("m").with_("m").where(score() > 1).distinct(),
        (
            "CALL db.idx.fulltext.queryNodes('Movie', $__fts_query) YIELD node AS m, score AS __score"
            "\nWITH collect([m, __score]) AS __hits, max(__score) AS __best\nUNWIND __hits AS __hit"
            "\nWITH __hit[0] AS m, CASE WHEN __best > 0 THEN __hit[1] / __best ELSE 1.0 END AS __score"
            "\nWHERE __score > $p0\nWITH m, __score\nRETURN DISTINCT m"
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_statement_shows_as(name: str) -> None:
    statement, expected = CASES[name]
    assert str(statement) == expected
    cypher, _ = statement.build()
    assert cypher == expected


def test_a_vector_search_can_do_without_the_index() -> None:
    search = VectorQueryBuilder(None, Movie, Movie.embedding, [0.1, 0.2], 5)
    assert "vector.queryNodes" in compile_execution(search, STANDARD).text
    exact = compile_execution(search.counted(), STANDARD, exact=True)
    assert exact.text == (
        "MATCH (`n`:`Movie`)\nWHERE `n`.`embedding` IS NOT NULL"
        "\nWITH `n`, vector.similarity.cosine(`n`.`embedding`, vecf32($__knn_vec)) AS `__score`"
        "\nORDER BY `__score` DESC\nLIMIT $__knn_k\nRETURN count(*) AS `c0`"
    )


def test_values_are_parameters_in_the_order_of_the_text() -> None:
    statement = (
        u.traverse(User.rated, edge_alias="r")
        .alias("m")
        .where(Rated.score >= 4.0, on="r")
        .where((User.name == "Ann") | User.age.in_([1, 2]), on="u")
    )
    assert statement.build()[1] == {"p0": "Ann", "p1": [1, 2], "p2": 4.0}


def test_search_parameters_have_names_of_their_own() -> None:
    fulltext = FulltextQueryBuilder(None, Movie, "graph").where(Movie.year == 1)
    vector = VectorQueryBuilder(None, Movie, Movie.embedding, [1, 2]).where(Movie.year == 1)
    assert fulltext.build()[1] == {"__fts_query": "graph", "p0": 1}
    assert vector.build()[1] == {"__knn_vec": [1.0, 2.0], "p0": 1}
