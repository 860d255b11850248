"""What the next note of a phrase may take after: the note before it, and the one a bar before its place.

Music goes in small steps and repeats itself.  A network that chooses the numbers of a note (`model.prior`)
is given odds of distances from these two as well, so that it need not learn for each pitch anew what a step
and what a repetition is.

Notes are tuples of six choices in the columns of a note table, ordered by onset, track and falling pitch:
the upper line of a part comes first.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY
from model.grid import Grid

Choices = Sequence[int]
NONE = -1
BEGINNING = (0, 60, 79, 3, 50, 0)
"""What stands before a part's first note: c', velocity 79, four steps, on its place."""
SAID = (PITCH, LENGTH, VELOCITY, OFFSET)
"""Columns whose references hang on onset and track."""


class References:
    """The references of one phrase's notes, as they come."""

    def __init__(self, grid: Grid) -> None:
        """Begin a phrase."""
        self._bar, self._last = grid.steps_per_bar, grid.steps
        self._beginning = tuple(
            min(value, grid.steps - 1) if c == LENGTH else value for c, value in enumerate(BEGINNING)
        )
        self._notes: list[Choices] = []
        self._keys: list[tuple[int, int, int]] = []
        self._chords: dict[tuple[int, int], list[Choices]] = {}
        self._tops: dict[int, Choices] = {}
        self._echo = 0

    def place(self) -> tuple[int, int, int, int]:
        """Return the references of the next note's onset, two, and of its track, two.

        The second one is what followed a bar before the last note: on the next place of its chord, if that
        had one more, or else on the next step.
        """
        if not self._notes:
            return 0, NONE, 0, NONE
        last, (onset, track, number) = self._notes[-1], self._keys[-1]
        behind = onset - self._bar, track, number
        while self._keys[self._echo] <= behind:
            self._echo += 1  # it never passes the last note
        echo = self._notes[self._echo]
        return last[ONSET], min(echo[ONSET] + self._bar, self._last), last[TRACK], echo[TRACK]

    def rest(self, onset: int, track: int) -> tuple[Choices, Choices | None]:
        """Return the two notes that the next one's other numbers refer to, given its onset and track.

        The first is the note above it in the same chord, or else the top of the chord before in its track.
        The second is the note on the same place of the chord a bar before; None where there is none.
        """
        above = self._chords.get((onset, track), ())
        before = self._chords.get((onset - self._bar, track), ())
        first = above[-1] if above else self._tops.get(track, self._beginning)
        return first, before[len(above)] if len(before) > len(above) else None

    def add(self, note: Choices) -> None:
        """Take the next note."""
        self._notes.append(note)
        chord = self._chords.setdefault((note[ONSET], note[TRACK]), [])
        self._keys.append((note[ONSET], note[TRACK], len(chord)))
        chord.append(note)
        self._tops[note[TRACK]] = chord[0]


def references_of(notes: Sequence[Choices], grid: Grid) -> NDArray[np.int16]:
    """Return the references of a phrase's notes and of its end, int16 [L + 1, 2, 6]; `NONE` where none is.

    At the end only those of the onset are told.
    """
    known = References(grid)
    found = np.full((len(notes) + 1, 2, len(COLUMNS)), NONE, dtype=np.int16)
    for row, note in zip(found, notes, strict=False):
        row[0, ONSET], row[1, ONSET], row[0, TRACK], row[1, TRACK] = known.place()
        first, second = known.rest(note[ONSET], note[TRACK])
        for column in SAID:
            row[0, column] = first[column]
            if second is not None:
                row[1, column] = second[column]
        known.add(note)
    found[-1, 0, ONSET], found[-1, 1, ONSET], _, _ = known.place()
    return found
