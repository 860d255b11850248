"""Phrases: ordered, cut and unique per track; drums stay where they are when music is transposed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.any_notes import any_notes

GRID = Grid()
NOTES = st.lists(
    any_notes(st.integers(30, 40), offsets=st.sampled_from((-0.25, 0.0, 0.5)), tracks=st.integers(0, 3)),
    max_size=60,
)


@given(NOTES)
def test_notes_are_ordered_unique_and_cut_within_their_track(notes: list[Note]) -> None:
    phrase = Phrase.of(GRID, notes)
    places = [(note.onset, note.pitch, note.track) for note in phrase.notes]
    assert places == sorted({(note.onset, note.pitch, note.track) for note in notes})
    for note in phrase.notes:
        same = [n for n in notes if (n.onset, n.pitch, n.track) == (note.onset, note.pitch, note.track)]
        assert note.velocity == max(n.velocity for n in same)
        assert note.onset + note.length <= GRID.steps
        later = [n for n in phrase.notes if (n.pitch, n.track) == (note.pitch, note.track)]
        assert all(note.onset + note.length <= n.onset for n in later if n.onset > note.onset)


@given(NOTES)
def test_a_phrase_of_tracks_is_its_parts_together(notes: list[Note]) -> None:
    phrase = Phrase.of(GRID, notes)
    for track in range(4):
        alone = Phrase.of(GRID, [note for note in notes if note.track == track])
        assert phrase.part(track) == alone
    assert phrase.part(MELODY, CHORDS, BASS, DRUMS) == phrase


def test_one_key_in_two_tracks_sounds_twice() -> None:
    both = [Note(0, 60, 80, 8), Note(4, 60, 80, 4, 0.0, CHORDS)]
    assert Phrase.of(GRID, both).notes == tuple(both)


def test_transposing_leaves_drums_alone() -> None:
    phrase = Phrase.of(GRID, [Note(0, 60, 80, 8), Note(0, 36, 80, 1, 0.1, DRUMS), Note(0, 126, 9, 1)])
    moved = phrase.moved(3)
    assert {(note.pitch, note.track) for note in moved.notes} == {(63, 0), (36, DRUMS), (117, 0)}
    assert Phrase(GRID).moved(5) == Phrase(GRID)


def test_a_track_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a note's track must be in 0\.\.3, not 4"):
        Phrase.of(GRID, [Note(0, 60, 80, 1, 0.0, 4)])
