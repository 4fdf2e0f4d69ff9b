"""The words of a text as people type it, for searches on servers that each have a query language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["MAX_WORDS", "words_of"]

#: Servers have limits of their own: Lucene 9 takes 1,024 clauses, one for each word and field.
MAX_WORDS = 100

_QUOTES = frozenset('"\\')


def words_of(text: str) -> tuple[str, ...]:
    r"""What stands between white space, quotes, backslashes and control characters, each once.

    Other punctuation stays: what it means is up to the server, as it was when the stored text was indexed.
    A part without any letter or digit is no word.

    Args:
        text: as it was typed.

    Raises:
        ValueError: no word is left, or more than :data:`MAX_WORDS`.

    Example:
        >>> words_of('C++ && "foo/bar" it\'s')
        ('C++', 'foo/bar', "it's")
    """
    words = tuple(dict.fromkeys(part for part in _parts(text) if any(map(str.isalnum, part))))
    if not words:
        raise ValueError(f"the fulltext query {text!r} has no word to search for: no letter and no digit")
    if len(words) > MAX_WORDS:
        raise ValueError(f"the fulltext query has {len(words):,} different words, more than {MAX_WORDS}")
    return words


def _parts(text: str) -> Iterator[str]:
    # Cc are control characters, Cs lone surrogates, which no server takes.
    apart = [c in _QUOTES or unicodedata.category(c) in ("Cc", "Cs") for c in text]
    return iter("".join([" " if gap else c for c, gap in zip(text, apart, strict=True)]).split())
