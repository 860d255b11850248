"""Rhythms moved to a complexity: it is reached, notes keep their order, full grids are no dead end."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.common import is_monophonic
from model.edits.rhythm import syncopated
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.synthetic import chords, melody

PHRASES = st.integers(0, 200).map(chords) | st.integers(0, 200).map(melody)


def line(*onsets: int) -> Phrase:
    """Return a legato line, each note a semitone above the one before it."""
    ends = (*onsets[1:], Grid().steps)
    return Phrase.of(
        Grid(), [Note(s, 50 + n, 80, end - s) for n, (s, end) in enumerate(zip(onsets, ends, strict=True))]
    )


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.sampled_from((-1.0, 1.0)))
def test_onsets_move_towards_the_complexity_wanted(phrase: Phrase, sign: float) -> None:
    now = measure(phrase)["complexity"]
    wanted = min(1.0, max(0.0, now + sign * 0.1))
    moved = syncopated(phrase, wanted)
    after = measure(moved)
    assert abs(after["complexity"] - wanted) <= abs(now - wanted)
    assert after["density"] == measure(phrase)["density"]
    assert is_monophonic(moved) or not is_monophonic(phrase)
    assert [note.pitch for note in moved.notes] == [note.pitch for note in phrase.notes]


@pytest.mark.parametrize("wanted", [0.0, 0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("onsets", [range(14, 32), range(1, 32, 2), (3, 7, 11, 30, 31), range(16)])
def test_runs_that_hold_each_other_up_are_moved_as_well(onsets: range, wanted: float) -> None:
    phrase = line(*onsets)
    moved = syncopated(phrase, wanted)
    one_weight = 1 / 8  # of the narrowest span that a complexity is measured by
    assert abs(measure(moved)["complexity"] - wanted) <= one_weight / 2 + 1e-9
    assert [note.pitch for note in moved.notes] == [note.pitch for note in phrase.notes]
    assert is_monophonic(moved)


def test_on_a_full_grid_onsets_are_tied_over() -> None:
    full = line(*range(32))
    reached = [measure(syncopated(full, wanted))["complexity"] for wanted in (0.0, 0.125, 0.25, 0.375, 0.5)]
    assert reached == [0.0, 0.125, 0.25, 0.375, 0.5]
    tied = syncopated(full, 0.5)
    assert len(full.notes) - len(tied.notes) <= 2
    assert all(first.onset + first.length == second.onset for first, second in pairwise(tied.notes))
    assert set(tied.notes) - set(full.notes), "what was tied over is longer"


def test_what_measures_right_already_is_left_alone() -> None:
    phrase = melody(3)
    assert syncopated(phrase, measure(phrase)["complexity"]) is phrase


def test_a_single_onset_has_none_to_be_tied_to() -> None:
    only = Phrase.of(Grid(bars=1, beats_per_bar=1, steps_per_beat=1), [Note(0, 60, 80, 1)])
    assert syncopated(only, 1.0) == only
    two = Phrase.of(Grid(bars=1, beats_per_bar=2, steps_per_beat=1), [Note(0, 60, 80, 1), Note(1, 62, 80, 1)])
    assert 1 <= len(syncopated(two, 1.0).notes) <= 2
