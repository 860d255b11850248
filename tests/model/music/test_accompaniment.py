"""What of an accompaniment is unusual: voices, heights, strokes, and nothing of a plain one."""

import pytest

from model.music.accompaniment import FIGURES, USUAL, figures, unusual
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY

GRID = Grid()
TUNE = [Note(step, 72 + step % 5, 90, 2, track=MELODY) for step in range(0, 32, 4)]
COMPED = [
    Note(step, pitch, 70, 3, track=CHORDS)
    for step in range(0, 32, 4)
    for pitch in ((55, 60, 64) if step % 8 else (55, 59, 67))
]
LOW = [Note(step, pitch, 80, 4, track=BASS) for step, pitch in ((0, 36), (8, 43), (16, 41), (24, 36))]
BEATEN = [Note(step, pitch, 90, 1, track=DRUMS) for step in range(0, 32, 2) for pitch in (36, 42)]
ALL = (CHORDS, BASS, DRUMS)


def phrase(*parts: list[Note]) -> Phrase:
    return Phrase.of(GRID, [note for part in parts for note in part])


def test_nothing_is_unusual_about_a_plain_accompaniment() -> None:
    whole = phrase(TUNE, COMPED, LOW, BEATEN)
    assert unusual(whole, ALL) == 0
    assert set(figures(whole)) == set(FIGURES)


@pytest.mark.parametrize(
    ("chords", "name"),
    [
        ([Note(0, 60, 70, 32, track=CHORDS)], "chords, one voice alone"),
        ([note._replace(pitch=note.pitch + 24) for note in COMPED], "chords above the melody"),
        ([note._replace(pitch=note.pitch - 20) for note in COMPED], "chords, height"),
        (COMPED[:6], "chords, silent beats"),
        ([note._replace(pitch=note.pitch + 24 * (note.onset // 4 % 2)) for note in COMPED], "moves on top"),
    ],
)
def test_chords_that_no_band_plays_cost_more_than_music_does(chords: list[Note], name: str) -> None:
    whole = phrase(TUNE, chords, LOW)
    (found,) = (one for one in figures(whole) if name in one)
    least, most = FIGURES[found][1][0], FIGURES[found][1][-1]
    assert not least <= figures(whole)[found] <= most
    assert unusual(whole, ALL) > USUAL
    assert unusual(whole, (BASS, DRUMS)) < unusual(whole, ALL), "of what was written alone"


def test_a_bass_over_the_chords_is_told() -> None:
    high = [note._replace(pitch=note.pitch + 24) for note in LOW]
    assert figures(phrase(COMPED, high))["bass above the chords"] > 0.8
    assert unusual(phrase(COMPED, high), (BASS,)) > USUAL


def test_a_part_without_notes_tells_nothing() -> None:
    assert not figures(phrase(TUNE))
    assert unusual(phrase(TUNE), ALL) == 0
    assert "chords above the melody" not in figures(phrase(COMPED)), "there is no melody"


def test_what_no_drum_kit_has_is_unusual() -> None:
    kit = [Note(step, 36, 90, 1, track=DRUMS) for step in range(0, 32, 4)]
    assert figures(Phrase.of(GRID, kit))["drums, outside of a kit"] == 0.0
    bells = Phrase.of(GRID, [*kit, Note(2, 81, 90, 1, track=DRUMS)])
    assert unusual(bells, {DRUMS}) >= unusual(Phrase.of(GRID, kit), {DRUMS}) + 4.0
