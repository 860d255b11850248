"""Hashes, the same on every machine: 64 bits of each of many sets of numbers at once, and of whole arrays.

Tested in tests/trainer/corpus/test_hashing.py.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
ROWS = 1 << 22  # of an array that are read at a time


def mixed(values: NDArray[np.uint64]) -> Hashes:
    """Return numbers scrambled so that close ones lie far apart (SplitMix64; Steele, Lea, Flood 2014)."""
    found = values + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ found >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ found >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return found ^ found >> np.uint64(31)


def set_hashes(columns: tuple[NDArray[np.signedinteger[Any]], ...], counts: NDArray[np.int64]) -> Hashes:
    """Return a hash of each of some sets of rows, whatever the order in which a set's rows stand.

    Args:
        columns: of all sets' rows one after another, each a number of 16 bits; at most four.
        counts: rows of each set.
    """
    keys = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        keys = keys << np.uint64(16) | (column & 0xFFFF).astype(np.uint64)
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(mixed(keys), dtype=np.uint64)))
    ends = np.cumsum(counts)
    return mixed(sums[ends] - sums[ends - counts] + counts.astype(np.uint64))


def digest(*arrays: NDArray[Any]) -> str:
    """Return a hash of arrays of any size, those of phrases: of every note, and of where each begins."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        for start in range(0, len(array), ROWS):
            found.update(np.ascontiguousarray(array[start : start + ROWS]).tobytes())
    return found.hexdigest()
