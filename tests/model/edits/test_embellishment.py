"""Embellishment: what was added to a line repeats no pitch, stays in the scale and near the line."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from model.edits.embellishment import embellished
from model.edits.solve import filled
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

GRID = Grid()
SCALE = (0, 2, 4, 5, 7, 5, 4, 2)
TUNE = Phrase.of(GRID, [Note(4 * i, 60 + pitch, 90, 3) for i, pitch in enumerate(SCALE)])


def test_a_busier_line_repeats_nothing_and_its_notes_stay() -> None:
    busier = filled(TUNE, 3.0)
    assert len(busier) == 24
    assert {(note.onset, note.pitch) for note in TUNE.notes} <= {
        (note.onset, note.pitch) for note in busier.notes
    }
    assert all(one.pitch != two.pitch for one, two in pairwise(busier.notes))
    assert {note.pitch % 12 for note in busier.notes} <= {0, 2, 4, 5, 7, 9, 11}
    assert all(abs(one.pitch - two.pitch) <= 12 for one, two in pairwise(busier.notes))


def test_between_far_notes_it_passes_along_the_scale() -> None:
    ends = [Note(0, 60, 90, 1), Note(4, 67, 90, 1)]
    line = Phrase.of(GRID, [*TUNE.notes[:0], *ends, *(Note(step, 60, 80, 1) for step in (1, 2, 3))])
    before = Phrase.of(
        GRID, [*ends, *(Note(8 + i, 62 + pitch, 90, 1) for i, pitch in enumerate((0, 2, 3, 7)))]
    )
    assert [note.pitch for note in embellished(line, before).notes] == [60, 62, 64, 65, 67]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 127), st.booleans()), max_size=24))
def test_whatever_was_added(rows: list[tuple[int, int, bool]]) -> None:
    first = {onset: (pitch, stays) for onset, pitch, stays in rows}
    notes = [Note(onset, pitch, 80, 1) for onset, (pitch, _) in first.items()]
    before = Phrase.of(GRID, [note for note in notes if first[note.onset][1]])
    after = embellished(Phrase.of(GRID, notes), before)
    assert [note.onset for note in after.notes] == sorted(first)
    assert set(before.notes) <= set(after.notes)


def test_among_chords_the_highest_notes_go_along_their_tones() -> None:
    triads = {0: (60, 64, 67), 8: (57, 60, 65), 16: (59, 62, 67), 24: (60, 64, 67)}
    before = Phrase.of(GRID, [Note(step, key, 80, 2) for step, keys in triads.items() for key in keys])
    struck = [
        Note(step + 2 * i, key, 80, 2) for step, keys in triads.items() for key in keys for i in range(4)
    ]
    after = embellished(Phrase.of(GRID, struck), before)
    tops = {step: max(note.pitch for note in after.notes if note.onset == step) for step in range(0, 32, 2)}
    assert all(one != two for one, two in pairwise(tops.values()))
    assert set(before.notes) <= set(after.notes)
    assert len(after) == len(struck)
    assert {note.pitch % 12 for note in after.notes} <= {0, 2, 4, 5, 7, 9, 11}


def test_a_run_that_repeats_nothing_stays_as_it_is() -> None:
    run = Phrase.of(GRID, [*TUNE.notes, Note(2, 71, 80, 1), Note(6, 57, 80, 1)])
    assert embellished(run, TUNE) is run
