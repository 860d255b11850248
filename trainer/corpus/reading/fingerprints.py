"""What a song is known by, whatever its key or bar line: hashes of runs of notes of its upper line.

Tested in tests/trainer/corpus/reading/test_fingerprints.py.
"""

from itertools import pairwise

import numpy as np

from model.codecs.base import ONSET, PITCH
from model.codecs.drums import CLASS_OF_KEY
from trainer.corpus.hashing import Hashes, mixed
from trainer.corpus.reading.sheets import Sheets
from trainer.corpus.reading.tracks import Numbers, merged, skyline

GRAM = 8  # notes in one piece of a song's fingerprint
DRUM_GRAM = 32  # steps with hits in one piece of a drum performance's
SKETCH = 4  # one in so many of them is kept
MOST_GRAMS = 20_000


def fingerprints(pitched: Sheets, drums: Sheets) -> list[Hashes]:
    """Return of each song hashes of runs of notes of the upper line: intervals and distances.

    Of a song that holds drums alone they are of runs of (hits, distance in steps).  One in four is kept, the
    same ones in every song, so that two songs with much in common share many.
    """
    chosen = np.zeros(len(pitched.lines), dtype=bool)
    beaten = np.zeros(len(drums.lines), dtype=bool)
    for song in range(len(pitched)):
        lines = pitched.lines_of(song)
        if lines:
            upper = max(lines, key=lambda line: (line.voiced, line.mean))
            chosen[pitched.first_line[song] + upper.place] = True
        else:
            beaten[drums.first_line[song] : drums.first_line[song + 1]] = True
    notes, songs = skyline(*merged(*pitched.of_lines(chosen)))
    pitched_grams = _grams(np.diff(notes[:, PITCH]), np.diff(notes[:, ONSET]), songs, GRAM, len(pitched))
    rows, songs = drums.of_lines(beaten)
    places = songs << 32 | rows[:, ONSET]
    order = np.argsort(places, kind="stable")
    begins = np.flatnonzero(np.diff(places[order], prepend=-1))
    masks = (1 << CLASS_OF_KEY[rows[order, PITCH]]).astype(np.int64)
    masks, places = np.bitwise_or.reduceat(masks, begins) if len(begins) else masks, places[order][begins]
    hit = _grams(masks[1:], np.diff(places & 0xFFFFFFFF), places >> 32, DRUM_GRAM, len(pitched))
    return [one if len(one) else other for one, other in zip(pitched_grams, hit, strict=True)]


def _grams(values: Numbers, gaps: Numbers, songs: Numbers, length: int, count: int) -> list[Hashes]:
    """Return of each song the hashes of runs of so many (value, distance), one in `SKETCH`.

    Args:
        values: from each note to the next.
        gaps: likewise, in steps.
        songs: of the notes, one more than values.
        length: of a run.
        count: of songs.
    """
    begins = np.arange(max(0, len(values) - length + 1))
    begins = begins[songs[begins] == songs[begins + length]] if len(begins) else begins
    first = np.searchsorted(songs, np.arange(count))
    begins = begins[begins - first[songs[begins]] < MOST_GRAMS]
    steps = values.astype(np.int64) << 7 | np.minimum(gaps, 64)
    least = int(steps.min(initial=0))
    occupied = np.flatnonzero(np.bincount(steps - least))  # few, and none far from another
    which, distinct = np.searchsorted(occupied, steps - least), (occupied + least).astype(np.uint64)
    sums = np.zeros(len(begins), dtype=np.uint64)
    for place in range(length):
        scrambled = mixed(distinct ^ np.uint64(place << 56))
        sums += scrambled[which[begins + place]]
    hashes = mixed(sums)
    taken = hashes % np.uint64(SKETCH) == 0
    hashes, of = hashes[taken], songs[begins[taken]]
    order = np.lexsort((hashes, of))
    hashes, of = hashes[order], of[order]
    new = np.ones(len(of), dtype=bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (of[1:] != of[:-1])
    hashes, of = hashes[new], of[new]
    ends = np.searchsorted(of, np.arange(count + 1)).tolist()
    return [hashes[low:high] for low, high in pairwise(ends)]
