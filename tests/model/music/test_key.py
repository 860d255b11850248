"""Keys: found from what sounds, kept while they fit, moved along by degrees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.music.key import KEYS, Key, degree_shifted, diatonic, key_of
from model.music.phrase import Note
from model.music.tracks import DRUMS

C_MAJOR = Key(0, 0)
CADENCE = (0, 4, 7, 5, 9, 12, 7, 11, 14, 12, 7, 4, 2, 0)


def line(pitches: tuple[int, ...], length: int = 2) -> list[Note]:
    return [Note(2 * step % 32, pitch, 90, length) for step, pitch in enumerate(pitches)]


A_MINOR = Key(9, 1)
UNSURE = [
    Note(onset, pitch, 80, length)
    for onset, pitch, length in (
        (0, 57, 4), (0, 64, 3), (3, 67, 1), (4, 69, 2), (6, 67, 2), (8, 53, 6), (8, 65, 2), (10, 69, 2),
        (12, 72, 3), (15, 71, 1), (16, 55, 6), (16, 71, 4), (20, 67, 2), (22, 69, 2), (24, 52, 8),
        (24, 68, 6), (30, 64, 2),
    )
]  # fmt: skip
"""A minor with its G beside the G sharp of E."""


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_is_in_its_key(tonic: int) -> None:
    assert key_of(line(tuple(60 + tonic + pitch for pitch in CADENCE))) == Key(tonic, 0)
    minor = tuple({4: 3, 9: 8}.get(pitch % 12, pitch % 12) + 60 + tonic for pitch in CADENCE)
    assert key_of(line(minor)) == Key(tonic, 1)
    assert Key(tonic, 0).name.endswith("major")


def test_what_says_nothing_is_in_no_key() -> None:
    assert key_of([]) is None
    assert key_of(line((60, 60, 60, 60, 60))) is None
    assert key_of(line(tuple(range(60, 72)))) is None, "all twelve alike"
    assert key_of([Note(step, 36 + step % 9, 90, 1, track=DRUMS) for step in range(16)]) is None


def test_what_is_in_no_key_by_itself_is_in_the_one_before_unless_it_is_far_from_it() -> None:
    chromatic = line(tuple(range(57, 68)))
    assert key_of(UNSURE) is None
    assert key_of(UNSURE, A_MINOR) == A_MINOR
    assert key_of(UNSURE, Key(3, 0)) is None
    assert key_of(chromatic, A_MINOR) is None


def test_the_key_before_stays_until_another_fits_clearly_better() -> None:
    between = line((60, 62, 64, 67, 69, 67, 64, 60))
    assert key_of(between, C_MAJOR) == C_MAJOR
    assert key_of(between, Key(7, 0)) in (C_MAJOR, Key(7, 0))
    assert key_of(line(tuple(66 + pitch for pitch in CADENCE)), C_MAJOR) == Key(6, 0)
    assert key_of([], C_MAJOR) == C_MAJOR, "silence changes nothing"


@given(st.integers(0, 127), st.integers(-14, 14), st.sampled_from(KEYS))
def test_degrees_lead_from_scale_to_scale_and_back(pitch: int, degrees: int, key: Key) -> None:
    moved = degree_shifted(pitch, degrees, key.scale)
    if pitch % 12 in key.scale:
        assert moved % 12 in key.scale
        assert degree_shifted(moved, -degrees, key.scale) == pitch
    assert degree_shifted(pitch, 7 * (degrees // 7), key.scale) == pitch + 12 * (degrees // 7)
    assert (moved >= pitch) == (degrees >= 0) or moved == pitch


def test_the_diatonic_scale_is_the_one_that_most_notes_are_of() -> None:
    d_major = Key(2, 0).scale
    assert diatonic(d_major, [62, 66, 69, 72, 71, 62]) == Key(7, 0).scale  # C natural, no C sharp
    assert diatonic(d_major, [62, 66, 69]) == d_major
    assert diatonic(d_major, [62, 61, 66, 69, 73, 72]) == d_major  # C natural in passing


def test_a_scale_that_is_not_diatonic_stays() -> None:
    blues = Key(0, 11).scale
    assert diatonic(blues, [60, 62, 64, 65, 67]) == blues
