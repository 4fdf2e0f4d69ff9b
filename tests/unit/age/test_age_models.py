"""Models that Apache AGE cannot hold are refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runic.orm import Edge, Field, InvalidNameError, Node
from runic.orm.core.metadata import edge_meta, metadata, node_meta
from runic.orm.driver.age.dialect import DIALECT


@pytest.fixture(autouse=True)
def _models_of_this_test() -> Iterator[None]:
    registered = metadata.snapshot()
    yield
    metadata.restore(registered)


def test_one_name_for_a_label_and_a_type_is_refused() -> None:
    class Likes(Node):
        k: int = Field(primary_key=True)

    class LikesEdge(Edge, type="Likes"):
        pass

    for model in (node_meta(Likes), edge_meta(LikesEdge)):
        with pytest.raises(InvalidNameError, match=r"'Likes' is a label of Likes.*LikesEdge"):
            DIALECT.check_model(model)


def test_a_name_that_the_backend_uses_itself_is_refused() -> None:
    class Tagged(Node):
        k: int = Field(primary_key=True)
        _labels: list[str] = Field(default_factory=list)

    class Vertex(Node, labels=["_ag_label_vertex"]):
        k: int = Field(primary_key=True)

    for model in (Tagged, Vertex):
        with pytest.raises(InvalidNameError, match="uses itself"):
            DIALECT.check_model(node_meta(model))


def test_a_class_is_stored_under_its_own_label_below_those_of_its_bases() -> None:
    class Vehicle(Node):
        k: int = Field(primary_key=True)

    class Car(Vehicle):
        pass

    class Boat(Vehicle):
        pass

    class Amphibian(Car, Boat):
        pass

    assert node_meta(Vehicle).lineage == (("Vehicle", ()),)
    assert node_meta(Amphibian).lineage == (
        ("Vehicle", ()),
        ("Boat", ("Vehicle",)),
        ("Car", ("Vehicle",)),
        ("Amphibian", ("Car", "Boat")),
    )
