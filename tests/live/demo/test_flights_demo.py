"""The quickstart, end to end, against answers computed from the CSV files in plain Python."""

from __future__ import annotations

import csv
import math
import os
import re
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.base import Server

pytestmark = pytest.mark.live("falkordb")

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "examples" / "flights" / "data"
SPACE_NEEDLE = (47.6205, -122.3493)
RADII = (6_367_000, 6_371_000, 6_371_009, 6_378_137, 6_378_140)


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


AIRPORTS = {row["iata"]: row for row in rows_of("airports.csv")}
ROUTES = rows_of("flights-airport.csv")


@dataclass
class Run:
    """What one run of the program printed, and the page it drew."""

    output: str
    page: str

    @property
    def answers(self) -> str:
        """The output without the times, which differ from run to run."""
        return self.output.partition("\nTime ")[0]

    def table(self, title: str) -> list[list[str]]:
        """The rows of a table, each a list of its cells."""
        _, _, rest = self.output.partition(title)
        assert rest, f"no table {title!r} in:\n{self.output}"
        below = rest[rest.index("───") :].splitlines()[1:]
        rows: list[list[str]] = []
        for line in below:
            if not line.strip():
                break
            cells = re.split(r" {3,}", line.strip())
            if len(cells) == 1:  # the last cell of the row above goes on
                rows[-1][-1] += " " + cells[0]
            else:
                rows.append(cells)
        return rows


def run(folder: Path, url: str | None = None) -> Run:
    environment = {key: value for key, value in os.environ.items() if key != "RUNIC_URL"} | {"COLUMNS": "100"}
    if url is not None:
        environment["RUNIC_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "examples.flights", "--picture", "flights.html"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for bar in ("Airports", "Routes"):
        assert re.search(rf"{bar}.*100%", done.stderr), "the progress bars are shown"
    return Run(done.stdout, (folder / "flights.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("embedded"))


def top_ten(numbers: Counter[str]) -> list[tuple[str, str]]:
    ordered = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
    return [(iata, f"{number:,}") for iata, number in ordered[:10]]


def test_everything_in_the_files_is_loaded(embedded: Run) -> None:
    assert f"{len(AIRPORTS):,} airports and {len(ROUTES):,} routes are in the database." in embedded.output


def test_the_busiest_airports_by_flights_are_those_of_the_file(embedded: Run) -> None:
    flights: Counter[str] = Counter()
    for row in ROUTES:
        flights[row["origin"]] += int(row["count"])
    rows = embedded.table("by departing flights")
    assert [(row[0], row[-1]) for row in rows] == top_ten(flights)
    assert [row[1] for row in rows] == [AIRPORTS[row[0]]["name"] for row in rows]


def test_the_busiest_airports_by_routes_are_those_of_the_file(embedded: Run) -> None:
    rows = embedded.table("by number of routes")
    assert [(row[0], row[-1]) for row in rows] == top_ten(Counter(row["origin"] for row in ROUTES))


def test_two_hops_lead_to_new_airports_only(embedded: Run) -> None:
    out: defaultdict[str, set[str]] = defaultdict(set)
    for row in ROUTES:
        out[row["origin"]].add(row["destination"])
    near = out["ABE"]
    expected = {far for stop in near for far in out[stop]} - near - {"ABE"}
    by_state: defaultdict[str, list[str]] = defaultdict(list)
    for iata in sorted(expected):
        state = AIRPORTS[iata]["state"]
        by_state["unknown" if state == "NA" else state].append(iata)
    rows = embedded.table(f"{len(expected)} airports are exactly two hops from ABE")
    assert [(row[0], int(row[1]), row[2].split()) for row in rows] == [
        (state, len(codes), codes) for state, codes in sorted(by_state.items())
    ]


type Place = tuple[float, float]


def metres(place: Place, other: Place, radius: float) -> float:
    a, b, c, d = map(math.radians, (*place, *other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * radius * math.asin(math.sqrt(half))


def double(place: Place) -> Place:
    return place


def single(place: Place) -> Place:
    latitude, longitude = struct.unpack("2f", struct.pack("2f", *place))
    return latitude, longitude


def test_the_nearest_airports_are_the_same_on_every_server(embedded: Run) -> None:
    places = {iata: (float(row["latitude"]), float(row["longitude"])) for iata, row in AIRPORTS.items()}
    answers = set()
    for radius in RADII:
        for precision in (double, single):
            here = precision(SPACE_NEEDLE)
            away = {iata: metres(here, precision(place), radius) for iata, place in places.items()}
            ordered = sorted(away.items(), key=lambda each: each[1])[:10]
            answers.add(tuple((iata, f"{distance / 1000:.0f}") for iata, distance in ordered))
    assert len(answers) == 1, "the stated precision hides what servers differ in"
    rows = embedded.table("Nearest to the Space Needle")
    assert tuple((row[0], row[-1]) for row in rows) == answers.pop()


def test_an_update_stays_and_a_rollback_takes_back(embedded: Run) -> None:
    assert embedded.table("An update and a rollback") == [
        ["as loaded", "unknown"],
        ["after an update", "Carlsbad, CA"],
        ["changed in a session", "Nowhere, CA"],
        ["after the rollback", "Carlsbad, CA"],
        ["in the database", "Carlsbad, CA"],
    ]


def test_every_step_is_timed(embedded: Run) -> None:
    rows = embedded.table("Time")
    assert len(rows) == 9
    steps = [float(row[1]) for row in rows]
    assert sum(steps[:-1]) == pytest.approx(steps[-1], abs=0.01)


def test_the_picture_shows_every_connection_and_needs_nothing_else(embedded: Run) -> None:
    connections = {" ".join(sorted((row["origin"], row["destination"]))) for row in ROUTES}
    drawn = re.findall(r'data-ends="(\w+ \w+)"', embedded.page)
    assert len(drawn) == len(set(drawn))
    missing = connections - set(drawn)
    assert set(drawn) <= connections
    # American Samoa, Guam and the like lie beyond the map.
    beyond = {"AS", "GU", "CQ", "NA"}
    assert all(any(AIRPORTS[iata]["state"] in beyond for iata in pair.split()) for pair in missing)
    assert len(missing) < 20
    for outside in ("http://", "https://", "src=", "href=", "@import", "url("):
        assert outside not in embedded.page


def test_a_server_gives_the_same_answers_and_a_second_run_adds_nothing(
    embedded: Run, falkordb_server: Server, falkordb_graph: str, tmp_path: Path
) -> None:
    url = falkordb_server.url_of(falkordb_graph)
    first, second = run(tmp_path, url), run(tmp_path, url)
    assert first.answers == second.answers == embedded.answers
    assert first.page == second.page == embedded.page
