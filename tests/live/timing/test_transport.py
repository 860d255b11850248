"""The transport: from bar 0, through tempo changes without a jump, and the tempo of taps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import TAP_TIMEOUT_NANOS, Transport

SECOND = 1_000_000_000
TEMPOS = st.floats(30, 300)


@pytest.fixture
def transport() -> Transport:
    return Transport(tempo_bpm=120.0)


def test_it_rests_at_zero_until_it_is_started(transport: Transport) -> None:
    assert not transport.running
    assert transport.state(Nanos(0)) == "stopped"
    assert transport.tick(Nanos(5 * SECOND)) == 0


def test_it_starts_on_tick_zero(transport: Transport) -> None:
    transport.start(Nanos(3 * SECOND))
    assert transport.running
    assert transport.tick(Nanos(3 * SECOND)) == 0
    assert transport.state(Nanos(3 * SECOND)) == "playing"


def test_the_count_in_lies_before_zero(transport: Transport) -> None:
    transport.start(Nanos(SECOND), count_in_ticks=1920)
    assert transport.tick(Nanos(SECOND)) == -1920
    assert transport.state(Nanos(SECOND)) == "count-in"
    bar_zero = transport.timeline.nanos(Tick(0))
    assert transport.state(Nanos(bar_zero - 1)) == "count-in"
    assert transport.state(bar_zero) == "playing"


def test_a_stop_stays_where_it_is_and_a_start_begins_anew(transport: Transport) -> None:
    transport.start(Nanos(0))
    moment = transport.timeline.nanos(Tick(777))
    transport.stop(moment)
    assert transport.tick(Nanos(moment + 9 * SECOND)) == 777
    transport.start(Nanos(moment + 10 * SECOND))
    assert transport.tick(Nanos(moment + 10 * SECOND)) == 0


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), TEMPOS), max_size=10))
def test_a_tempo_change_goes_on_from_the_present_tick(changes: list[tuple[int, float]]) -> None:
    transport = Transport(tempo_bpm=120.0)
    transport.start(Nanos(0))
    now = Nanos(0)
    for wait, tempo in changes:
        now = Nanos(now + wait)
        before, old = transport.tick(now), transport.timeline
        transport.set_tempo(tempo, now)
        new = transport.timeline
        assert new.nanos(before) == old.nanos(before)
        # what has gone by of the old tick may be several of a quicker tempo, but never more than it
        assert 0 <= transport.tick(now) - before <= old.nanos_per_tick / new.nanos_per_tick
        assert transport.tempo_bpm == tempo


def test_a_stopped_transport_takes_its_next_tempo(transport: Transport) -> None:
    transport.set_tempo(60.0, Nanos(0))
    transport.start(Nanos(0))
    assert transport.tick(Nanos(SECOND + 1_000)) == 480


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("tempo", [0.0, 1e9, float("nan")])
def test_a_tempo_out_of_range_changes_nothing(tempo: float, running: bool, transport: Transport) -> None:
    if running:
        transport.start(Nanos(0))
    with pytest.raises(ValueError):
        transport.set_tempo(tempo, Nanos(5))
    assert transport.tempo_bpm == 120.0
    transport.start(Nanos(SECOND))
    assert transport.tick(Nanos(2 * SECOND)) == 959  # rounded so that a tick is whole: .3 us late


@given(TEMPOS, st.integers(2, 12))
def test_even_taps_give_their_tempo(tempo: float, count: int) -> None:
    transport = Transport(tempo_bpm=120.0)
    tempos = [transport.tap(Nanos(round(number * 60e9 / tempo))) for number in range(count)]
    assert tempos[0] is None
    assert tempos[1:] == [pytest.approx(tempo, rel=1e-6)] * (count - 1)


def test_an_uneven_tap_is_averaged_with_the_last_four(transport: Transport) -> None:
    tempos = None
    for moment in (0, 400, 900, 1500, 2100, 2500):
        tempos = transport.tap(Nanos(moment * 1_000_000))
    assert tempos == pytest.approx(60_000 / ((2500 - 400) / 4))


def test_a_pause_begins_a_new_count(transport: Transport) -> None:
    transport.tap(Nanos(0))
    transport.tap(Nanos(SECOND // 2))
    later = SECOND // 2 + TAP_TIMEOUT_NANOS + 1
    assert transport.tap(Nanos(later)) is None
    assert transport.tap(Nanos(later + SECOND)) == pytest.approx(60.0)


def test_two_taps_at_one_moment_tell_nothing(transport: Transport) -> None:
    transport.tap(Nanos(5))
    assert transport.tap(Nanos(5)) is None


@pytest.mark.parametrize(("bpm", "ahead"), [(126.0, 0), (120.0, 90), (114.0, -60), (150.0, 400)])
def test_following_reaches_the_other_place_without_leaving_out_a_tick(bpm: float, ahead: int) -> None:
    transport = Transport(tempo_bpm=120.0)
    transport.start(Nanos(0))
    target = Timeline(Tick(ahead), Nanos(0), bpm)
    ticks = []
    for millis in range(0, 4000, 10):
        now = Nanos(millis * 1_000_000)
        if millis % 100 == 0:
            transport.follow(target, now)
        ticks.append(transport.tick(now))
    assert all(later >= sooner for sooner, later in pairwise(ticks))
    assert max(later - sooner for sooner, later in pairwise(ticks)) <= 2 * 480 * 150 / 60 / 100 + 1
    assert abs(transport.tick(Nanos(4_000_000_000)) - target.tick(Nanos(4_000_000_000))) <= 1
    assert transport.tempo_bpm == bpm


def test_following_within_fewer_beats_is_sooner_there() -> None:
    late = {}
    for beats in (0.25, 1.0):
        transport = Transport(tempo_bpm=120.0)
        transport.start(Nanos(0))
        target = Timeline(Tick(48), Nanos(0), 120.0)
        for millis in range(0, 500, 20):
            transport.follow(target, Nanos(millis * 1_000_000), beats=beats)
        late[beats] = target.tick(Nanos(SECOND // 2)) - transport.tick(Nanos(SECOND // 2))
    assert late[0.25] <= 2
    assert late[1.0] >= 15
