"""The rhythm's tables: a likelihood, of a metre's places, that knows what comes again."""

from math import exp

import pytest

from live.timing.listening.rhythm import EIGHTH, FIRST, SIXTEENTH, WEIGHT, RhythmProfile, kind_of, rhythm_of


@pytest.mark.parametrize("beats", [2, 3, 4, 5, 6, 7])
def test_it_is_a_likelihood_in_every_metre(beats: int) -> None:
    rhythm = RhythmProfile(beats)
    assert rhythm.steps == 4 * beats
    for place in range(rhythm.steps):
        found = rhythm.distances(place, FIRST, 1, 0, 32)
        assert sum(exp(value / WEIGHT) for value in found) <= 1.0001
        assert max(found) < 0


def test_beats_are_likelier_than_what_lies_between() -> None:
    rhythm = rhythm_of(4)
    quarters = [rhythm.distances(place, kind_of(4), 0b10001, 4, 8) for place in range(4, 20)]
    assert quarters[0][3] > quarters[1][3]  # a quarter from a beat, and from a sixteenth behind it
    assert quarters[0][3] > quarters[0][2]
    assert rhythm_of(4) is rhythm


def test_what_came_before_comes_again() -> None:
    rhythm = rhythm_of(4)
    pattern = 1 | 1 << 2 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 14  # an eighth, a quarter, an eighth
    before = pattern | pattern << 16  # for two bars, the last onset on the one
    other = 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 12 | (1 | 1 << 4 | 1 << 8 | 1 << 12) << 16
    again, new = (rhythm.distances(0, EIGHTH, past, 32, 4) for past in (before, other))
    assert again[1] > new[1]


def test_the_past_beyond_what_is_known_counts_for_nothing() -> None:
    rhythm = rhythm_of(4)
    known = rhythm.distances(0, SIXTEENTH, 0b11, 1, 3)
    assert known == rhythm.distances(0, SIXTEENTH, 0b11 | 1 << 20, 1, 3)
