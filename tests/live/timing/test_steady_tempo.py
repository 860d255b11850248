"""A tempo that is calm where the moment's sways."""

import math

import pytest

from live.timing.steady_tempo import SteadyTempo, steady_bars
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport
from model.music.metre import METRES

SECOND = 1_000_000_000
LINE = Timeline(Tick(0), Nanos(0), 120.0)


def test_a_timeline_that_is_not_bent_has_its_own_tempo() -> None:
    assert SteadyTempo(LINE, 8).bpm(Tick(100)) == pytest.approx(120)


def test_it_is_the_mean_of_the_last_beats() -> None:
    steady = SteadyTempo(LINE, 8)
    steady.bend(LINE.at_tempo(60, Tick(4 * 480)))
    assert steady.bpm(Tick(4 * 480)) == pytest.approx(120)
    assert steady.bpm(Tick(8 * 480)) == pytest.approx(8 * 60 / (4 * 0.5 + 4 * 1.0))
    assert steady.bpm(Tick(12 * 480)) == pytest.approx(60)


@pytest.mark.parametrize(("metre", "bars"), [("4/4", 4), ("3/4", 6), ("6/8", 6), ("2/4", 8), ("5/4", 4)])
def test_short_bars_must_be_more_for_as_calm_a_number(metre: str, bars: int) -> None:
    assert steady_bars(METRES[metre]) == bars


def test_within_a_beat_it_stays() -> None:
    steady = SteadyTempo(LINE, 4)
    steady.bend(LINE.at_tempo(100, Tick(480)))
    before = steady.bpm(Tick(2 * 480))
    steady.bend(LINE.at_tempo(100, Tick(480)).at_tempo(150, Tick(2 * 480 + 10)))
    assert steady.bpm(Tick(3 * 480 - 1)) == before
    assert steady.bpm(Tick(3 * 480)) > before


def test_of_a_transport_that_follows_a_wavering_beat_it_is_within_a_percent() -> None:
    transport = Transport(tempo_bpm=120)
    transport.resume(LINE)
    steady = SteadyTempo(LINE, 8)
    moments, steadily = [], []
    for half in range(1, 80):
        now = Nanos(half * SECOND // 4)
        off = 0.02 * math.sin(2.3 * half)  # seconds; and the tempo guessed from it
        target = Timeline(Tick(half * 240), Nanos(now + round(off * SECOND)), 120 * (1 + 2 * off))
        transport.follow(target, now)
        steady.bend(transport.timeline)
        if half > 20:
            moments.append(transport.tempo_bpm)
            steadily.append(steady.bpm(transport.tick(now)))
    assert max(abs(bpm - 120) for bpm in moments) > 4
    assert max(abs(bpm - 120) for bpm in steadily) < 1.2
