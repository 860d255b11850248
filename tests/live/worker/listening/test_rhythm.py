"""The rhythm: a likelihood, of a metre's places, that knows what comes again."""

from math import exp
from typing import Any

import pytest

from live.worker.listening.metrical_positions import (
    FIRST,
    FOUR_FOUR,
    KINDS,
    PARTS,
    SIX_EIGHT,
    WITHIN,
    kind_of,
    quarters,
)
from live.worker.listening.rhythm import WEIGHT, RhythmProfile, rhythm_of
from model.music.metre import METRES


@pytest.mark.parametrize("name", ["2/4", "3/4", "4/4", "5/4", "6/8", "12/8"])
def test_it_is_a_likelihood_in_every_metre(name: str) -> None:
    rhythm = RhythmProfile(METRES[name])
    assert rhythm.parts == PARTS * quarters(METRES[name])
    for place in (part for part in range(rhythm.parts) if part % PARTS in WITHIN):
        found = rhythm.distances(place, FIRST, 1, 0, 2 * PARTS)
        assert {(place + distance) % PARTS for distance in found} == set(WITHIN)
        assert 0.2 < sum(exp(value / WEIGHT) for value in found.values()) <= 1.0001
        assert max(found.values()) < 0


def test_beats_are_likelier_than_what_lies_between() -> None:
    rhythm = rhythm_of(FOUR_FOUR)
    steady = kind_of(12) * (KINDS + 1)
    on, off = (rhythm.distances(place, steady, 1 | 1 << 12 | 1 << 24, 24, 12) for place in (0, 3))
    assert on[12] > off[12]
    assert on[12] > on[9]
    assert on[12] > on[8]
    assert rhythm_of(FOUR_FOUR) is rhythm


def test_a_jig_goes_by_dotted_quarters() -> None:
    eighths = kind_of(6) * (KINDS + 1)
    in_three, in_six = (
        rhythm_of(METRES[name]).distances(0, eighths, 1 | 1 << 6 | 1 << 12 | 1 << 18, 18, 18)
        for name in ("3/4", "6/8")
    )
    assert in_six[18] - in_six[12] > in_three[18] - in_three[12]
    twelve = RhythmProfile(METRES["12/8"]).distances(36, eighths, 1 | 1 << 6, 6, 18)
    assert twelve[18] == pytest.approx(rhythm_of(SIX_EIGHT).distances(0, eighths, 1 | 1 << 6, 6, 18)[18])


def test_triplets_go_on_as_triplets_and_sixteenths_as_sixteenths() -> None:
    rhythm = rhythm_of(FOUR_FOUR)
    thirds = sum(1 << ago for ago in range(0, 48, 4))
    fourths = sum(1 << ago for ago in range(0, 48, 3))
    triplets = rhythm.distances(0, kind_of(4) * (KINDS + 1), thirds, 48, 6)
    sixteenths = rhythm.distances(0, kind_of(3) * (KINDS + 1), fourths, 48, 6)
    assert triplets[4] > triplets[3]
    assert sixteenths[3] > sixteenths[4]


def test_what_came_before_comes_again() -> None:
    rhythm = rhythm_of(FOUR_FOUR)
    pattern = 1 | 1 << 6 | 1 << 18 | 1 << 24 | 1 << 30 | 1 << 42  # an eighth, a quarter, an eighth
    other = 1 | 1 << 6 | 1 << 12 | 1 << 24 | 1 << 36
    kinds = kind_of(6) + KINDS * kind_of(6)
    again, new = (rhythm.distances(0, kinds, past | past << 48, 96, 12)[6] for past in (pattern, other))
    assert again > new


def test_the_past_beyond_what_is_known_counts_for_nothing() -> None:
    rhythm = rhythm_of(FOUR_FOUR)
    kinds = kind_of(3) + KINDS * FIRST
    near = rhythm.distances(0, kinds, 0b1001, 3, 9)
    for ago in (12, 45, 93):  # on no place that the shares of off-beats count
        assert rhythm.distances(0, kinds, 0b1001 | 1 << ago, 3, 9) == pytest.approx(near, abs=1e-9)


def test_answers_that_were_asked_for_lately_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.worker.listening.rhythm.MOST_KEPT", 200)
    rhythm, worked_out = RhythmProfile(FOUR_FOUR), list[int]()
    asked = rhythm._asked

    def counted(*told: Any) -> tuple[float, float]:
        worked_out.append(1)
        return asked(*told)

    monkeypatch.setattr(rhythm, "_asked", counted)
    for kinds in range(KINDS**2):
        rhythm.distances(0, kinds, 1, 0, 24)
        before = len(worked_out)
        rhythm.distances(0, kinds, 1, 0, 24)
        rhythm.distances(0, 0, 1, 0, 24)
        assert len(worked_out) == before
    assert rhythm._answers <= 200 + 24
