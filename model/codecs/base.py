"""What every codec promises: notes to arrays for a network, and the network's heads back to notes.

A codec is numpy only, so that playing needs no torch.  Notes travel in tables: int [M, 6] with the
columns onset step, pitch, velocity, length in steps, micro-offset x 100, track; `rows` int [M] says to
which of B phrases each belongs.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS, MELODY

Arrays = dict[str, NDArray[Any]]
Table = NDArray[np.int16]
Heads = Mapping[str, NDArray[np.float32]]
"""What a decoder gives, by name."""
Levels = Mapping[str, float]
"""Logits to pass, by head."""
ZERO: Levels = MappingProxyType({})
ONSET, PITCH, VELOCITY, LENGTH, OFFSET, TRACK = COLUMNS = range(6)


class Codec(Protocol):
    """Phrase <-> arrays on one grid."""

    @property
    def kind(self) -> str:
        """Name, as configurations give it."""

    @property
    def grid(self) -> Grid:
        """Grid of its phrases."""

    def pack(self, table: Table, rows: NDArray[np.int64], count: int) -> Arrays:
        """Return the arrays of `count` phrases, each of leading dimension B = count."""

    def unpack(self, arrays: Arrays, row: int) -> Phrase:
        """Return the phrase that packed arrays hold: the exact inverse of `pack` on what it keeps."""

    def named(self, phrase: Phrase) -> Phrase:
        """Return all of a phrase's notes by the tracks and keys that this codec's answers have for them."""

    def heads(self) -> dict[str, tuple[int, ...]]:
        """Return each decoder head's shape per phrase, [steps, ...]."""

    def noise(self, rng: np.random.Generator) -> Arrays:
        """Draw what one sampled decode needs, so that several decodes can share their chance."""

    def read(
        self, heads: Heads, *, temperature: float = 0.0, noise: Arrays | None = None, levels: Levels = ZERO
    ) -> Phrase:
        """Return the phrase that one set of heads (no batch dimension) spells.

        Args:
            heads: logits and levels by head name, shapes as `heads()` says.
            temperature: 0 takes the likeliest; 1 samples the model's own distribution.
            noise: from `noise`; needed above temperature 0.
            levels: decision thresholds that were tuned on validation, by name.
        """


def table_of(phrase: Phrase) -> Table:
    """Return a phrase's notes as a table int16 [M, 6]."""
    rows = [
        (n.onset, n.pitch, n.velocity, n.length, round(n.offset * 100), n.track)
        if not n.displacement
        else (n.onset, n.pitch, n.velocity, n.length, round(100 * _within(n)), n.track)
        for n in phrase.notes
    ]
    return np.array(rows, dtype=np.int16).reshape(-1, len(COLUMNS))


def _within(note: Note) -> float:
    """Return how far a note lies from its step, as far as a network can be shown it: -0.5..0.5 steps."""
    return min(0.5, max(-0.5, note.displacement + note.offset))


def phrase_of(grid: Grid, table: Table) -> Phrase:
    """Return the phrase that a table's rows hold; without a sixth column all is track 0."""
    return Phrase.of(grid, (Note(o, p, v, n, m / 100, *t) for o, p, v, n, m, *t in table.tolist()))


def pitched(table: Table, rows: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
    """Return the notes that are no drums: what melody and poly keep of an ensemble."""
    drums = table[:, TRACK] == DRUMS
    return (table[~drums], rows[~drums]) if drums.any() else (table, rows)


def of_one_part(phrase: Phrase) -> Phrase:
    """Return the notes that are no drums, all of the one part that melody and poly know."""
    return Phrase.of(
        phrase.grid, (note._replace(track=MELODY) for note in phrase.notes if note.track != DRUMS)
    )


def pack_phrase(codec: Codec, phrase: Phrase) -> Arrays:
    """Pack one phrase; every array has a leading dimension of 1."""
    table = table_of(phrase)
    return codec.pack(table, np.zeros(len(table), dtype=np.int64), 1)


def stacked(packed: Sequence[Arrays]) -> Arrays:
    """Return the arrays of packed phrases as those of one batch."""
    return {name: np.concatenate([one[name] for one in packed]) for name in packed[0]}


def spans(
    onsets: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (index of the note, step) for every step after a note's onset at which it still sounds."""
    extra = np.maximum(lengths - 1, 0)
    index = np.repeat(np.arange(len(onsets)), extra)
    before = np.cumsum(extra) - extra
    step = np.arange(len(index)) - np.repeat(before, extra) + np.repeat(onsets, extra) + 1
    return index, step
