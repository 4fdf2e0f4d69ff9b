from __future__ import annotations

import copy
import math
import pickle
import struct
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, StrEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runic.orm.core.types import (
    DatetimeConverter,
    EnumConverter,
    GeoLocation,
    GeoLocationConverter,
    TypeConverter,
    Vector,
    VectorConverter,
)


def single(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_a_vector_keeps_32_bit_numbers_exactly(numbers):
    assert Vector(numbers) == numbers


@given(st.lists(st.floats(min_value=-3e38, max_value=3e38), max_size=8))
def test_a_vector_rounds_to_what_every_server_gives_back(numbers):
    vector = Vector(numbers)
    assert vector == [single(number) for number in numbers]
    assert Vector(list(vector)) == vector


def test_every_way_into_a_vector_rounds():
    vector = Vector([0.1])
    vector.append(0.1)
    vector.extend((0.1, 0.2))
    vector.insert(0, 0.1)
    vector[1] = 0.3
    vector[2:3] = [0.7, Fraction(1, 10)]
    vector += [0.1]
    assert vector == [single(x) for x in (0.1, 0.3, 0.7, 0.1, 0.1, 0.2, 0.1)]
    assert type(vector) is Vector


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e39])
def test_a_vector_refuses_numbers_that_are_not_finite_in_32_bits(bad):
    with pytest.raises(ValueError, match="item 1 does not"):
        Vector([0.0, bad])
    with pytest.raises(ValueError, match="finite"):
        Vector().append(bad)


@pytest.mark.parametrize("bad", [["a"], [None], "abc", b"abcd", bytearray(b"abcd"), [[1.0]]])
def test_a_vector_refuses_what_is_no_number(bad):
    with pytest.raises(TypeError, match="a Vector takes numbers"):
        Vector(bad)


def test_a_vector_names_the_item_that_is_no_number():
    with pytest.raises(TypeError, match="item 1 is a str"):
        Vector([1.0, "x"])


def test_a_refused_change_leaves_the_vector_as_it_was():
    vector = Vector([1.0, 2.0])
    with pytest.raises(TypeError):
        vector[0:2] = [3.0, "x"]
    assert vector == [1.0, 2.0]


def test_a_vector_is_a_list_and_its_copies_are_vectors():
    vector = Vector([1, 2])
    assert isinstance(vector, list)
    assert repr(vector) == "Vector([1.0, 2.0])"
    for twin in (vector.copy(), copy.copy(vector), copy.deepcopy(vector), pickle.loads(pickle.dumps(vector))):
        assert twin == vector
        assert type(twin) is Vector
        assert twin is not vector


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_location_keeps_its_degrees(latitude, longitude):
    place = GeoLocation(latitude, longitude)
    assert (place.latitude, place.longitude) == (latitude, longitude)
    converter = GeoLocationConverter()
    assert converter.from_graph(converter.to_graph(place)) == place


@pytest.mark.parametrize(
    ("latitude", "longitude", "message"),
    [
        (90.1, 0, "latitude must be between -90 and 90 degrees, not 90.1"),
        (0, -180.5, "longitude must be between -180 and 180"),
        (math.nan, 0, "latitude must be between"),
        (0, math.inf, "longitude must be between"),
    ],
)
def test_a_location_off_the_globe_is_refused(latitude, longitude, message):
    with pytest.raises(ValueError, match=message):
        GeoLocation(latitude, longitude)


@pytest.mark.parametrize("bad", ["1", None, True, b"1"])
def test_a_location_takes_numbers_only(bad):
    with pytest.raises(TypeError, match="longitude must be a number"):
        GeoLocation(1.0, bad)


def test_a_location_is_a_value():
    place = GeoLocation(52, 13)
    assert place == GeoLocation(52.0, 13.0)
    assert len({place, GeoLocation(52.0, 13.0)}) == 1
    assert type(place.latitude) is float
    with pytest.raises(AttributeError):
        place.latitude = 1.0
    assert pickle.loads(pickle.dumps(place)) == place


def test_an_aware_datetime_is_stored_as_its_instant_in_utc():
    converter = DatetimeConverter()
    value = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert converter.to_graph(value) == "2024-01-01T21:34:05.678901+00:00"
    assert converter.from_graph(converter.to_graph(value)) == value
    assert converter.from_graph(converter.to_graph(value)).tzinfo == UTC


def test_a_naive_datetime_stays_naive():
    value = datetime(1, 1, 1)
    assert DatetimeConverter().from_graph(DatetimeConverter().to_graph(value)) == value


def test_a_datetime_converter_refuses_other_values():
    with pytest.raises(TypeError, match="expected a datetime, not str"):
        DatetimeConverter().to_graph("2024-01-01")


class Colour(Enum):
    RED = "red"
    BLUE = 2


class Size(StrEnum):
    S = "small"


def test_an_enum_is_stored_by_value():
    converter = EnumConverter(Colour)
    assert converter.to_graph(Colour.RED) == "red"
    assert converter.from_graph(2) is Colour.BLUE
    stored = EnumConverter(Size).to_graph(Size.S)
    assert type(stored) is str
    assert stored == "small"
    with pytest.raises(ValueError, match="green"):
        converter.to_graph("green")


def test_an_enum_converter_takes_an_enum_class():
    with pytest.raises(TypeError, match="takes an Enum class"):
        EnumConverter(str)


def test_converters_name_the_function_that_wraps_their_parameter():
    assert VectorConverter.cypher_fn == "vecf32"
    assert GeoLocationConverter.cypher_fn == "point"
    assert DatetimeConverter.cypher_fn is None
    assert VectorConverter().to_graph([0.1]) == [single(0.1)]
    assert type(VectorConverter().from_graph([0.1])) is Vector
    assert GeoLocationConverter().from_graph({"latitude": 1, "longitude": 2}) == GeoLocation(1, 2)
    with pytest.raises(TypeError, match="expected a GeoLocation"):
        GeoLocationConverter().to_graph((1, 2))


def test_a_converter_has_to_say_both_ways():
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (TypeConverter,), {"to_graph": lambda self, value: value})()
