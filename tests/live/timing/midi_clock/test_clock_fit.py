"""The line through a master's clocks: jitter filtered, tempo changes followed, lost clocks counted."""

import random

import pytest

from live.timing.midi_clock.clock_fit import ClockFit
from live.timing.timeline import Nanos
from tests.fakes import masters
from tests.fakes.followed import Found, followed


def fitted(moments: list[int], tempo_bpm: float = 120.0) -> ClockFit:
    fit = ClockFit(tempo_bpm)
    for moment in moments:
        fit.add(Nanos(moment))
    return fit


def worst_ms(found: list[Found], *, first: float = 0.0, last: float = 1e9) -> float:
    return max(abs(one.late_ms) for one in found if first <= one.beat < last)


@pytest.mark.parametrize("bpm", [30.0, 97.3, 120.0, 300.0])
def test_even_clocks_give_their_tempo_and_their_moments(bpm: float) -> None:
    moments = masters.sent(bpm, 4)
    fit = fitted(moments)
    assert fit.tempo_bpm == pytest.approx(bpm, rel=1e-6)
    assert fit.moment(fit.count) == pytest.approx(moments[-1], abs=1000)
    assert fit.count == len(moments) - 1


@pytest.mark.parametrize("bpm", [30.0, 120.0, 300.0])
def test_jitter_of_three_milliseconds_stays_under_one(bpm: float) -> None:
    moments = masters.sent(bpm, 80)
    found = followed(moments, masters.jittered(moments, 3.0), tempo_bpm=bpm)
    late = sorted(abs(one.late_ms) for one in found if one.beat >= 8)
    assert late[int(0.99 * len(late))] < 1.0


@pytest.mark.parametrize(
    ("before", "after"), [(120, 126), (120, 180), (120, 60), (90, 95), (300, 30), (30, 300)]
)
@pytest.mark.parametrize("ms", [0.0, 1.0])
def test_another_tempo_is_known_within_a_beat(before: float, after: float, ms: float) -> None:
    moments = masters.sent(masters.step(before, after, at_beat=16), 24)
    found = followed(moments, masters.jittered(moments, ms), tempo_bpm=before)
    assert max(abs(one.tempo_bpm / after - 1) for one in found if one.beat >= 17) < 0.02
    assert worst_ms(found, first=22) < 2.0  # and the place soon after


@pytest.mark.parametrize("ms", [0.0, 1.0, 3.0])
def test_a_ramp_is_followed_and_its_end_not_overshot(ms: float) -> None:
    moments = masters.sent(masters.ramp(120, 160, first_beat=16, beats=16), 48)
    found = followed(moments, masters.jittered(moments, ms))
    assert max(one.tempo_bpm for one in found) < 160 * 1.005
    assert worst_ms(found, first=16) < 2.5 + 2 * ms
    assert worst_ms(found, first=40) < 1.0


def test_a_tempo_step_is_not_taken_for_lost_clocks() -> None:
    moments = masters.sent(masters.step(120, 60, at_beat=16), 24)
    assert fitted(moments).count == len(moments) - 1


@pytest.mark.parametrize("bpm", [30.0, 120.0, 300.0])
def test_lost_clocks_are_counted(bpm: float) -> None:
    moments = masters.sent(bpm, 60)
    lost = [*range(200, 205), 400, 700, 1000, 1021, 1200]
    received = masters.jittered(masters.without(moments, lost), 1.0)
    assert fitted(received, bpm).count == len(moments) - 1
    assert worst_ms(followed(moments, received, tempo_bpm=bpm), first=4) < 1.0


def test_doubled_clocks_are_counted_once() -> None:
    moments = masters.sent(120, 60)
    received = masters.doubled(moments, [200, 400, 700, 1000, 1021])
    assert fitted(received).count == len(moments) - 1
    assert worst_ms(followed(moments, received), first=4) < 1.0


@pytest.mark.parametrize(
    ("bpm", "ms"), [(60.0, 5.8), (120.0, 11.6), (120.0, 23.2), (190.0, 11.6), (200.0, 11.6), (300.0, 23.2)]
)
def test_a_sequencer_that_writes_buffers_is_followed_evenly(bpm: float, ms: float) -> None:
    moments = masters.sent(bpm, 60)
    received = masters.buffered(moments, ms)
    fit = fitted(received)
    assert fit.count == len(moments) - 1
    found = followed(moments, received, tempo_bpm=bpm)
    late = [one.late_ms for one in found if one.beat >= 24]
    assert min(late) >= 0
    assert max(late) - min(late) < ms / 4  # all are as late as the mean, half a buffer
    assert sum(late) / len(late) == pytest.approx(ms / 2, abs=ms / 8)


@pytest.mark.parametrize(
    ("bpm", "ms"), [(120.0, 64 / 3), (120.0, 20.0), (120.0, 22.0), (118.0, 64 / 3), (118.0, 128 / 3)]
)
def test_a_sequencer_whose_buffers_are_about_as_long_as_a_clock_is_not_taken_to_lose_any(
    bpm: float, ms: float
) -> None:
    moments = masters.sent(bpm, 120)  # 64 / 3: 1024 frames at 48 kHz
    received = masters.buffered(moments, ms)
    assert fitted(received).count == len(moments) - 1
    late = [one.late_ms for one in followed(moments, received, tempo_bpm=bpm) if one.beat >= 24]
    assert sum(late) / len(late) == pytest.approx(ms / 2, abs=ms / 6)
    assert max(abs(one - ms / 2) for one in late) < ms


def test_a_wire_that_stalls_does_not_lead_the_tempo_astray() -> None:
    moments = masters.sent(120, 60)
    received = masters.stalled(moments, 60.0, every_ms=3300)
    found = followed(moments, received)
    assert worst_ms(found, first=4) < 15.0
    assert max(abs(one.tempo_bpm / 120 - 1) for one in found if one.beat > 4) < 0.05
    assert fitted(received).count == len(moments) - 1


def test_the_count_survives_a_night_of_accidents() -> None:
    chance = random.Random(3)
    moments = masters.sent(140, 300)
    lost = sorted(chance.sample(range(400, len(moments), 24), 40))
    received = masters.jittered(masters.without(moments, lost), 2.0, seed=4)
    assert fitted(received).count == len(moments) - 1


def test_a_flood_of_clocks_is_no_tempo() -> None:
    fit = fitted([masters.FIRST + number * 1000 for number in range(500)])
    assert 20 <= fit.tempo_bpm <= 400


def test_after_a_restart_the_tempo_stays_until_another_is_clear() -> None:
    fit = fitted(masters.jittered(masters.sent(120, 8), 3.0))
    before = fit.tempo_bpm
    fit.restart()
    for moment in (0, 22_000_000, 40_500_000):  # jitter, no other tempo
        fit.add(Nanos(10**12 + moment))
    assert fit.tempo_bpm == before
    assert fit.moment(fit.count) == pytest.approx(10**12 + 41_600_000, abs=2e6)
