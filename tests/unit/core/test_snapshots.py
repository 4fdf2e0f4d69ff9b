from __future__ import annotations

import copy
import math
import threading

from hypothesis import given
from hypothesis import strategies as st

from runic.orm.core.snapshots import NO_SNAPSHOT, is_immutable, same_value, take_snapshot
from runic.orm.core.types import GeoLocation, Vector

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.builds(GeoLocation, st.floats(-90, 90), st.floats(-180, 180))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(values)
def test_a_snapshot_is_the_same_value_and_shares_nothing_that_changes(value):
    snapshot = take_snapshot(value)
    assert same_value(snapshot, value)
    assert is_immutable(value) or snapshot is not value


@given(values, values)
def test_being_the_same_is_symmetric_and_never_laxer_than_equality(left, right):
    assert same_value(left, right) == same_value(right, left)
    assert same_value(left, copy.deepcopy(left))
    if same_value(left, right) and "nan" not in repr(left).lower():
        assert left == right


@given(st.lists(scalars, min_size=1, max_size=4), st.data())
def test_a_change_of_one_item_is_seen(items, data):
    snapshot = take_snapshot(items)
    position = data.draw(st.integers(0, len(items) - 1))
    items[position] = "something else entirely"
    assert not same_value(snapshot, items)


def test_types_matter_deep_inside():
    assert not same_value({"a": [1]}, {"a": [True]})
    assert not same_value([0.0], [-0.0])
    assert not same_value(Vector([1]), [1.0])
    assert not same_value({"a": 1}, {"b": 1})
    assert same_value({"a": math.nan}, {"a": math.nan})


class Sulky:
    def __eq__(self, other):
        raise RuntimeError("no comparison today")

    __hash__ = object.__hash__


def test_what_cannot_be_copied_or_compared_has_no_snapshot():
    assert take_snapshot(threading.Lock()) is NO_SNAPSHOT
    assert take_snapshot(Sulky()) is NO_SNAPSHOT
    assert take_snapshot(object()) is NO_SNAPSHOT
    assert not same_value(Sulky(), Sulky())
