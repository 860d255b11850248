"""What is drawn anew each time that a phrase is learned from: key, velocities, timing, which line is left.

All of it acts on tables of notes, int16 [M, 6] (see `model.codecs.base`), with `rows` int64 [M] saying to
which of `count` phrases each note belongs.
"""

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import OFFSET, ONSET, PITCH, TRACK, VELOCITY, Table
from model.music.grid import Grid
from model.music.tracks import DRUMS, TRACKS

Ints = NDArray[np.int64]
LOW_VELOCITY, HIGH_VELOCITY = 24, 120
LOUDER = (0.8, 1.2)  # factors of the velocities of a drum phrase
UNSTEADY = 2.0  # standard deviation of a hit's displacement, hundredths of a step
LIMITS = {"melody": (0, 127), "poly": (21, 108), "roll": (0, 127), "multitrack": (21, 108)}
"""Lowest and highest key of each codec with keys."""


def transpose(
    tables: list[tuple[Table, Ints]],
    count: int,
    *,
    reach: tuple[int, int],
    limits: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Move each phrase's pitched notes, in all tables alike, by a drawn number of semitones; in place."""
    keyed = [np.flatnonzero(notes[:, TRACK] != DRUMS) for notes, _ in tables]
    pitched = [(notes[some, PITCH], owner[some]) for some, (notes, owner) in zip(keyed, tables, strict=True)]
    moved = shifts(pitched, count, reach=reach, limits=limits, rng=rng).astype(np.int16)
    for some, (notes, owner) in zip(keyed, tables, strict=True):
        notes[some, PITCH] += moved[owner[some]]


def shifts(
    pitches: list[tuple[NDArray[np.int16], Ints]],
    count: int,
    *,
    reach: tuple[int, int],
    limits: tuple[int, int],
    rng: np.random.Generator,
) -> Ints:
    """Draw a transposition in semitones for each of `count` phrases that keeps it within pitch limits.

    Args:
        pitches: of some notes, [M], and the phrase of each, [M].
        count: phrases.
        reach: semitones down and up.
        limits: lowest and highest key.
        rng: what draws.
    """
    high, low = np.zeros(count, dtype=np.int16), np.full(count, 127, dtype=np.int16)
    for pitch, owner in pitches:
        np.maximum.at(high, owner, pitch)
        np.minimum.at(low, owner, pitch)
    drawn = rng.integers(reach[0], reach[1] + 1, count)
    return np.clip(drawn, np.minimum(limits[0] - low, 0), np.maximum(limits[1] - high, 0))


def shape_velocities(
    table: Table,
    rows: Ints,
    count: int,
    rng: np.random.Generator,
    *,
    grid: Grid,
    like: tuple[Table, Ints] | None = None,
) -> None:
    """Give parts of one velocity a drawn contour, in place.

    Such sets were typed in without dynamics and must not teach that music has none; what is drawn (a
    level, a slope, an accent on the beat, a little unevenness) teaches to carry velocities through.

    Args:
        table: notes int16 [M, 6] of `count` phrases.
        rows: int64 [M].
        count: phrases.
        rng: what draws.
        grid: of the phrases.
        like: table and rows of the phrases' edits, which get the same contour.
    """
    parts = len(TRACKS) if (table[:, TRACK] > 0).any() and (table[:, TRACK] < DRUMS).any() else 1
    count *= parts
    high, low = np.zeros(count, dtype=np.int16), np.full(count, 128, dtype=np.int16)
    both = ((table, rows), *((like,) if like else ()))
    owners = [owner if parts == 1 else owner * parts + notes[:, TRACK] for notes, owner in both]
    np.maximum.at(high, owners[0], table[:, VELOCITY])
    np.minimum.at(low, owners[0], table[:, VELOCITY])
    flat = high - low < 2
    level, slope = rng.uniform(40, 105, count), rng.normal(0, 12, count)
    accent, uneven = rng.uniform(-4, 14, count), rng.uniform(0, 6, count)
    for (notes, _), owner in zip(both, owners, strict=True):
        some = np.flatnonzero(flat[owner])
        which, onset = owner[some], notes[some, ONSET]
        drawn = level[which] + slope[which] * (onset / (grid.steps / 2) - 1.0)
        drawn += accent[which] * (onset % grid.steps_per_beat == 0)
        if notes is table:
            drawn += rng.normal(0, 1, len(owner))[some] * uneven[which]
        notes[some, VELOCITY] = np.clip(np.rint(drawn), LOW_VELOCITY, HIGH_VELOCITY)


def scale_velocities(tables: list[tuple[Table, Ints]], count: int, rng: np.random.Generator) -> None:
    """Play each phrase's drums, in all tables alike, a little softer or louder; in place."""
    factor = rng.uniform(*LOUDER, count)
    for notes, owner in tables:
        drums = np.flatnonzero(notes[:, TRACK] == DRUMS)
        notes[drums, VELOCITY] = np.clip(np.rint(notes[drums, VELOCITY] * factor[owner[drums]]), 1, 127)


def jitter(table: Table, rng: np.random.Generator) -> None:
    """Displace drum hits a little, within half a step; in place."""
    drums = np.flatnonzero(table[:, TRACK] == DRUMS)
    moved = rng.normal(0, UNSTEADY, len(table))[drums]
    table[drums, OFFSET] = np.clip(np.rint(table[drums, OFFSET] + moved), -50, 50)


def highest(table: Table, rows: Ints, single: NDArray[np.bool_]) -> tuple[Table, Ints]:
    """Return the notes without those below another of the same onset, in the phrases that `single` marks.

    Args:
        table: notes int16 [M, 6], ordered by phrase, onset and pitch.
        rows: int64 [M].
        single: bool [phrases].
    """
    same = np.zeros(len(rows), dtype=np.bool_)
    same[:-1] = (rows[:-1] == rows[1:]) & (table[:-1, ONSET] == table[1:, ONSET])
    selected = ~(same & single[rows])
    return table[selected], rows[selected]
