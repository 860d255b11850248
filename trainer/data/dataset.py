"""Prepared phrases on disk to batches of codec arrays.

A split's folder holds notes.npy int16 [N, 6] (onset step, pitch, velocity, length in steps, micro-offset
x 100, track), starts.npy int64 [phrases + 1] (the first note of each phrase), songs.npy int32 [phrases] and
styles.npy int32 [phrases] (a place in the list of styles in meta.json).  Batches are cut from note tables
without a Python loop, so that one core feeds the network.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, LENGTH, ONSET, Arrays, Codec, Table, phrase_of
from model.codecs.registry import corpus_of
from model.music.grid import Grid
from model.music.phrase import Phrase
from model.music.tracks import TRACKS
from trainer.corpus import meta
from trainer.data.augment import LIMITS, Ints, highest, jitter, scale_velocities, shape_velocities, transpose
from trainer.errors import OperationError

BEATEN = frozenset(("drums", "multitrack"))
"""Codecs with drums."""


ROWS = 1 << 20
MOST_STYLES = 32
MOST = 2**15 - 1
RANGES = (
    ("onset", 0, MOST),
    ("pitch", 0, 127),
    ("velocity", 1, 127),
    ("length", 1, MOST),
    ("offset", -50, 50),
    ("track", 0, len(TRACKS) - 1),
)
"""What the columns of a note can hold."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Many phrases as one table of notes.

    Attributes:
        notes: int16 [N, 6], see `model.codecs.base`.
        starts: int64 [phrases + 1], rising from 0 to N.
        songs: int32 [phrases].
        styles: int32 [phrases], a place in `styles_of`; None where the phrases have no such label.
    """

    notes: Table
    starts: Ints
    songs: NDArray[np.int32]
    styles: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Count the phrases."""
        return len(self.starts) - 1

    def gather(self, chosen: Ints) -> tuple[Table, Ints]:
        """Return the chosen phrases' notes, a fresh table [M, 6], and each note's row in the choice."""
        begin, count = self.starts[chosen], self.starts[chosen + 1] - self.starts[chosen]
        before = np.cumsum(count) - count
        index = np.arange(count.sum()) + np.repeat(begin - before, count)
        return self.notes[index], np.repeat(np.arange(len(chosen)), count)

    def phrase(self, index: int, grid: Grid) -> Phrase:
        """Return one phrase as notes."""
        return phrase_of(grid, self.notes[self.starts[index] : self.starts[index + 1]])


def load(
    folder: Path, codec: str, split: str, *, may_be_empty: bool = False, styled: bool = False
) -> Phrases:
    """Open one prepared split, its notes memory-mapped.

    Args:
        folder: that prepare wrote.
        codec: one of `model.codecs.registry.CODECS`.
        split: train, validation or test.
        may_be_empty: whether a split without phrases will do.
        styled: whether the phrases must have style labels.

    Raises:
        OperationError: the folder is not prepared for that codec, its files do not fit together, or it holds
            no phrase and may not be empty, or a note that cannot be.
    """
    place = folder / corpus_of(codec) / split
    again = f"run twobar-train prepare MIDI_DIR --out {folder}"
    names = ("notes", "starts", "songs", "styles") if styled else ("notes", "starts", "songs")
    for name in names:
        if not (place / f"{name}.npy").is_file():
            what = " (the labels of a style condition)" if name == "styles" else ""
            raise OperationError(f"{place / name}.npy{what} is missing: {again}")
    if (place / "styles.npy").is_file():
        names = ("notes", "starts", "songs", "styles")
    try:
        notes = np.load(place / "notes.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
        starts, songs, *rest = (np.load(place / f"{name}.npy", allow_pickle=False) for name in names[1:])
    except (ValueError, OSError, EOFError) as error:
        raise OperationError(f"{place} cannot be read: {error}; {again}") from error
    if notes.ndim == 2 and notes.shape[1] == len(COLUMNS) - 1:  # prepared before notes had tracks
        notes = np.concatenate((notes, np.zeros((len(notes), 1), dtype=notes.dtype)), axis=1)
    styles = rest[0] if rest else None
    fits = (
        notes.ndim == 2
        and notes.shape[1] == len(COLUMNS)
        and starts.ndim == 1
        and len(starts) == len(songs) + 1
        and starts[0] == 0
        and starts[-1] == len(notes)
        and bool((np.diff(starts) >= 0).all())
        and (styles is None or len(styles) == len(songs))
    )
    if not fits:
        raise OperationError(f"{place} is cut short or damaged: {again}")
    wrong = _fault(notes, steps=_steps(folder))
    if wrong:
        raise OperationError(f"{place} is damaged: {wrong}; {again}")
    if not len(songs) and not may_be_empty:
        raise OperationError(f"{place} holds no phrase: {split} needs more songs")
    return Phrases(notes, starts.astype(np.int64), songs, styles)


def _fault(notes: Table, *, steps: int) -> str:
    """Say what no note of so many steps can be, of a table [N, 6] of any size; "" where all is well."""
    if notes.dtype.kind not in "iu":
        return f"its notes are {notes.dtype}, not whole numbers"
    for begin in range(0, len(notes), ROWS):
        part = notes[begin : begin + ROWS]
        for column, (name, low, high) in enumerate(RANGES):
            worst = part[:, column][(part[:, column] < low) | (part[:, column] > high)]
            if len(worst):
                return f"a note's {name} is {worst[0]}, not {low} to {high}"
        ends = part[:, ONSET].astype(np.int64) + part[:, LENGTH]
        if len(ends) and ends.max() > steps:
            return f"a note ends at step {ends.max()} of a phrase of {steps}"
    return ""


def _steps(folder: Path) -> int:
    """Return the steps of a prepared folder's phrases; without a description, the most that they can have."""
    found = meta.read(folder)
    return MOST if found is None else found.grid.steps


def styles_of(folder: Path) -> tuple[str, ...]:
    """Return the names of the styles that a prepared folder's labels count through.

    Raises:
        OperationError: meta.json is missing, damaged, or of before phrases had styles.
    """
    found = meta.read(folder)
    if found is None or not found.styles:
        raise OperationError(
            f"{folder / meta.NAME} names no styles: run twobar-train prepare MIDI_DIR --out {folder}"
        )
    return found.styles


def commonest_styles(folder: Path, codec: str) -> tuple[str, ...]:
    """Return the styles that a prepared folder's training phrases of a codec have, the commonest first.

    At most `MOST_STYLES`: a label for every folder of a few songs would teach nothing.

    Raises:
        OperationError: as `load` and `styles_of`.
    """
    names = styles_of(folder)
    labels = load(folder, codec, "train", styled=True).styles
    assert labels is not None
    count = np.bincount(labels, minlength=len(names))
    order = sorted(np.flatnonzero(count).tolist(), key=lambda place: (-int(count[place]), names[place]))
    return tuple(names[place] for place in order[:MOST_STYLES])


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

    With a generator they are augmented.  Pitched parts are transposed together, drums never: they are played
    softer or louder and a little off their places.  Parts that had one velocity get drawn ones.  The share
    `rotated` of the phrases begins at another step: rhythms that the data hold only on the beat come off it
    too.  The share `alone` keeps the highest note of each onset: performers play single lines, keyboard music
    hardly does (poly only).
    """
    table, rows = phrases.gather(chosen)
    count = len(chosen)
    if rng is not None:
        if alone:
            table, rows = highest(table, rows, rng.random(count) < alone)
        _augment([(table, rows)], count, codec, reach=reach, rng=rng)
        if codec.kind in BEATEN:
            jitter(table, rng)
        steps = codec.grid.steps
        turn = rng.integers(1, steps, count) * (rng.random(count) < rotated)
        table[:, ONSET] = (table[:, ONSET] + turn[rows]) % steps
    return codec.pack(table, rows, count)


def batch_with_edits(
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
    first, second = phrases.gather(chosen), edited.gather(edits)
    _augment([first, second], len(chosen), codec, reach=reach, rng=rng)
    return codec.pack(*first, len(chosen)), codec.pack(*second, len(chosen))


def _augment(
    tables: list[tuple[Table, Ints]],
    count: int,
    codec: Codec,
    *,
    reach: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Transpose and give velocities, in all tables alike; in place."""
    (table, rows), *like = tables
    if codec.kind in LIMITS:
        transpose(tables, count, reach=reach, limits=LIMITS[codec.kind], rng=rng)
    shape_velocities(table, rows, count, rng, grid=codec.grid, like=like[0] if like else None)
    if codec.kind in BEATEN:
        scale_velocities(tables, count, rng)
