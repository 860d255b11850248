from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.latent.references import BEGINNING, NONE, REFERENCED_COLUMNS, References, references_of
from model.music.grid import Grid

GRID = Grid(2, 4, 2)  # a bar is eight steps
LONGEST = 40


def note(onset: int, pitch: int, track: int = 0, length: int = 1) -> list[int]:
    return [onset, pitch, 80, length, 50, track]


class One:
    """The references of one phrase."""

    def __init__(self, *notes: list[int], grid: Grid = GRID) -> None:
        self.all = References(1, grid, LONGEST)
        for each in notes:
            self.add(each)

    def add(self, added: list[int]) -> None:
        self.all.add(np.zeros(1, dtype=np.int64), np.array([added]))

    @property
    def track(self) -> int:
        return int(self.all.track[0])

    @property
    def over(self) -> set[int]:
        return set(np.flatnonzero(self.all.over(np.zeros(1, dtype=np.int64))[0]).tolist())

    def onset(self, track: int) -> tuple[int, int]:
        first, second = self.all.onset(np.zeros(1, dtype=np.int64), np.array([track]))[0].tolist()
        return first, second

    def rest(self, onset: int, track: int) -> dict[int, list[int]]:
        """Return both references of each column."""
        found = self.all.rest(np.zeros(1, dtype=np.int64), np.array([onset]), np.array([track]))[0]
        return dict(zip(REFERENCED_COLUMNS, found.T.tolist(), strict=True))


def test_the_first_note_refers_to_a_beginning() -> None:
    known = One()
    assert known.onset(0) == (0, NONE)
    assert known.track == NONE
    assert not known.over
    assert known.rest(3, 0) == {column: [BEGINNING[column], NONE] for column in REFERENCED_COLUMNS}


def test_a_line_refers_to_the_note_before_and_to_the_bar_before() -> None:
    known = One(note(0, 60), note(2, 62, length=3), note(8, 67))
    assert known.onset(0) == (8, 10), "after the bar's first note, what came after it a bar before"
    assert known.rest(10, 0)[PITCH] == [67, 62]
    assert known.rest(10, 0)[LENGTH] == [1, 3]
    assert known.rest(11, 0)[PITCH] == [67, NONE], "a bar before was nothing"


def test_a_chord_goes_down_from_its_top_beside_the_one_a_bar_before() -> None:
    known = One(note(0, 72), note(0, 67), note(0, 64), note(8, 71))
    assert known.rest(8, 0)[PITCH] == [71, 67], "the note above, and the second from the top"
    assert known.onset(0) == (8, 8), "the chord goes on, as it did"
    known.add(note(8, 64))
    assert known.rest(8, 0)[PITCH] == [64, 64]
    known.add(note(8, 60))
    assert known.rest(8, 0)[PITCH] == [60, NONE]
    assert known.rest(10, 0)[PITCH][0] == 71, "the next chord begins from the top of this one"
    assert known.onset(0)[1] == 16, "a bar before nothing more came until this bar: the end"


def test_tracks_know_their_notes() -> None:
    known = One(note(0, 40, 2), note(3, 43, 2), note(8, 41, 2))
    assert known.onset(0) == (0, NONE), "a part begins anew"
    assert known.rest(8, 0)[PITCH] == [BEGINNING[PITCH], NONE]
    for added in (note(0, 72, 0), note(4, 74, 0), note(8, 72, 0)):
        known.add(added)
    assert known.onset(0) == (8, 12), "as the melody went on a bar before, whatever the bass did"
    assert known.onset(2) == (8, 11)
    assert known.rest(12, 0)[PITCH] == [72, 74]


def test_a_track_that_was_left_is_over() -> None:
    known = One()
    known.all.close()
    for added in (note(0, 40, 2), note(0, 72, 0), note(4, 74, 0)):
        known.add(added)
    assert known.track == 0
    assert np.flatnonzero(known.all.tracks[0]).tolist() == [0, 2]
    assert known.over == {2}
    known.all.close()
    assert known.over == {0, 2}
    known.add(note(0, 36, 3))
    assert known.over == {0, 2}


def told(notes: list[list[int]], grid: Grid) -> list[list[list[int]]]:
    """Return what `references_of` gives, as its words say it: of each note and of the end, one by one."""
    bar, found = grid.steps_per_bar, []
    beginning = [*BEGINNING]
    beginning[LENGTH] = min(beginning[LENGTH], grid.steps - 1)
    for place in range(len(notes) + 1):
        before = notes[:place]
        now = notes[place] if place < len(notes) else None
        track = now[TRACK] if now is not None else before[-1][TRACK] if before else NONE
        line = [each for each in before if each[TRACK] == track]
        rows = [[NONE] * 6, [NONE] * 6]
        rows[0][TRACK] = before[-1][TRACK] if before else NONE
        rows[0][ONSET] = line[-1][ONSET] if line else 0
        if line:
            last = line[-1][ONSET]
            number = sum(each[ONSET] == last for each in line) - 1
            keys = [
                (each[ONSET], sum(one[ONSET] == each[ONSET] for one in line[:n]))
                for n, each in enumerate(line)
            ]
            rows[1][ONSET] = min(next(key for key in keys if key > (last - bar, number))[0] + bar, grid.steps)
        if now is not None:
            chord = [each for each in line if each[ONSET] == now[ONSET]]
            earlier = [each for each in line if each[ONSET] == now[ONSET] - bar]
            tops = [each for each in line if each[ONSET] == line[-1][ONSET]]
            first = chord[-1] if chord else tops[0] if line else beginning
            for column in REFERENCED_COLUMNS:
                rows[0][column] = first[column]
                if len(earlier) > len(chord):
                    rows[1][column] = earlier[len(chord)][column]
        found.append(rows)
    return found


def test_many_phrases_at_once_have_the_references_that_each_has() -> None:
    rng = np.random.default_rng(0)
    for bars in (1, 2, 4):
        grid = Grid(bars, 4, 2)
        phrases: list[NDArray[Any]] = []
        for count in (0, 1, 12, 30):
            drawn = {
                (int(rng.integers(2)), int(rng.integers(grid.steps)), -int(rng.integers(50, 80)))
                for _ in range(count)
            }
            made = [note(onset, -pitch, track, int(rng.integers(9))) for track, onset, pitch in sorted(drawn)]
            phrases.append(np.array(made, dtype=np.int16).reshape(-1, 6))
        for phrase, references in zip(phrases, references_of(phrases, grid), strict=True):
            assert references.tolist() == told(phrase.tolist(), grid)
    assert references_of([], GRID) == []
