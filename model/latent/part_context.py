"""What sounds in the other parts where a note is written: the rhythm and the harmony that it joins.

Parts hang together by when they are struck and by intervals, not by keys.  A network that writes one part
after another (`latent.note_transformer`) is given odds for each of them: of an onset, by which of the parts
before strike on that step; of a pitch, by the intervals to what sounds there.  So that what it knows of one
key and one step it knows of all.

Tested in tests/model/latent/test_note_transformer.py.
"""

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.music.grid import Grid
from model.music.tracks import DRUMS, TRACKS

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PARTS = len(TRACKS)
CLASSES = 12
INTERVALS = PARTS * CLASSES
"""Weights of intervals: for each part, of each number of semitones up to what it sounds; drums sound none."""
HERE = PARTS + INTERVALS
"""What a step is described by: which parts strike there, which pitch classes each of them sounds."""
TURN = (np.arange(CLASSES)[:, None] + np.arange(CLASSES)) % CLASSES


class PartContext:
    """The notes of some phrases as they come: when each part strikes, what it sounds.

    Attributes:
        struck: float32 [B, parts, steps], 1 where a part strikes.
        sounds: float32 [B, parts, steps, 12], 1 where it sounds a pitch class.
    """

    def __init__(self, count: int, grid: Grid) -> None:
        self.struck = np.zeros((count, PARTS, grid.steps), dtype=np.float32)
        self.sounds = np.zeros((count, PARTS, grid.steps, CLASSES), dtype=np.float32)

    def add(self, rows: Ints, notes: Ints) -> None:
        """Take notes, int [M, 6], choices of each column, of the phrases in `rows` [M]."""
        tracks, onsets = notes[:, TRACK], notes[:, ONSET]
        self.struck[rows, tracks, onsets] = 1
        counts = np.minimum(notes[:, LENGTH] + 1, self.struck.shape[2] - onsets) * (tracks != DRUMS)
        each = np.repeat(np.arange(len(notes)), counts)
        steps = onsets[each] + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        self.sounds[rows[each], tracks[each], steps, notes[each, PITCH] % CLASSES] = 1

    def rhythm(self, rows: Ints, others: Floats) -> Floats:
        """Return which of the parts that are heard, [M, parts], strike on each step: [M, parts, steps]."""
        out: Floats = self.struck[rows] * others[:, :, None]
        return out

    def here(self, rows: Ints, others: Floats, onsets: Ints) -> Floats:
        """Return what the parts that are heard do on a step: [M, `HERE`]."""
        struck = self.struck[rows, :, onsets] * others
        sounds = self.sounds[rows, :, onsets] * others[:, :, None]
        return np.concatenate((struck, sounds.reshape(len(rows), -1)), axis=1)


def fitting(weights: Floats, here: Floats) -> Floats:
    """Return the odds of each pitch class, [M, 12], by the weights of intervals [M, `INTERVALS`]."""
    sounds = here[:, PARTS:].reshape(-1, PARTS, CLASSES)[:, :, TURN]
    out: Floats = np.einsum("mpk,mpck->mc", weights.reshape(-1, PARTS, CLASSES), sounds)
    return out
