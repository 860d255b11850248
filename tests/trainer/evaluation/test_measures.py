"""What is measured of drums and of several tracks: steps, distances, rules."""

import pytest

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS
from trainer.evaluation.measures import agreement, consistent, distance, places, spans, symbols

GRID = Grid(1, 2, 4)


def hit(step: int, key: int, velocity: int = 90) -> Note:
    return Note(step, key, velocity, 1, 0.0, DRUMS)


BEAT = Phrase.of(GRID, [hit(0, 36), hit(0, 42), hit(4, 38), hit(4, 42)])
BAND = Phrase.of(
    GRID,
    [
        Note(0, 72, 90, 3),
        Note(0, 60, 60, 8, 0.0, CHORDS),
        Note(0, 64, 60, 8, 0.0, CHORDS),
        Note(0, 36, 80, 4, 0.0, BASS),
        *BEAT.notes,
    ],
)


def test_a_step_of_drums_is_nine_bits() -> None:
    assert symbols(BEAT, "drums") == [0b101, 0, 0, 0, 0b110, 0, 0, 0]
    other = Phrase.of(GRID, [hit(0, 35, 40), hit(0, 22), hit(4, 40), hit(4, 44), hit(6, 49)])
    assert agreement(symbols(BEAT, "drums"), symbols(other, "drums")) == 7 / 8
    assert places(other) - places(BEAT) == {(6, 7, DRUMS)}


def test_a_step_of_several_tracks_is_all_of_theirs() -> None:
    first, second, *_ = symbols(BAND, "multitrack")
    assert first == (72, frozenset({60, 64}), 36, 0b101)
    assert second == (128, frozenset(), 128, 0)
    quiet = BAND.part(0, BASS, DRUMS)
    assert agreement(symbols(BAND, "multitrack"), symbols(quiet, "multitrack")) == 7 / 8


def test_one_key_in_two_tracks_is_two_notes() -> None:
    one = Phrase.of(GRID, [Note(0, 60, 80, 2)])
    other = Phrase.of(GRID, [Note(0, 60, 80, 2, 0.0, CHORDS)])
    assert distance(one, other, "multitrack") == 1.0
    assert spans(BAND) == places_and_lengths(BAND)


def places_and_lengths(phrase: Phrase) -> set[tuple[int, ...]]:
    return {(*place, note.length) for note in phrase.notes for place in places(Phrase(phrase.grid, (note,)))}


@pytest.mark.parametrize("codec", ["drums", "multitrack"])
def test_distance_is_of_hits(codec: str) -> None:
    more = Phrase.of(GRID, [*BEAT.notes, hit(2, 42), hit(6, 42)])
    assert distance(BEAT, BEAT, codec) == 0.0
    assert distance(BEAT, more, codec) == 2 / 10
    louder = Phrase.of(GRID, (note._replace(velocity=120) for note in BEAT.notes))
    assert distance(BEAT, louder, codec) == 0.0


def test_rules_of_drums_and_several_tracks() -> None:
    assert consistent(BEAT, "drums")
    assert consistent(BAND, "multitrack")
    assert not consistent(BAND, "drums")
    assert not consistent(BEAT, "poly")
    assert not consistent(Phrase(GRID, (hit(0, 37),)), "drums")
    assert not consistent(Phrase(GRID, (hit(0, 36)._replace(length=2),)), "drums")
    two = Phrase.of(GRID, [Note(0, 72, 90, 3), Note(0, 76, 90, 3)])
    assert not consistent(two, "multitrack")
