"""The beat follower: tempo and bar lines from playing alone, and silence where there is no beat."""

import math
import random
from collections.abc import Callable, Sequence
from statistics import median

import pytest

from live.timing.timeline import Nanos, Tick
from live.worker.listening.beat_follower import BeatFollower, Found
from live.worker.listening.cue_profile import CueProfile, profile_of
from live.worker.listening.metrical_positions import FOUR_FOUR
from model.music.metre import METRES

SECOND = 1_000_000_000
Tune = Sequence[tuple[float, int, int]]
"""(beat, pitch, velocity) of each onset."""

# two bars of four quarters: low chords on the one, a melody in eighths above
MARCH: Tune = (
    (0.0, 48, 90), (0.0, 64, 80), (0.0, 67, 95), (0.5, 69, 70), (1.0, 67, 75), (1.5, 65, 70), (2.0, 64, 84),
    (3.0, 60, 78), (4.0, 43, 90), (4.0, 62, 80), (4.0, 67, 95), (5.0, 65, 75), (5.5, 64, 70), (6.0, 62, 84),
)  # fmt: skip
# two bars of three quarters
WALTZ: Tune = (
    (0.0, 43, 90), (0.0, 67, 95), (1.0, 59, 60), (1.0, 62, 60), (2.0, 59, 60), (2.0, 62, 60), (2.5, 71, 70),
    (3.0, 48, 90), (3.0, 72, 95), (4.0, 60, 60), (4.0, 64, 60), (5.0, 60, 60), (5.0, 64, 60),
)  # fmt: skip

# four bars of two quarters, a melody alone
POLKA: Tune = (
    (0.0, 67, 90), (0.5, 71, 80), (0.75, 72, 75), (1.0, 74, 84), (1.5, 71, 76), (2.0, 72, 90), (2.5, 69, 78),
    (3.0, 69, 82), (4.0, 66, 90), (4.5, 69, 80), (4.75, 71, 75), (5.0, 72, 84), (5.5, 69, 76), (6.0, 71, 90),
    (6.5, 67, 78), (7.0, 67, 82),
)  # fmt: skip
# two bars of six eighths, a melody alone, all as loud
JIG: Tune = (
    (0.0, 74, 80), (0.5, 71, 80), (1.0, 67, 80), (1.5, 71, 80), (2.0, 72, 80), (2.5, 74, 80), (3.0, 76, 80),
    (4.0, 72, 80), (4.5, 76, 80), (5.5, 74, 80),
)  # fmt: skip


def even(bpm: float, *, start: float = 1.0) -> Callable[[float], float]:
    """Return the second of a beat at one tempo."""
    return lambda beat: start + beat * 60 / bpm


def swaying(bpm: float, share: float, beats: float) -> Callable[[float], float]:
    """Return the second of a beat where each lasts up to a share longer or shorter, as a sine."""
    depth = share * beats / (2 * math.pi)
    return lambda beat: 1.0 + (beat + depth * math.sin(2 * math.pi * beat / beats)) * 60 / bpm


def onsets(
    tune: Tune, beats: int, times: int, moment: Callable[[float], float], *, jitter: float = 0.0
) -> list[tuple[Nanos, int, int]]:
    """Return a tune played over and over."""
    chance = random.Random(4)
    played = [
        (moment(round_ * beats + beat) + chance.gauss(0, jitter), pitch, velocity)
        for round_ in range(times)
        for beat, pitch, velocity in tune
    ]
    return [(Nanos(round(time * SECOND)), pitch, velocity) for time, pitch, velocity in sorted(played)]


def listened(follower: BeatFollower, played: Sequence[tuple[Nanos, int, int]]) -> list[tuple[Nanos, Found]]:
    """Play to a follower; returns what was found, and when."""
    found: list[tuple[Nanos, Found]] = []
    for nanos, pitch, velocity in played:
        if (due := follower.due) is not None and due <= nanos and follower.advance(due) and follower.found:
            found.append((due, follower.found))
        follower.onset(nanos, pitch, velocity)
    return found


def off_line(found: Found, second: float, ticks: int) -> float:
    """Return by how many seconds a tick lies beside a moment."""
    return found.timeline.nanos(Tick(ticks)) / SECOND - second


@pytest.mark.parametrize("bpm", [63, 88, 112, 140, 176])
def test_tempo_and_bar_lines_are_found_within_two_bars(bpm: int) -> None:
    follower = BeatFollower(FOUR_FOUR, tempo_bpm=bpm * 1.15)
    moment, found = even(bpm), listened(
        follower, onsets(MARCH, 8, 4, even(bpm), jitter=0.01)
    )  # fmt: skip
    assert found[0][0] / SECOND <= moment(8)
    last = found[-1][1]
    assert last.timeline.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert abs(off_line(last, moment(24), 24 * 480)) < 0.03


def test_a_waltz_is_found_too() -> None:
    follower = BeatFollower(METRES["3/4"], tempo_bpm=120.0)
    found = listened(follower, onsets(WALTZ, 6, 4, even(132), jitter=0.01))
    assert found[0][0] / SECOND <= even(132)(6)
    assert found[-1][1].timeline.tempo_bpm == pytest.approx(132, rel=0.01)
    assert abs(off_line(found[-1][1], even(132)(18), 18 * 480)) < 0.03


@pytest.mark.parametrize("bpm", [84, 112, 160])
def test_a_polka_is_found_in_bars_of_two(bpm: int) -> None:
    follower = BeatFollower(METRES["2/4"], tempo_bpm=120.0)
    found = listened(follower, onsets(POLKA, 8, 3, even(bpm), jitter=0.01))
    assert found[0][0] / SECOND <= even(bpm)(8)
    assert found[-1][1].timeline.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert abs(off_line(found[-1][1], even(bpm)(18), 18 * 480)) < 0.03


@pytest.mark.parametrize("bpm", [96, 132, 168])
def test_a_jig_is_found_by_its_dotted_beats(bpm: int) -> None:
    follower = BeatFollower(METRES["6/8"], tempo_bpm=120.0)
    found = listened(follower, onsets(JIG, 6, 5, even(bpm), jitter=0.01))
    assert found[0][0] / SECOND <= even(bpm)(6.5)
    assert found[-1][1].timeline.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert abs(off_line(found[-1][1], even(bpm)(24), 24 * 480)) < 0.03


def test_it_follows_a_tempo_that_sways_by_a_tenth() -> None:
    moment = swaying(100, 0.1, 16)
    found = listened(BeatFollower(FOUR_FOUR, tempo_bpm=110.0), onsets(MARCH, 8, 10, moment, jitter=0.01))
    coming = [(one, -(-one.timeline.tick(now) // 480)) for now, one in found if now / SECOND > moment(16)]
    off = [abs(off_line(one, moment(beat), beat * 480)) for one, beat in coming]
    assert len(off) > 50
    assert sum(error < 0.07 for error in off) > 0.9 * len(off)
    assert max(off) < 0.15


@pytest.mark.parametrize(
    ("metre", "tune", "bars", "bpm"), [("4/4", MARCH, 2, 100), ("2/4", POLKA, 4, 140), ("6/8", JIG, 2, 100)]
)
def test_it_keeps_to_a_tempo_that_sways_by_an_eighth_within_eight_quarters(
    metre: str, tune: Tune, bars: int, bpm: int
) -> None:
    moment, known = swaying(bpm, 0.12, 8), METRES[metre]
    quarters = bars * known.beats_per_bar * known.ticks_per_beat // 480
    played = onsets(tune, quarters, 80 // quarters, moment, jitter=0.015)
    found = listened(BeatFollower(known, tempo_bpm=110.0), played)
    coming = [(one, -(-one.timeline.tick(now) // 480)) for now, one in found if now / SECOND > moment(16)]
    off = [abs(off_line(one, moment(beat), beat * 480)) for one, beat in coming]
    assert len(off) > 50
    assert sum(error < 0.07 for error in off) > 0.85 * len(off)


def test_its_tempo_keeps_near_one_that_sways_by_a_twentieth() -> None:
    moment = swaying(100, 0.05, 16)
    found = listened(BeatFollower(FOUR_FOUR, tempo_bpm=100.0), onsets(MARCH, 8, 10, moment, jitter=0.015))
    coming = [(one, -(-one.timeline.tick(now) // 480)) for now, one in found if now / SECOND > moment(16)]
    errors = [
        abs(one.timeline.tempo_bpm / 100 * (1 + 0.05 * math.cos(2 * math.pi * beat / 16)) - 1)
        for one, beat in coming
    ]
    assert len(errors) > 50
    assert median(errors) < 0.03


def test_it_slows_down_with_the_performer() -> None:
    def moment(beat: float) -> float:
        return 1.0 + beat * 0.5 + max(0.0, beat - 24) ** 2 * 0.004

    found = listened(BeatFollower(FOUR_FOUR, tempo_bpm=120.0), onsets(MARCH, 8, 6, moment))
    now, last = found[-1]
    beat = last.timeline.tick(now) // 480
    assert last.timeline.tempo_bpm == pytest.approx(60 / (moment(beat + 1) - moment(beat)), rel=0.04)
    assert abs(off_line(last, moment(beat + 1), (beat + 1) * 480)) < 0.07


def test_a_pick_up_lies_before_bar_0() -> None:
    pick_up = [(Nanos(round((even(110)(-1 + half / 2)) * SECOND)), 59 + half, 70) for half in range(2)]
    found = listened(BeatFollower(FOUR_FOUR, tempo_bpm=110.0), [*pick_up, *onsets(MARCH, 8, 4, even(110))])
    assert abs(off_line(found[-1][1], even(110)(16), 16 * 480)) < 0.03


def test_noise_is_no_beat() -> None:
    for seed in range(3):
        chance, time = random.Random(seed), 0.0
        played: list[tuple[Nanos, int, int]] = []
        for _ in range(40):
            time += chance.uniform(0.1, 0.6)
            played.append((Nanos(round(time * SECOND)), chance.randint(40, 80), chance.randint(40, 110)))
        assert listened(BeatFollower(FOUR_FOUR, tempo_bpm=120.0), played) == []


def test_a_note_is_no_beat_nor_are_a_few_far_apart() -> None:
    follower = BeatFollower(FOUR_FOUR, tempo_bpm=120.0)
    assert listened(follower, [(Nanos(0), 60, 90)]) == []
    dues = [follower.due]
    assert not follower.advance(Nanos(SECOND))
    assert [*dues, follower.due] == [50_000_000, None]
    far = [(Nanos(number * 9 * SECOND), 60, 90) for number in range(8)]
    assert listened(BeatFollower(FOUR_FOUR, tempo_bpm=120.0), far) == []


def test_after_a_silence_it_goes_on_from_where_the_timeline_is() -> None:
    follower = BeatFollower(FOUR_FOUR, tempo_bpm=100.0)
    before = listened(follower, onsets(MARCH, 8, 3, even(100)))[-1][1]
    pause = 21 * 4  # bars of beats
    again = listened(follower, onsets(MARCH, 8, 3, lambda beat: even(100)(beat + 24 + pause) + 0.03))
    assert again[0][1].timeline.tempo_bpm == pytest.approx(before.timeline.tempo_bpm, rel=0.03)
    last = again[-1][1]
    assert last.timeline.tempo_bpm == pytest.approx(100, rel=0.01)
    line = round(last.timeline.tick(Nanos(round((even(100)(24 + pause) + 0.03) * SECOND))) / 1920) * 1920
    assert abs(off_line(last, even(100)(24 + pause) + 0.03, line)) < 0.03


@pytest.mark.parametrize("late_s", [0.2, 4.0])
def test_what_comes_after_later_onsets_were_worked_out_is_left_out(late_s: float) -> None:
    """Of another keyboard over a slow line; a message may carry any moment."""
    follower, other = (BeatFollower(FOUR_FOUR, tempo_bpm=110.0) for _ in range(2))
    played = onsets(MARCH, 8, 4, even(110))
    late = [(Nanos(nanos - round(late_s * SECOND)), 50, 80) for nanos, *_ in played]
    found = listened(follower, [one for pair in zip(played, late, strict=True) for one in pair])
    assert [one for _, one in found] == [one for _, one in listened(other, played)]
    last = played[-1][0]
    follower.advance(Nanos(last + SECOND))
    before = follower.found
    follower.onset(Nanos(last - round(late_s * SECOND)), 50, 80)
    assert not follower.advance(Nanos(last + SECOND))
    assert follower.found == before


def test_every_metre_has_a_profile_of_its_length() -> None:
    for name, quarters in {"2/4": 2, "3/4": 3, "4/4": 4, "5/4": 5, "6/8": 3, "12/8": 6}.items():
        profile = CueProfile(METRES[name])
        assert profile.parts == 12 * quarters
        assert {len(row) for row in (profile.first, *profile.cues)} == {profile.parts}
        assert max(profile.first) == profile.first[0]
    assert profile_of(FOUR_FOUR) is profile_of(FOUR_FOUR)
