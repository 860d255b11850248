"""What the next note of a phrase may take after: the note before it, and the one a bar before its place.

Music goes in small steps and repeats itself.  A network that chooses the numbers of a note
(`latent.note_transformer`) is given odds of distances from these two as well, so that it need not learn for
each pitch anew what a step and what a repetition is.

Notes are six choices in the columns of a note table.  A phrase's tracks come one after another, in any order;
the notes of each by onset and falling pitch: the upper line of a part comes first.  Several phrases grow side
by side.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY
from model.music.grid import Grid
from model.music.tracks import TRACKS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NONE = -1
BEGINNING = (0, 60, 79, 3, 50, 0)
"""What stands before a part's first note: c', velocity 79, four steps, on its place."""
REFERENCED_COLUMNS = (PITCH, LENGTH, VELOCITY, OFFSET)
"""Columns whose references hang on onset and track."""


class References:
    """The references of the notes of some phrases, as they come.

    `rows` int [M] says below of which phrases, each once; `tracks` and `onsets` int [M] are of their next
    notes.

    Args:
        count: phrases, B.
        grid: of the phrases.
        longest: notes that a phrase can have.

    Attributes:
        track: int64 [B], of the last note; `NONE` before the first.
        tracks: bool [B, parts], those that have come.
    """

    def __init__(self, count: int, grid: Grid, longest: int) -> None:
        self._bar, self._last = grid.steps_per_bar, grid.steps
        beginning = np.array(BEGINNING)
        beginning[LENGTH] = min(BEGINNING[LENGTH], grid.steps - 1)
        self._beginning = beginning[[*REFERENCED_COLUMNS]]
        self._notes = np.zeros((count, longest, len(REFERENCED_COLUMNS)), dtype=np.int64)
        self._counts = np.zeros(count, dtype=np.int64)
        self._struck = np.zeros((count, len(TRACKS), grid.steps), dtype=np.int64)  # notes of each chord
        self._begins = np.zeros_like(self._struck)  # where its first note is
        self._latest = np.zeros((count, len(TRACKS)), dtype=np.int64)  # onset of each track's last note
        self._closed = np.zeros(count, dtype=np.bool_)
        self.track = np.full(count, NONE)
        self.tracks = np.zeros((count, len(TRACKS)), dtype=np.bool_)

    def over(self, rows: Ints) -> Bools:
        """Return which tracks have been left, bool [M, parts]: no note of theirs can follow."""
        found: Bools = self.tracks[rows]
        going = ~self._closed[rows] & (self.track[rows] != NONE)
        found[going, self.track[rows[going]]] = False
        return found

    def close(self) -> None:
        """Leave the tracks of the last notes."""
        self._closed[:] = True

    def onset(self, rows: Ints, tracks: Ints) -> Ints:
        """Return the two references of the next notes' onsets, [M, 2].

        The first is the onset of the track's last note, or 0.  The second is what followed a bar before that
        note: on the next place of its chord, if that had one more, or else on the next step.
        """
        struck, latest = self._struck[rows, tracks], self._latest[rows, tracks]
        before, each = latest - self._bar, np.arange(len(rows))
        chord = struck[each, np.maximum(before, 0)]
        more = (before >= 0) & (chord > struck[each, latest])
        after = ((np.arange(self._last) > before[:, None]) & (struck > 0)).argmax(1)
        echo = np.minimum(np.where(more, before, after) + self._bar, self._last)
        came = self.tracks[rows, tracks]
        return np.stack((np.where(came, latest, 0), np.where(came, echo, NONE)), axis=1)

    def rest(self, rows: Ints, onsets: Ints, tracks: Ints) -> Ints:
        """Return what the next notes' `REFERENCED_COLUMNS` refer to, [M, 2, 4].

        The first is the note above it in the same chord, or else the top of the chord before in its track.
        The second is the note on the same place of the chord a bar before; `NONE` where there is none.
        """
        begins, struck = self._begins[rows, tracks], self._struck[rows, tracks]
        each, before = np.arange(len(rows)), onsets - self._bar
        above, bar_before = struck[each, onsets], np.maximum(before, 0)
        top = begins[each, self._latest[rows, tracks]]
        first = self._notes[rows, np.where(above > 0, begins[each, onsets] + above - 1, top)]
        struck_before = (before >= 0) & (struck[each, bar_before] > above)
        second = self._notes[rows, np.where(struck_before, begins[each, bar_before] + above, 0)]
        came = self.tracks[rows, tracks]
        first = np.where(came[:, None], first, self._beginning)
        return np.stack((first, np.where((came & struck_before)[:, None], second, NONE)), axis=1)

    def add(self, rows: Ints, notes: Ints) -> None:
        """Take the next notes, int [M, 6]."""
        tracks, onsets, places = notes[:, TRACK], notes[:, ONSET], self._counts[rows]
        self._notes[rows, places] = notes[:, [*REFERENCED_COLUMNS]]
        new = self._struck[rows, tracks, onsets] == 0
        self._begins[rows[new], tracks[new], onsets[new]] = places[new]
        self._struck[rows, tracks, onsets] += 1
        self._latest[rows, tracks] = onsets
        self._counts[rows] += 1
        self._closed[rows] = False
        self.track[rows] = tracks
        self.tracks[rows, tracks] = True


def references_of(phrases: Sequence[NDArray[np.int16]], grid: Grid) -> list[NDArray[np.int16]]:
    """Return the references of phrases' notes and of their ends, int16 [L + 1, 2, 6]; `NONE` where none is.

    At the end only those of the onset, were it in the last note's track, and of the track are filled in.

    Args:
        phrases: the notes of each, [L, 6].
        grid: of all.
    """
    counts = np.array([len(phrase) for phrase in phrases], dtype=np.int64)
    longest = int(counts.max(initial=0))
    notes = np.zeros((len(phrases), longest + 1, len(COLUMNS)), dtype=np.int64)
    for row, phrase in zip(notes, phrases, strict=True):
        row[: len(phrase)] = phrase
    known = References(len(phrases), grid, longest)
    found = np.full((*notes.shape[:2], 2, len(COLUMNS)), NONE, dtype=np.int16)
    for place in range(longest + 1):
        rows = np.flatnonzero(counts >= place)
        ended = counts[rows] == place
        found[rows, place, 0, TRACK] = known.track[rows]
        tracks = np.where(ended, known.track[rows], notes[rows, place, TRACK])
        found[rows, place, :, ONSET] = known.onset(rows, tracks)
        rows = rows[~ended]
        coming = notes[rows, place]
        found[rows[:, None, None], place, np.arange(2)[:, None], [*REFERENCED_COLUMNS]] = known.rest(
            rows, coming[:, ONSET], coming[:, TRACK]
        )
        known.add(rows, coming)
    return [part[: count + 1] for part, count in zip(found, counts.tolist(), strict=True)]
