"""Hashes of many files or windows on disk, in buckets by their first bits: each fits into memory by itself.

What is asked of all (which are new, who shares what) is asked of one bucket after another, so that memory
does not grow with the corpus.

Tested in tests/trainer/corpus/test_dedup.py.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.corpus.hashing import Hashes

MOST_BITS = 10
FILES = 1_000  # of a bucket, about
TOGETHER = 1 << 16  # rows that are written at a time
TURN = 56  # bits below the split's turn in a window's place
PLACE = (1 << TURN) - 1
SCATTER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no two pairs become one; it spreads neighbours over the buckets (Knuth, "The Art of Computer
Programming", vol. 3, section 6.4: multiplicative hashing)."""
PLACED = np.dtype([("number", "<u8"), ("same", "<u8"), ("place", "<i8")])

Numbers = NDArray[np.int64]


class Buckets:
    """Rows of (number, a finer number, place) on disk.

    Args:
        folder: made.
        bits: of a number that choose its bucket, 0..`MOST_BITS`; the same whenever the folder is opened.

    Raises:
        OSError: here and everywhere, when the disk refuses.
    """

    def __init__(self, folder: Path, bits: int = MOST_BITS) -> None:
        """Open them; what is there stays."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.bits = folder, bits
        self._waiting: list[NDArray[np.void]] = []
        self._rows = 0
        self._changed: set[int] = set()

    def add(self, number: Hashes, same: Hashes, place: Numbers) -> None:
        """Append rows; they are on disk when they are many, read, or flushed."""
        rows = np.zeros(len(number), dtype=PLACED)
        rows["number"], rows["same"], rows["place"] = number, same, place
        self._waiting.append(rows)
        self._rows += len(rows)
        if self._rows >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        rows = np.concatenate([np.zeros(0, dtype=PLACED), *self._waiting])
        self._waiting, self._rows = [], 0
        bucket = (rows["number"] >> np.uint64(64 - MOST_BITS)).astype(np.int64) >> MOST_BITS - self.bits
        order = np.argsort(bucket, kind="stable")
        ends = np.searchsorted(bucket[order], np.arange((1 << self.bits) + 1))
        for which in np.flatnonzero(np.diff(ends)).tolist():
            self._changed.add(which)
            with self._path(which).open("ab") as file:
                file.write(rows[order[ends[which] : ends[which + 1]]].tobytes())

    def __iter__(self) -> Iterator[NDArray[np.void]]:
        """Yield the rows of one bucket after another."""
        self.flush()
        buckets = range(1 << self.bits)
        yield from (self._read(which) for which in buckets if self._path(which).is_file())

    def beside(self, first: int) -> Iterator[NDArray[np.void]]:
        """Yield rows of one bucket after another: those whose number a place from `first` on has.

        These are all that hang together with what was added to this object.
        """
        self.flush()
        for which in sorted(self._changed):
            rows = self._read(which)
            new = rows["place"] & PLACE >= first
            yield rows if new.all() else rows[np.isin(rows["number"], rows["number"][new])]

    def _read(self, which: int) -> NDArray[np.void]:
        return np.fromfile(self._path(which), dtype=PLACED)

    def _path(self, which: int) -> Path:
        return self.folder / f"{which:03x}"


def bits_for(files: int) -> int:
    """Return in how many buckets, as a power of 2, the hashes of so many files lie best."""
    return min(MOST_BITS, (files // FILES).bit_length())


def new_windows(met: Buckets, new: NDArray[np.bool_], *, first: int = 0) -> None:
    """Mark the windows that are to be kept.

    Of windows that are the same, the first is kept, by split (in the order of their turns) and then in their
    order; a window whose shape an earlier split has is not.  In `met`, `number` is a window's shape, `same`
    the hash of those that are the same (and so have one shape), `place` its turn above `TURN` bits and its
    number.

    Args:
        met: of all windows.
        new: bool [windows from `first` on]; set here.
        first: the first window that is new; those before it were kept already, and stay.
    """
    for rows in met.beside(first):
        place = rows["place"] & PLACE
        fresh = place >= first
        turn = rows["place"] >> TURN
        order = np.lexsort((place, turn, fresh, rows["same"]))
        once = np.ones(len(rows), dtype=bool)
        once[1:] = rows["same"][order][1:] != rows["same"][order][:-1]
        chosen = order[once]
        shapes, inverse = np.unique(rows["number"][chosen], return_inverse=True)
        earliest = np.full(len(shapes), 1 << 7, dtype=np.int64)
        old = ~fresh[chosen]
        np.minimum.at(earliest, inverse[old], turn[chosen][old])
        unknown = earliest == 1 << 7
        np.minimum.at(earliest, inverse, np.where(unknown[inverse], turn[chosen], 1 << 7))
        good = chosen[(turn[chosen] == earliest[inverse]) & fresh[chosen]]
        new[place[good] - first] = True


def shared(met: Buckets, most: int, *, first: int = 0) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Yield pairs of places and how many numbers they share, of numbers met at `most` places or fewer.

    Pairs that were found lie on disk, in a folder beside the numbers, until all are.

    Args:
        met: numbers and the places, below 2^32, at which they were met, each once.
        most: see above.
        first: pairs of two places before it are left out.

    Yields:
        (one, other, count) of some pairs, one before other; no pair comes twice.
    """
    folder = met.folder / "pairs"
    shutil.rmtree(folder, ignore_errors=True)
    pairs = Buckets(folder, met.bits)
    for rows in met.beside(first):
        found = [np.zeros(0, dtype=np.int64)]
        order = np.lexsort((rows["place"], rows["number"]))
        number, place = rows["number"][order], rows["place"][order]
        changes = np.ones(len(number), dtype=bool)
        changes[1:] = number[1:] != number[:-1]
        begins = np.flatnonzero(changes)
        sizes = np.diff(np.append(begins, len(number)))
        for size in range(2, most + 1):
            groups = begins[sizes == size]
            if not len(groups):
                continue
            one, other = np.triu_indices(size, 1)
            left, right = place[groups[:, None] + one], place[groups[:, None] + other]
            found.append((left.ravel() << 32 | right.ravel())[(right >= first).ravel()])
        pair, count = np.unique(np.concatenate(found), return_counts=True)
        pairs.add(pair.astype(np.uint64) * SCATTER, count.astype(np.uint64), pair)
    for rows in pairs:
        pair, inverse = np.unique(rows["place"], return_inverse=True)
        yield pair >> 32, pair & 0xFFFFFFFF, np.bincount(inverse, rows["same"]).astype(np.int64)
    shutil.rmtree(folder)
