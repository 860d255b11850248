"""What followed where the music went like this before: a share of each choice's odds.

Music repeats and transposes what it has just said, far more than a small network learns to do.  The notes so
far, in the order of writing, are held against those just written: where the last notes came before, by when
they begin, by track and by diatonic moves, what followed there is likely to follow here.  How likely depends
on how many notes are alike, and on whether the place in the bar is the same.  So is a cache mixed with a
language model (Kuhn and De Mori 1990, "A cache-based natural language model for speech recognition").

Tested in tests/model/writing/test_recall.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model.music.key import DEGREES
from model.music.tracks import DRUMS
from model.writing.notes_around import PARTS
from model.writing.odds import NEVER
from model.writing.tokens import LENGTH, NONE, ONSET, PITCH, SIZES, TRACK, Floats, Ints
from model.writing.wish import BAR, STEPS, Kind

FARTHEST = 6  # notes that are held against each other, from the last one back
SHARES: Mapping[Kind, Mapping[int, tuple[tuple[float, float], ...]]] = {
    Kind.MELODY: {
        ONSET: ((0.00, 0.08), (0.02, 0.15), (0.01, 0.16), (0.18, 0.49), (0.29, 0.48), (0.40, 0.51)),
        PITCH: ((0.06, 0.26), (0.15, 0.47), (0.37, 0.70), (0.53, 0.84), (0.55, 0.74), (0.57, 0.84)),
        LENGTH: ((0.03, 0.33), (0.04, 0.50), (0.21, 0.55), (0.21, 0.69), (0.50, 0.81), (0.46, 0.65)),
    },
    Kind.KEYBOARD: {
        ONSET: ((0.02, 0.03), (0.00, 0.13), (0.10, 0.36), (0.43, 0.55), (0.39, 0.65), (0.71, 0.82)),
        PITCH: ((0.07, 0.11), (0.21, 0.34), (0.40, 0.46), (0.60, 0.55), (0.66, 0.77), (0.85, 0.88)),
        LENGTH: ((0.04, 0.12), (0.06, 0.20), (0.15, 0.27), (0.13, 0.46), (0.19, 0.69), (0.61, 0.78)),
    },
    Kind.DRUMS: {
        ONSET: ((0.16, 0.18), (0.13, 0.25), (0.25, 0.36), (0.29, 0.57), (0.45, 0.39), (0.35, 0.83)),
        PITCH: ((0.13, 0.22), (0.27, 0.29), (0.08, 0.42), (0.22, 0.58), (0.45, 0.72), (0.64, 0.77)),
    },
    Kind.BAND: {
        ONSET: ((0.02, 0.04), (0.06, 0.12), (0.07, 0.34), (0.15, 0.42), (0.32, 0.46), (0.64, 0.86)),
        TRACK: ((0.01, 0.05), (0.04, 0.08), (0.03, 0.27), (0.15, 0.40), (0.40, 0.45), (0.58, 0.83)),
        PITCH: ((0.11, 0.18), (0.30, 0.34), (0.43, 0.64), (0.59, 0.69), (0.60, 0.85), (0.74, 0.94)),
        LENGTH: ((0.03, 0.18), (0.00, 0.33), (0.15, 0.56), (0.25, 0.67), (0.56, 0.80), (0.14, 0.79)),
    },
}
"""The share of each choice's odds that is what followed, by column and by notes alike, 1 to `FARTHEST`.

Of each pair the second is for what followed at the same place in the bar.  They are the likeliest ones for
true next phrases, by expectation
maximisation: 400 of one voice, 300 of keyboards, 200 each of drums and bands, of the train split.
"""
TAKEN_UP = {Kind.KEYBOARD: 3.0, Kind.BAND: 3.0}
"""By how much the odds of those shares are raised.

Where several notes must come out as before, one that does not ends what is taken up.  With the likeliest
shares the next phrases of keyboards had .130 of the figures of the phrase before them, with odds of 2, 3 and
4 times .174, .207 and .234, music .193 (300 phrases of the validation split; without any recall .078).
"""
NEARER, IN_PLACE = 1.0, 1.0
"""What followed counts exp(`NEARER`) times as much for each half of a note more that is alike, and
exp(`IN_PLACE`) times at the same place in the bar."""
SCALE = np.array(sorted(DEGREES[0]))  # of C major, in which the writer's music lies
DEGREE = np.array([7 * (pitch // 12) + np.flatnonzero(pitch % 12 >= SCALE)[-1] for pitch in range(128)])
SHARP = np.array([pitch % 12 not in DEGREES[0] for pitch in range(128)], dtype=np.int64)
LEVEL = 12 * (np.arange(DEGREE[-1] + 1) // 7) + SCALE[np.arange(DEGREE[-1] + 1) % 7]  # pitches of degrees
FAR = 99  # a move or a wait that is like none


class Recall:
    """Notes in the order of writing, and how alike each place is to the last one.

    Args:
        room: notes that it takes at most.
    """

    def __init__(self, room: int) -> None:
        self.notes = np.zeros((len(_ROWS), room), dtype=np.int64)
        self.count = 0
        self._alike = np.zeros(room, dtype=np.int64)  # how many up to each are like those up to the last
        self._lines: dict[int, Ints] = {}  # the same of the strokes of a track, where each of them begins
        self._ends: dict[int, tuple[int, int]] = {}  # of each track: the first and the last note of a stroke

    def copied(self) -> "Recall":
        """Return one that goes on from here by itself."""
        found = Recall(0)
        found.notes, found.count, found._alike = self.notes.copy(), self.count, self._alike
        found._lines, found._ends = dict(self._lines), dict(self._ends)
        return found

    def add(self, begins: int, note: Sequence[int]) -> None:
        """Take the next note.

        Args:
            begins: the step on which its phrase begins.
            note: a token's columns.
        """
        here, time = self.count, begins + note[ONSET]
        track, pitch = note[TRACK], note[PITCH]
        top, last = self._ends.get(track, (NONE, NONE))
        above = last != NONE and self.notes[_TIME, last] == time
        reference = last if above else top
        move = pitch if track == DRUMS else FAR
        if reference != NONE and track != DRUMS:
            move = int(DEGREE[pitch] - DEGREE[self.notes[_PITCH, reference]])
        wait = time - int(self.notes[_TIME, here - 1]) if here else FAR
        after = FAR if top == NONE else time - int(self.notes[_TIME, top])
        same = (wait * PARTS + track) * 1000 + move
        stroke = NONE if above else (after * PARTS + track) * 1000 + move
        rank = 1 + int(self.notes[_RANK, last]) if above else 0
        first, before = (top, self.notes[_BEFORE, top]) if above else (here, top)
        self.notes[:, here] = (
            time, track, pitch, note[LENGTH], wait, move, SHARP[pitch], same, rank, first, before, stroke
        )  # fmt: skip
        known = self.notes[:, :here]
        places = np.arange(here)
        self._alike = self._continued(self._alike, known[_SAME] == same, places - 1)
        if not above:
            line = self._lines.get(track, self._alike[:0])
            self._lines[track] = self._continued(line, known[_STROKE] == stroke, known[_BEFORE])
        self._ends[track], self.count = (int(first), here), here + 1

    def _continued(self, alike: Ints, again: NDArray[np.bool_], before: Ints) -> Ints:
        """Return how much is alike up to each place, by how much was up to the place before it."""
        found = np.zeros(self.notes.shape[1], dtype=np.int64)
        if len(alike):
            up_to = np.where(before == NONE, 0, alike[before])
            found[: len(again)] = np.where(again, np.minimum(up_to + 1, FARTHEST), 0)
        else:
            found[: len(again)] = again
        return found

    def may_follow(self, begins: int, previous: int) -> tuple[Ints, Ints, Ints]:
        """Return places of notes that may follow, how alike what is before them is, and their onsets here.

        Args:
            begins: the step on which the phrase begins.
            previous: step of the phrase before which nothing may follow.
        """
        places = 1 + np.flatnonzero(self._alike[: max(0, self.count - 1)])
        onsets = self.notes[_TIME, self.count - 1] - begins + self.notes[_WAIT, places]
        places, onsets = places[onsets >= previous], onsets[onsets >= previous]
        return places, 2 * self._alike[places - 1], onsets

    def may_sound(self, time: int, track: int) -> tuple[Ints, Ints, int | None]:
        """Return places of notes that may come on a step of a track, how alike, and what they move from.

        The last is a pitch, that of the note above or of the highest one of the stroke before; None for none.
        """
        if track not in self._ends:
            return self._alike[:0], self._alike[:0], None
        top, last = self._ends[track]
        known = self.notes[:, : self.count]
        above = bool(known[_TIME, last] == time)
        rank = 1 + int(known[_RANK, last]) if above else 0
        flat = np.zeros(self.count, dtype=np.int64)
        flat[1:] = self._alike[: self.count - 1]
        flat *= known[_TIME, -1] + known[_WAIT] == time
        line = self._lines[track]
        if above:
            flat += line[known[_TOP]]
        else:
            before = known[_BEFORE]
            waits = known[_TIME] - known[_TIME, before]
            flat += line[before] * ((before != NONE) & (waits == time - known[_TIME, top]))
        flat *= (known[_TRACK] == track) & (known[_RANK] == rank) & (known[_MOVE] != FAR)
        places = np.flatnonzero(flat)
        return places, flat[places], int(known[_PITCH, last if above else top])


class Followers:
    """What followed on places like the last one, fewer with each choice that is made.

    Args:
        recall: what there is.
        kind: what plays.
        begins: the step on which the phrase begins.
        previous: step of the phrase before which nothing may follow.
    """

    def __init__(self, recall: Recall, kind: Kind, begins: int, previous: int) -> None:
        self._recall, self._begins = recall, begins
        self._shares, self._raised = SHARES[kind], TAKEN_UP.get(kind, 1.0)
        self._places, self._alike, self._onsets = recall.may_follow(begins, previous)
        self._onset = 0
        self._reference: int | None = None

    def chosen(self, column: int, value: int) -> None:
        """Keep those that had a value; where none had a pitch, those of any."""
        which = self._values(column) == value
        if column == TRACK:
            found = self._recall.may_sound(self._begins + self._onset, value)
            self._places, self._alike, self._reference = found
            self._onsets = np.full(len(self._places), self._onset)
        elif column == ONSET or which.any():
            self._onset = value if column == ONSET else self._onset
            self._places, self._alike = self._places[which], self._alike[which]
            self._onsets = self._onsets[which]

    def _values(self, column: int) -> Ints:
        """Return what each would come to here."""
        if column == ONSET:
            return np.minimum(self._onsets, STEPS)
        notes = self._recall.notes[:, self._places]
        if column != PITCH or self._reference is None or not len(self._places) or notes[_TRACK, 0] == DRUMS:
            found: Ints = notes[{TRACK: _TRACK, PITCH: _PITCH, LENGTH: _LENGTH}[column]]
            return found
        level = np.clip(DEGREE[self._reference] + notes[_MOVE], 0, len(LEVEL) - 1)
        here: Ints = np.minimum(LEVEL[level] + notes[_SHARP], SIZES[PITCH] - 1)
        return here

    def mixed(self, column: int, odds: Floats) -> Floats:
        """Return the log odds of a column's values, [values], of which a share is what followed."""
        shares = self._shares.get(column)
        values = self._values(column)
        alike = np.where(odds[values] > NEVER / 2, self._alike, 0)
        most = int(alike.max(initial=0))
        if shares is None or not most:
            return odds
        in_place = (self._recall.notes[_TIME, self._places] - self._onsets - self._begins) % BAR == 0
        share = shares[(most - 1) // 2][int(in_place[alike == most].any())]
        share *= self._raised / (1 + (self._raised - 1) * share)
        often = np.exp(NEARER * (alike - most) + IN_PLACE * in_place) * (alike > 0)
        known = np.bincount(values, often, len(odds))
        written = np.exp(odds - odds.max())
        both = (1 - share) / written.sum() * written + share / known.sum() * known
        mixed: Floats = np.where(odds > NEVER / 2, np.log(np.maximum(both, 1e-30)), NEVER).astype(np.float32)
        return mixed


_ROWS = range(12)
_TIME, _TRACK, _PITCH, _LENGTH, _WAIT, _MOVE, _SHARP, _SAME, _RANK, _TOP, _BEFORE, _STROKE = _ROWS


def recalled(column: int, odds: Floats, followers: Sequence[Followers]) -> Floats:
    """Return what `Followers.mixed` makes of each row, [n, values]."""
    return np.stack([one.mixed(column, row) for one, row in zip(followers, odds, strict=True)])


def keep(column: int, values: Ints, followers: Sequence[Followers]) -> None:
    """Tell each row's what was chosen, int64 [n]."""
    for one, value in zip(followers, values.tolist(), strict=True):
        one.chosen(column, value)
