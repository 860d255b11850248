"""What of an onset speaks for a place in the bar, of all onsets of many files at once.

As `model.music.metre_profile.Cues` tells it onset by onset while someone plays.

Tested in tests/trainer/corpus/windows/test_bar_line.py.
"""

from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.music import metre_profile
from trainer.corpus.reading.tracks import Numbers

LOW_BOUNDS, LOUD_BOUNDS, SIZE_BOUNDS = (-9, -3, 4), (-4, 4.001), (-1, 2)
ABOVE, BELOW = 1 << 10, -1  # every pitch


class Onsets(NamedTuple):
    """What starts together on one sixteenth, file by file and in time.

    Attributes:
        songs: the file of each, from 0, rising.
        steps: the sixteenth of each.
        begins: the first note of each.
        pitches: of all notes.
        velocities: of all notes.
    """

    songs: Numbers
    steps: Numbers
    begins: Numbers
    pitches: Numbers
    velocities: Numbers


def cues_of(onsets: Onsets) -> tuple[Numbers, Numbers]:
    """Return rows of the cues' table that onsets stand for, and the onset of each, in no order."""
    songs, begins, pitches, velocities = onsets.songs, onsets.begins, onsets.pitches, onsets.velocities
    if not len(songs):
        return songs, songs
    size = np.diff(np.append(begins, len(pitches)))
    low, high = np.minimum.reduceat(pitches, begins), np.maximum.reduceat(pitches, begins)
    loud, classes = np.maximum.reduceat(velocities, begins), np.bitwise_or.reduceat(1 << pitches % 12, begins)
    lowest, highest, new = np.full_like(low, ABOVE), np.full_like(high, BELOW), classes.copy()
    for back in range(1, metre_profile.RECENT + 1):
        same = songs[back:] == songs[:-back]
        np.minimum(lowest[back:], low[:-back], out=lowest[back:], where=same)
        np.maximum(highest[back:], high[:-back], out=highest[back:], where=same)
        if back <= metre_profile.HARMONY:
            np.bitwise_and(new[back:], ~classes[:-back], out=new[back:], where=same)
    later = np.flatnonzero(songs[1:] == songs[:-1]) + 1
    before = later - 1
    rows = [
        metre_profile.LOWNESS
        + np.searchsorted(LOW_BOUNDS, low[later] - _aged(low, songs)[before], side="right"),
        metre_profile.LEAP + _leaps(high[later] - high[before]),
        metre_profile.ACCENT
        + np.searchsorted(LOUD_BOUNDS, loud[later] - _aged(loud, songs)[before], side="right"),
        metre_profile.NEW + np.minimum(2, np.bitwise_count(new[later])),
        metre_profile.BASS + _against(lowest[later] - low[later]),
        metre_profile.TOP + _against(high[later] - highest[later]),
        metre_profile.THICKER + np.searchsorted(SIZE_BOUNDS, size[later] - size[before], side="right"),
    ]
    evidence = np.concatenate([metre_profile.SIZE + np.minimum(4, size) - 1, *rows])
    return evidence, np.concatenate([np.arange(len(songs)), np.tile(later, len(rows))])


def _aged(values: Numbers, songs: Numbers) -> NDArray[np.float64]:
    """Return the running mean up to each onset, file by file."""
    ends = [0, *(np.flatnonzero(np.diff(songs)) + 1).tolist(), len(songs)]
    rows = values.tolist()
    means = [
        accumulate(rows[low:high], lambda mean, each: mean + metre_profile.AGING * (each - mean))
        for low, high in pairwise(ends)
    ]
    return np.fromiter(chain.from_iterable(means), dtype=np.float64, count=len(rows))


def _leaps(steps: Numbers) -> Numbers:
    """Return the kinds of melodic steps in semitones: none, a step up, down, a third, a leap up, down."""
    size, down = np.abs(steps), (steps < 0).astype(np.int64)
    return np.where(size > 4, 4 + down, np.where(size > 2, 3, np.where(size > 0, 1 + down, 0)))


def _against(beyond: Numbers) -> Numbers:
    """Return 0 for a pitch beyond an extreme, 1 for the extreme, 2 within."""
    return 1 - np.sign(beyond)
