"""Recombination: other notes of the same material, in key, whatever was played."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.recombination import recombined
from model.music.distance import position
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS

GRID = Grid()
MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))
SCALE = (0, 2, 4, 5, 7, 5, 4, 2)
TUNE = Phrase.of(GRID, [Note(4 * i, 60 + pitch, 90, 3) for i, pitch in enumerate(SCALE)])
ROOTS = ((0, 48), (8, 53), (16, 55), (24, 48))
CHORDS = Phrase.of(GRID, [Note(step, root + third, 80, 8) for step, root in ROOTS for third in (0, 4, 7)])
GROOVE = Phrase.of(
    GRID,
    [
        *(Note(step, 42, 70, 1, 0.0, DRUMS) for step in range(0, 32, 2)),
        *(Note(step, 36, 100, 1, 0.0, DRUMS) for step in (0, 10, 16, 26)),
        *(Note(step, 38, 100, 1, 0.0, DRUMS) for step in (4, 12, 20, 28)),
    ],
)
NOTES = st.tuples(
    st.integers(0, 31),
    st.integers(0, 127),
    st.integers(1, 127),
    st.integers(1, 40),
    st.just(0.0),
    st.integers(0, 3),
).map(lambda row: Note(*row))


SCALES = st.sampled_from([None, MAJOR, frozenset((1,))])


def shared(one: Phrase, other: Phrase) -> int:
    return len({position(note) for note in one.notes} & {position(note) for note in other.notes})


def test_no_note_starts_where_it_did_and_all_are_in_the_scale() -> None:
    for phrase in (TUNE, CHORDS):
        for seed in range(20):
            other = recombined(phrase, seed, MAJOR)
            assert shared(phrase, other) == 0
            assert {note.pitch % 12 for note in other.notes} <= MAJOR
            assert len(other) == len(phrase)


def test_each_seed_has_its_own_and_always_the_same() -> None:
    for phrase in (TUNE, CHORDS, GROOVE):
        found = [recombined(phrase, seed, MAJOR) for seed in range(12)]
        assert len({tuple(map(position, one.notes)) for one in found}) == 12
        assert found == [recombined(phrase, seed, MAJOR) for seed in range(12)]


def test_without_a_scale_it_keeps_to_that_of_the_phrase() -> None:
    pentatonic = Phrase.of(
        GRID, [Note(4 * i, 60 + pitch, 90, 2) for i, pitch in enumerate((0, 2, 4, 7, 9, 7, 4, 2))]
    )
    for seed in range(10):
        assert {note.pitch % 12 for note in recombined(pentatonic, seed).notes} <= {0, 2, 4, 7, 9}


def test_the_first_note_of_a_beat_keeps_to_what_sounded_there() -> None:
    for seed in range(10):
        for note in recombined(CHORDS, seed, MAJOR).notes:
            before = {old.pitch % 12 for old in CHORDS.notes if old.onset == note.onset}
            assert note.pitch % 12 in before


def test_a_line_stays_a_line() -> None:
    for seed in range(20):
        notes = recombined(TUNE, seed, MAJOR).notes
        assert all(one.onset + one.length <= other.onset for one, other in pairwise(notes))


def test_drums_stay_their_drums_and_move() -> None:
    for seed in range(20):
        other = recombined(GROOVE, seed)
        assert {note.pitch for note in other.notes} <= {36, 38, 42}
        assert shared(GROOVE, other) < len(GROOVE) * 0.4


@settings(max_examples=60)
@given(
    st.lists(NOTES, max_size=24), st.integers(0, 2**32 - 1), st.sampled_from([None, MAJOR, frozenset((1,))])
)
def test_whatever_was_played(notes: list[Note], seed: int, scale: frozenset[int] | None) -> None:
    phrase = Phrase.of(GRID, notes)
    other = recombined(phrase, seed, scale)
    assert {note.track for note in other.notes} <= {note.track for note in phrase.notes}
    assert Phrase.of(GRID, other.notes) == other


def test_of_another_metre_and_of_nothing() -> None:
    waltz = Grid(2, 3, 4)
    assert recombined(Phrase(waltz), 1) == Phrase(waltz)
    tune = Phrase.of(waltz, [Note(step, 60 + step % 7, 90, 2) for step in range(0, 24, 3)])
    assert recombined(tune, 1).grid == waltz
    assert shared(tune, recombined(tune, 1)) == 0
