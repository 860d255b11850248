import numpy as np

from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.writing.notes_around import NotesAround, chord_ranks
from model.writing.tokens import NONE, PITCH

BEFORE = np.array([(0, MELODY, 72, 3, 20, 10), (16, MELODY, 74, 3, 20, 10), (16, BASS, 40, 7, 20, 10)])
FIXED = np.array([(8, CHORDS, 64, 7, 20, 10), (8, CHORDS, 60, 7, 20, 10), (24, MELODY, 79, 3, 20, 10)])
NEW = np.array([
    (0, BASS, 43, 7, 20, 10), (8, MELODY, 76, 1, 20, 10), (8, BASS, 45, 3, 20, 10), (8, DRUMS, 36, 0, 20, 10),
    (10, MELODY, 77, 1, 20, 10),
])  # fmt: skip


def notes_around(new: np.ndarray) -> NotesAround:
    around = NotesAround(1)
    around.add(np.zeros(3, dtype=np.int64), BEFORE, before=True)
    both = np.concatenate((FIXED, new))
    both = both[np.lexsort((-both[:, 2], both[:, 1], both[:, 0]))]
    around.add(np.zeros(len(both), dtype=np.int64), both)
    around.add(np.zeros(3, dtype=np.int64), FIXED, fixed=True)
    return around


def test_they_says_the_same_while_it_is_written_and_when_it_is_complete() -> None:
    complete, growing = notes_around(NEW), notes_around(NEW[:0])
    zero, none = np.zeros(1, dtype=np.int64), np.zeros((1, 4, 13), dtype=np.float32)
    above = np.array([[50, 1, 2, 3]])
    previous = 0
    for note in NEW:
        onset, track = note[:1], note[1:2]
        at = np.array([previous])
        assert np.array_equal(complete.rhythm(zero, at), growing.rhythm(zero, at))
        assert np.array_equal(complete.here(zero, onset, none), growing.here(zero, onset, none))
        for rank in (zero, zero + 1):
            asked = (zero, onset, track, rank, above)
            assert np.array_equal(complete.references(*asked), growing.references(*asked))
        growing.add_one(0, note.tolist())
        previous = int(note[0])


def test_references_are_the_note_before_a_bar_a_phrase_before_and_the_next_fixed_one() -> None:
    around = notes_around(NEW)
    zero = np.zeros(1, dtype=np.int64)
    found = around.references(zero, zero + 16, zero + MELODY, zero, np.zeros((1, 4), dtype=np.int64))
    assert found[0, :, 0].tolist() == [77, NONE, 74, 79]
    found = around.references(zero, zero + 16, zero + BASS, zero, np.zeros((1, 4), dtype=np.int64))
    assert found[0, :, 0].tolist() == [45, 43, 40, NONE]


def test_a_note_under_another_of_its_chord_refers_to_that_one() -> None:
    around = notes_around(NEW)
    zero = np.zeros(1, dtype=np.int64)
    found = around.references(zero, zero + 24, zero + CHORDS, zero + 1, np.array([[67, 0, 0, 0]]))
    assert found[0, :2, 0].tolist() == [67, 60]


def test_ranks_count_down_a_chord() -> None:
    assert chord_ranks(np.zeros(3, dtype=np.int64), FIXED).tolist() == [0, 1, 0]
    assert FIXED[:2, PITCH].tolist() == [64, 60]
