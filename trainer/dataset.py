"""Prepared phrases on disk to batches of codec arrays.

A split's folder holds notes.npy int16 [N, 5] (onset step, pitch, velocity, length in steps, micro-offset
x 100), starts.npy int64 [phrases + 1] (the first note of each phrase) and songs.npy int32 [phrases].
Batches are cut from note tables without a Python loop, so that one core feeds the network.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import ONSET, PITCH, VELOCITY, Arrays, Codec, Table
from model.grid import Grid
from model.phrase import Note, Phrase
from trainer.errors import TrainerError

Ints = NDArray[np.int64]
LOW_VELOCITY, HIGH_VELOCITY = 24, 120


@dataclass(frozen=True, slots=True)
class Phrases:
    """Many phrases as one table of notes.

    Attributes:
        notes: int16 [N, 5], see `model.codecs.base`.
        starts: int64 [phrases + 1], rising from 0 to N.
        songs: int32 [phrases].

    """

    notes: Table
    starts: Ints
    songs: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the phrases."""
        return len(self.starts) - 1

    def gather(self, chosen: Ints) -> tuple[Table, Ints]:
        """Return the chosen phrases' notes, a fresh table [M, 5], and each note's row in the choice."""
        begin, count = self.starts[chosen], self.starts[chosen + 1] - self.starts[chosen]
        before = np.cumsum(count) - count
        index = np.arange(count.sum()) + np.repeat(begin - before, count)
        return self.notes[index], np.repeat(np.arange(len(chosen)), count)

    def phrase(self, index: int, grid: Grid) -> Phrase:
        """Return one phrase as notes."""
        rows = self.notes[self.starts[index] : self.starts[index + 1]].tolist()
        return Phrase.of(
            grid, (Note(on, pitch, vel, length, off / 100) for on, pitch, vel, length, off in rows)
        )


def load(folder: Path, codec: str, split: str, *, may_be_empty: bool = False) -> Phrases:
    """Open one prepared split.

    Raises:
        TrainerError: the folder is not prepared for that codec, its files do not fit together, or it holds
            no phrase and may not be empty.

    """
    place = folder / codec / split
    names = ("notes", "starts", "songs")
    for name in names:
        if not (place / f"{name}.npy").is_file():
            raise TrainerError(
                f"{place / name}.npy is missing: run twobar-train prepare MIDI_DIR --out {folder}"
            )
    try:
        notes, starts, songs = (np.load(place / f"{name}.npy", allow_pickle=False) for name in names)
    except (ValueError, OSError, EOFError) as error:
        raise TrainerError(f"{place} cannot be read: {error}; run twobar-train prepare again") from error
    fits = (
        notes.ndim == 2
        and notes.shape[1] == 5
        and starts.ndim == 1
        and len(starts) == len(songs) + 1
        and starts[0] == 0
        and starts[-1] == len(notes)
        and bool((np.diff(starts) >= 0).all())
    )
    if not fits:
        raise TrainerError(f"{place} is cut short or damaged: run twobar-train prepare again")
    if not len(songs) and not may_be_empty:
        raise TrainerError(f"{place} holds no phrase: {split} needs more songs")
    return Phrases(notes, starts.astype(np.int64), songs)


def shifts(
    table: Table,
    rows: Ints,
    count: int,
    *,
    reach: tuple[int, int],
    limits: tuple[int, int],
    rng: np.random.Generator,
) -> Ints:
    """Draw a transposition in semitones for each of `count` phrases that keeps it within pitch limits."""
    high, low = np.zeros(count, dtype=np.int64), np.full(count, 127, dtype=np.int64)
    np.maximum.at(high, rows, table[:, PITCH])
    np.minimum.at(low, rows, table[:, PITCH])
    drawn = rng.integers(reach[0], reach[1] + 1, count)
    return np.clip(drawn, np.minimum(limits[0] - low, 0), np.maximum(limits[1] - high, 0))


def shape_velocities(
    table: Table,
    rows: Ints,
    count: int,
    rng: np.random.Generator,
    *,
    like: tuple[Table, Ints] | None = None,
) -> None:
    """Give phrases of one velocity a drawn contour, in place.

    Such sets were typed in without dynamics and must not teach that music has none; what is drawn (a
    level, a slope, an accent on the beat, a little unevenness) teaches to carry velocities through.

    Args:
        table: notes int16 [M, 5] of `count` phrases.
        rows: int64 [M].
        count: phrases.
        rng: what draws.
        like: table and rows of the phrases' edits, which get the same contour.

    """
    high, low = np.zeros(count, dtype=np.int64), np.full(count, 128, dtype=np.int64)
    np.maximum.at(high, rows, table[:, VELOCITY])
    np.minimum.at(low, rows, table[:, VELOCITY])
    flat = high - low < 2
    level, slope = rng.uniform(40, 105, count), rng.normal(0, 12, count)
    accent, uneven = rng.uniform(-4, 14, count), rng.uniform(0, 6, count)
    for notes, owner in ((table, rows), *((like,) if like else ())):
        drawn = level[owner] + slope[owner] * (notes[:, ONSET] / 16.0 - 1.0)
        drawn += accent[owner] * (notes[:, ONSET] % 4 == 0)
        if notes is table:
            drawn += rng.normal(0, 1, len(owner)) * uneven[owner]
        drawn = np.clip(np.rint(drawn), LOW_VELOCITY, HIGH_VELOCITY)
        notes[:, VELOCITY] = np.where(flat[owner], drawn, notes[:, VELOCITY])


def batch(
    phrases: Phrases,
    codec: Codec,
    chosen: Ints,
    *,
    rng: np.random.Generator | None,
    reach: tuple[int, int] = (-6, 5),
    rotated: float = 0.0,
    alone: float = 0.0,
) -> Arrays:
    """Pack the chosen phrases.

    With a generator they are transposed, get drawn velocities where they had one, and the share `rotated`
    of them begins at another step: rhythms that the data hold only on the beat come off it too.  The share
    `alone` keeps the highest note of each onset: performers play single lines, keyboard music hardly does.
    """
    table, rows = phrases.gather(chosen)
    if rng is not None:
        if alone:
            table, rows = highest(table, rows, rng.random(len(chosen)) < alone)
        moved = shifts(table, rows, len(chosen), reach=reach, limits=LIMITS[codec.kind], rng=rng)
        table[:, PITCH] += moved[rows].astype(np.int16)
        shape_velocities(table, rows, len(chosen), rng)
        steps = codec.grid.steps
        turn = rng.integers(1, steps, len(chosen)) * (rng.random(len(chosen)) < rotated)
        table[:, ONSET] = (table[:, ONSET] + turn[rows]) % steps
    return codec.pack(table, rows, len(chosen))


def highest(table: Table, rows: Ints, single: NDArray[np.bool_]) -> tuple[Table, Ints]:
    """Return the notes without those below another of the same onset, in the phrases that `single` marks.

    Args:
        table: notes int16 [M, 5], ordered by phrase, onset and pitch.
        rows: int64 [M].
        single: bool [phrases].

    """
    same = np.zeros(len(rows), dtype=np.bool_)
    same[:-1] = (rows[:-1] == rows[1:]) & (table[:-1, ONSET] == table[1:, ONSET])
    kept = ~(same & single[rows])
    return table[kept], rows[kept]


def twins(
    phrases: Phrases,
    edited: Phrases,
    codec: Codec,
    chosen: Ints,
    edits: Ints,
    *,
    rng: np.random.Generator,
    reach: tuple[int, int] = (-6, 5),
) -> tuple[Arrays, Arrays]:
    """Pack phrases and their edits, both moved by the same transposition and given the same velocities."""
    table, rows = phrases.gather(chosen)
    other, others = edited.gather(edits)
    both, owners = np.concatenate((table, other)), np.concatenate((rows, others))
    moved = shifts(both, owners, len(chosen), reach=reach, limits=LIMITS[codec.kind], rng=rng).astype(
        np.int16
    )
    table[:, PITCH] += moved[rows]
    other[:, PITCH] += moved[others]
    shape_velocities(table, rows, len(chosen), rng, like=(other, others))
    return codec.pack(table, rows, len(chosen)), codec.pack(other, others, len(chosen))


LIMITS = {"melody": (0, 127), "poly": (21, 108)}
