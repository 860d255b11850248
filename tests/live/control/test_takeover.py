"""Soft takeover as laws over any gestures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.control.curves import CURVES, TOP7, value_at
from live.control.takeover import NEAR, Law, Scale, takeover

LOW, HIGH = -1.0, 1.0
PLACES = st.integers(0, 127).map(lambda number: value_at(number, TOP7, LOW, HIGH, CURVES["linear"]))
GESTURES = st.lists(
    st.tuples(st.sampled_from(["hardware", "hardware", "hardware", "other"]), PLACES), max_size=60
)


def play(
    law: Law, knob: float, gestures: list[tuple[str, float]]
) -> list[tuple[str, float, float, float | None]]:
    """Return (who, place, knob before, what the law said) for each gesture, the knob obeying."""
    held = takeover(law, LOW, HIGH)
    seen = []
    for who, place in gestures:
        before, said = knob, None
        if who == "other":
            knob = place
        else:
            said = held.move(place, knob)
            knob = knob if said is None else said
        seen.append((who, place, before, said))
    return seen


@given(PLACES, GESTURES)
def test_jump_takes_the_hardware_at_once(knob: float, gestures: list[tuple[str, float]]) -> None:
    for who, place, _, said in play("jump", knob, gestures):
        assert who == "other" or said == place


@given(PLACES, GESTURES)
def test_pickup_waits_until_the_hardware_reaches_or_crosses(
    knob: float, gestures: list[tuple[str, float]]
) -> None:
    together, last = False, None
    for who, place, before, said in play("pickup", knob, gestures):
        if who == "other":
            together = together and place == before
            continue
        meets = place == before or (last is not None and min(last, place) <= before <= max(last, place))
        assert (said is not None) == (together or meets)
        assert said in {None, place}
        together, last = said is not None, place


@given(PLACES, PLACES, st.lists(PLACES, min_size=1))
def test_pickup_has_to_pick_up_again_what_was_moved(
    first: float, moved: float, gestures: list[float]
) -> None:
    held = takeover("pickup", LOW, HIGH)
    assert held.move(first, first) == first
    assert held.waiting(first) is None
    if moved == first:
        return
    assert held.waiting(moved) == first
    for place in gestures:
        if (place - moved) * (first - moved) > 0:
            assert held.move(place, moved) is None
            assert held.waiting(moved) == place
            first = place


@pytest.mark.parametrize(("knob", "end"), [(1.0, 0.5), (-1.0, -0.5)])
def test_pickup_reaches_a_knob_beyond_its_range_at_the_end(knob: float, end: float) -> None:
    held = takeover("pickup", -0.5, 0.5)
    assert held.move(0.0, knob) is None
    assert held.move(end * 0.9, knob) is None
    assert held.move(end, knob) == end
    assert held.move(end * 0.9, end) == end * 0.9


def test_nothing_waits_before_the_hardware_has_spoken() -> None:
    assert takeover("pickup", LOW, HIGH).waiting(0.3) is None


@given(PLACES, GESTURES)
def test_scale_goes_the_way_of_the_hardware_and_stays_in_range(
    knob: float, gestures: list[tuple[str, float]]
) -> None:
    last = None
    for who, place, before, said in play("scale", knob, gestures):
        if who == "other":
            continue
        assert said is not None
        assert LOW <= said <= HIGH
        if last is None:
            assert said == place
        else:
            assert (said - before) * (place - last) >= 0 or abs(before - last) <= NEAR
        last = place


@given(PLACES, PLACES, PLACES.filter(lambda place: place not in {LOW, HIGH}))
def test_scale_reaches_both_ends(hardware: float, knob: float, middle: float) -> None:
    for end in (LOW, HIGH):
        held = Scale(LOW, HIGH)
        held.move(hardware, hardware)
        now = held.move(middle, knob)
        assert now is not None
        assert held.move(end, now) == end


@given(PLACES, st.lists(PLACES, min_size=1))
def test_scale_in_step_stays_in_step(knob: float, places: list[float]) -> None:
    held = Scale(LOW, HIGH)
    for place in places:
        said = held.move(place, knob)
        assert said == place
        knob = place


@given(st.integers(1, 126), st.integers(0, 127))
def test_scale_does_not_jump(number: int, knob_number: int) -> None:
    """One step of the hardware moves the knob by no more than its share of the way that is left."""
    here, next_place = (value_at(n, TOP7, LOW, HIGH, CURVES["linear"]) for n in (number, number + 1))
    knob = value_at(knob_number, TOP7, LOW, HIGH, CURVES["linear"])
    held = Scale(LOW, HIGH)
    held.move(here, here)
    said = held.move(next_place, knob)
    assert said is not None
    assert said - knob == pytest.approx((HIGH - knob) * (next_place - here) / (HIGH - here), abs=1e-9)
