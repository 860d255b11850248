"""What is a touch and what is a press, as laws over any numbers."""

from hypothesis import given
from hypothesis import strategies as st

from live.control.hysteresis import SAME_PRESS_NANOS, Hysteresis, Switch

TOP = 127
NUMBERS = st.lists(st.integers(0, TOP), max_size=80)


@given(st.integers(0, TOP - 1), st.lists(st.booleans(), max_size=60))
def test_a_pot_that_flickers_is_touched_at_most_once(number: int, ups: list[bool]) -> None:
    steady = Hysteresis()
    steady.feed(number, TOP)
    assert sum(steady.feed(number + up, TOP) for up in ups) <= 2, "an end or the centre, and back"


@given(NUMBERS)
def test_what_it_stands_at_is_never_more_than_a_step_off(numbers: list[int]) -> None:
    steady = Hysteresis()
    for number in numbers:
        steady.feed(number, TOP)
        assert steady.number is not None
        assert abs(steady.number - number) <= 1
        if number in (0, 64, TOP):
            assert steady.number == number


@given(st.integers(0, 100), st.integers(3, 27))
def test_a_slow_turn_is_followed_step_by_step(start: int, steps: int) -> None:
    steady = Hysteresis()
    touched = [steady.feed(number, TOP) for number in range(start, start + steps)]
    assert all(touched[2:])


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=60))
def test_presses_are_counted_once_each(states: list[tuple[bool, int]]) -> None:
    """A switch that tells its releases: as many presses as times that it goes down."""
    switch, nanos, before, wanted, counted = Switch("momentary"), 0, False, 0, 0
    for down, ms in states:
        nanos += ms * 1_000_000
        counted += switch.feed(TOP * down, TOP, nanos)
        wanted += down and not before
        before = down
    assert counted == wanted


def test_a_trigger_is_pressed_as_often_as_it_speaks_but_for_repeats() -> None:
    switch, nanos, counted = Switch("trigger"), 0, 0
    for late in (0, SAME_PRESS_NANOS, SAME_PRESS_NANOS - 1, SAME_PRESS_NANOS - 1, SAME_PRESS_NANOS):
        nanos += late
        counted += switch.feed(TOP, TOP, nanos)
    assert counted == 3
