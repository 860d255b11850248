"""What has been played where a note is written: the phrase before, the fixed notes, those written so far.

Music goes in small steps, repeats itself after a bar or a phrase, and its parts hang together by when they
strike and by intervals.  The writer's odds are told all of this for each choice, so that a small network need
not learn for each pitch anew what a step and what a repetition is.  Whatever is asked for onset s looks at
new notes before s alone, so that the answers are the same while a phrase is written and when it is complete,
as in training.

Tested in tests/model/writing/test_notes_around.py.
"""

import numpy as np
from numpy.typing import NDArray

from model.music.tracks import DRUMS, TRACKS
from model.writing.tokens import LENGTH, NONE, ONSET, PITCH, REFERENCED, SOURCES, TRACK, Floats, Ints
from model.writing.wish import BAR, STEPS

PARTS = len(TRACKS)
CLASSES = 12
RANKS = 4  # notes of a chord that can be referred to
SPAN = 2 * STEPS  # the phrase before, then this one
RHYTHM = 1 + 3 * PARTS
"""Marks of a step for the choice of an onset: open; struck by fixed notes, a bar before, a phrase before."""
HERE = 3 * PARTS + (PARTS + 1) * CLASSES
"""Marks of the chosen step: who strikes there, a bar before, a phrase before; what each part sounds there,
what all sounded a phrase before."""
TURN = (np.arange(CLASSES)[:, None] + np.arange(CLASSES)) % CLASSES


class NotesAround:
    """The notes around some phrases that are written; arrays are [phrases, track, step, ...].

    Steps count from the beginning of the phrase before, `STEPS` is where this one begins.

    Attributes:
        struck: float32, where a track strikes; `fixed_struck` the same of fixed notes of this phrase.
        held: float32 [..., 12], pitch classes that sound on from a step before; `begun` those that begin.
        fixed_begun: float32, of fixed notes.
        chords: int16 [..., RANKS, 4], columns of `REFERENCED` of the notes that begin, the highest first.
        fixed_top: int16 [..., 4], of the highest fixed note.
    """

    def __init__(self, count: int) -> None:
        shape = (count, PARTS, SPAN)
        self.struck = np.zeros(shape, dtype=np.float32)
        self.fixed_struck = np.zeros((count, PARTS, STEPS), dtype=np.float32)
        self.held = np.zeros((*shape, CLASSES), dtype=np.float32)
        self.begun = np.zeros((*shape, CLASSES), dtype=np.float32)
        self.fixed_begun = np.zeros((count, PARTS, STEPS, CLASSES), dtype=np.float32)
        self.chords = np.full((*shape, RANKS, len(REFERENCED)), NONE, dtype=np.int16)
        self.fixed_top = np.full((count, PARTS, STEPS, len(REFERENCED)), NONE, dtype=np.int16)
        self.open = np.ones((count, STEPS), dtype=np.float32)

    def add(self, row: Ints, notes: Ints, *, before: bool = False, fixed: bool = False) -> None:
        """Take whole phrases.

        Args:
            row: int64 [M], which one each note belongs to.
            notes: int64 [M, 6], in the order of writing, one row after another.
            before: whether they are of the phrase before.
            fixed: whether they are fixed notes of this phrase; in this case they are to be added with the
                others, too.
        """
        if not len(notes):
            return
        onset, track, pitch = notes[:, ONSET], notes[:, TRACK], notes[:, PITCH]
        values = notes[:, REFERENCED].astype(np.int16)
        rank = _ranks(row, onset, track)
        pitched = track != DRUMS
        place = (row[pitched], track[pitched], onset[pitched], pitch[pitched] % CLASSES)
        if fixed:
            self.fixed_struck[row, track, onset] = 1
            self.fixed_begun[place] = 1
            top = rank == 0
            self.fixed_top[row[top], track[top], onset[top]] = values[top]
            return
        shift = 0 if before else STEPS
        self.struck[row, track, onset + shift] = 1
        self.begun[place[0], place[1], place[2] + shift, place[3]] = 1
        high = rank < RANKS
        self.chords[row[high], track[high], onset[high] + shift, rank[high]] = values[high]
        lasting = np.minimum(notes[pitched, LENGTH], SPAN - 1 - shift - onset[pitched])
        if before:
            lasting = np.minimum(lasting, STEPS - 1 - onset[pitched])
        each = np.repeat(np.arange(len(lasting)), lasting)
        first = np.cumsum(lasting) - lasting
        steps = place[2][each] + 1 + np.arange(len(each)) - first[each] + shift
        self.held[place[0][each], place[1][each], steps, place[3][each]] = 1

    def add_one(self, row: int, note: list[int]) -> None:
        """Take the note just written of a row."""
        onset, track, pitch, length = note[ONSET], note[TRACK], note[PITCH], note[LENGTH]
        step = onset + STEPS
        self.struck[row, track, step] = 1
        if track != DRUMS:
            self.begun[row, track, step, pitch % CLASSES] = 1
            self.held[row, track, step + 1 : step + 1 + length, pitch % CLASSES] = 1
        chord = self.chords[row, track, step]
        values = [note[column] for column in REFERENCED]
        if chord[0, 0] == NONE:  # a chord's other notes are fewer
            chord[0] = values
        else:
            known = [row for row in chord.tolist() if row[0] != NONE] + [values]
            known.sort(key=lambda row: -row[0])
            chord[: min(RANKS, len(known))] = known[:RANKS]

    def rhythm(self, row: Ints, onset: Ints) -> Floats:
        """Return the marks of every step, [n, RHYTHM, STEPS], for notes that follow one on step `onset`."""
        found = np.empty((len(row), RHYTHM, STEPS), dtype=np.float32)
        found[:, 0] = self.open[row]
        found[:, 1 : 1 + PARTS] = self.fixed_struck[row]
        found[:, 1 + PARTS : 1 + 2 * PARTS] = self.struck[row, :, BAR : BAR + STEPS]
        known = np.arange(STEPS) < onset[:, None] + BAR
        found[:, 1 + PARTS : 1 + 2 * PARTS] *= known[:, None]
        found[:, 1 + 2 * PARTS :] = self.struck[row, :, :STEPS]
        return found

    def here(self, row: Ints, onset: Ints, beside: Floats) -> Floats:
        """Return the marks of the chosen step, [n, HERE].

        Args:
            row: int64 [n].
            onset: int64 [n].
            beside: float32 [n, PARTS, 1 + CLASSES]: which tracks have new notes on this very step so far (the
                first), and of which pitch classes.
        """
        struck = np.maximum(self.fixed_struck[row, :, onset], beside[:, :, 0])
        sounds = np.maximum(self.held[row, :, onset + STEPS], self.fixed_begun[row, :, onset])
        sounds = np.maximum(sounds, beside[:, :, 1:])
        before = np.maximum(self.held[row, :, onset], self.begun[row, :, onset]).max(1)
        return np.concatenate(
            (
                struck,
                self.struck[row, :, onset + BAR],
                self.struck[row, :, onset],
                sounds.reshape(len(row), -1),
                before,
            ),
            axis=1,
        )

    def references(self, row: Ints, onset: Ints, track: Ints, rank: Ints, above: Ints) -> Ints:
        """Return the values that the next note's refer to, int64 [n, SOURCES, 4]; `NONE` where none is.

        Args:
            row: int64 [n].
            onset: int64 [n], of the notes.
            track: int64 [n].
            rank: int64 [n], how many new notes of the track on this step were written before.
            above: int64 [n, 4], the last of them, in the columns of `REFERENCED`.
        """
        found = np.full((len(row), SOURCES, len(REFERENCED)), NONE, dtype=np.int64)
        tops = self.chords[row, track, :, 0]  # [n, SPAN, 4]
        earlier = (tops[:, :, 0] != NONE) & (np.arange(SPAN) < onset[:, None] + STEPS)
        last = SPAN - 1 - earlier[:, ::-1].argmax(1)
        rows = np.arange(len(row))
        any_ = earlier.any(1)
        found[:, 0] = np.where(any_[:, None], tops[rows, last], NONE)
        found[:, 0] = np.where((rank > 0)[:, None], above, found[:, 0])
        inside, deep = rank < RANKS, np.minimum(rank, RANKS - 1)
        for source, distance in ((1, BAR), (2, STEPS)):
            chord = self.chords[row, track, onset + STEPS - distance, deep]
            found[:, source] = np.where(inside[:, None], chord, NONE)
        fixed = self.fixed_top[row, track]  # [n, STEPS, 4]
        later = (fixed[:, :, 0] != NONE) & (np.arange(STEPS) > onset[:, None])
        following = later.argmax(1)
        found[:, 3] = np.where(later.any(1)[:, None], fixed[rows, following], NONE)
        return found


def _ranks(row: Ints, onset: Ints, track: Ints) -> Ints:
    """Return each note's place in its chord: how many of its row, step and track come before it."""
    group = (row * STEPS + onset) * PARTS + track
    fresh = np.r_[True, group[1:] != group[:-1]]
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(group)), 0))
    return np.arange(len(group)) - first


def chord_ranks(row: Ints, notes: Ints) -> Ints:
    """Return each note's place in its chord, int64 [M]; arguments as `NotesAround.add` has them."""
    return _ranks(row, notes[:, ONSET], notes[:, TRACK])


def fitting(weights: NDArray[np.float32], here: Floats) -> Floats:
    """Return the odds of each pitch class, [n, 12], by weights of intervals, [n, PARTS * 12]."""
    sounds = here[:, 3 * PARTS : 3 * PARTS + PARTS * CLASSES].reshape(-1, PARTS, CLASSES)[:, :, TURN]
    out: Floats = np.einsum("npk,npck->nc", weights.reshape(-1, PARTS, CLASSES), sounds)
    return out
