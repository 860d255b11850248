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
        if said is not None:
            assert LOW <= said <= HIGH
            if last is None:
                assert said == place
            else:
                assert (said - before) * (place - last) >= 0 or abs(before - last) <= NEAR
        last = place


@given(st.sampled_from(["pickup", "scale"]), PLACES, GESTURES)
def test_no_knob_leaps_farther_than_its_hardware_moved(
    law: Law, knob: float, gestures: list[tuple[str, float]]
) -> None:
    last = None
    for who, place, before, said in play(law, knob, gestures):
        if who == "hardware":
            if said is not None:
                assert abs(said - before) <= (0.0 if last is None else abs(place - last)) + NEAR
            last = place


def test_the_first_message_only_tells_where_the_hardware_is() -> None:
    for law in ("pickup", "scale"):
        held = takeover(law, LOW, HIGH)
        assert held.move(0.8, -0.5, step=0.02) is None
        assert takeover(law, LOW, HIGH).move(0.51, 0.5, step=0.02) == 0.51


@given(PLACES, PLACES, PLACES)
def test_scale_reaches_both_ends_within_one_way_there_and_one_back(
    hardware: float, knob: float, middle: float
) -> None:
    for end, other in ((LOW, HIGH), (HIGH, LOW)):
        held = Scale(LOW, HIGH)
        now = knob
        for place in (hardware, middle, other, end):
            said = held.move(place, now)
            now = now if said is None else said
        assert now == pytest.approx(end)


@given(PLACES, st.lists(PLACES, min_size=1))
def test_scale_in_step_stays_in_step(knob: float, places: list[float]) -> None:
    held = Scale(LOW, HIGH)
    held.move(knob, knob)
    for place in places:
        assert held.move(place, knob) == place
        knob = place


@given(st.integers(0, 126), st.integers(0, 127))
def test_scale_moves_a_knob_by_its_share_of_the_way_and_no_faster_than_the_hand(
    number: int, knob_number: int
) -> None:
    here, next_place = (value_at(n, TOP7, LOW, HIGH, CURVES["linear"]) for n in (number, number + 1))
    knob = value_at(knob_number, TOP7, LOW, HIGH, CURVES["linear"])
    held = Scale(LOW, HIGH)
    held.move(here, here)
    said = held.move(next_place, knob)
    share = min(1.0, (HIGH - knob) / (HIGH - here))
    assert (knob if said is None else said) - knob == pytest.approx(share * (next_place - here), abs=1e-9)
