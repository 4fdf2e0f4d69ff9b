"""The graph: airports, and routes between them."""

from __future__ import annotations

from runic.orm import Edge, Field, GeoLocation, Mapped, Node, Relation


class Route(Edge, type="ROUTE"):
    """All flights from one airport to another in the year 2008."""

    flights: Mapped[int]


class Airport(Node, labels=["Airport"]):
    """An airport of the United States. In a few cases the source knows no city or state."""

    iata: Mapped[str] = Field(primary_key=True, unique=True)
    name: Mapped[str]
    city: Mapped[str | None]
    state: Mapped[str | None]
    country: Mapped[str]
    location: Mapped[GeoLocation]
    routes: Mapped[list[Airport]] = Relation(
        relationship="ROUTE", direction="OUTGOING", target="Airport", edge_model=Route
    )
