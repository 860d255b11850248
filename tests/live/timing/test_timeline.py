"""The timeline's laws: a bijection, continuous where the tempo changes, never mirrored around zero."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.timing.timeline import (
    FASTEST_BPM,
    SLOWEST_BPM,
    Nanos,
    Tick,
    Timeline,
    nearest_step,
    whole_nanos_per_beat,
)
from model.music.grid import TICKS_PER_BEAT, Grid

TICKS = st.integers(-(10**7), 10**7).map(Tick)
MOMENTS = st.integers(0, 10**15).map(Nanos)
TEMPOS = st.floats(SLOWEST_BPM, FASTEST_BPM)
TIMELINES = st.builds(Timeline, TICKS, MOMENTS, TEMPOS)
GRIDS = st.builds(
    Grid, st.integers(1, 16), st.integers(1, 12), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 15, 16, 32])
)


@given(TIMELINES, TICKS)
def test_every_tick_is_found_again_from_its_moment(timeline: Timeline, tick: Tick) -> None:
    assert timeline.tick(timeline.nanos(tick)) == tick


@given(TIMELINES, TICKS)
def test_the_nanosecond_before_a_tick_belongs_to_the_one_before(timeline: Timeline, tick: Tick) -> None:
    assert timeline.tick(Nanos(timeline.nanos(tick) - 1)) == tick - 1


@given(TIMELINES, MOMENTS)
def test_a_moment_lies_within_its_tick(timeline: Timeline, moment: Nanos) -> None:
    tick = timeline.tick(moment)
    assert timeline.nanos(tick) <= moment < timeline.nanos(Tick(tick + 1))


@given(TIMELINES, TICKS, TICKS)
def test_order_and_distances_are_kept(timeline: Timeline, one: Tick, other: Tick) -> None:
    assert timeline.nanos(other) - timeline.nanos(one) == (other - one) * timeline.nanos_per_tick


@given(TIMELINES, TICKS)
def test_what_lies_before_the_origin_is_not_mirrored(timeline: Timeline, distance: Tick) -> None:
    origin = timeline.origin_tick
    before, after = (timeline.nanos(Tick(origin + sign * distance)) for sign in (-1, 1))
    assert before + after == 2 * timeline.origin_nanos
    assert timeline.tick(Nanos(timeline.origin_nanos - 1)) == origin - 1


@given(TIMELINES, TICKS, TEMPOS)
def test_a_tempo_change_is_continuous_at_its_tick(timeline: Timeline, tick: Tick, tempo: float) -> None:
    later = timeline.at_tempo(tempo, tick)
    assert later.nanos(tick) == timeline.nanos(tick)
    assert later.tick(timeline.nanos(tick)) == tick
    assert later.nanos(Tick(tick + 1)) - later.nanos(tick) == later.nanos_per_tick


@given(TIMELINES, st.lists(st.tuples(st.integers(1, 5000), TEMPOS), max_size=8))
def test_ticks_never_go_back_through_any_tempo_changes(
    timeline: Timeline, changes: list[tuple[int, float]]
) -> None:
    tick, moment = timeline.origin_tick, timeline.origin_nanos
    for ahead, tempo in changes:
        tick = Tick(tick + ahead)
        assert timeline.nanos(tick) > moment
        moment = timeline.nanos(tick)
        timeline = timeline.at_tempo(tempo, tick)
        assert timeline.tick(moment) == tick


@given(TEMPOS)
def test_the_beat_is_whole_and_off_by_less_than_one_in_ten_thousand(tempo: float) -> None:
    beat = whole_nanos_per_beat(tempo)
    assert beat % TICKS_PER_BEAT == 0
    exact = Fraction(60_000_000_000) / Fraction(tempo)
    assert abs(beat - exact) / exact < Fraction(1, 10_000)


@pytest.mark.parametrize("tempo", [19.99, 400.01, 0.0, -120.0, float("nan"), float("inf")])
def test_a_tempo_out_of_range_is_refused(tempo: float) -> None:
    with pytest.raises(ValueError) as refused:
        whole_nanos_per_beat(tempo)
    assert str(refused.value).startswith("tempo must be in 20..400 bpm, not ")


def test_a_beat_at_120_is_half_a_second() -> None:
    timeline = Timeline(Tick(0), Nanos(7), 120.0)
    assert timeline.nanos(Tick(480)) == 7 + 500_000_160  # rounded so that a tick is whole


@given(GRIDS, st.integers(-(10**6), 10**6))
def test_the_nearest_step_is_at_most_half_a_step_away(grid: Grid, tick: int) -> None:
    step, deviation = nearest_step(grid, tick)
    assert -0.5 <= deviation <= 0.5
    assert (step + deviation) * grid.ticks_per_step == pytest.approx(tick)


@given(GRIDS, st.integers(-(10**6), 10**6))
def test_a_step_is_nearest_to_itself(grid: Grid, step: int) -> None:
    assert nearest_step(grid, step * grid.ticks_per_step) == (step, 0.0)
