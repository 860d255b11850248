"""What some files gave, in one file of arrays one after another: what `prepare` resumes from and assembles.

A line of JSON says of each array its dtype, its shape and where it begins, counted from the end of the line;
an array of nothing is not written.

Tested in tests/trainer/corpus/test_prepare.py.
"""

import json
import math
from collections.abc import Sequence
from errno import EIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import atomic_write
from trainer.corpus.reading.read_midi import CODECS, PIECES, Reading
from trainer.corpus.windows.phrase_windows import Windows

FIELDS = ("notes", "counts", "aside")
FIELDS_OF_PHRASES = (*FIELDS, "exact", "shape")
FIELDS_OF_PIECES = (*FIELDS, "bars", "lines")
ALIGNED = 8  # bytes

Described = dict[str, tuple[str, list[int], int]]


def save_part(path: Path, readings: Sequence[Reading]) -> None:
    """Write what some files gave; whole or not at all.

    The arrays of all files lie one after another, with a size for each file.
    """
    arrays: dict[str, Sequence[NDArray[Any]]] = {
        "varied": [
            np.array([[reading.varied[codec] for codec in CODECS] for reading in readings], dtype=bool)
        ],
        "pieces": [np.array([len(reading.fingerprint) for reading in readings], dtype=np.int64)],
        "fingerprint": [reading.fingerprint for reading in readings],
    }
    for names, fields in ((CODECS, FIELDS_OF_PHRASES), (PIECES, FIELDS_OF_PIECES)):
        for name in names:
            windows = [reading.windows[name] for reading in readings]
            arrays[f"{name}.windows"] = [np.array([len(each.counts) for each in windows], dtype=np.int64)]
            for field in fields:
                arrays[f"{name}.{field}"] = [getattr(each, field) for each in windows]
    described: Described = {}
    data: list[bytes] = []
    place = 0
    for name, pieces in arrays.items():
        shape = [sum(map(len, pieces)), *pieces[0].shape[1:]]
        described[name] = (pieces[0].dtype.str, shape, place)
        data += [piece.tobytes() for piece in pieces]
        size = math.prod(shape) * pieces[0].dtype.itemsize
        data.append(bytes(-size % ALIGNED))
        place += size + -size % ALIGNED
    with atomic_write(path) as draft, draft.open("wb") as file:
        file.write(json.dumps({"bytes": place, "arrays": described}).encode() + b"\n")
        file.writelines(data)


def _head(path: Path) -> tuple[Described, int]:
    """Return what a part holds, and where its arrays begin.

    Raises:
        OSError: it is gone, cut short or damaged.
    """
    with path.open("rb") as file:
        line = file.readline()
    try:
        head = json.loads(line)
        described, size = head["arrays"], len(line) + head["bytes"]
    except (ValueError, KeyError, TypeError):
        size = -1
    if size != path.stat().st_size:
        raise OSError(EIO, f"{path} is damaged: delete the folder and prepare again")
    return described, len(line)


def whole(path: Path) -> bool:
    """Tell whether a part is there and not cut short."""
    try:
        _head(path)
    except OSError:
        return False
    return True


class PartFile:
    """What `save_part` wrote; arrays are read when they are asked for.

    Raises:
        OSError: here and everywhere, when the file is gone or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._described, self._begin = _head(path)
        self._arrays: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array by its name."""
        if name not in self._arrays:
            dtype, shape, place = self._described[name]
            values = np.fromfile(self._path, dtype, math.prod(shape), offset=self._begin + place)
            self._arrays[name] = values.reshape(shape)
        return self._arrays[name]

    def varied(self, first: int, count: int) -> NDArray[np.bool_]:
        """Return [file, codec], whether velocities vary."""
        return self["varied"][first : first + count]

    def fingerprints(self, first: int, count: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the fingerprints of some files one after another, and the size of each."""
        ends = np.cumsum(self["pieces"])
        sizes = self["pieces"][first : first + count]
        low = ends[first] - self["pieces"][first]
        return self["fingerprint"][low : low + sizes.sum()], sizes

    def windows(
        self, name: str, first: int, count: int, fields: Sequence[str]
    ) -> tuple[Windows, NDArray[np.int64]]:
        """Return the windows of some files, with some of their fields alone, and how many each file has.

        Args:
            name: one of `CODECS` or `PIECES`.
            first: the first file.
            count: of files.
            fields: of `FIELDS_OF_PHRASES` or `FIELDS_OF_PIECES`.
        """
        sizes = self[f"{name}.windows"]
        low = int(sizes[:first].sum())
        sizes = sizes[first : first + count]
        high = low + int(sizes.sum())
        found = Windows()
        for field in fields:
            values = self[f"{name}.{field}"]
            if field == "notes":
                counts = self[f"{name}.counts"]
                begin = int(counts[:low].sum())
                values = values[begin : begin + int(counts[low:high].sum())]
            else:
                values = values[low:high]
            setattr(found, field, values)
        return found, sizes
