"""Edits of the closed loop: each reaches its measure and leaves the others nearly where they were."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.solve import filled, shifted, spread_to, voiced
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.synthetic import chords, melody

PHRASES = st.integers(0, 200).map(chords) | st.integers(0, 200).map(melody)


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.floats(30, 100))
def test_shifting_reaches_the_mean_pitch_to_the_semitone(phrase: Phrase, wanted: float) -> None:
    moved = measure(shifted(phrase, wanted))
    assert abs(moved["register"] - wanted) <= 0.51
    for name in ("density", "complexity", "range", "dynamics", "polyphony"):
        assert moved[name] == pytest.approx(measure(phrase)[name])


def test_along_a_scale_what_is_played_in_place_of_a_degree_counts_as_one() -> None:
    d_with_c = Phrase.of(Grid(), [Note(2 * i, key, 80, 2) for i, key in enumerate((62, 66, 69, 72, 71, 69))])
    d_major = frozenset((2, 4, 6, 7, 9, 11, 1))
    for register in (54.0, 57.0, 75.0, 78.0):
        moved = shifted(d_with_c, register, d_major)
        assert {note.pitch % 12 for note in moved.notes} <= {7, 9, 11, 0, 2, 4, 6}


def test_a_line_that_widens_takes_runs_along_before_it_leaps_over_an_octave() -> None:
    keys = (60, 62, 64, 71, 69, 67, 65, 64, 62, 60, 67, 65, 64, 62, 60, 60)
    line = Phrase.of(Grid(), [Note(2 * i, key, 80, 2) for i, key in enumerate(keys)])
    wanted = 2.2 * measure(line)["range"]
    wide = spread_to(line, wanted)
    assert measure(wide)["range"] == pytest.approx(wanted, rel=0.05)
    assert max(abs(b.pitch - a.pitch) for a, b in pairwise(wide.notes)) <= 14  # 7 * 2.2 is over 15


def test_a_line_that_widens_goes_by_step_where_it_did() -> None:
    keys = (60, 62, 64, 62, 72, 74, 76, 74, 65, 64, 62, 60, 69, 71, 72, 72)
    line = Phrase.of(Grid(), [Note(2 * i, key, 80, 2) for i, key in enumerate(keys)])
    wanted = 1.5 * measure(line)["range"]
    wide = spread_to(line, wanted)
    assert measure(wide)["range"] == pytest.approx(wanted, rel=0.09)
    steps = [place for place, (a, b) in enumerate(pairwise(keys)) if 0 < abs(b - a) <= 2]
    moved = [abs(b.pitch - a.pitch) for a, b in pairwise(wide.notes)]
    assert sum(moved[place] for place in steps) / len(steps) < 2.5  # 1.8 before, 3.5 where all intervals grow


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.floats(1.5, 9))
def test_spreading_comes_near_the_deviation_and_keeps_the_mean(phrase: Phrase, wanted: float) -> None:
    before, after = measure(phrase), measure(spread_to(phrase, wanted))
    assert abs(after["range"] - wanted) <= max(1.0, 0.5 * abs(before["range"] - wanted))
    assert abs(after["register"] - before["register"]) < 1.5
    assert after["density"] == before["density"]


def test_one_key_can_be_widened_too() -> None:
    drone = Phrase.of(Grid(), [note._replace(pitch=60) for note in melody(1).notes])
    assert abs(measure(spread_to(drone, 5.0))["range"] - 5.0) < 1.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 200), st.floats(1, 3.5))
def test_voices_come_and_go_to_the_mean_number_wanted(seed: int, wanted: float) -> None:
    phrase = chords(seed)
    after = measure(voiced(phrase, wanted))
    assert abs(after["polyphony"] - wanted) <= 0.51 / len({note.onset for note in phrase.notes}) + 0.05
    assert after["density"] == measure(phrase)["density"]


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.floats(0.5, 3.0))
def test_filling_makes_just_so_many_onsets(phrase: Phrase, wanted: float) -> None:
    assert abs(measure(filled(phrase, wanted))["density"] - wanted) <= 0.5 / 8 + 1e-6


def test_silence_stays_silent() -> None:
    silence = Phrase(Grid())
    for edited in (shifted(silence, 70), spread_to(silence, 3), voiced(silence, 2), filled(silence, 2)):
        assert edited == silence
