"""Ramps of the tempo: even, without overshoot, and on a timeline without a jump."""

from itertools import pairwise

import pytest

from live.ipc.commands import RampTempo, Start, Turn, action
from live.timing.timeline import Nanos, Tick
from tests.fakes.stage import MS, Stage, configured


def stage_at(bpm: float) -> Stage:
    stage = Stage(configured(bpm=bpm))
    stage.commands.run(Start(), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 500 * MS)
    return stage


@pytest.mark.parametrize(("start", "end"), [(120.0, 140.0), (140.0, 70.0)])
def test_a_ramp_is_even_has_no_jump_and_ends_where_it_was_to(start: float, end: float) -> None:
    stage = stage_at(start)
    jam = stage.jam
    stage.commands.run(RampTempo(end, 2), Nanos(stage.nanos))
    begin = jam.tick(Nanos(stage.nanos))
    tempi: list[float] = []
    ticks: list[int] = []
    while jam.tick(Nanos(stage.nanos)) < begin + 3 * 1920:
        stage.run_to(stage.nanos + 2 * MS)
        tempi.append(jam.transport.tempo_bpm)
        ticks.append(jam.tick(Nanos(stage.nanos)))
    assert tempi[-1] == end == jam.knobs["tempo"]
    low, high = min(start, end), max(start, end)
    assert all(low <= tempo <= high for tempo in tempi)
    rising = [two - one for one, two in pairwise(tempi)]
    assert all(step * (end - start) >= 0 for step in rising)
    assert max(map(abs, rising)) <= abs(end - start) / 32 + 1e-6
    fastest = 2 * MS / (60e9 / high / 480)
    assert all(0 <= two - one <= fastest + 2 for one, two in pairwise(ticks))
    half = tempi[next(place for place, tick in enumerate(ticks) if tick >= begin + 1920)]
    assert half == pytest.approx((start + end) / 2, abs=abs(end - start) / 16)


def test_whoever_turns_the_tempo_ends_the_ramp() -> None:
    stage = stage_at(120.0)
    stage.commands.run(RampTempo(200.0, 4), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 1000 * MS)
    stage.commands.run(Turn("tempo", 90.0), Nanos(stage.nanos))
    stage.run_to(stage.nanos + 8000 * MS)
    assert stage.jam.transport.tempo_bpm == 90.0


def test_a_transport_that_stands_still_has_the_tempo_at_once() -> None:
    stage = Stage(configured(bpm=120.0))
    stage.commands.run(RampTempo(96.0, 8), Nanos(stage.nanos))
    assert (stage.jam.transport.tempo_bpm, stage.jam.knobs["tempo"]) == (96.0, 96.0)
    assert stage.jam.tick(Nanos(stage.nanos)) == Tick(0)


def test_an_action_says_it_in_words() -> None:
    assert action("tempo", "140 over 8 bars") == RampTempo(140.0, 8)
    assert action("tempo", "92.5 over 1 bar") == RampTempo(92.5, 1)
