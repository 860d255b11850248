"""Loops: phrases that were played before and the chords that went with them, found again as they come back.

Owns: the last phrases of the performer.  Threads: engine only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import accumulate
from typing import NamedTuple

from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.harmony import moved as moved_chord
from model.music.phrase import Phrase
from model.music.tracks import DRUMS

MOST = 16  # phrases that are remembered
FEWEST = 2  # notes by which a phrase is known
ALIKE = 0.6  # F1 of steps and pitch classes from which it is taken for the same
SAME = 0.8  # F1 from which it is played in the chords that it had before
SAME_AGAIN = 0.56  # trust that what follows a phrase is that phrase again, and
VAMP = 0.9  # where it was so the last time
MOVED_FEWEST = 3  # pitch classes by which a phrase is known in another key
MOVED = 0.92  # F1 from which it is taken for one that was played in another key: nearly all of its notes
IN_ANOTHER_KEY = 0.9  # trust that it goes on as that one
LATER = 0.6  # that the phrase after a loop's is what came after it before

Row = tuple[int, int]
"""(step, pitch class) of a note."""

Chords = tuple[Chord | None, ...]
"""Of each beat of a phrase."""


class Foreseen(NamedTuple):
    """What is expected of a phrase.

    Attributes:
        chords: of each beat.
        trust: 0..1.
        rows: the notes that are expected; none where only the chords are.
    """

    chords: Chords
    trust: float
    rows: frozenset[Row] = frozenset()


class Remembered(NamedTuple):
    """A phrase that was played.

    Attributes:
        cell: in which.
        rows: its notes.
        chords: of each beat.
    """

    cell: int
    rows: frozenset[Row]
    chords: Chords

    def moved(self, semitones: int) -> "Remembered":
        """Return the phrase in another key."""
        rows = frozenset((step, (pitch + semitones) % 12) for step, pitch in self.rows)
        chords = tuple(None if one is None else moved_chord(one, semitones) for one in self.chords)
        return Remembered(self.cell, rows, chords)


NOTHING = Foreseen((), 0.0)


def rows_of(phrase: Phrase) -> frozenset[Row]:
    """Return a phrase's notes as they are compared; drums count for nothing."""
    return frozenset((note.onset, note.pitch % 12) for note in phrase.notes if note.track != DRUMS)


def likeness(one: frozenset[Row], other: frozenset[Row]) -> float:
    """Return how much two phrases are alike: the F1 of their steps and pitch classes, 0..1."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0


def _among(rows: frozenset[Row], row: Row) -> bool:
    """Tell whether a note is one of some, or lies a step beside one."""
    step, pitch = row
    return any((near, pitch) in rows for near in (step, step - 1, step + 1))


class LaidOut(NamedTuple):
    """The notes of a phrase by their steps.

    Attributes:
        pitches: pitch classes on each step.
        until: how many notes lie before each step; before later ones, as many as before the last.
    """

    pitches: dict[int, list[int]]
    until: list[int]


@lru_cache(maxsize=2 * MOST)
def laid_out(rows: frozenset[Row]) -> LaidOut:
    """Return the notes of a phrase by their steps: each key that is struck is compared with all phrases."""
    pitches: dict[int, list[int]] = {}
    for step, pitch in rows:
        pitches.setdefault(step, []).append(pitch)
    counts = (len(pitches.get(step, ())) for step in range(max(pitches, default=-1) + 1))
    return LaidOut(pitches, [0, *accumulate(counts)])


class Loops:
    """Remembers phrases of one grid and foresees the next one."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._phrases: list[Remembered] = []

    def lay_on(self, grid: Grid) -> None:
        """Take phrases of a grid from here on; what was played on another is forgotten."""
        if grid != self._grid:
            self._grid = grid
            self._phrases.clear()

    def learn(self, cell: int, phrase: Phrase, chords: Sequence[Chord | None]) -> Chords:
        """Remember what was played in a cell; returns its chords.

        A phrase that was played before has the chords that it had then; one without any brings none back.
        One on another grid, whose place was found too late, is not remembered.
        """
        rows, found = rows_of(phrase), tuple(chords)
        if len(rows) < FEWEST or phrase.grid != self._grid:
            return found
        before = max(self._phrases, key=lambda one: likeness(one.rows, rows), default=None)
        if before is not None and likeness(before.rows, rows) < SAME:
            moved = self._moved(rows, max(step for step, _ in rows) + 1)
            before = moved[1] if moved is not None and moved[0] >= SAME else None
        if before is not None and any(before.chords):
            found = before.chords
        self._phrases.append(Remembered(cell, rows, found))
        del self._phrases[:-MOST]
        return found

    def foresee(
        self, cell: int, played: frozenset[Row], steps: int, others: Iterable[Remembered]
    ) -> Foreseen:
        """Return what a phrase is likely to be of which so much has been played.

        Args:
            cell: that it lies in.
            played: its notes so far.
            steps: that are over.
            others: phrases beside the remembered ones that it may be: those of anchors.
        """
        if len(played) >= FEWEST:
            return self._found(played, steps, others)
        expected = self.after(cell - 1)
        return expected if all(map(partial(_among, expected.rows), played)) else NOTHING

    def after(self, cell: int) -> Foreseen:
        """Return what is likely to follow the phrase of a cell."""
        last = next((one for one in reversed(self._phrases) if one.cell == cell), None)
        if last is None:
            return NOTHING
        place = self._phrases.index(last)
        for before in range(place - 1, -1, -1):
            if likeness(self._phrases[before].rows, last.rows) < ALIKE:
                continue
            if before == place - 1:
                return self._of(last, VAMP)
            return self._of(self._phrases[before + 1], LATER)
        return self._of(last, SAME_AGAIN)

    def beyond(self, played: frozenset[Row], steps: int) -> Foreseen:
        """Return what is likely to follow a phrase of which so much has been played."""
        best = self._best(played, steps, self._phrases[:-1])
        if best is not None and best[0] >= ALIKE:
            coming = self._phrases[self._phrases.index(best[1]) + 1]
            again = likeness(coming.rows, best[1].rows) >= ALIKE
            return self._of(coming, VAMP if again else LATER)
        best = self._best(played, steps, self._phrases[-1:])
        return self._of(best[1], VAMP) if best is not None and best[0] >= ALIKE else NOTHING

    def _found(self, played: frozenset[Row], steps: int, others: Iterable[Remembered]) -> Foreseen:
        best = self._best(played, steps, [*others, *self._phrases])
        if best is None or best[0] < ALIKE:
            moved = self._moved(played, steps)
            return self._of(moved[1], IN_ANOTHER_KEY) if moved is not None else NOTHING
        return self._of(best[1], min(0.97, 0.5 + 0.5 * best[0]))

    def _moved(self, played: frozenset[Row], steps: int) -> tuple[float, Remembered] | None:
        """Return the phrase that is being played in another key, in that key; None where there is none."""
        if len({pitch for _, pitch in played}) < MOVED_FEWEST:
            return None
        best: tuple[float, Remembered, int] | None = None
        for one in self._phrases:
            pitches, until = laid_out(one.rows)
            begun = until[min(steps, len(until) - 1)]
            if 2 * min(len(played), begun) < MOVED * (len(played) + begun):
                continue  # they cannot have enough in common
            ways = Counter(
                (pitch - known) % 12
                for step, pitch in played
                if step < steps
                for known in pitches.get(step, ())
            )
            for semitones, count in ways.most_common(1):
                alike = 2 * count / (len(played) + begun)
                if alike >= MOVED and (best is None or alike >= best[0]):
                    best = alike, one, semitones
        return None if best is None else (best[0], best[1].moved(best[2]))

    @staticmethod
    def _best(
        played: frozenset[Row], steps: int, among: Sequence[Remembered]
    ) -> tuple[float, Remembered] | None:
        """Return the phrase whose beginning is most like what was played, the last of equal ones."""
        best: tuple[float, Remembered] | None = None
        over = frozenset(row for row in played if row[0] < steps)
        for one in among:
            until = laid_out(one.rows).until
            total = len(played) + until[min(steps, len(until) - 1)]
            alike = 2 * len(over & one.rows) / total if total else 0.0
            if best is None or alike >= best[0]:
                best = alike, one
        return best

    @staticmethod
    def _of(one: Remembered, trust: float) -> Foreseen:
        return Foreseen(one.chords, trust, one.rows) if any(one.chords) else NOTHING
