"""Fulltext searches: what is found, what its score means, and texts that nobody has to escape."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

import pytest

from runic.orm.compile.dialect import Capability
from runic.orm.exceptions import QueryError, SearchSyntaxError, ServerError
from runic.orm.query import count_of, exists
from runic.orm.query.builder import select
from runic.orm.query.expressions import max_, score
from runic.orm.testing.gating import requires
from runic.orm.testing.kit import Kit
from runic.orm.testing.models import Document, Report
from runic.orm.testing.suite.base import LiveSuite

__all__ = ["BaseFulltext", "TestFulltext"]

#: Texts that some server's query language has no place for, or reads as operators.
HOSTILE = [
    '"', '"unbalanced', "(", "()", ")", "[a TO", "{", "{}", "a:b", "title:", "a AND", "AND", "NOT", "OR x",
    "C++ && x", "foo/bar", "\\", "a\\", "*", "?", "@", "@title", "|", "||", "-", "~", "%", "!", "+", "^",
    "$x", ";", "it's", "' OR 1=1", "=>{$weight: 2}", "a~", "x^", "hello^-1", "<->", "a & b", "!!a", ":*",
]  # fmt: skip

#: Texts with a word in them, each of which is found by itself.
VERBATIM = [
    "C++ && x", "foo/bar", "read/write: @home|away", "it's Ann's", "e-mail", "graph-based (again)", "v1.2.3",
    "100%", "1.5", "~maybe -not", "{braces} [brackets]", "title:colon", "snake_case", "#tag", "$price",
    "5 > 3 = true", "http://example.com/a?b=c&d=e", "someone@example.com", "NOT x", "x AND y",
    "one OR two", "hello*", "wh?t", "日本語", "日本語のテキスト", "графы", "ГРАФЫ", "naïve", "NAÏVE",
    "İstanbul", "straße", "e\u0301tude",
    "“quoted”", "wait…", "مرحبا", "שלום", "graph 😀",
]  # fmt: skip


class BaseFulltext(LiveSuite):
    """Searches by text."""

    area: ClassVar[str] = "search"

    async def _documents(self, kit: Kit) -> None:
        async with kit.session() as s:
            first = Document(id="1", title="graph databases", body="nodes and edges", year=2020)
            second = Document(id="2", title="cooking", body="a graph of flavours", year=2010)
            third = Document(id="3", title="gardening", body="roses and tulips", year=2020)
            s.add_all([first, second, third, Document(id="4", title="empty", body="", year=2000)])
            first.cites.append(second)
            second.cites.extend([first, third])

    async def _graded(self, kit: Kit) -> str:
        """Documents of which one word is a larger or a smaller part; the word."""
        # A new one each time: some servers count documents that were deleted, until they clean up.
        word = f"w{uuid4().hex}"
        filler = "lorem ipsum dolor sit amet consectetur adipiscing elit sed tempor incididunt labore magna"
        async with kit.session() as s:
            for number in range(1, 9):
                body = " ".join([word] * (9 - number) + [filler] * number)
                s.add(Document(id=str(number), title=f"part {number}", body=body, year=2000 + number))
            s.add_all([Document(id=f"none {number}", title="none", body=filler) for number in range(30)])
        return word

    async def _scores(self, search: Any) -> dict[str, float]:
        rows = await search.project(Document.id, score()).all_rows()
        return {row["id"]: row["score"] for row in rows}

    # -- what is found ---------------------------------------------------------------------------

    @requires(Capability.FULLTEXT)
    async def test_a_word_is_found_in_any_field(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            found = await s.fulltext_search(Document, query="graph").all()
            assert sorted(d.id for d in found) == ["1", "2"]
            assert await s.fulltext_search(Document, query="nosuchword").all() == []

    @requires(Capability.FULLTEXT)
    async def test_a_search_can_be_restricted_and_refined(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            titles = await s.fulltext_search(Document, query="graph", fields=["title"]).all()
            assert [d.id for d in titles] == ["1"]
            old = await s.fulltext_search(Document, query="graph").where(Document.year < 2015).all()
            assert [d.id for d in old] == ["2"]

    @requires(Capability.FULLTEXT)
    async def test_what_is_found_is_tracked(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            (found,) = await s.fulltext_search(Document, query="tulips").all()
            assert found is await s.get(Document, "3")
            found.year = 1999
        assert await kit.rows("MATCH (n:Document {id: '3'}) RETURN n.year") == [[1999]]

    @requires(Capability.FULLTEXT)
    async def test_a_search_sees_what_its_session_has_not_committed(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            s.add(Document(id="5", title="tulips again"))
            found = await s.fulltext_search(Document, query="tulips").all()
            assert sorted(d.id for d in found) == ["3", "5"]

    # -- scores ----------------------------------------------------------------------------------

    @requires(Capability.FULLTEXT)
    async def test_the_best_hit_scores_one_and_the_others_a_share_of_it(self, kit: Kit) -> None:
        word = await self._graded(kit)
        async with kit.session() as s:
            scores = await self._scores(s.fulltext_search(Document, query=word))
        assert sorted(scores) == [str(number) for number in range(1, 9)]
        values = list(scores.values())
        assert values == sorted(values, reverse=True)
        assert values[0] == 1.0
        assert all(0 < value <= 1 for value in values)
        assert scores["1"] == 1.0
        assert scores["8"] < 1

    @requires(Capability.FULLTEXT)
    async def test_one_hit_scores_one_and_no_hit_is_no_row(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            assert await self._scores(s.fulltext_search(Document, query="tulips")) == {"3": 1.0}
            assert await self._scores(s.fulltext_search(Document, query="nosuchword")) == {}

    @requires(Capability.FULLTEXT)
    async def test_no_hit_is_lost_however_many_there_are(self, kit: Kit) -> None:
        async with kit.session() as s:
            s.add_all([Document(id=f"{n}", title="tulip", body="x" * (n % 7)) for n in range(1500)])
        async with kit.session() as s:
            assert len(await self._scores(s.fulltext_search(Document, query="tulip"))) == 1500
            assert await s.fulltext_search(Document, query="tulip").where(score() > 0).count() == 1500

    @requires(Capability.FULLTEXT)
    async def test_a_score_depends_neither_on_filter_nor_on_page_nor_on_order(self, kit: Kit) -> None:
        word = await self._graded(kit)
        async with kit.session() as s:

            def search() -> Any:
                return s.fulltext_search(Document, query=word)

            scores = await self._scores(search())
            ids = list(scores)
            without_best = await self._scores(search().where(Document.id != "1"))
            assert without_best == {each: scores[each] for each in ids if each != "1"}
            pages = [await self._scores(search().skip(skip).limit(3)) for skip in (0, 3, 6)]
            # Ties may come in any order, so pages are compared together.
            assert [value for page in pages for value in page.values()] == list(scores.values())
            assert all(scores[each] == value for page in pages for each, value in page.items())
            by_year = await self._scores(search().order_by(Document.year, desc=True))
            assert by_year == scores
            assert list(by_year) == sorted(ids, reverse=True)

    @requires(Capability.FULLTEXT)
    async def test_scores_can_be_compared_ordered_by_and_aggregated(self, kit: Kit) -> None:
        word = await self._graded(kit)
        async with kit.session() as s:

            def search() -> Any:
                return s.fulltext_search(Document, query=word)

            scores = await self._scores(search())
            middle = sorted(scores.values())[4]
            better = {each for each, value in scores.items() if value > middle}
            assert {d.id for d in await search().where(score() > middle).all()} == better
            assert await search().where(score() > middle).count() == len(better)
            assert await search().where(score() > 1).all() == []
            both = search().where((score() == 1) | (Document.id == "8"))
            assert {d.id for d in await both.all()} == {
                "8",
                *(each for each, value in scores.items() if value == 1),
            }
            worst = await self._scores(search().order_by(score()))
            assert list(worst.values()) == sorted(scores.values())
            best = await self._scores(search().order_by(score(), desc=True))
            assert list(best.values()) == sorted(scores.values(), reverse=True)
            assert await search().aggregate(max_(score())).scalar() == 1.0
            distinct = search().project(score().as_("s")).distinct().order_by("s")
            assert [row["s"] for row in await distinct.all_rows()] == sorted(set(scores.values()))

    @requires(Capability.FULLTEXT)
    async def test_a_search_with_scores_goes_on_by_a_traversal(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            search = s.fulltext_search(Document, query="graph").alias("d").where(score() > 0)
            cited = search.traverse(Document.cites, optional=False).alias("c")
            rows = await cited.project("d.id", "c.id", score()).all_rows()
            assert sorted((row["d.id"], row["c.id"]) for row in rows) == [("1", "2"), ("2", "1"), ("2", "3")]
            assert max(row["score"] for row in rows) == 1.0
            late = s.fulltext_search(Document, query="graph").alias("d").with_("d").where(score() == 1)
            best = {row["d.id"] for row in rows if row["score"] == 1.0}
            assert {d.id for d in await late.all()} == best

    @requires(Capability.FULLTEXT, Capability.EXISTS_SUBQUERY)
    async def test_a_search_with_scores_can_ask_for_related_nodes(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            for syntax in ("server", "plain"):
                search = s.fulltext_search(Document, query="graph", syntax=syntax).where(score() > 0)
                search = search.where(exists(Document.cites, Document.year == 2010))
                found = await search.where(count_of(Document.cites) == 1).all()
                assert [d.id for d in found] == ["1"]

    @requires(Capability.FULLTEXT, Capability.MULTI_LABEL)
    async def test_the_best_hit_is_one_of_the_class(self, kit: Kit) -> None:
        word = await self._graded(kit)
        async with kit.session() as s:
            s.add(Report(id="r", title="report", body=f"{word} and " + "much more " * 9))
            s.add(Report(id="q", title="report", body="nothing"))
            await s.flush()
            assert (await self._scores(s.fulltext_search(Document, query=word)))["r"] < 1
            assert await self._scores(s.fulltext_search(Report, query=word)) == {"r": 1.0}
            plain = s.fulltext_search(Report, query=f"{word} report", syntax="plain")
            assert await self._scores(plain) == {"r": 1.0}

    # -- queries in the server's language ----------------------------------------------------------

    @requires(Capability.FULLTEXT)
    @pytest.mark.parametrize("text", HOSTILE)
    async def test_a_query_that_the_server_does_not_understand_is_an_error_of_its_own(
        self, kit: Kit, text: str
    ) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            try:
                found = await s.fulltext_search(Document, query=text).all()
            except SearchSyntaxError as error:
                assert isinstance(error, QueryError)
                assert isinstance(error, ServerError)
                assert "syntax='plain'" in str(error)
                assert error.backend == kit.dialect.name
                assert error.__cause__ is not None
                assert not error.retryable
                await s.rollback()
            else:
                assert len(found) <= 4
            # The session goes on.
            assert len(await s.scalars(select(Document))) == 4

    # -- words as people type them -----------------------------------------------------------------

    @requires(Capability.FULLTEXT)
    async def test_of_plain_text_every_word_must_occur_in_some_field(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:

            async def found(text: str, **options: Any) -> list[str]:
                search = s.fulltext_search(Document, query=text, syntax="plain", **options)
                return sorted(d.id for d in await search.all())

            assert await found("graph") == ["1", "2"]
            assert await found("Graph, flavours!") == ["2"]
            assert await found("flavours cooking") == ["2"]  # one word in each field
            assert await found("edges databases graph") == ["1"]
            assert await found("graph nosuchword") == []
            assert await found("flavours cooking", fields=["body"]) == []
            assert await found("flavours graph", fields=["body"]) == ["2"]
            assert await found("flavours cooking", fields=["title", "body"]) == ["2"]
            assert await found("graph", fields=["title"]) == ["1"]

    @requires(Capability.FULLTEXT)
    async def test_nothing_in_plain_text_is_an_operator(self, kit: Kit) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            for text in ("graph OR nosuchword", "graph | nosuchword", "datab*", "gr?ph", "graqh~", "%graqh%"):
                assert await s.fulltext_search(Document, query=text, syntax="plain").all() == [], text
            # What would exclude a word asks for it.
            (found,) = await s.fulltext_search(Document, query="graph -databases", syntax="plain").all()
            assert found.id == "1"

    @requires(Capability.FULLTEXT)
    async def test_plain_text_is_found_as_it_stands(self, kit: Kit) -> None:
        async with kit.session() as s:
            for number, text in enumerate(VERBATIM):
                s.add(Document(id=str(number), title=f"marker{number}", body=text))
        missed: list[str] = []
        async with kit.session() as s:
            for number, text in enumerate(VERBATIM):
                for query in (text, f"{text} marker{number}"):
                    hits = await s.fulltext_search(Document, query=query, syntax="plain").all()
                    if str(number) not in [d.id for d in hits]:
                        missed.append(query)
        assert missed == []

    @requires(Capability.FULLTEXT)
    @pytest.mark.parametrize("text", HOSTILE)
    async def test_plain_text_is_no_error(self, kit: Kit, text: str) -> None:
        await self._documents(kit)
        async with kit.session() as s:
            if any(map(str.isalnum, text)):
                found = await s.fulltext_search(Document, query=text, syntax="plain").all()
                assert {d.id for d in found} <= {"1", "2", "3"}  # which have "and" or "a"
            for fields in (None, ["title"], ["body", "title"]):
                search = s.fulltext_search(
                    Document, query=f"{text} databases {text}", fields=fields, syntax="plain"
                )
                assert {d.id for d in await search.where(score() > 0).all()} <= {"1"}

    @requires(Capability.FULLTEXT)
    @pytest.mark.parametrize(
        "text", ['"', "*", "()", " - ", "\u3000…", "\\", "\x00", "\ud800", "😀", "\u0301"]
    )
    async def test_plain_text_without_a_word_is_refused_before_anything_is_sent(
        self, kit: Kit, text: str
    ) -> None:
        async with kit.session() as s:
            with kit.recorder.since() as sent, pytest.raises(ValueError, match="no word to search for"):
                await s.fulltext_search(Document, query=text, syntax="plain").all()
            assert sent == []

    @requires(Capability.FULLTEXT)
    async def test_plain_text_may_be_long(self, kit: Kit) -> None:
        await self._documents(kit)
        words = " ".join(f"word{number}" for number in range(100))
        async with kit.session() as s:
            s.add(Document(id="long", title="long", body=words))
            await s.flush()
            for fields in (None, ["body", "title"]):
                search = s.fulltext_search(Document, query=words, fields=fields, syntax="plain")
                assert [d.id for d in await search.all()] == ["long"]
            for text in ("x" * 5000, "日" * 5000, "a.b" * 2000, "Ж" * 3000):
                assert await s.fulltext_search(Document, query=text, syntax="plain").all() == []


TestFulltext = BaseFulltext
