"""Where a place lies on a map of the United States, drawn 960 wide and 600 high.

The lower 48 states fill the map; Alaska (at a smaller scale), Hawaii and Puerto Rico stand below them. All
four are Albers' equal-area conic projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, radians, sin, sqrt

from runic.orm import GeoLocation

WIDTH, HEIGHT = 960, 600


@dataclass(frozen=True)
class Albers:
    """Albers' projection between two parallels, with ``centre`` (latitude, longitude) drawn at ``at``."""

    parallels: tuple[float, float]
    centre: tuple[float, float]
    at: tuple[float, float]
    scale: float

    @cached_property
    def cone(self) -> tuple[float, float]:
        """The constants of the cone, n and C in Snyder's "Map Projections" (1987), page 100."""
        south, north = map(radians, self.parallels)
        n = (sin(south) + sin(north)) / 2
        return n, cos(south) ** 2 + 2 * n * sin(south)

    def radius(self, latitude: float) -> float:
        """How far a parallel lies from the tip of the cone."""
        n, c = self.cone
        return self.scale * sqrt(c - 2 * n * sin(radians(latitude))) / n

    def __call__(self, place: GeoLocation) -> tuple[float, float]:
        """The position of a place on the map."""
        angle = self.cone[0] * radians(place.longitude - self.centre[1])
        radius = self.radius(place.latitude)
        x = self.at[0] + radius * sin(angle)
        y = self.at[1] + radius * cos(angle) - self.radius(self.centre[0])
        return round(x, 1), round(y, 1)


LOWER_48 = Albers(parallels=(29.5, 45.5), centre=(38.0, -96.0), at=(485, 290), scale=1130)
INSETS = {
    "AK": Albers(parallels=(55, 65), centre=(61.0, -154.0), at=(150, 505), scale=380),
    "HI": Albers(parallels=(19, 22), centre=(20.6, -157.5), at=(330, 545), scale=1130),
    "PR": Albers(parallels=(17, 19), centre=(18.2, -66.0), at=(830, 560), scale=1130),
    "VI": Albers(parallels=(17, 19), centre=(18.2, -66.0), at=(830, 560), scale=1130),
}
PACIFIC = {"AS", "CQ", "GU"}  # American Samoa, the Northern Mariana Islands and Guam lie beyond the map


def project(state: str | None, place: GeoLocation) -> tuple[float, float] | None:
    """The position of a place in a state, or ``None`` if it lies beyond the map."""
    x, y = INSETS.get(state or "", LOWER_48)(place)
    return (x, y) if state not in PACIFIC and 0 <= x <= WIDTH and 0 <= y <= HEIGHT else None
