"""Which files are one song, and which side of the split a song lies on.  Arrays over files and songs.

Tested in tests/trainer/corpus/test_splits.py.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARED = 0.25  # share of the shorter fingerprint from which two files are versions of one song
FEWEST = 3  # pieces of a fingerprint that they share at least
COMMON = 40  # files from which a piece is a commonplace (scales, repeated notes) and joins nothing
TEST = 0.05
VALIDATION = 0.05
TRAIN_SIDE, VALIDATION_SIDE, TEST_SIDE = range(3)

Numbers = NDArray[np.int64]
Sides = NDArray[np.int8]


def place_of(name: str, seed: int) -> float:
    """Return a song's place on 0..1 by its name: the same wherever it is asked."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def side_of(place: float) -> int:
    """Return the side of a song that comes to others: by its place alone."""
    return TEST_SIDE if place < TEST else VALIDATION_SIDE if place < TEST + VALIDATION else TRAIN_SIDE


def split_songs(places: NDArray[np.float64]) -> Sides:
    """Return train (90 %), validation or test (5 % each) for each song.

    A song's side depends on its name and the seed alone, unless a side would stay empty: three songs or
    more fill all three.

    Args:
        places: of the songs, see `place_of`; nan of songs whose sides the manifest says.
    """
    order = np.argsort(places, kind="stable")
    count = int(np.count_nonzero(~np.isnan(places)))
    few = 1 if count >= 3 else 0
    test = max(few, int(np.count_nonzero(places < TEST)))
    held_out = max(test + few, int(np.count_nonzero(places < TEST + VALIDATION)))
    sides = np.full(len(places), TRAIN_SIDE, dtype=np.int8)
    sides[order[:test]] = TEST_SIDE
    sides[order[test:held_out]] = VALIDATION_SIDE
    return sides


def fill_sides(sides: Sides, places: NDArray[np.float64], holding: NDArray[np.bool_]) -> None:
    """Let test and validation have one of these songs each, where there are three or more; in place.

    Args:
        sides: side of each song.
        places: of the songs.
        holding: which songs hold phrases of one codec.
    """
    if np.count_nonzero(holding) < 3:
        return
    for side in (TEST_SIDE, VALIDATION_SIDE):
        if not np.any(holding & (sides == side)):
            spare = np.flatnonzero(holding & (sides == TRAIN_SIDE))
            if len(spare) > 1:
                sides[spare[np.argmin(places[spare])]] = side


class Unions:
    """Files that are joined to songs."""

    def __init__(self, files: int) -> None:
        self._parent = np.arange(files, dtype=np.int32)

    def root(self, number: int) -> int:
        """Return the file that stands for a file's song."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = int(parent[number])
        return number

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Make one song of two files each."""
        for one, other in pairs:
            self._parent[self.root(one)] = self.root(other)

    def songs(self) -> NDArray[np.int32]:
        """Return the song of each file, numbered from 0 in the order of the files."""
        roots = self._parent
        while not np.array_equal(roots, roots[roots]):
            roots = roots[roots]
        numbers = np.arange(len(roots), dtype=np.int32)
        first = np.empty_like(numbers)
        first[roots[::-1]] = numbers[::-1]  # of several the last one stays: a song's first file
        first = first[roots]
        return (np.cumsum(first == numbers, dtype=np.int32) - 1)[first]


def alike(
    one: Numbers, other: Numbers, count: Numbers, sizes: NDArray[np.signedinteger[Any]]
) -> list[tuple[int, int]]:
    """Return the pairs of files whose fingerprints share enough.

    Two with a quarter of the shorter one's melody in common, in any key and at any bar, are one song.

    Args:
        one: file of each pair.
        other: the other.
        count: hashes that they share.
        sizes: of the files' fingerprints.
    """
    least = np.minimum(sizes[one], sizes[other])
    enough = (count >= np.minimum(FEWEST, least)) & (count >= SHARED * least)
    return list(zip(one[enough].tolist(), other[enough].tolist(), strict=True))
