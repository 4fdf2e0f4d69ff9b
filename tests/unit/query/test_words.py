"""Text as people type it becomes words, and words become a query in each server's language."""

from __future__ import annotations

from typing import Any

import pytest

from runic.orm.compile.dialect import Dialect
from runic.orm.plugin.manager import load
from runic.orm.query.specialised import FulltextQueryBuilder
from runic.orm.query.words import MAX_WORDS, words_of
from tests.unit.query.shop import Movie


def dialect(name: str) -> Dialect:
    return load(name).dialect()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("graph", ("graph",)),
        ("  graph\tdatabases\n", ("graph", "databases")),
        ("C++ && x", ("C++", "x")),
        ("it's foo/bar", ("it's", "foo/bar")),
        ('say "hello world"', ("say", "hello", "world")),
        ("a\\b", ("a", "b")),
        ("one\x00two\x07three\x1ffour", ("one", "two", "three", "four")),
        ("\ud800graph", ("graph",)),
        ("graph graph Graph", ("graph", "Graph")),
        ("日本語\u3000テキスト", ("日本語", "テキスト")),
        ("çà-là — où", ("çà-là", "où")),
        ("न\u200cम", ("न\u200cम",)),  # a joiner is part of a word
        ("e\u0301", ("e\u0301",)),
        ("100% _x_", ("100%", "_x_")),
    ],
)
def test_words_stand_between_white_space_and_quotes(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("text", ["", "-", "* () \\", "😀 …", "\u0301"])
def test_text_without_a_letter_or_digit_has_no_word(text: str) -> None:
    with pytest.raises(ValueError, match="no word to search for"):
        words_of(text)


def test_there_may_be_a_hundred_different_words() -> None:
    assert len(words_of(" ".join(f"w{number % MAX_WORDS}" for number in range(1000)))) == MAX_WORDS
    with pytest.raises(ValueError, match="101 different words, more than 100"):
        words_of(" ".join(f"w{number}" for number in range(MAX_WORDS + 1)))


def test_only_two_syntaxes_are_known() -> None:
    with pytest.raises(ValueError, match="'server' or 'plain', not 'lucene'"):
        FulltextQueryBuilder(None, Movie, "x", syntax="lucene")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("backend", "fields", "query"),
    [
        ("neo4j", (), '+"C++" +"it\'s"'),
        ("neo4j", ("title", "plot"), '+(title:"C++" plot:"C++") +(title:"it\'s" plot:"it\'s")'),
        ("arcadedb", ("plot",), '+(plot:"C++") +(plot:"it\'s")'),
        ("falkordb", (), "C it s"),
        ("falkordb", ("title", "plot"), "@title|plot:(C it s)"),
        ("memgraph", (), '"C++" AND all:"it\'s"'),
        (
            "memgraph",
            ("title", "plot"),
            '(data.title:"C++" OR data.plot:"C++") AND (data.title:"it\'s" OR data.plot:"it\'s")',
        ),
        (
            "age",
            (),
            {
                "every": '"C++" "it\'s"',
                "some": '"C++" or "it\'s"',
                "text": "C++ it's",
                "words": ['"C++"', '"it\'s"'],
            },
        ),
    ],
)
def test_words_as_a_query(backend: str, fields: tuple[str, ...], query: Any) -> None:
    search = FulltextQueryBuilder(None, Movie, "C++ && it's", fields, "plain")
    assert search.compile(backend).parameters == {"__fts_query": query}


def test_falkordb_is_asked_for_the_forms_of_a_word_that_it_takes_for_different_ones() -> None:
    words = dialect("falkordb").fulltext_words
    assert words is not None
    assert words(("графы",), ()) == "(графы|ГРАФЫ|Графы)"
    assert words(("“Hello”",), ("title",)) == "@title:((“Hello”|“hello”|“HELLO”|Hello|hello|HELLO))"
    assert words(("日本語",), ()) == "(日本語)"
    assert words(("don't-a_b", "don"), ()) == "don t a_b"


def test_every_word_has_a_place_in_the_statement_for_age() -> None:
    texts: dict[str, int] = {}
    for number in (1, 2, 3, 4, 5, 8, 9, 100):
        words = [f"w{each}" for each in range(number)]
        compiled = FulltextQueryBuilder(None, Movie, " ".join(words), syntax="plain").compile("age")
        query = compiled.parameters["__fts_query"]
        places = [query["words"][at] for at in range(200) if f".words[{at}])" in compiled.text]
        assert places == query["words"]
        assert set(places) == {f'"{word}"' for word in words}
        texts[compiled.text] = number
    # Few texts, whatever people type.
    assert list(texts.values()) == [1, 2, 4, 8, 9, 100]
