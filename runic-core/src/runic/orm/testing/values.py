"""Hostile values: what has gone wrong in somebody's driver or mapper before."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from runic.orm.core.types import GeoLocation, Vector
from runic.orm.testing.models import Colour, Rank

__all__ = ["BAD_NAMES", "EXACT", "GOOD_NAMES", "REFUSED", "TEXTS"]

TEXTS: tuple[str, ...] = (
    *("", " ", "a", "two words", "MATCH (n) DETACH DELETE n", "null", "true", "e\u0301", "\u00e9"),
    *("'", '"', "''", "\\'", '\\"', '\\\\"', "'\"", "it's"),
    *("\\", "\\\\", "trailing\\", "\\n", "\\x00", "\\u0000", "\\u0027", "\\uD800"),
    *("' OR 1=1 //", "'}) DETACH DELETE n //", '"}) RETURN 1 //', "\u2019) //", "\uff07) //"),
    *("') RETURN 1 UNION MATCH (n) DETACH DELETE n RETURN 1 //", "\\') DETACH DELETE n //"),
    *("`", "``", "```", "a`b", "`) DETACH DELETE n //", "\\u0060"),
    *("$", "$p", "$p0", "$rows", "$a$", "$$", "$$ ; DROP TABLE zz; --"),
    *("/* */", "*/", "//", "--", "#", ";", "CYPHER p=2 ", "::vertex", "::numeric"),
    *("\n", "\r", "\r\n", "\t", "\x07", "\x1b[31m", "\x7f", "\x85", "\u00a0", "\u200b", "\ufeff"),
    *("\u2028", "\u202e", "\U0001f468\u200d\U0001f469", "\U0010ffff", "\ufffe", "\ufffd"),
    *("%s %d %%", "{x}", "{0.__class__}", '{"a": 1}', "%(name)s", "5 % 3"),
    *("1", "01", "1e5", "2024-01-01", "NaN", "a-b", "a.b", "a:b", "a@b"),
    *("x" * 1000, "\u00fc" * 70_000),
)
"""Text that every field of text gives back unchanged."""

_INT64 = 2**63

_ZONES = (
    timezone(timedelta(hours=5, minutes=45)),
    timezone(timedelta(hours=-12)),
    timezone(timedelta(hours=1, microseconds=1)),
    ZoneInfo("Europe/Berlin"),
)

EXACT: dict[str, tuple[Any, ...]] = {
    "text": TEXTS,
    "whole": (0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, _INT64 - 1, -_INT64),
    "real": (0.0, -0.0, 1.0, -1.5, 0.1, 0.25, 1e22, 1e-7, 1e300, -1e-300, 2.0**49),
    "exact": (
        *(0.0, -0.0, 0.1, 0.1 + 0.2, 1 / 3, 2 / 3, 1e16 + 2, 1e22, 1e-7, math.pi, -math.e),
        *(1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308),
        *(9007199254740993.0, 123456789.12345679, 1.0000000000000002, 0.9999999999999999),
    ),
    "flag": (True, False),
    "blob": (b"", b"\x00", b"\xff\xfe", b"plain", bytes(range(256)), b"'\"\\`$", b"x" * 5000),
    "moment": (
        *(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1970, 1, 1)),
        *(datetime(2024, 2, 29, 12, 30), datetime(2024, 1, 1, 0, 0, 0, 1)),
        datetime(1969, 12, 31, 23, 59, 59),
        *(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)),
        *(datetime(2024, 10, 27, 2, 30, 0, 123456, tzinfo=zone) for zone in _ZONES),
        # The hour that happens twice, the second time.
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    ),
    "day": (date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(2024, 2, 29)),
    "clock": (time(0), time(23, 59, 59, 999999), time(12, 30), time(0, 0, 0, 1)),
    "span": (
        *(timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(days=-1)),
        *(timedelta(days=100_000_000), timedelta(days=3, hours=4, microseconds=5)),
    ),
    "amount": (
        *map(Decimal, ("0", "1", "-1.50", "1E+10", "0.1", "1.10", "123456789012345678901234567890.12", "-0")),
        Decimal("1E-30"),
    ),
    "uuid": (UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-1234-567812345678")),
    "colour": tuple(Colour),
    "rank": tuple(Rank),
    "cents": (Decimal(0), Decimal("12.34"), Decimal("-0.01")),
    "document": (
        {},
        {"a": 1, "b": [1, 2.5, None, True, {"c": "it's"}], "": "", "\u00fc": "\U0001f600"},
        {"deep": {"deep": {"deep": {"deep": []}}}, "quote\"'\\`": "$p0"},
        {"big": _INT64 - 1, "small": 5e-324, "digits": 0.1 + 0.2},
    ),
    "texts": ([], [""], ["a", "a"], list(TEXTS[:60])),
    "wholes": ([], [0], [_INT64 - 1, -_INT64, 0, 7, 7]),
    "reals": ([], [0.5, -1.25, 1e22], [0.1]),
    "flags": ([], [True, False, True]),
    "days": ([], [date(2024, 2, 29), date(1, 1, 1)]),
    "uuids": ([], [UUID(int=0), UUID(int=1)]),
    "nested": ([], [{}], [{"a": [1, None, {"b": "c"}]}, {"d": "'"}]),
    "vector": (Vector([1.0, -2.5, 0.0]), Vector([0.1, 1e-20, 3e38]), Vector([float(n) for n in range(384)])),
    "place": (
        *(GeoLocation(0.0, 0.0), GeoLocation(90.0, 180.0), GeoLocation(-90.0, -180.0)),
        *(GeoLocation(31.95376472, -89.23450472), GeoLocation(1e-9, -1e-9)),
        GeoLocation(52.5200066, 13.404954),
    ),
    "anything": ("text", 7, True, False, 2.5, ["a", "b"], [1, 2], "it's"),
}
"""Field of ``Values`` -> values that come back exactly: equal, and of the same type."""

_LONE = "\ud800"

REFUSED: tuple[tuple[str, Any], ...] = (
    *(("text", bad) for bad in ("\0", "a\0b", "'\0 DETACH DELETE n //", _LONE, f"a{_LONE}b", "\udfff")),
    *(("text", bad) for bad in (1, 1.5, True, b"bytes", ["a"], Colour.RED, object())),
    *(("whole", bad) for bad in (_INT64, -_INT64 - 1, 2**64, 10**40, 1.5, "1", True, Decimal(1))),
    *(("real", bad) for bad in (math.nan, math.inf, -math.inf, "1.5", Decimal("1.5"), 2**53 + 1)),
    *(("exact", bad) for bad in (math.nan, math.inf, "1.5")),
    *(("flag", bad) for bad in (1, 0, "true")),
    *(("blob", bad) for bad in ("text", bytearray(b"x"), 1)),
    *(("moment", bad) for bad in (date(2024, 1, 1), "2024-01-01T00:00:00", 0)),
    *(("day", bad) for bad in (datetime(2024, 1, 1), "2024-01-01")),
    *(("clock", bad) for bad in (time(1, tzinfo=UTC), "12:00")),
    *(("span", bad) for bad in (timedelta.max, timedelta.min, 5, 1.5)),
    *(("amount", bad) for bad in (Decimal("NaN"), Decimal("Infinity"), 1.5, "1.5")),
    *(("uuid", bad) for bad in ("12345678-1234-5678-1234-567812345678", 5)),
    *(("colour", bad) for bad in ("red", Rank.LOW)),
    *(("rank", bad) for bad in (1, Colour.RED)),
    *(("document", bad) for bad in ({1: "a"}, {"a": {1, 2}}, {"a": math.nan}, {"a": (1, 2)})),
    ("document", {"a": object()}),
    *(("texts", bad) for bad in (["a", None], [1], ["\0"], [_LONE], "text", ("a",))),
    *(("wholes", bad) for bad in ([_INT64], [1, None], [1.5], ["1"])),
    *(("reals", bad) for bad in ([math.nan], [math.inf], ["1"])),
    *(("vector", bad) for bad in ("text", 5, [math.nan], [1e39])),
    *(("place", bad) for bad in ((1.0, 2.0), {"latitude": 1, "longitude": 2}, "1,2")),
    *(("anything", bad) for bad in (object(), {"a": 1}, [None], 2**63, math.nan, "\0", Decimal(1), {1, 2})),
)
"""(field of ``Values``, value) that no backend keeps: refused by name before anything is sent."""

GOOD_NAMES: tuple[str, ...] = (
    *("a", "A", "_", "_x", "x1", "camelCase", "snake_case", "UPPER", "x" * 63),
    *("match", "MATCH", "where", "return", "create", "delete", "set", "order", "limit", "null", "true"),
    *("in", "is", "and", "or", "not", "id", "type", "count", "labels", "properties", "call", "unwind"),
    *("select", "from", "table", "user", "group", "point", "exists", "end", "case", "with", "yield"),
)
"""Names of labels, relationship types and properties that every backend takes."""

BAD_NAMES: tuple[str, ...] = (
    *("", " ", "1a", "a b", "a-b", "a.b", "a:b", "a`b", "`", "``", "a'b", 'a"b', "a;b", "a\\b"),
    *("a\0b", "\0", "a\nb", "\u00fc", "a\u202eb", "\ud800", "a$b", "$a", "a/b", "{a}", "x" * 64),
    *("n) DETACH DELETE (m", "Person`) DETACH DELETE n //"),
)
"""Names that are refused when they are declared."""
