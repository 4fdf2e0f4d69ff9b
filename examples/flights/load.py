"""Read the two CSV files into the database."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from examples.flights.models import Airport, Route
from runic.migrate import IndexManager
from runic.orm import GeoLocation, Session
from runic.orm.driver.port import GraphDriver

DATA = Path(__file__).parent / "data"
BATCH = 500


def load(driver: GraphDriver) -> None:
    """Store every airport and every route. Running it again updates them and adds nothing twice."""
    IndexManager(driver).ensure_indexes(Airport)
    airports = {airport.iata: airport for airport in read_airports()}
    routes = list(read_routes())
    with Session(driver) as session, Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("Airports", total=len(airports))
        for batch in batched(airports.values(), BATCH):
            for airport in batch:
                session.merge(airport)
            session.commit()
            progress.advance(bar, len(batch))

        bar = progress.add_task("Routes", total=len(routes))
        for group in batched(routes, BATCH):
            for origin, destination, flights in group:
                session.relate(
                    airports[origin], Airport.routes, airports[destination], Route(flights=flights)
                )
            session.commit()
            progress.advance(bar, len(group))


def read_airports() -> Iterator[Airport]:
    """The airports of the file; ``NA`` stands for what is not known."""
    for row in rows_of("airports.csv"):
        yield Airport(
            iata=row["iata"],
            name=row["name"],
            city=known(row["city"]),
            state=known(row["state"]),
            country=row["country"],
            location=GeoLocation(float(row["latitude"]), float(row["longitude"])),
        )


def read_routes() -> Iterator[tuple[str, str, int]]:
    """The routes of the file: origin, destination, and the number of flights."""
    for row in rows_of("flights-airport.csv"):
        yield row["origin"], row["destination"], int(row["count"])


def rows_of(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file in the data folder."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def known(text: str) -> str | None:
    """``text``, unless it says that nothing is known."""
    return None if text == "NA" else text
