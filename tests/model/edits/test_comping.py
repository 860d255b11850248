"""Chords and bass from phrase to phrase: the progression stays, how it is played does not."""

import pytest

from model.edits.comping import WAYS, thinned, varied_bass, varied_chords
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS

GRID = Grid()
WRITTEN = [Chord(0, 0)] * 4 + [Chord(7, 0)] * 4
STROKES = [
    *(Note(step, pitch, 80, 3, track=CHORDS) for step in (0, 6, 10) for pitch in (60, 64, 67)),
    *(Note(step, pitch, 80, 4, track=CHORDS) for step in (16, 24) for pitch in (59, 62, 67)),
]
LINE = [Note(0, 36, 90, 8, track=BASS), Note(8, 43, 90, 8, track=BASS), Note(18, 43, 90, 2, track=BASS)]


def strokes(notes: list[Note]) -> list[int]:
    return sorted({note.onset for note in notes})


def test_the_first_time_all_is_as_it_was_written() -> None:
    assert varied_chords(STROKES, WRITTEN, GRID, number=0, seed=1) == (STROKES, WRITTEN)
    assert varied_bass(LINE, GRID, number=0, seed=1) == LINE


@pytest.mark.parametrize("number", range(1, WAYS))
def test_each_way_is_another_and_every_note_still_belongs_to_its_chord(number: int) -> None:
    found, chords = varied_chords(STROKES, WRITTEN, GRID, number=number, seed=1)
    assert found != STROKES
    for note in Phrase.of(GRID, found).notes:
        chord = chords[note.onset // 4]
        assert chord is not None
        assert (note.pitch - chord.root) % 12 in (0, 4, 7)


def test_exchanged_bars_bring_their_chords_along() -> None:
    found, chords = varied_chords(STROKES, WRITTEN, GRID, number=1, seed=1)
    assert strokes(found) == [0, 8, 16, 22, 26]
    assert chords == WRITTEN[4:] + WRITTEN[:4]


def test_a_bass_line_is_a_line_still() -> None:
    for seed in range(8):
        found = varied_bass(LINE, GRID, number=1, seed=seed)
        ends = [note.onset + note.length for note in found]
        assert all(end <= note.onset for end, note in zip(ends, found[1:], strict=False))
        assert {note.pitch for note in found} == {36, 43}


def test_density_leaves_the_strong_strokes_or_strikes_long_ones_twice() -> None:
    assert strokes(thinned(STROKES, GRID, -1.0)) == [0, 16]
    assert strokes(thinned(STROKES, GRID, -0.4)) == [0, 16, 24]
    assert len(strokes(thinned(STROKES, GRID, 1.0))) == 10
    Phrase.of(GRID, thinned(STROKES, GRID, 1.0))
    assert thinned([], GRID, 1.0) == []


def test_held_chords_are_struck_again_instead_of_shorter_and_no_bar_of_theirs_is_silent() -> None:
    held = [Note(0, pitch, 80, 32, track=CHORDS) for pitch in (60, 64, 67)]
    for number in (1, 3):
        found, _ = varied_chords(held, WRITTEN, GRID, number=number, seed=1)
        assert strokes(found) == [0, 16]
        assert sum(note.length for note in found) == 3 * 32


def test_broken_chords_go_the_other_way_within_their_chord() -> None:
    broken = [Note(step, 60 + step, 80, 2, track=CHORDS) for step in range(0, 16, 4)]
    found, _ = varied_chords(broken, [Chord(0, 0)] * 8, GRID, number=2, seed=1)
    assert [(note.onset, note.pitch) for note in found] == [(0, 72), (4, 68), (8, 64), (12, 60)]
    other, _ = varied_chords(broken, WRITTEN[2:] + WRITTEN[:2], GRID, number=2, seed=1)
    assert [note.pitch for note in other] == [64, 60, 72, 68]
