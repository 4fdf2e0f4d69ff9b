"""What we ask the graph. Every order has a tie-breaker, so that every database gives the same answer."""

from __future__ import annotations

from examples.flights.models import Airport, Route
from runic.orm import GeoLocation, Session, count, distance, select, sum_

departures = select(Airport).alias("a").traverse(Airport.routes, edge_alias="r", optional=False).alias("b")


def busiest_by_flights(session: Session, limit: int = 10) -> list[tuple[Airport, int]]:
    """The airports with the most departing flights."""
    total = sum_(Route.flights).as_("flights")
    busiest = departures.aggregate(total, group_by="a").order_by(total, desc=True).order_by(Airport.iata)
    return [(row["a"], row["flights"]) for row in session.all_rows(busiest.limit(limit))]


def busiest_by_routes(session: Session, limit: int = 10) -> list[tuple[Airport, int]]:
    """The airports with the most routes."""
    total = count("r").as_("routes")
    busiest = departures.aggregate(total, group_by="a").order_by(total, desc=True).order_by(Airport.iata)
    return [(row["a"], row["routes"]) for row in session.all_rows(busiest.limit(limit))]


def one_hop_from(session: Session, iata: str) -> list[Airport]:
    """Where a direct flight leads."""
    start = session.get(Airport, iata, fetch=["routes"])
    return start.routes if start else []


def two_hops_from(session: Session, iata: str) -> list[Airport]:
    """Where exactly two flights lead: neither back to the start, nor where one would have done."""
    nearer = [iata, *(airport.iata for airport in one_hop_from(session, iata))]
    return (
        session.query(Airport)
        .alias("start")
        .where(Airport.iata == iata, on="start")
        .traverse(Airport.routes, optional=False)
        .alias("stop")
        .traverse(Airport.routes, optional=False)
        .alias("end")
        .where(Airport.iata.not_in_(nearer), on="end")
        .return_target("end")
        .distinct()
        .order_by(Airport.iata)
        .all()
    )


def nearest(session: Session, place: GeoLocation, limit: int = 10) -> list[tuple[Airport, float]]:
    """The airports nearest to a place, with the distance in kilometres.

    Trust it to the kilometre: servers differ in the radius of the earth, and some keep points in 32 bits.
    """
    away = distance(Airport.location, place)
    rows = (
        session.query(Airport)
        .alias("a")
        .where(away < 100_000)
        .project("a", away.as_("metres"))
        .order_by(away)
        .order_by(Airport.iata)
        .limit(limit)
        .all_rows()
    )
    return [(row["a"], row["metres"] / 1000) for row in rows]
