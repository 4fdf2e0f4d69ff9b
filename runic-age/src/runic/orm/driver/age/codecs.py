"""Codecs of Apache AGE: text and numbers as everywhere; places as maps, which it keeps as properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runic.orm.compile.codec import EQUALITY, Codec
from runic.orm.compile.codecs import Codecs
from runic.orm.compile.codecs.vectors import degrees_of
from runic.orm.core.kinds import Kind

if TYPE_CHECKING:
    from runic.orm.core.kinds import FieldType

__all__ = ["CODECS"]


def _point(_: FieldType) -> Codec:
    from runic.orm.core.types import GeoLocation

    def encode(value: Any) -> dict[str, float]:
        latitude, longitude = degrees_of(value)
        return {"latitude": latitude, "longitude": longitude}

    def decode(stored: Any) -> GeoLocation:
        return GeoLocation(float(stored["latitude"]), float(stored["longitude"]))

    return Codec(encode=encode, decode=decode, operators=EQUALITY, stored="map of latitude and longitude")


CODECS: Final = Codecs(overrides={Kind.POINT: _point}, functions=frozenset())
