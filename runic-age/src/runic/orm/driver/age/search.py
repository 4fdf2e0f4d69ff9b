"""Search texts: what users write, in the form the server's operators take."""

from __future__ import annotations

import re
from hashlib import blake2b

from runic.orm.compile.regex import check_parentheses

__all__ = ["GRAPH_SCHEMA", "all_words", "function_name", "in_graph", "places", "whole_text"]

GRAPH_SCHEMA = "`the graph`"
"""Stands for the schema of the graph in compiled statements, which know no graph; no name has a space."""

_OPTIONS = re.compile(r"\(\?([a-z]+)\)")


def whole_text(pattern: str) -> str:
    """A regular expression that only matches the whole text, as ``=~`` does elsewhere.

    Raises:
        ValueError: a parenthesis too many or too few, which would change what is anchored.
    """
    options = _OPTIONS.match(pattern)
    head = options[0] if options else ""
    rest = pattern[len(head) :]
    if rest.startswith("***"):
        raise ValueError(f"the pattern {pattern!r} begins with ***, which PostgreSQL takes for a director")
    check_parentheses(rest)
    # $ would also match before a newline at the end.
    return rf"{head}\A(?:{rest})\Z"


def all_words(words: tuple[str, ...], fields: tuple[str, ...]) -> dict[str, object]:
    """What a search for ``words`` needs: the query for all of them, for any, and for each.

    In quotes nothing is an operator to ``websearch_to_tsquery``. Fields and the number of words, rounded up,
    stand in the statement: the first word fills what is left.
    """
    del fields
    quoted = [f'"{word}"' for word in words]
    return {
        "every": " ".join(quoted),
        "some": " or ".join(quoted),
        "text": " ".join(words),
        "words": quoted + quoted[:1] * (places(len(words)) - len(words)),
    }


def places(words: int) -> int:
    """How many words a statement has places for that looks for ``words``: few texts for all searches."""
    return 1 << (words - 1).bit_length()


def function_name(kind: str, label: str, name: str) -> str:
    """The SQL function of one index: a search names it, and the index adapter makes it.

    It lives in the schema of the graph and is inlined by the planner, so that the index on the same
    expression serves the search.

    Args:
        kind: ``"matches"``, ``"has"``, ``"rank"`` or ``"distance"``.
        label: the label.
        name: the property.
    """
    digest = blake2b(f"{label}\0{name}".encode(), digest_size=6).hexdigest()
    return f"runic_{kind}_{digest}"


def in_graph(function: str) -> str:
    """A function of the graph's schema as a statement names it; the port puts in the graph."""
    return f"{GRAPH_SCHEMA}.`{function}`"
