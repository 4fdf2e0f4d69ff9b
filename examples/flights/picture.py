"""Draw the network as an HTML page with an SVG map in it. It needs no other file and no connection."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from string import Template

from examples.flights.models import Airport
from examples.flights.projection import project
from runic.orm import Session, select

TEMPLATE = Path(__file__).parent / "picture.html"
LABELLED = 15
WIDEST = 9.0

type Point = tuple[float, float]


def draw(session: Session, path: Path) -> None:
    """Write a page with every airport and every route of the database to ``path``."""
    airports = session.scalars(select(Airport).order_by(Airport.iata))
    flown = (
        select(Airport)
        .alias("a")
        .traverse(Airport.routes, edge_alias="r", optional=False)
        .alias("b")
        .return_nodes("a", "b")
        .return_edge("r")
    )
    departures: Counter[str] = Counter()
    connections: Counter[tuple[str, str]] = Counter()
    for origin, route, destination in session.all_with_edges(flown):
        departures[origin.iata] += route.flights
        connections[ends(origin, destination)] += route.flights

    points = {airport.iata: project(airport.state, airport.location) for airport in airports}
    page = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        airports=f"{len(airports):,}",
        routes=f"{len(connections):,}",
        flights=f"{departures.total():,}",
        beyond=sum(point is None for point in points.values()),
        places="\n".join(places(airports, points, departures)),
        lines="\n".join(lines(points, connections)),
        hubs="\n".join(hubs(airports, points, departures)),
    )
    path.write_text(page, encoding="utf-8")


def ends(origin: Airport, destination: Airport) -> tuple[str, str]:
    """The two ends of a route, in an order that is the same for both directions."""
    first, second = sorted((origin.iata, destination.iata))
    return first, second


def places(airports: list[Airport], points: dict[str, Point | None], departures: Counter[str]) -> list[str]:
    """A dot for each airport, as large as it is busy; the busiest are drawn last."""
    top = max(departures.values(), default=1)
    dots: list[str] = []
    for airport in sorted(airports, key=lambda each: (departures[each.iata], each.iata)):
        point, flights = points[airport.iata], departures[airport.iata]
        if point is None:
            continue
        x, y = point
        if not flights:
            dots.append(f'<circle cx="{x}" cy="{y}" r="0.9"/>')
            continue
        radius = 1.2 + WIDEST * (flights / top) ** 0.5
        town = ", ".join(filter(None, (airport.city, airport.state)))
        title = escape(f"{airport.iata} · {airport.name} · {town} · {flights:,} departing flights")
        dots.append(
            f'<circle class="busy" data-iata="{airport.iata}" cx="{x}" cy="{y}" r="{radius:.1f}">'
            f"<title>{title}</title></circle>"
        )
    return dots


def lines(points: dict[str, Point | None], connections: Counter[tuple[str, str]]) -> list[str]:
    """A curve for each pair of airports, bent to the north; the most flown are drawn last."""
    curves: list[str] = []
    for (first, second), flights in sorted(connections.items(), key=lambda each: (each[1], each[0])):
        start, end = points[first], points[second]
        if start is None or end is None:
            continue
        (x1, y1), (x2, y2) = sorted((start, end))
        x, y = (x1 + x2) / 2 + (y2 - y1) * 0.12, (y1 + y2) / 2 - (x2 - x1) * 0.12
        weight = min(len(str(flights)), 5)  # one to five: below 10, 100, 1,000 and 10,000 flights, and above
        curves.append(
            f'<path class="w{weight}" data-ends="{first} {second}" d="M{x1} {y1}Q{x:.1f} {y:.1f} {x2} {y2}"/>'
        )
    return curves


def hubs(airports: list[Airport], points: dict[str, Point | None], departures: Counter[str]) -> list[str]:
    """The codes of the busiest airports."""
    busiest = sorted(airports, key=lambda each: (-departures[each.iata], each.iata))[:LABELLED]
    labels: list[str] = []
    for airport in busiest:
        if (point := points[airport.iata]) is not None:
            x, y = point
            labels.append(f'<text x="{x}" y="{y - 11:.1f}">{airport.iata}</text>')
    return labels
