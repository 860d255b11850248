"""Edits of the closed loop: each reaches its measure and leaves the others nearly where they were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.attributes import measure
from model.closed_loop import filled, nearest, targets
from model.grid import Grid
from model.phrase import Phrase
from model.quick_edits import levelled, shifted, spread_to, syncopated, voiced
from model.transforms import is_monophonic
from tests.model.test_checkpoint import small
from tests.trainer.synthetic import chords, melody

PHRASES = st.integers(0, 200).map(chords) | st.integers(0, 200).map(melody)


@given(PHRASES, st.floats(30, 100))
def test_shifting_reaches_the_mean_pitch_to_the_semitone(phrase: Phrase, wanted: float) -> None:
    moved = measure(shifted(phrase, wanted))
    assert abs(moved["register"] - wanted) <= 0.51
    for name in ("density", "complexity", "range", "dynamics", "polyphony"):
        assert moved[name] == pytest.approx(measure(phrase)[name])


@given(PHRASES, st.floats(5, 120))
def test_levelling_reaches_the_mean_velocity(phrase: Phrase, wanted: float) -> None:
    moved = levelled(phrase, wanted)
    assert abs(measure(moved)["dynamics"] - wanted) <= 1.0
    assert [note[:2] for note in moved.notes] == [note[:2] for note in phrase.notes]


@given(PHRASES, st.floats(1.5, 9))
def test_spreading_comes_near_the_deviation_and_keeps_the_mean(phrase: Phrase, wanted: float) -> None:
    before, after = measure(phrase), measure(spread_to(phrase, wanted))
    assert abs(after["range"] - wanted) <= max(0.75, 0.5 * abs(before["range"] - wanted))
    assert abs(after["register"] - before["register"]) < 1.5
    assert after["density"] == before["density"]


def test_one_key_can_be_widened_too() -> None:
    drone = Phrase.of(Grid(), [note._replace(pitch=60) for note in melody(1).notes])
    assert abs(measure(spread_to(drone, 5.0))["range"] - 5.0) < 1.5


@settings(max_examples=40)
@given(st.integers(0, 200), st.floats(1, 3.5))
def test_voices_come_and_go_to_the_mean_number_wanted(seed: int, wanted: float) -> None:
    phrase = chords(seed)
    after = measure(voiced(phrase, wanted))
    assert abs(after["polyphony"] - wanted) <= 0.51 / len({note.onset for note in phrase.notes}) + 0.05
    assert after["density"] == measure(phrase)["density"]


@given(PHRASES, st.floats(0.5, 3.0))
def test_filling_makes_just_so_many_onsets(phrase: Phrase, wanted: float) -> None:
    assert abs(measure(filled(phrase, wanted))["density"] - wanted) <= 0.5 / 8 + 1e-6


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


def test_targets_are_linear_in_the_turn_and_a_deviation_beyond_the_edge() -> None:
    calibration = small().calibration  # 2nd percentile 0, 98th 2 of everything
    base = dict.fromkeys(calibration.names, 0.5)
    assert targets(base, {"density": 0.5}, calibration) == {"density": 1.25}
    assert targets(base, {"density": -1.0}, calibration) == {"density": 0.0}
    beyond = dict.fromkeys(calibration.names, 3.0)
    assert targets(beyond, {"density": 1.0}, calibration) == {"density": 4.0}  # the spread is 1
    assert targets(beyond, {"density": 0.5}, calibration) == {"density": 3.5}
    assert targets(beyond, {"complexity": 1.0}, calibration) == {"complexity": 3.0}  # there is no more of it


def test_the_nearest_candidate_also_keeps_the_other_attributes() -> None:
    calibration = small().calibration
    phrase = chords(1)
    base = measure(phrase)
    louder = shifted(levelled(phrase, base["dynamics"] + 10), base["register"] + 7)
    cleaner = levelled(phrase, base["dynamics"] + 10)
    wanted = {"dynamics": base["dynamics"] + 10}
    assert nearest([phrase, louder, cleaner], wanted, base, calibration)[0] == cleaner
    with pytest.raises(ValueError, match="no candidate"):
        nearest([], wanted, base, calibration)


def test_silence_stays_silent() -> None:
    silence = Phrase(Grid())
    for edited in (shifted(silence, 70), levelled(silence, 90), spread_to(silence, 3), voiced(silence, 2)):
        assert edited == silence
