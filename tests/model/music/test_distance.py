from hypothesis import given
from hypothesis import strategies as st

from model.music.distance import distance, step, unmatched
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

GRID = Grid()
STEPS = st.lists(st.integers(0, 31), max_size=6)


def line(steps: list[int], pitch: int = 60) -> Phrase:
    return Phrase.of(GRID, [Note(onset, pitch, 90, 1) for onset in steps])


@given(STEPS, STEPS, st.integers(30, 100))
def test_distance_is_a_distance(ours: list[int], theirs: list[int], pitch: int) -> None:
    a, b = line(ours, pitch), line(theirs, pitch)
    assert distance(a, b) == distance(b, a)
    assert 0 <= distance(a, b) <= 1
    assert (distance(a, b) == 0) == (set(ours) == set(theirs))


def test_pitch_and_track_tell_notes_apart_unless_steps_alone_count() -> None:
    low, high = line([0, 4]), line([0, 4], 72)
    bass = Phrase.of(GRID, [note._replace(track=2) for note in low.notes])
    assert (unmatched(low, high), unmatched(low, bass)) == (4, 4)
    assert (unmatched(low, high, step), unmatched(low, bass, step)) == (0, 4)
    assert distance(low, line([0])) == 1 / 3
