"""The quickstart: real flights in a graph database, loaded, asked, changed and drawn.

    python -m examples.flights [--picture FILE]

It runs on an embedded FalkorDB that lives as long as the program. Set RUNIC_URL to run the same on a server.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from rich import box
from rich.console import Console
from rich.table import Table

from examples.flights import questions
from examples.flights.load import load
from examples.flights.models import Airport
from examples.flights.picture import draw
from runic.orm import GeoLocation, Session, create_driver, select
from runic.orm.driver.port import GraphDriver

START = "ABE"  # Lehigh Valley International, Pennsylvania
SPACE_NEEDLE = GeoLocation(latitude=47.6205, longitude=-122.3493)

console = Console(highlight=False)


def main() -> None:
    """Run all steps, and print how long each took."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.flights", description="The quickstart of runic."
    )
    parser.add_argument("--picture", type=Path, default=Path("flights.html"), metavar="FILE")
    picture: Path = parser.parse_args().picture

    clock = Clock()
    with clock.step("open the database"):
        driver = open_database()
        driver.execute("RETURN 1", write=False)  # drivers connect at the first statement
    with driver:
        with clock.step("load the airports and routes"):
            load(driver)
        with Session(driver, read_only=True) as session:
            console.print(
                f"\n{session.count(select(Airport)):,} airports and"
                f" {session.count(questions.departures):,} routes are in the database."
            )
            with clock.step("busiest by departing flights"):
                show_busiest("departing flights", "Flights", questions.busiest_by_flights(session))
            with clock.step("busiest by number of routes"):
                show_busiest("number of routes", "Routes", questions.busiest_by_routes(session))
            with clock.step("two hops away"):
                show_two_hops(questions.two_hops_from(session, START))
            with clock.step("nearest to a point"):
                show_nearest(questions.nearest(session, SPACE_NEEDLE))
        with clock.step("update and rollback"):
            show_changes(driver)
        with clock.step("draw the picture"), Session(driver, read_only=True) as session:
            draw(session, picture)
            console.print(f"\nThe network is drawn in [bold]{picture}[/bold]: open it in a browser.")
    clock.show()


def open_database() -> GraphDriver:
    """The database that RUNIC_URL names, or an embedded one in memory."""
    if "RUNIC_URL" in os.environ:
        return create_driver()
    return create_driver("falkordb", path=":memory:", graph="flights")


def show_busiest(measure: str, column: str, airports: Iterable[tuple[Airport, int]]) -> None:
    """The ten busiest airports by one measure."""
    rows = [(airport.iata, airport.name, town(airport), f"{number:,}") for airport, number in airports]
    show(f"The ten busiest airports by {measure}", ["", "Airport", "City", column], rows)


def show_two_hops(airports: Iterable[Airport]) -> None:
    """Where two flights lead, by state."""
    by_state: defaultdict[str, list[str]] = defaultdict(list)
    for airport in airports:
        by_state[airport.state or "unknown"].append(airport.iata)
    rows = [(state, str(len(codes)), " ".join(codes)) for state, codes in sorted(by_state.items())]
    total = sum(len(codes) for codes in by_state.values())
    show(f"{total} airports are exactly two hops from {START}", ["State", "Number", "Airports"], rows)


def show_nearest(airports: Iterable[tuple[Airport, float]]) -> None:
    """The airports around a place."""
    rows = [(airport.iata, airport.name, town(airport), f"{away:.0f}") for airport, away in airports]
    show("Nearest to the Space Needle in Seattle", ["", "Airport", "City", "Kilometres"], rows)


def show_changes(driver: GraphDriver) -> None:
    """Fill a gap of the source, then change something and take it back."""
    rows = [("as loaded", stored_town(driver))]

    with Session(driver) as session:  # leaving the block commits
        airport = session.get(Airport, "CLD")
        assert airport is not None
        airport.city, airport.state = "Carlsbad", "CA"
    rows.append(("after an update", stored_town(driver)))

    with Session(driver) as session:
        airport = session.get(Airport, "CLD")
        assert airport is not None
        airport.city = "Nowhere"
        rows.append(("changed in a session", town(airport)))
        session.rollback()
        rows.append(("after the rollback", town(airport)))
    rows.append(("in the database", stored_town(driver)))
    show("An update and a rollback", ["McClellan-Palomar Airport (CLD)", "Town"], rows)


def stored_town(driver: GraphDriver) -> str:
    """The town of CLD, as a session of its own reads it."""
    with Session(driver, read_only=True) as session:
        airport = session.get(Airport, "CLD")
        return town(airport) if airport else "no such airport"


def town(airport: Airport) -> str:
    """City and state, as far as they are known."""
    return ", ".join(filter(None, (airport.city, airport.state))) or "unknown"


def show(title: str, columns: list[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table; columns of numbers go to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    rows = list(rows)
    for number, name in enumerate(columns):
        numeric = all(row[number].replace(",", "").replace(".", "").isdigit() for row in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


class Clock:
    """How long each step took."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        began = perf_counter()
        yield
        self.times[name] = perf_counter() - began

    def show(self) -> None:
        """Print the times, with their sum."""
        times = {**self.times, "all of it": sum(self.times.values())}
        show("Time", ["Step", "Seconds"], [(name, f"{taken:.3f}") for name, taken in times.items()])


if __name__ == "__main__":
    main()
