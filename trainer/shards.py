"""Arrays on disk: the parts that prepare resumes from, and the memory-mapped phrases of a split."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model.grid import Grid
from model.phrase import Note, Phrase
from trainer.reading import CODECS, Reading, Windows

ARRAYS = {
    "notes": "int16 [N, 5]: onset step, pitch, velocity, length in steps, hundredths of a step off it",
    "starts": "int64 [phrases + 1]: first note of each phrase, and N",
    "songs": "int32 [phrases]: the song's number",
    "velocities": "bool [phrases]: the song's velocities vary",
}
HEADER = 128  # bytes that numpy gives a header of one or two sizes, room to grow included


class Appender:
    """One .npy file written in pieces; its size is filled in at the end."""

    def __init__(self, path: Path, dtype: str, row: tuple[int, ...] = ()) -> None:
        """Open the file for rows of a shape."""
        self._file: IO[bytes] = path.open("wb")
        self._file.write(bytes(HEADER))
        self._dtype = np.dtype(dtype)
        self._row = row
        self.rows = 0

    def add(self, values: NDArray[Any]) -> None:
        """Append rows."""
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self.rows += len(values)

    def close(self) -> None:
        """Write the header over the room left for it."""
        header = BytesIO()
        shape = (self.rows, *self._row)
        described = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(header, described)
        assert len(header.getvalue()) == HEADER
        self._file.seek(0)
        self._file.write(header.getvalue())
        self._file.close()


class SplitWriter:
    """Writes one split's four arrays."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        folder.mkdir(parents=True)
        self._notes = Appender(folder / "notes.npy", "<i2", (5,))
        self._starts = Appender(folder / "starts.npy", "<i8")
        self._songs = Appender(folder / "songs.npy", "<i4")
        self._velocities = Appender(folder / "velocities.npy", "?")
        self.songs: set[int] = set()

    @property
    def phrases(self) -> int:
        """Phrases written."""
        return self._songs.rows

    def add(self, windows: Windows, keep: list[int], song: int, *, varied: bool) -> None:
        """Append the chosen windows of one song."""
        if not keep:
            return
        ends = np.cumsum(windows.counts)
        self.songs.add(song)
        for index in keep:
            self._starts.add(np.array([self._notes.rows]))
            self._notes.add(windows.notes[ends[index] - windows.counts[index] : ends[index]])
        self._songs.add(np.full(len(keep), song))
        self._velocities.add(np.full(len(keep), varied))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the files."""
        self._starts.add(np.array([self._notes.rows]))
        for array in (self._notes, self._starts, self._songs, self._velocities):
            array.close()


def save_part(path: Path, readings: list[Reading | str]) -> None:
    """Write what a batch of files gave; whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {}
    for number, reading in enumerate(readings):
        if isinstance(reading, str):
            arrays[f"{number}.reason"] = np.frombuffer(reading.encode("utf-8", "replace"), dtype=np.uint8)
            continue
        arrays[f"{number}.varied"] = np.array(reading.varied)
        arrays[f"{number}.fingerprint"] = reading.fingerprint
        for codec, windows in reading.windows.items():
            for field in ("notes", "counts", "exact", "shape"):
                arrays[f"{number}.{codec}.{field}"] = getattr(windows, field)
    arrays["files"] = np.array(len(readings))
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    os.replace(beside, path)  # noqa: PTH105 - the atomic one


def load_part(path: Path) -> Iterator[Reading | str]:
    """Yield what each file of a batch gave."""
    with np.load(path) as arrays:
        for number in range(int(arrays["files"])):
            if f"{number}.reason" in arrays:
                yield arrays[f"{number}.reason"].tobytes().decode()
                continue
            windows = {
                codec: Windows(
                    *(arrays[f"{number}.{codec}.{f}"] for f in ("notes", "counts", "exact", "shape"))
                )
                for codec in CODECS
            }
            yield Reading(windows, arrays[f"{number}.fingerprint"], bool(arrays[f"{number}.varied"]))


def phrase_of(grid: Grid, notes: NDArray[np.int16]) -> Phrase:
    """Return the phrase of int16 [n, 5] rows as the corpus holds them."""
    return Phrase.of(grid, (Note(o, p, v, n, m / 100) for o, p, v, n, m in notes.tolist()))
