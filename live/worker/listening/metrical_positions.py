"""The places of a bar that an onset may stand on, and what is asked about each: the rhythm network's inputs.

A place is a sixteenth or a triplet of a quarter.  It is counted in parts, twelfths of a quarter, from a bar
line; so are distances.  What is said here holds for those who fit the network, too.  Pure.
Tested in tests/live/worker/listening/test_metrical_positions.py.
"""

from functools import lru_cache

from model.music.grid import DOTTED, TICKS_PER_BEAT
from model.music.metre import Metre

PARTS = 12  # in a quarter
PARTS_PER_SIXTEENTH = 3
TICKS_PER_PART = TICKS_PER_BEAT // PARTS
WITHIN = (0, 3, 4, 6, 8, 9)  # parts of a quarter that are places
REACH = 5  # parts around a moment in which places are looked for

FOUR_FOUR, THREE_FOUR, TWO_FOUR = (Metre(beats, TICKS_PER_BEAT) for beats in (4, 3, 2))
SIX_EIGHT = Metre(2, DOTTED)
METRES = {FOUR_FOUR: "four", THREE_FOUR: "three", SIX_EIGHT: "six", TWO_FOUR: "two"}
"""The metres that are known, and what arrays' names say."""

# kinds of a distance
KINDS = 10
FIRST, OTHER = 0, 9
KIND = {0: FIRST, 3: 1, 6: 2, 9: 3, 12: 4, 4: 5, 8: 6, 1: 7, 2: 7, 18: 8}
SINCE = 19  # kinds of the time since the last onset
ECHOES = 3**4  # a beat, half a bar, a bar and two bars ago: nothing is known, silence, an onset
SHARES = 5  # kinds of a share of the onsets
OFF_BEAT = ((3, 9), (6,), (4, 8))  # parts of a quarter whose share of the onsets counts


def quarters(metre: Metre) -> int:
    """Return how many quarters a bar has."""
    return metre.beats_per_bar * metre.ticks_per_beat // TICKS_PER_BEAT


def lags(metre: Metre) -> tuple[int, int, int, int]:
    """Return how many parts ago rhythms may have been the same: a quarter, a half or 3/8, a bar and two."""
    bar = PARTS * quarters(metre)
    half = metre.ticks_per_beat // TICKS_PER_PART if metre.ticks_per_beat == DOTTED else 2 * PARTS
    return PARTS, half, bar, 2 * bar


def places_of(metre: Metre) -> int:
    """Return how many places a bar has."""
    return quarters(metre) * len(WITHIN)


def number_of(part: int) -> int:
    """Return which of its bar's places a part is, from 0."""
    return part // PARTS * len(WITHIN) + WITHIN.index(part % PARTS)


def kind_of(distance: int) -> int:
    """Return the kind of a distance between two onsets."""
    return KIND.get(distance, OTHER)


def since_of(distance: int) -> int:
    """Return the kind of a time since the last onset, 1 or more."""
    return distance - 1 if distance <= 12 else min(12 + (distance - 13) // 6, SINCE - 1)


def share_of(count: int, among: int) -> int:
    """Return the kind of the share that some onsets have among those of the last two bars."""
    if not count:
        return 0 if among < 6 else 1
    share = count / among
    return 2 if share < 0.1 else 3 if share < 0.25 else 4


def nearest(metre: Metre) -> Metre:
    """Return the known metre that another one's bars are most like."""
    return metre if metre in METRES else SIX_EIGHT if metre.ticks_per_beat == DOTTED else FOUR_FOUR


def in_nearest(part: int, metre: Metre) -> int:
    """Return the part of a bar of the nearest metre that a part of a bar is most like."""
    known, beats = nearest(metre), quarters(metre)
    beat, within = divmod(part, PARTS)
    if known != FOUR_FOUR or beats == 4 or beat == 0:
        return part % (PARTS * quarters(known))
    middle = beats % 2 == 0 and beat == beats // 2
    return PARTS * (2 if middle else 1 if beat < beats - 1 else 3) + within


@lru_cache(maxsize=256)
def ahead(within: int, most: int) -> tuple[int, ...]:
    """Return the distances from a part of a quarter to the places after it, to the first at `most` or on."""
    found = [one for one in range(1, most + PARTS) if (within + one) % PARTS in WITHIN]
    return tuple(found[: next(index for index, one in enumerate(found) if one >= most) + 1])


@lru_cache(maxsize=4096)
def near(within: int, distance: int) -> tuple[int, ...]:
    """Return the distances from a part of a quarter to the places within reach of a moment."""
    around = range(max(1, distance - REACH), distance + REACH + 1)
    return tuple(one for one in around if (within + one) % PARTS in WITHIN)
