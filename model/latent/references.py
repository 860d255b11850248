"""What the next note of a phrase may take after: the note before it, and the one a bar before its place.

Music goes in small steps and repeats itself.  A network that chooses the numbers of a note
(`latent.note_transformer`) is given odds of distances from these two as well, so that it need not learn for
each pitch anew what a step and what a repetition is.

Notes are tuples of six choices in the columns of a note table.  A phrase's tracks come one after another, in
any order; the notes of each by onset and falling pitch: the upper line of a part comes first.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY
from model.music.grid import Grid

Choices = Sequence[int]
NONE = -1
BEGINNING = (0, 60, 79, 3, 50, 0)
"""What stands before a part's first note: c', velocity 79, four steps, on its place."""
REFERENCED_COLUMNS = (PITCH, LENGTH, VELOCITY, OFFSET)
"""Columns whose references hang on onset and track."""


class References:
    """The references of one phrase's notes, as they come."""

    def __init__(self, grid: Grid) -> None:
        self._bar, self._last = grid.steps_per_bar, grid.steps
        self._beginning = tuple(
            min(value, grid.steps - 1) if c == LENGTH else value for c, value in enumerate(BEGINNING)
        )
        self._lines: dict[int, _Line] = {}
        self.track = NONE

    @property
    def tracks(self) -> set[int]:
        """Return the tracks that have come."""
        return set(self._lines)

    @property
    def over(self) -> set[int]:
        """Return the tracks that have been left: no note of theirs can follow."""
        return {track for track, line in self._lines.items() if track != self.track or line.closed}

    def close(self) -> None:
        """Leave the track of the last note."""
        if self._lines:
            self._lines[self.track].closed = True

    def onset(self, track: int) -> tuple[int, int]:
        """Return the two references of the next note's onset, given its track.

        The first is the onset of the track's last note, or 0.  The second is what followed a bar before that
        note: on the next place of its chord, if that had one more, or else on the next step.
        """
        line = self._lines.get(track)
        if line is None:
            return 0, NONE
        onset, number = line.keys[-1]
        while line.keys[line.echo] <= (onset - self._bar, number):
            line.echo += 1  # it never passes the last note
        return onset, min(line.keys[line.echo][0] + self._bar, self._last)

    def rest(self, onset: int, track: int) -> tuple[Choices, Choices | None]:
        """Return the two notes that the next one's other numbers refer to, given its onset and track.

        The first is the note above it in the same chord, or else the top of the chord before in its track.
        The second is the note on the same place of the chord a bar before; None where there is none.
        """
        line = self._lines.get(track)
        if line is None:
            return self._beginning, None
        above = line.chords.get(onset, ())
        before = line.chords.get(onset - self._bar, ())
        first = above[-1] if above else line.chords[line.keys[-1][0]][0]
        return first, before[len(above)] if len(before) > len(above) else None

    def add(self, note: Choices) -> None:
        """Take the next note."""
        self.track = note[TRACK]
        line = self._lines.setdefault(self.track, _Line())
        chord = line.chords.setdefault(note[ONSET], [])
        line.keys.append((note[ONSET], len(chord)))
        chord.append(note)


class _Line:
    """The notes of one track: their onsets and places in a chord, the chords, where the echo is."""

    def __init__(self) -> None:
        self.keys: list[tuple[int, int]] = []
        self.chords: dict[int, list[Choices]] = {}
        self.echo = 0
        self.closed = False


def references_of(notes: Sequence[Choices], grid: Grid) -> NDArray[np.int16]:
    """Return the references of a phrase's notes and of its end, int16 [L + 1, 2, 6]; `NONE` where none is.

    At the end only those of the onset, were it in the last note's track, and of the track are filled in.
    """
    known = References(grid)
    found = np.full((len(notes) + 1, 2, len(COLUMNS)), NONE, dtype=np.int16)
    for row, note in zip(found, notes, strict=False):
        row[0, TRACK] = known.track
        row[:, ONSET] = known.onset(note[TRACK])
        first, second = known.rest(note[ONSET], note[TRACK])
        for column in REFERENCED_COLUMNS:
            row[0, column] = first[column]
            if second is not None:
                row[1, column] = second[column]
        known.add(note)
    found[-1, 0, TRACK] = known.track
    found[-1, :, ONSET] = known.onset(known.track)
    return found
