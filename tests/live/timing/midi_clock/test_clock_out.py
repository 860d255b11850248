"""MIDI clock out: every byte on its tick, and followers that find their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.timing.midi_clock.clock_out import CLOCK_TICKS, LAST_POSITION, SIXTEENTH, ClockOut
from live.timing.timeline import Tick


@given(st.lists(st.integers(0, 4000), min_size=1))
def test_each_clock_byte_is_due_once_however_the_time_goes(ticks: list[int]) -> None:
    clock = ClockOut(wanted=True)
    found = [due for tick in sorted(ticks) for due in clock.due(Tick(tick))]
    assert found == list(range(0, max(ticks) + 1, CLOCK_TICKS))
    assert clock.next_tick == (max(ticks) // CLOCK_TICKS + 1) * CLOCK_TICKS


def test_who_wants_no_clock_gets_nothing() -> None:
    clock = ClockOut(wanted=False)
    assert clock.next_tick is None
    assert list(clock.due(Tick(1000))) == []
    assert clock.stop(Tick(10)) == []
    assert clock.resume(Tick(10))[0] == []
    assert clock.resume(Tick(10))[2] == b""


@pytest.mark.parametrize(("tick", "position"), [(-50, 0), (0, 0), (119, 0), (120, 1), (10**7, LAST_POSITION)])
def test_a_stop_tells_the_place(tick: int, position: int) -> None:
    stop, place = ClockOut(wanted=True).stop(Tick(tick))
    assert stop == b"\xfc"
    assert place[0] == 0xF2
    assert place[1] | place[2] << 7 == position


@given(st.integers(0, 10**7))
def test_followers_continue_on_a_sixteenth_with_the_byte_before_its_clock(tick: int) -> None:
    clock = ClockOut(wanted=True)
    (stop, place), again, data = clock.resume(Tick(tick))
    assert (stop, data) == (b"\xfc", b"\xfb")
    assert clock.next_tick is not None
    assert tick < again < clock.next_tick <= tick + 2 * SIXTEENTH
    assert place[1] | place[2] << 7 == min(LAST_POSITION, clock.next_tick // SIXTEENTH)
