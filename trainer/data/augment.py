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
    keyed = [(notes[:, TRACK] != DRUMS, notes, owner) for notes, owner in tables]
    pitched = [(notes[some], owner[some]) for some, notes, owner in keyed]
    moved = shifts(pitched, count, reach=reach, limits=limits, rng=rng).astype(np.int16)
    for notes, owner in tables:
        notes[:, PITCH] += moved[owner] * (notes[:, TRACK] != DRUMS)


def shifts(
    tables: list[tuple[Table, Ints]],
    count: int,
    *,
    reach: tuple[int, int],
    limits: tuple[int, int],
    rng: np.random.Generator,
) -> Ints:
    """Draw a transposition in semitones for each of `count` phrases that keeps it within pitch limits.

    The rows of each table rise.
    """
    high, low = np.zeros(count, dtype=np.int16), np.full(count, 127, dtype=np.int16)
    for notes, owner in tables:
        widen(high, low, notes[:, PITCH], owner)
    drawn = rng.integers(reach[0], reach[1] + 1, count)
    return np.clip(drawn, np.minimum(limits[0] - low, 0), np.maximum(limits[1] - high, 0))


def widen(high: NDArray[np.int16], low: NDArray[np.int16], values: NDArray[np.int16], rows: Ints) -> None:
    """Let the highest and lowest values of phrases include more of theirs; in place.

    Args:
        high: so far, [phrases].
        low: likewise.
        values: [n].
        rows: which phrase each is of, [n], rising.
    """
    if len(rows):
        first = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        of = rows[first]
        high[of] = np.maximum(high[of], np.maximum.reduceat(values, first))
        low[of] = np.minimum(low[of], np.minimum.reduceat(values, first))


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
    for part in range(parts):
        its = slice(None) if parts == 1 else table[:, TRACK] == part
        widen(high, low, table[its, VELOCITY], owners[0][its])
    flat = high - low < 2
    level, slope = rng.uniform(40, 105, count), rng.normal(0, 12, count)
    accent, uneven = rng.uniform(-4, 14, count), rng.uniform(0, 6, count)
    for (notes, _), owner in zip(both, owners, strict=True):
        drawn = level[owner] + slope[owner] * (notes[:, ONSET] / (grid.steps / 2) - 1.0)
        drawn += accent[owner] * (notes[:, ONSET] % grid.steps_per_beat == 0)
        if notes is table:
            drawn += rng.normal(0, 1, len(owner)) * uneven[owner]
        drawn = np.clip(np.rint(drawn), LOW_VELOCITY, HIGH_VELOCITY)
        notes[:, VELOCITY] = np.where(flat[owner], drawn, notes[:, VELOCITY])


def scale_velocities(tables: list[tuple[Table, Ints]], count: int, rng: np.random.Generator) -> None:
    """Play each phrase's drums, in all tables alike, a little softer or louder; in place."""
    factor = rng.uniform(*LOUDER, count)
    for notes, owner in tables:
        drums = notes[:, TRACK] == DRUMS
        played = np.clip(np.rint(notes[:, VELOCITY] * factor[owner]), 1, 127)
        notes[:, VELOCITY] = np.where(drums, played, notes[:, VELOCITY])


def jitter(table: Table, rng: np.random.Generator) -> None:
    """Displace drum hits a little, within half a step; in place."""
    drums = table[:, TRACK] == DRUMS
    moved = np.clip(np.rint(table[:, OFFSET] + rng.normal(0, UNSTEADY, len(table))), -50, 50)
    table[:, OFFSET] = np.where(drums, moved, table[:, OFFSET])


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
