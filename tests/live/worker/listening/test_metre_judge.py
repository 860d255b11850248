"""The judge of readings: what the network says counts for where a reading has had its onsets."""

from collections.abc import Sequence

import pytest

from live.worker.listening.beat_reading import BeatReading
from live.worker.listening.metre_judge import MOST_HEARD, UNRELATED, WEIGHT, MetreJudge
from live.worker.listening.metre_network import MetreEvidence
from live.worker.listening.metrical_positions import FOUR_FOUR, PARTS

BAR = (48, 64, 67, 64, 55, 64, 67, 64)  # eighths, low on the one
EIGHTH = PARTS // 2
SECONDS = 0.3  # of an eighth: 100 bpm


def reading(place: int, *, period: float = SECONDS / EIGHTH, time: float = 0.0) -> BeatReading:
    return BeatReading(0.0, time, period, 1e-4, 0.0, 1e-8, place, 0, 1, 0, 1e-3, place)


def gone_on(one: BeatReading, parts: int) -> BeatReading:
    """Return a reading that has the next onset an eighth later, at so many of its parts."""
    return one._replace(
        time=one.time + SECONDS,
        place=one.place + parts,
        past=(one.past << parts | 1) & (1 << 96) - 1,
        hop=parts,
    )


def judged(readings: dict[str, tuple[BeatReading, int]], bars: int = 4) -> dict[str, BeatReading]:
    """Play bars to a judge with readings, each with the parts of an eighth."""
    judge = MetreJudge(FOUR_FOUR)
    now = {name: one for name, (one, _) in readings.items()}
    for number in range(8 * bars):
        judge.hear([(BAR[number % 8], 90 if number % 8 == 0 else 70)])
        if number:
            now = {name: gone_on(one, readings[name][1]) for name, one in now.items()}
        weighed = {one[:11]: one for one in judge.weigh(list(now.values()))} if number else {}
        found = {one.period * 1e6 + one.place: one for one in weighed.values()}
        now = {name: found.get(one.period * 1e6 + one.place, one) for name, one in now.items()}
    return now


def test_the_right_bar_line_is_told_from_others() -> None:
    said = judged({"right": (reading(0), EIGHTH)} | {
        f"{late} late": (reading(48 - late * EIGHTH), EIGHTH) for late in (1, 2, 3, 5, 6, 7)
    })  # fmt: skip
    assert max(said, key=lambda name: said[name].bonus) == "right"
    assert said["right"].bonus > 0 > said["1 late"].bonus


def test_the_right_beat_is_told_from_half_and_twice() -> None:
    period = SECONDS / EIGHTH
    said = judged({
        "right": (reading(0), EIGHTH),
        "half the tempo": (reading(0, period=2 * period), EIGHTH // 2),
        "twice": (reading(0, period=period / 2), 2 * EIGHTH),
    })  # fmt: skip
    assert max(said, key=lambda name: said[name].bonus) == "right"


def test_a_grid_in_no_simple_ratio_is_left_alone() -> None:
    said = judged({"right": (reading(0), EIGHTH), "other": (reading(0, period=SECONDS / 8), 8)})
    assert said["other"].bonus == pytest.approx(WEIGHT * UNRELATED)


def test_the_bonus_is_part_of_the_score_once() -> None:
    said = judged({"right": (reading(0), EIGHTH)})
    assert said["right"].score == pytest.approx(said["right"].bonus)


def test_a_stray_onset_says_nothing_of_a_reading() -> None:
    judge, one = MetreJudge(FOUR_FOUR), reading(0)
    for number in range(9):
        judge.hear([(BAR[number % 8], 80)])
        if number:
            (one,) = judge.weigh([gone_on(one, EIGHTH)])
    judge.hear([(70, 80)])
    (same,) = judge.weigh([one._replace(hop=0)])
    assert same == one._replace(hop=0)


def test_what_was_forgotten_begins_anew_with_the_next_onsets() -> None:
    judge, one = MetreJudge(FOUR_FOUR), reading(0)
    for number in range(16):
        judge.hear([(BAR[number % 8], 80)])
        if number:
            (one,) = judge.weigh([gone_on(one, EIGHTH)])
    judge.forget()
    begun = gone_on(one, EIGHTH)._replace(past=1, hop=0, said=0.0, score=0.0, bonus=0.0)
    for number in range(16):
        judge.hear([(BAR[number % 8], 80)])
        (begun,) = judge.weigh([gone_on(begun, EIGHTH) if number else begun])
    assert begun.bonus > 0


def test_a_grid_begins_with_no_more_onsets_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    whole = MetreEvidence.hear

    def counted(self: MetreEvidence, distance: int, played: Sequence[int], top: int, octave: float) -> None:
        told.append(distance)
        whole(self, distance, played, top, octave)

    monkeypatch.setattr(MetreEvidence, "hear", counted)
    judge = MetreJudge(FOUR_FOUR)
    for _ in range(2 * MOST_HEARD):
        judge.hear([(60, 80)])
    judge.weigh([reading(96)._replace(past=(1 << 96) - 1, hop=1)])
    assert told == [0] + [2] * (MOST_HEARD - 1)
