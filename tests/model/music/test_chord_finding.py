"""Chords found in what sounds, meant by a melody, and followed as they are played."""

import pytest

from model.music.chord_finding import (
    BeatSound,
    ChordFilter,
    beats_of,
    colour,
    expected,
    in_blues,
    progression,
    tells,
    triad_index,
    weigh,
)
from model.music.grid import Grid
from model.music.harmony import Chord, chord_name, read_chords
from model.music.key import Key, blues_of
from model.music.phrase import Note, Phrase
from tests.fakes.harmony_names import triads

C_MAJOR, A_MINOR, D_DORIAN = Key(0, 0), Key(9, 1), Key(2, 2)
GRID = Grid()


def names(phrase: Phrase, key: Key | None) -> list[str]:
    return [chord_name(one) for one in progression(beats_of(phrase.notes, phrase.grid), key, beats_per_bar=4)]


def line(*pitches: int) -> Phrase:
    return Phrase.of(GRID, [Note(2 * place, pitch, 90, 2) for place, pitch in enumerate(pitches)])


@pytest.mark.parametrize("chords", ["C C Am Am F F G G", "Dm Dm G7 G7 C C C C", "E E Am Am Dm Dm E7 E7"])
def test_chords_that_are_played_are_found(chords: str) -> None:
    assert names(triads(chords), C_MAJOR) == chords.split()
    assert names(triads(chords), None) == chords.split(), "also without a key"


def test_a_broken_chord_is_one() -> None:
    arpeggio = line(48, 55, 64, 55, 48, 55, 64, 55, 45, 52, 60, 52, 45, 52, 60, 52)
    assert names(arpeggio, C_MAJOR) == ["C"] * 4 + ["Am"] * 4


def test_a_melody_means_its_chords() -> None:
    tune = line(67, 64, 60, 64, 67, 72, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71)
    found = names(tune, C_MAJOR)
    assert found[:4] == ["C"] * 4
    assert found[4:] == ["F", "F", "G", "G"]


@pytest.mark.parametrize(
    "phrase",
    [
        Phrase.of(GRID, [Note(0, 60, 90, 32)]),
        Phrase.of(GRID, [Note(0, 60, 90, 8), Note(8, 67, 90, 8)]),
        Phrase(GRID),
        line(*(60 + 7 * step % 12 for step in range(12))),
    ],
)
def test_little_or_nothing_in_common_is_no_chord(phrase: Phrase) -> None:
    assert names(phrase, None) == ["N"] * 8


def test_a_triad_tells_itself_without_a_key() -> None:
    beats = beats_of(triads("F# N N N N N N N").notes, GRID)
    assert tells(beats, None)
    assert (
        names(triads("F# N N N N N N N"), None)[0] == "F#"
        or names(triads("F# N N N N N N N"), None)[0] == "Gb"
    )


def test_sevenths_and_suspensions_are_named_by_what_sounds() -> None:
    for symbol in ("C7", "Cmaj7", "Am7", "Dsus4", "Caug"):
        (chord,) = read_chords(symbol)
        assert chord is not None
        beat = beats_of(triads(symbol).notes, GRID)[0]
        triad = Chord(chord.root, 1 if symbol.startswith("A") else 0)
        assert colour(triad, [beat]) == chord
    assert colour(None, []) is None


def test_what_is_expected_is_the_keys_own() -> None:
    for key in (C_MAJOR, A_MINOR, D_DORIAN, None):
        assert sum(expected(key)) == pytest.approx(1)
    often = expected(D_DORIAN)
    assert max(range(36), key=often.__getitem__) == triad_index(Chord(2, 1))
    assert often[triad_index(Chord(7, 0))] > often[triad_index(Chord(10, 0))], "G, not B flat"


def test_a_staccato_note_counts_and_a_thick_chord_not_too_much() -> None:
    short = weigh([(0.0, 0.05, 60)], 0.0, 1.0, 0)
    assert short.weights[0] == 0.25
    assert short.bass is None
    thick = weigh(
        [(0.0, 1.0, 36 + 12 * octave + tone) for octave in range(3) for tone in (0, 4, 7)], 0.0, 1.0, 0
    )
    assert sum(thick.weights) == pytest.approx(1.5)
    assert thick.bass == 0


def test_what_is_played_is_followed_and_what_is_foreseen_is_there_before() -> None:
    following = ChordFilter()
    g_major = weigh([(0.0, 1.0, pitch) for pitch in (55, 59, 62)], 0.0, 1.0, 1)
    following.begin(C_MAJOR, 0, 4)
    assert following.chord[0] == Chord(0, 0), "the likeliest, before anything sounds"
    following.hear(g_major)
    assert following.chord[0] == Chord(7, 0)
    following.hear(BeatSound((0.0,) * 12, None, 0))
    assert following.chord[0] == Chord(0, 0), "what was taken of the beat is replaced"
    following.hear(g_major)
    following.begin(C_MAJOR, 1, 4)
    assert following.chord[0] == Chord(7, 0), "it stays"
    following.begin(C_MAJOR, 2, 4, foreseen=Chord(5, 6), trust=0.9)
    found, odds = following.chord
    assert found == Chord(5, 0)
    assert odds > 0.9
    following.hear(g_major)
    assert following.odds(Chord(7, 0)) > following.odds(Chord(5, 0)), "the notes say otherwise"


def test_a_blues_goes_over_dominant_sevenths() -> None:
    lick = "0:60:3 3:63:3 6:65:2 8:66:2 10:65:2 12:63:4 16:60:2 18:63:2 20:60:8"
    notes = [Note(step, pitch, 90, long) for step, pitch, long in _rows(lick)]
    key = blues_of(notes)
    assert key is not None
    assert key.name == "C blues"
    (found,) = {*progression(beats_of(notes, GRID), key, beats_per_bar=4)}
    assert (chord_name(found), chord_name(in_blues(Chord(7, 0), key))) == ("C7", "G7")
    assert in_blues(Chord(2, 0), key) == Chord(2, 0)
    assert in_blues(Chord(0, 0), None) == Chord(0, 0)
    assert blues_of([note._replace(pitch=note.pitch - 20) for note in notes]) is None, "a riff"
    scale = [Note(4 * place, pitch, 90, 4) for place, pitch in enumerate((60, 63, 65, 67, 68, 66))]
    assert blues_of(scale) is None, "it has the minor sixth"


def _rows(text: str) -> list[tuple[int, int, int]]:
    rows = [[int(number) for number in word.split(":")] for word in text.split()]
    return [(step, pitch, long) for step, pitch, long in rows]
