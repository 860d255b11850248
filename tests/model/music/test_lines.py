"""Melody, bass and chords are told apart by how they move, not by where on the keyboard they lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ConfigError
from model.music.grid import Grid
from model.music.lines import LINE, lines, read_split
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, MELODY
from tests.fakes.codec_phrases import polyphony

Keys = list[tuple[int, int, int]]
"""Onset, pitch and length of each note."""

TUNE: Keys = [(0, 76, 4), (4, 79, 4), (8, 77, 4), (12, 72, 4), (24, 74, 4), (28, 76, 4)]
LOW: Keys = [
    (step, pitch, 4) for step, pitch in zip(range(0, 32, 4), (48, 52, 55, 52, 50, 53, 55, 48), strict=True)
]


def parts(*hands: Keys, up: int = 0) -> dict[tuple[int, int], int]:
    """Return the track of each note, by onset and pitch, of hands that play together."""
    notes = [Note(onset, pitch + up, 90, length) for hand in hands for onset, pitch, length in hand]
    phrase = Phrase.of(Grid(), notes)
    found = lines(phrase.notes, phrase.grid.steps_per_beat)
    return {(note.onset, note.pitch - up): track for note, track in zip(phrase.notes, found, strict=True)}


@pytest.mark.parametrize("up", [-12, 0, 7, 12])
def test_a_left_hand_under_a_melody_is_bass_wherever_it_lies_and_no_melody_while_that_rests(up: int) -> None:
    found = parts(TUNE, LOW, up=up)
    assert {place for place, track in found.items() if track == MELODY} == {key[:2] for key in TUNE}
    assert {place for place, track in found.items() if track == BASS} == {key[:2] for key in LOW}


def test_of_a_left_hand_s_chords_the_lowest_notes_are_bass() -> None:
    left = [(step, pitch, 8) for step in range(0, 32, 8) for pitch in (52, 55, 60)]
    found = parts(TUNE, left)
    assert {pitch for (_, pitch), track in found.items() if track == BASS} == {52}
    assert {pitch for (_, pitch), track in found.items() if track == CHORDS} == {55, 60}


def test_the_bass_of_a_stride_stays_on_its_low_notes() -> None:
    stride = [
        (step, pitch, 4)
        for step in range(0, 32, 8)
        for step, pitch in ((step, 41), (step + 4, 57), (step + 4, 60), (step + 4, 62))
    ]
    long = [(step, pitch, 8) for step, pitch in ((0, 77), (8, 79), (16, 81), (24, 77))]
    off_beat = [(step + 2, pitch, length) for step, pitch, length in stride]
    for left in (stride, off_beat):
        found = parts(long, left)
        assert {pitch for (_, pitch), track in found.items() if track == MELODY} == {77, 79, 81}
        assert 41 in {pitch for (_, pitch), track in found.items() if track == BASS}
    assert {track for (_, pitch), track in parts(long, off_beat).items() if pitch in (60, 62)} == {CHORDS}


def test_two_voices_close_together_are_a_melody_and_a_bass() -> None:
    upper = [
        (step, pitch, 4)
        for step, pitch in zip(range(0, 32, 4), (64, 62, 60, 59, 60, 62, 64, 62), strict=True)
    ]
    lower = [(step, pitch - 7, length) for step, pitch, length in upper]
    found = parts(upper, lower)
    assert {place for place, track in found.items() if track == MELODY} == {key[:2] for key in upper}
    assert {place for place, track in found.items() if track == BASS} == {key[:2] for key in lower}


def test_what_starts_under_a_melody_note_that_sounds_on_is_no_melody() -> None:
    held = [(0, 79, 16), (16, 77, 16)]
    inner = [(step, pitch, 2) for step, pitch in zip(range(2, 32, 4), (67, 71, 67, 71) * 2, strict=True)]
    found = parts(held, inner, LOW)
    assert {pitch for (_, pitch), track in found.items() if track == MELODY} == {79, 77}


@given(st.lists(st.tuples(st.integers(50, 90), st.integers(1, 4)), min_size=1, max_size=16))
def test_a_single_line_is_a_melody_as_a_whole_however_it_leaps(keys: list[tuple[int, int]]) -> None:
    line = [(number * 2, pitch, min(length, 3)) for number, (pitch, length) in enumerate(keys)]
    found = parts(line)
    low, high = min(pitch for pitch, _ in keys), max(pitch for pitch, _ in keys)
    if high - low < 12:
        assert {*found.values()} == {MELODY}


def test_a_melody_that_leaps_and_goes_low_stays_one() -> None:
    line = [(0, 67, 4), (4, 43, 5), (8, 60, 4), (12, 72, 4), (16, 55, 4), (20, 64, 4)]
    assert {*parts(line).values()} == {MELODY}


def test_a_single_line_below_c3_is_a_bass() -> None:
    assert {*parts([(0, 36, 4), (4, 43, 4), (8, 50, 4), (12, 41, 4)]).values()} == {BASS}


def test_two_lines_that_take_turns_octaves_apart_are_two() -> None:
    turns = [(0, 72, 4), (4, 76, 4), (8, 43, 4), (12, 48, 4), (16, 77, 4), (20, 41, 4), (24, 72, 4)]
    found = parts(turns)
    assert {pitch for (_, pitch), track in found.items() if track == BASS} == {41, 43, 48}
    assert {pitch for (_, pitch), track in found.items() if track == MELODY} == {72, 76, 77}


def test_nothing_has_no_lines() -> None:
    assert lines([], 4) == []


@given(polyphony())
def test_at_a_step_at_most_one_note_is_melody_and_one_below_it_bass(phrase: Phrase) -> None:
    found = lines(phrase.notes, phrase.grid.steps_per_beat)
    assert len(found) == len(phrase)
    for step in {note.onset for note in phrase.notes}:
        here = [track for note, track in zip(phrase.notes, found, strict=True) if note.onset == step]
        assert here.count(MELODY) <= 1
        assert here.count(BASS) <= 1
        assert MELODY not in here[:-1]
        assert BASS not in here[1:]


@pytest.mark.parametrize(("text", "key"), [(LINE, None), ("C3", 48), ("F#2", 42), ("Bb-1", 10), ("G9", 127)])
def test_a_split_is_by_line_or_at_a_note(text: str, key: int | None) -> None:
    assert read_split(text) == key


@pytest.mark.parametrize("text", ["lines", "H3", "C", "48", "C10", "Cb-1", "G#9", "", "C3 "])
def test_what_divides_no_keyboard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="there is: line, or a note from C-1 to G9"):
        read_split(text)
