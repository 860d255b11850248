"""Arrays on disk: the parts that prepare resumes from, and the memory-mapped phrases of a split.

Tested in tests/trainer/corpus/test_prepare.py.
"""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model.codecs.base import COLUMNS
from model.files import atomic_write
from trainer.corpus.read_midi import CODECS, PIECES, Reading
from trainer.corpus.windows import Windows

ARRAYS = {
    "notes": "int16 [N, 6]: onset step, pitch, velocity, length in steps, hundredths of a step off it, track",
    "starts": "int64 [phrases + 1]: first note of each phrase, and N",
    "songs": "int32 [phrases]: the song's number",
    "velocities": "bool [phrases]: the song's velocities vary",
    "styles": "int32 [phrases]: the song's style, a place in the list of styles",
}
FIELDS = ("notes", "counts", "exact", "shape", "aside", "bars", "lines")
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
    """Writes one split's arrays."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        folder.mkdir(parents=True)
        self._notes = Appender(folder / "notes.npy", "<i2", (len(COLUMNS),))
        self._starts = Appender(folder / "starts.npy", "<i8")
        self._songs = Appender(folder / "songs.npy", "<i4")
        self._velocities = Appender(folder / "velocities.npy", "?")
        self._styles = Appender(folder / "styles.npy", "<i4")
        self.songs: set[int] = set()

    @property
    def phrases(self) -> int:
        """Phrases written."""
        return self._songs.rows

    def add(self, windows: Windows, keep: list[int], song: int, *, varied: bool, style: int) -> None:
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
        self._styles.add(np.full(len(keep), style))

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


def save_part(path: Path, readings: list[Reading | str]) -> None:
    """Write what a batch of files gave; whole or not at all.

    The arrays of all files lie one after another, with a size for each file.
    """
    successful = [reading for reading in readings if isinstance(reading, Reading)]
    reasons = [reading if isinstance(reading, str) else None for reading in readings]
    text = json.dumps(reasons).encode("utf-8")
    arrays: dict[str, NDArray[Any]] = {
        "reasons": np.frombuffer(text, dtype=np.uint8),
        "varied": np.array(
            [[reading.varied[codec] for codec in CODECS] for reading in successful], dtype=bool
        ),
        "pieces": np.array([len(reading.fingerprint) for reading in successful], dtype=np.int64),
        "fingerprint": _joined([reading.fingerprint for reading in successful], np.zeros(0, dtype=np.uint64)),
    }
    empty = Windows()
    for codec in (*CODECS, *PIECES):
        windows = [reading.windows[codec] for reading in successful]
        arrays[f"{codec}.windows"] = np.array([len(each.counts) for each in windows], dtype=np.int64)
        for field in FIELDS:
            arrays[f"{codec}.{field}"] = _joined(
                [getattr(each, field) for each in windows], getattr(empty, field)
            )
    with atomic_write(path) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _joined(arrays: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    """Return the arrays one after another."""
    return np.concatenate([empty, *arrays])


def whole(path: Path) -> bool:
    """Tell whether a part is there and can be read."""
    try:
        with path.open("rb") as file, np.load(file) as stored:  # numpy leaves the file of a bad one open
            return "reasons" in stored
    except (OSError, ValueError, EOFError, BadZipFile):
        return False


def load_part(path: Path, codecs: Sequence[str] = CODECS) -> Iterator[Reading | str]:
    """Yield what each file of a batch gave, with the windows of some codecs."""
    with np.load(path) as stored:
        shared = ("reasons", "varied", "pieces", "fingerprint")
        arrays = {
            name: stored[name] for name in stored.files if name in shared or name.split(".")[0] in codecs
        }
    pieces = np.cumsum(arrays["pieces"])
    ends = {codec: np.cumsum(arrays[f"{codec}.windows"]) for codec in codecs}
    notes = {codec: np.cumsum([0, *arrays[f"{codec}.counts"]]) for codec in codecs}
    number = 0
    for reason in json.loads(arrays["reasons"].tobytes()):
        if reason is not None:
            yield reason
            continue
        windows = {}
        for codec in codecs:
            end = ends[codec][number]
            first = end - arrays[f"{codec}.windows"][number]
            rows = arrays[f"{codec}.notes"][notes[codec][first] : notes[codec][end]]
            windows[codec] = Windows(rows, *(arrays[f"{codec}.{field}"][first:end] for field in FIELDS[1:]))
        first_piece = pieces[number] - arrays["pieces"][number]
        yield Reading(
            windows,
            arrays["fingerprint"][first_piece : pieces[number]],
            dict(zip(CODECS, arrays["varied"][number].tolist(), strict=True)),
        )
        number += 1
