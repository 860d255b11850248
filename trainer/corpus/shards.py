"""Arrays on disk: the memory-mapped phrases of a split.

Tested in tests/trainer/corpus/test_prepare.py.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model.codecs.base import COLUMNS
from trainer.corpus.windows.phrase_windows import Windows

ARRAYS = {
    "notes": "int16 [N, 6]: onset step, pitch, velocity, length in steps, hundredths of a step off it, track",
    "starts": "int64 [phrases + 1]: first note of each phrase, and N",
    "songs": "int32 [phrases]: the song's number",
    "velocities": "bool [phrases]: the song's velocities vary",
    "styles": "int32 [phrases]: the song's style, a place in the list of styles",
}
ROWS = 1 << 18  # of an array that are looked at at a time
HEADER = 128  # bytes that numpy gives a header of one or two sizes, room to grow included


class Appender:
    """One .npy file written in pieces; its size is filled in at the end."""

    def __init__(self, path: Path, dtype: str, row: tuple[int, ...] = (), *, more: bool = False) -> None:
        self._dtype = np.dtype(dtype)
        self._row = row
        self.rows = 0
        if more:
            self.rows = len(np.load(path, mmap_mode="r"))
            self._file: IO[bytes] = path.open("r+b")
            self._file.seek(HEADER + self.rows * self._dtype.itemsize * int(np.prod(row, dtype=np.int64)))
            self._file.truncate()
        else:
            self._file = path.open("wb")
            self._file.write(bytes(HEADER))

    def drop_last(self) -> None:
        """Take the last row back."""
        self.rows -= 1
        self._file.seek(-self._dtype.itemsize * int(np.prod(self._row, dtype=np.int64)), 1)

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


def pieces_of(path: Path) -> Iterator[NDArray[np.int32]]:
    """Yield the numbers of a one-dimensional array that an `Appender` wrote, some at a time.

    Not memory-mapped: pages that were looked at would stay in memory.
    """
    for place in range(HEADER, path.stat().st_size, 4 * ROWS):
        yield np.fromfile(path, dtype="<i4", count=ROWS, offset=place)


class SplitWriter:
    """Writes one split's arrays."""

    def __init__(self, folder: Path, *, more: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=more)
        self._notes = Appender(folder / "notes.npy", "<i2", (len(COLUMNS),), more=more)
        self._starts, self._songs, self._velocities, self._styles = (
            Appender(folder / f"{name}.npy", dtype, more=more)
            for name, dtype in (("starts", "<i8"), ("songs", "<i4"), ("velocities", "?"), ("styles", "<i4"))
        )
        if more:
            self._starts.drop_last()  # the end of all

    @property
    def phrases(self) -> int:
        """Phrases written."""
        return self._songs.rows

    def add(self, windows: Windows, keep: NDArray[np.bool_], about: "About") -> None:
        """Append the chosen windows of some songs."""
        if not keep.any():
            return
        counts = windows.counts[keep]
        self._starts.add(self._notes.rows + np.cumsum(counts) - counts)
        self._notes.add(windows.notes[np.repeat(keep, windows.counts)])
        self._songs.add(about.songs[keep])
        self._velocities.add(about.varied[keep])
        self._styles.add(about.styles[keep])

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the files."""
        self._starts.add(np.array([self._notes.rows]))
        for array in (self._notes, self._starts, self._songs, self._velocities, self._styles):
            array.close()


class About(NamedTuple):
    """What is known of each of some windows: its song, whether velocities vary in it, its style."""

    songs: NDArray[np.int32]
    varied: NDArray[np.bool_]
    styles: NDArray[np.int32]
