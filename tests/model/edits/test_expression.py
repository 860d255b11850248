"""Edits of velocities and lengths: each reaches its measure and touches no onset and no pitch."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from model.edits.common import is_monophonic
from model.edits.expression import articulated, levelled, recalled
from model.music.attributes import gaps, measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from tests.fakes.synthetic import chords, melody

GRID = Grid()
PHRASES = st.integers(0, 200).map(chords) | st.integers(0, 200).map(melody)


def played(phrase: Phrase) -> list[tuple[int, int]]:
    return [(note.onset, note.pitch) for note in phrase.notes]


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.floats(1, 127))
def test_levelling_reaches_the_mean_velocity(phrase: Phrase, wanted: float) -> None:
    moved = levelled(phrase, wanted)
    assert abs(measure(moved)["dynamics"] - wanted) <= 0.8
    assert [(n.onset, n.pitch, n.length) for n in moved.notes] == [
        (n.onset, n.pitch, n.length) for n in phrase.notes
    ]


@settings(max_examples=40, deadline=None)
@given(PHRASES)
def test_levelling_a_little_keeps_the_accents(phrase: Phrase) -> None:
    moved = levelled(phrase, measure(phrase)["dynamics"] + 10)
    assert {
        after.velocity - before.velocity for before, after in zip(phrase.notes, moved.notes, strict=True)
    } == {moved.notes[0].velocity - phrase.notes[0].velocity}
    assert measure(moved)["complexity"] == measure(phrase)["complexity"]


def test_levelling_shifts_odd_and_even_velocities_alike() -> None:
    notes = [Note(step, 60, velocity, 1) for step, velocity in enumerate((40, 41, 70, 75))]
    moved = levelled(Phrase.of(GRID, notes), 59.0)  # by 2.5
    assert [note.velocity for note in moved.notes] == [43, 44, 73, 78]


def test_at_the_ends_levelling_cuts_off_and_shifts_the_rest_alike() -> None:
    notes = [Note(step, 60, velocity, 1) for step, velocity in enumerate((60, 70, 110, 120))]
    moved = levelled(Phrase.of(GRID, notes), 105.0)
    first = moved.notes[0].velocity - 60
    assert [note.velocity for note in moved.notes] == [min(127, v + first) for v in (60, 70, 110, 120)]


def test_what_stays_is_played_as_it_was() -> None:
    before = Phrase.of(
        GRID, [Note(0, 60, 30, 4), Note(0, 64, 100, 4), Note(4, 67, 50, 2), Note(8, 36, 90, 1, 0.0, DRUMS)]
    )
    after = Phrase.of(
        GRID,
        [
            Note(0, 64, 1, 2),
            Note(0, 67, 2, 2),
            Note(0, 72, 3, 2),
            Note(4, 65, 4, 2),
            Note(6, 67, 5, 2),
            Note(8, 36, 6, 1, 0.0, DRUMS),
            Note(8, 38, 7, 1, 0.0, DRUMS),
        ],
    )
    assert [note.velocity for note in recalled(after, before).notes] == [100, 2, 3, 4, 5, 90, 7]
    chordwise = recalled(after, before, chords=True)
    assert [note.velocity for note in chordwise.notes] == [100, 30, 3, 50, 5, 90, 7]
    assert [note._replace(velocity=1) for note in chordwise.notes] == [
        note._replace(velocity=1) for note in after.notes
    ]


@settings(max_examples=40, deadline=None)
@given(PHRASES, st.floats(0, 1))
def test_lengths_reach_an_articulation(phrase: Phrase, wanted: float) -> None:
    moved = articulated(phrase, wanted)
    free = sum(gap > 1 for gap in gaps(phrase))
    assert abs(measure(moved)["articulation"] - wanted) <= 0.55 / max(1, free) + 1e-6
    assert played(moved) == played(phrase)
    assert is_monophonic(moved) or not is_monophonic(phrase)
    assert all(
        after.length <= max(before.length, gap)
        for before, after, gap in zip(phrase.notes, moved.notes, gaps(phrase), strict=True)
    )


@settings(max_examples=40, deadline=None)
@given(PHRASES)
def test_more_legato_is_never_less(phrase: Phrase) -> None:
    values = [measure(articulated(phrase, step / 8))["articulation"] for step in range(9)]
    assert all(b >= a - 1e-9 for a, b in pairwise(values))


def test_nothing_to_edit_is_left_as_it_is() -> None:
    silence = Phrase(GRID)
    for edited in (levelled(silence, 90), recalled(silence, melody(1)), articulated(silence, 0.5)):
        assert edited == silence
    one = Phrase.of(GRID, [Note(0, 60, 80, 4)])
    assert recalled(one, silence) == one
    full = Phrase.of(GRID, [Note(step, 60, 80, 1) for step in range(32)])
    assert articulated(full, 0.2) == full
