"""Pieces from phrase to phrase: every window of every song in its order, with its place.

OUT/pieces/{train,validation,test}/ holds notes.npy int16 [N, 6] and starts.npy int64 [windows + 1] as a split
of phrases does, and for each window kinds.npy int8 (a place in `read_midi.CODECS`),
songs.npy int32, lines.npy int32 (one number for each run of bars of a line), bars.npy int32 (its first bar in
that run) and varied.npy bool (the song's velocities vary).  Windows begin a bar after each other, so that the
phrase before one lies two bars earlier on its line.

Tested in tests/trainer/corpus/test_pieces.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, Table
from model.writing.wish import GRID
from trainer.corpus import meta
from trainer.corpus.shards import Appender
from trainer.corpus.windows.phrase_windows import Windows
from trainer.errors import OperationError, RequestError

Numbers = NDArray[np.int64]
FOLDER = "pieces"
COLUMNS_OF_WINDOWS = {"kinds": "<i1", "songs": "<i4", "lines": "<i4", "bars": "<i4", "varied": "?"}


class PieceWriter:
    """Writes one split's arrays."""

    def __init__(self, folder: Path, *, more: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=more)
        self._notes = Appender(folder / "notes.npy", "<i2", (len(COLUMNS),), more=more)
        self._starts = Appender(folder / "starts.npy", "<i8", more=more)
        self._lines = 0
        if more:
            lines = np.load(folder / "lines.npy", mmap_mode="r")
            self._lines = int(lines.max()) + 1 if len(lines) else 0
            self._starts.drop_last()  # the end of all
        self._windows = {
            name: Appender(folder / f"{name}.npy", dtype, more=more)
            for name, dtype in COLUMNS_OF_WINDOWS.items()
        }

    def add(
        self,
        windows: Windows,
        chosen: NDArray[np.bool_],
        *,
        kind: int,
        song: int | NDArray[np.int32],
        varied: bool | NDArray[np.bool_],
    ) -> None:
        """Append the chosen windows of one song, or of several, whose lines are numbered apart.

        Args:
            windows: in their order.
            chosen: which of them.
            kind: place of the codec among `CODECS`.
            song: number of the song, or of each window's.
            varied: whether velocities vary in it, or in each window's.
        """
        lines, self._lines = self._lines, self._lines + int(windows.lines.max(initial=-1)) + 1
        if not chosen.any():
            return
        self._starts.add(self._notes.rows + np.cumsum(windows.counts[chosen]) - windows.counts[chosen])
        self._notes.add(windows.notes[np.repeat(chosen, windows.counts)])
        count = len(windows.counts)
        values: dict[str, NDArray[Any]] = {
            "kinds": np.full(count, kind),
            "songs": np.broadcast_to(song, count),
            "lines": windows.lines + lines,
            "bars": windows.bars,
            "varied": np.broadcast_to(varied, count),
        }
        for name, value in values.items():
            self._windows[name].add(value[chosen])

    def close(self) -> None:
        """Finish the files."""
        self._starts.add(np.array([self._notes.rows]))
        for array in (self._notes, self._starts, *self._windows.values()):
            array.close()


@dataclass(frozen=True, slots=True)
class Pieces:
    """The windows of a split; arrays are as the module says.

    Attributes:
        before: int64 [windows], the window two bars earlier on its line; -1 where there is none.
        last: bool [windows], whether nothing of its line comes after it.
    """

    notes: Table
    starts: NDArray[np.int64]
    kinds: NDArray[np.int8]
    songs: NDArray[np.int32]
    lines: NDArray[np.int32]
    bars: NDArray[np.int32]
    varied: NDArray[np.bool_]
    before: NDArray[np.int64]
    last: NDArray[np.bool_]

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.kinds)

    def window(self, index: int) -> Table:
        """Return a window's notes."""
        return self.notes[self.starts[index] : self.starts[index + 1]]


def load_pieces(folder: Path, split: str) -> Pieces:
    """Open a split of a prepared folder.

    Args:
        folder: that prepare wrote.
        split: train, validation or test.

    Raises:
        RequestError: its windows lie on another grid than the writer's.
        OperationError: it is not there or does not fit together.
    """
    found = meta.read(folder)
    if found is not None and found.grid != GRID:
        raise RequestError(
            f"the writer learns from {GRID.bars} bars of {GRID.beats_per_bar} beats in {GRID.steps_per_beat} "
            f"steps, and '{folder}' was prepared for other phrases: prepare another without --bars, "
            "--beats-per-bar and --steps-per-beat"
        )
    place = folder / FOLDER / split
    again = f"run twobar-train prepare MIDI_DIR --out {folder}"
    try:
        notes = np.load(place / "notes.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
        starts, *rest = (
            np.load(place / f"{name}.npy", allow_pickle=False) for name in ("starts", *COLUMNS_OF_WINDOWS)
        )
    except FileNotFoundError as error:
        raise OperationError(f"'{folder}' holds no pieces (they came later than phrases): {again}") from error
    except (ValueError, OSError, EOFError) as error:
        raise OperationError(f"{place} cannot be read: {error}; {again}") from error
    kinds, songs, lines, first, varied = rest
    if len({len(one) for one in rest}) != 1 or len(starts) != len(kinds) + 1 or starts[-1] != len(notes):
        raise OperationError(f"{place} is cut short or damaged: {again}")
    place_of = lines.astype(np.int64) << 32 | first
    order = np.argsort(place_of, kind="stable")
    ordered = place_of[order]
    before = _found(ordered, order, place_of - GRID.bars)
    later = np.zeros(len(kinds), dtype=bool)
    following = np.searchsorted(ordered, place_of + GRID.bars)
    inside = following < len(ordered)
    later[inside] = ordered[following[inside]] >> 32 == lines[inside]
    return Pieces(notes, starts, kinds, songs, lines, first, varied, before, ~later)


def _found(ordered: Numbers, order: Numbers, wanted: Numbers) -> Numbers:
    """Return where wanted numbers lie in what `ordered` sorts by `order`; -1 where they do not."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[place] == wanted, order[place], -1)
