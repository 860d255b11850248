import numpy as np

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.latent.references import BEGINNING, NONE, References, references_of
from model.music.grid import Grid

GRID = Grid(2, 4, 2)  # a bar is eight steps


def note(onset: int, pitch: int, track: int = 0, length: int = 1) -> list[int]:
    return [onset, pitch, 80, length, 50, track]


def test_the_first_note_refers_to_a_beginning() -> None:
    known = References(GRID)
    assert known.onset(0) == (0, NONE)
    assert known.track == NONE
    assert not known.over
    first, second = known.rest(3, 0)
    assert tuple(first) == BEGINNING
    assert second is None


def test_a_line_refers_to_the_note_before_and_to_the_bar_before() -> None:
    known = References(GRID)
    for added in (note(0, 60), note(2, 62, length=3), note(8, 67)):
        known.add(added)
    assert known.onset(0) == (8, 10), "after the bar's first note, what came after it a bar before"
    first, second = known.rest(10, 0)
    assert (first[PITCH], first[LENGTH]) == (67, 1)
    assert second is not None
    assert (second[PITCH], second[LENGTH]) == (62, 3)
    assert known.rest(11, 0)[1] is None, "a bar before was nothing"


def test_a_chord_goes_down_from_its_top_beside_the_one_a_bar_before() -> None:
    known = References(GRID)
    for added in (note(0, 72), note(0, 67), note(0, 64), note(8, 71)):
        known.add(added)
    first, second = known.rest(8, 0)
    assert first[PITCH] == 71, "the note above"
    assert second is not None
    assert second[PITCH] == 67, "the second from the top"
    assert known.onset(0) == (8, 8), "the chord goes on, as it did"
    known.add(note(8, 64))
    third = known.rest(8, 0)[1]
    assert third is not None
    assert third[PITCH] == 64
    known.add(note(8, 60))
    assert known.rest(8, 0)[1] is None
    assert known.rest(10, 0)[0][PITCH] == 71, "the next chord begins from the top of this one"
    assert known.onset(0)[1] == 16, "a bar before nothing more came until this bar: the end"


def test_tracks_know_their_notes() -> None:
    known = References(GRID)
    for added in (note(0, 40, 2), note(3, 43, 2), note(8, 41, 2)):
        known.add(added)
    assert known.onset(0) == (0, NONE), "a part begins anew"
    assert tuple(known.rest(8, 0)[0]) == BEGINNING
    for added in (note(0, 72, 0), note(4, 74, 0), note(8, 72, 0)):
        known.add(added)
    assert known.onset(0) == (8, 12), "as the melody went on a bar before, whatever the bass did"
    assert known.onset(2) == (8, 11)
    first, second = known.rest(12, 0)
    assert first[PITCH] == 72
    assert second is not None
    assert second[PITCH] == 74


def test_a_track_that_was_left_is_over() -> None:
    known = References(GRID)
    known.close()
    for added in (note(0, 40, 2), note(0, 72, 0), note(4, 74, 0)):
        known.add(added)
    assert known.track == 0
    assert known.tracks == {0, 2}
    assert known.over == {2}
    known.close()
    assert known.over == {0, 2}
    known.add(note(0, 36, 3))
    assert known.over == {0, 2}


def test_all_at_once_are_those_one_after_another() -> None:
    rng = np.random.default_rng(0)
    for bars in (1, 2, 4):
        grid = Grid(bars, 4, 2)
        drawn = {
            (int(rng.integers(2)), int(rng.integers(grid.steps)), -int(rng.integers(50, 80)))
            for _ in range(30)
        }
        notes = [note(onset, -pitch, track) for track, onset, pitch in sorted(drawn)]
        references, known = references_of(notes, grid), References(grid)
        assert references.shape == (len(notes) + 1, 2, 6)
        for added, row in zip(notes, references, strict=False):
            assert (row[0, ONSET], row[1, ONSET]) == known.onset(added[TRACK])
            assert row[:, TRACK].tolist() == [known.track, NONE]
            first, second = known.rest(added[ONSET], added[TRACK])
            assert row[0, PITCH] == first[PITCH]
            assert row[1, PITCH] == (NONE if second is None else second[PITCH])
            known.add(added)
        assert tuple(references[-1, :, ONSET]) == known.onset(1)
        assert references[-1, 0, TRACK] == 1
        assert references[..., ONSET].max() <= grid.steps
    assert references_of([], GRID)[:, :, ONSET].tolist() == [[0, NONE]]
