"""From a controller's numbers to values: ends, curves, encoders, 14-bit pairs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.control.curves import CURVES, TOP7, TOP14, Pair, detents, value_at


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.05, 2.0), (40.0, 240.0), (-0.25, 1.0)])
@pytest.mark.parametrize("top", [TOP7, TOP14])
def test_values_rise_from_end_to_end(curve: str, low: float, high: float, top: int) -> None:
    values = [value_at(number, top, low, high, CURVES[curve]) for number in range(top + 1)]
    assert (values[0], values[-1]) == (low, high)
    assert all(one <= other for one, other in itertools.pairwise(values))
    if low < 0:
        assert values[(top + 1) // 2] == 0.0


@pytest.mark.parametrize(("curve", "half"), [("linear", 0.5), ("exp", 0.2), ("log", 0.7719), ("s", 0.5)])
def test_curves_at_half_of_the_travel(curve: str, half: float) -> None:
    assert CURVES[curve](0.5) == pytest.approx(half, abs=1e-4)


@pytest.mark.parametrize(
    ("encoder", "numbers"),
    [
        ("twos_complement", {1: 1, 2: 2, 127: -1, 126: -2, 0: 0}),
        ("sign_magnitude", {1: 1, 2: 2, 65: -1, 66: -2, 0: 0, 64: 0}),
        ("binary_offset", {65: 1, 66: 2, 63: -1, 62: -2, 64: 0}),
    ],
)
def test_encoders(encoder: str, numbers: dict[int, int]) -> None:
    for number, turns in numbers.items():
        assert detents(number, encoder) == turns  # type: ignore[arg-type]


@given(st.lists(st.integers(0, TOP14), min_size=1), st.booleans())
def test_pairs_in_either_order_never_say_a_wrong_value(numbers: list[int], upper_first: bool) -> None:
    pair = Pair()
    for number in numbers:
        halves = [(number >> 7, True), (number & 127, False)]
        first, second = halves if upper_first else reversed(halves)
        assert pair.feed(first[0], upper=first[1]) is None
        assert pair.feed(second[0], upper=second[1]) == (number, TOP14)


def test_a_first_half_that_has_not_changed_may_stay_away() -> None:
    pair = Pair()
    assert pair.feed(10, upper=True) is None
    assert pair.feed(5, upper=False) == (10 << 7 | 5, TOP14)
    assert pair.feed(6, upper=False) == (10 << 7 | 6, TOP14)


def test_a_sender_of_upper_halves_alone_has_seven_bits() -> None:
    pair = Pair()
    assert pair.feed(64, upper=True) is None
    assert pair.feed(65, upper=True) == (65, TOP7)
    assert pair.feed(127, upper=True) == (127, TOP7)
