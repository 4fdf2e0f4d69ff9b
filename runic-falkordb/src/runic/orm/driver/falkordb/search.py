"""Search texts: what users write, in the form the server's functions take."""

from __future__ import annotations

import re
import unicodedata

from runic.orm.compile.regex import check_parentheses

__all__ = ["all_words", "in_fields", "whole_text"]

# RediSearch (4.22) takes texts apart at white space and ASCII punctuation, but at nothing beyond ASCII.
_ASCII_PUNCTUATION = re.compile(r"[\x00-/:-@\[-^`{-\x7f]+")


def whole_text(pattern: str) -> str:
    """A regular expression that only matches the whole text, as ``=~`` does elsewhere.

    Raises:
        ValueError: a parenthesis too many or too few, which would change what is anchored.
    """
    check_parentheses(pattern)
    # $ would also match before a newline at the end.
    return rf"\A(?:{pattern})\z"


def in_fields(query: str, fields: tuple[str, ...]) -> str:
    """A RediSearch query restricted to ``fields``, if any are given."""
    return f"@{'|'.join(fields)}:({query})" if fields else query


def all_words(words: tuple[str, ...], fields: tuple[str, ...]) -> str:
    """The RediSearch query for all of ``words``; nothing in one is an operator."""
    parts = [part for word in words for part in _ASCII_PUNCTUATION.split(word)]
    terms = [_term(part) for part in parts if any(map(str.isalnum, part))]
    return in_fields(" ".join(dict.fromkeys(terms)), fields)


def _term(word: str) -> str:
    """A word, or the forms of it that the index may hold: it folds the case of ASCII letters only (4.22)."""
    if word.isascii():
        return word
    first, last = (
        next(at for at, char in chars if unicodedata.category(char)[0] not in "PSC" or char == "_")
        for chars in (enumerate(word), enumerate(reversed(word)))
    )
    bare = word[first : len(word) - last]
    forms = [form for text in (word, bare) for form in (text, text.lower(), text.upper(), text.capitalize())]
    return f"({'|'.join(dict.fromkeys(forms))})"
