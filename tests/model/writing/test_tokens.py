import numpy as np
import pytest

from model.music.key import KEYS, Key, profile
from model.music.phrase import Note
from model.music.tracks import DRUMS
from model.writing import tokens as t


def scale_notes(tonic: int, mode: int) -> list[Note]:
    degrees = ((0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12))[mode]
    return [
        Note(2 * step, 60 + tonic + degree, 80, 4 if degree in (0, 7, 12) else 2)
        for step, degree in enumerate(degrees)
    ]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_scale_comes_to_c_major_or_a_minor(key: Key) -> None:
    notes = scale_notes(key.tonic, key.mode)
    shift = t.shift_of(np.array(profile(notes), dtype=np.float32))
    assert -6 <= shift <= 5
    assert {(note.pitch + shift) % 12 for note in notes} == {0, 2, 4, 5, 7, 9, 11}


def test_a_wanted_scale_decides_the_key_and_silence_has_none() -> None:
    silence = np.zeros(12, dtype=np.float32)
    assert t.shift_of(silence) == 0
    assert t.shift_of(silence, frozenset((2, 4, 6, 7, 9, 11, 1))) == -2
    in_c = np.array(profile(scale_notes(0, 0)), dtype=np.float32)
    assert t.shift_of(in_c, frozenset((5, 7, 9, 10, 0, 2, 4))) == -5
    assert t.shift_of(in_c, frozenset((0, 2, 4, 7, 9))) == 0  # of two keys that have all, the music's


def test_notes_come_back_from_tokens() -> None:
    notes = [Note(0, 64, 82, 3), Note(0, 60, 82, 3, 0.25), Note(8, 38, 98, 1, -0.1, DRUMS)]
    rows = t.rows_of(reversed(notes), 5)
    assert rows[:, t.PITCH].tolist() == [69, 65, 38]
    assert [t.note_of(row, 5) for row in rows.tolist()] == notes


def test_pitches_stay_within_midi() -> None:
    assert t.rows_of([Note(0, 126, 80, 1)], 5)[0, t.PITCH] == 119
    assert t.rows_of([Note(0, 2, 80, 1)], -6)[0, t.PITCH] == 8


def test_classes_of_counts_and_places() -> None:
    assert [t.bucket(count) for count in (0, 1, 6, 7, 8, 48, 49, 500)] == [1, 2, 7, 7, 8, 13, 14, 14]
    assert [t.place_class(place) for place in (None, 0, 7, 8, 16, 15)] == [0, 1, 8, 9, 9, 16]
