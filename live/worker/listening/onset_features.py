"""What the metre's network is told of an onset: which rows of its first layer add up.

Rows of what is played hold on any grid: chord, intervals, registers, loudness, new harmony.  Rows of a place
are those of a grid: the last two distances, and whether the same was there a beat, half a bar, a bar and two
bars ago.  Where the bar lines lie is not among them, so what is learned of one shift holds for all.
Tested in tests/live/worker/listening/test_onset_features.py.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate

from live.worker.listening.metrical_positions import METRES, PARTS, lags
from model.music.metre import Metre

UNITS = 24  # of a grid's beat; a sixteenth has 6, a triplet eighth 8
FARTHEST = 191  # units beyond which distances count alike
RECENT, HARMONY = 6, 4  # onsets that voices and loudness, and the harmony, are compared with
LOUDER = (-19, -7, -2, 3, 8, 20)  # bounds between the kinds of a change of velocity
SLOWEST_OCTAVE, BINS_PER_OCTAVE, TEMPI = 4.9, 8, 30  # log2 of a tempo's bpm: the first bin, and how many
COUNTED = 15  # onsets from which on their number counts alike

SIZES = {
    "distance": FARTHEST + 1, "before": FARTHEST + 1, "size": 5, "top": 27, "low": 27, "lowest": 13,
    "highest": 13, "louder": 7, "loud": 7, "new": 4, "thicker": 5, "low register": 22, "top register": 22,
    "beat": 4, "half": 4, "bar": 4, "two": 4, "count": COUNTED + 1, "tempo": TEMPI, "metre": len(METRES),
}  # fmt: skip
ROWS = dict(zip(SIZES, accumulate(SIZES.values(), initial=0), strict=False))
"""The first row of each feature."""
ALL_ROWS = sum(SIZES.values())
UNKNOWN, SILENT, OTHER_PITCH, SAME_PITCH = range(4)  # what was there a beat, half a bar, a bar, two bars ago


class PlayedFeatures:
    """Tells, onset by onset, the rows of what is played."""

    def __init__(self) -> None:
        self._lows: deque[int] = deque(maxlen=RECENT)
        self._tops: deque[int] = deque(maxlen=RECENT)
        self._velocities: deque[int] = deque(maxlen=RECENT)
        self._harmony: deque[frozenset[int]] = deque(maxlen=HARMONY)
        self._size = 0

    def of(self, notes: Sequence[tuple[int, int]]) -> list[int]:
        """Return the rows of an onset's notes, (pitch, velocity)."""
        low, top, size = min(notes)[0], max(notes)[0], len(notes)
        velocity = max(velocity for _, velocity in notes)
        classes = frozenset(pitch % 12 for pitch, _ in notes)
        if self._lows:
            lows, tops, velocities = self._lows, self._tops, self._velocities
            up, up_low, thicker = _within(top - tops[-1], 13), _within(low - lows[-1], 13), size - self._size
            lowest, highest = _within(low - min(lows), 7), _within(max(tops) - top, 7)
            louder = bisect_right(LOUDER, velocity - velocities[-1])
            loud = bisect_right(LOUDER, velocity - sum(velocities) / len(velocities))
        else:
            up = up_low = thicker = 0
            lowest = highest = -5
            louder = loud = bisect_right(LOUDER, 0)
        values = {
            "size": min(size, 5) - 1,
            "top": up + 13,
            "low": up_low + 13,
            "lowest": max(lowest, -5) + 5,
            "highest": max(highest, -5) + 5,
            "louder": louder,
            "loud": loud,
            "new": min(3, len(classes.difference(*self._harmony))),
            "thicker": _within(thicker, 2) + 2,
            "low register": min(low // 6, 21),
            "top register": min(top // 6, 21),
        }
        self._lows.append(low)
        self._tops.append(top)
        self._velocities.append(velocity)
        self._harmony.append(classes)
        self._size = size
        return [ROWS[name] + value for name, value in values.items()]


class PlacedFeatures:
    """Tells, onset by onset, the rows of its place on a grid.

    Args:
        metre: of the grid, one of METRES.

    Attributes:
        place: of the last onset, in units since the first.
    """

    def __init__(self, metre: Metre) -> None:
        self.place = 0
        self._lags, self._metre = unit_lags(metre), ROWS["metre"] + list(METRES).index(metre)
        self._tops: dict[int, int] = {}
        self._before, self._count = 0, 0

    def of(self, distance: int, top: int) -> list[int]:
        """Return the rows of an onset.

        Args:
            distance: from the onset before, in units; 0 of the first.
            top: its highest pitch.
        """
        self.place += distance
        distance = min(distance, FARTHEST)
        rows = [
            ROWS["distance"] + distance,
            ROWS["before"] + self._before,
            ROWS["count"] + min(self._count, COUNTED),
            self._metre,
        ]
        for name, lag in self._lags.items():
            then = self._tops.get(self.place - lag)
            if self.place < lag:
                kind = UNKNOWN
            elif then is None:
                kind = SILENT
            else:
                kind = SAME_PITCH if then == top else OTHER_PITCH
            rows.append(ROWS[name] + kind)
        self._tops[self.place] = top
        oldest = next(iter(self._tops))
        if oldest < self.place - self._lags["two"]:
            del self._tops[oldest]
        self._before = distance
        self._count += 1
        return rows


def unit_lags(metre: Metre) -> dict[str, int]:
    """Return how many units ago the places are that an onset is compared with, by the feature."""
    ago = [UNITS // PARTS * parts for parts in lags(metre)]
    return dict(zip(("beat", "half", "bar", "two"), ago, strict=True))


def tempo_rows(octave: float) -> tuple[int, int, float]:
    """Return the two rows of a tempo, given as log2 of its bpm, and the share of the second, 0..1."""
    place = min(max((octave - SLOWEST_OCTAVE) * BINS_PER_OCTAVE, 0.0), TEMPI - 1.001)
    return ROWS["tempo"] + int(place), ROWS["tempo"] + int(place) + 1, place % 1


def _within(value: int, most: int) -> int:
    return max(-most, min(most, value))
