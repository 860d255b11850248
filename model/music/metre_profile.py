"""What a metre looks like from within: how likely each place of a bar is, given what is played there.

A bar is cut into sixteenths.  The evidence is of two kinds: rhythm, how long it is from an onset on one place
to the next onset, given the distance before; and cues, what stands on a place: chords, low notes, leaps,
accents, new harmony.  Pure.
Tested in tests/live/worker/listening/test_beat_follower.py.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

TABLES = Path(__file__).with_name("metre_tables.json")
"""By quarters in a bar: `first` and `cues` in hundredths of a natural logarithm, `next` in tenths; fitted by
scripts/metre_tables.py on songs that the shipped models learned from too (see NOTICE)."""

STEPS_PER_BEAT = 4
LONGEST = 17  # distances in sixteenths from here on are one kind
RHYTHM_WEIGHT = 0.6  # onsets depend on each other more than a chain of first order says
BEYOND = -0.15  # logarithm, for each sixteenth that a distance is longer than the longest

# kinds of a distance: the row of the rhythm's table that the next distance is looked up in
RHYTHM_KINDS = 6
FIRST, SIXTEENTH, EIGHTH, QUARTER, DOTTED, OTHER = range(RHYTHM_KINDS)
KIND = {0: FIRST, 1: SIXTEENTH, 2: EIGHTH, 3: DOTTED, 4: QUARTER}

# cues: the first row of each in its table
SIZE, LOWNESS, LEAP, ACCENT, NEW, BASS, TOP, THICKER = 0, 4, 8, 14, 17, 20, 23, 26
RECENT, HARMONY = 6, 4  # onsets that the outer voices and the harmony are compared with
AGING = 0.1  # share by which a running mean goes to the latest


def kind_of(distance: int) -> int:
    """Return the kind of a distance in sixteenths."""
    return KIND.get(distance, OTHER)


class MetreProfile:
    """The evidence for one metre.

    Attributes:
        steps: sixteenths in a bar.
        first: by place, the logarithm of how likely the first onset stands there.
        rhythm: [kind of the distance before][place][distance - 1], logarithms.
        cues: [cue][place], logarithms up to a constant.
    """

    def __init__(self, beats_per_bar: int) -> None:
        """Read the tables; metres other than three and four quarters borrow the bars of four."""
        self.steps = beats_per_bar * STEPS_PER_BEAT
        bars = 3 if beats_per_bar == 3 else 4
        tables = msgspec.json.decode(TABLES.read_bytes())[str(bars)]
        places = [place if bars == 3 else _place_in_four(place, beats_per_bar) for place in range(self.steps)]
        self.first = [tables["first"][place] / 100 for place in places]
        self.rhythm = [
            [[RHYTHM_WEIGHT * value / 10 for value in kind[place]] for place in places]
            for kind in tables["next"]
        ]
        self.cues = [[row[place] / 100 for place in places] for row in tables["cues"]]


@lru_cache(maxsize=4)
def profile_of(beats_per_bar: int) -> MetreProfile:
    """Return the profile of a metre, read once."""
    return MetreProfile(beats_per_bar)


def _place_in_four(place: int, beats_per_bar: int) -> int:
    """Return the place of a bar of four quarters that a place of another bar is most like."""
    beat, within = divmod(place, STEPS_PER_BEAT)
    if beats_per_bar == 4 or beat == 0:
        return place
    middle = beats_per_bar % 2 == 0 and beat == beats_per_bar // 2
    return (8 if middle else 4 if beat < beats_per_bar - 1 else 12) + within


class Cues:
    """Tells, onset by onset, what of it speaks for a place in the bar."""

    def __init__(self) -> None:
        self._begun = False
        self._low = self._velocity = 0.0
        self._top, self._size = 0, 0
        self._lows: deque[int] = deque(maxlen=RECENT)
        self._tops: deque[int] = deque(maxlen=RECENT)
        self._harmony: deque[frozenset[int]] = deque(maxlen=HARMONY)

    def of(self, notes: Sequence[tuple[int, int]]) -> list[int]:
        """Return the rows of the cues' table that an onset's notes, (pitch, velocity), stand for."""
        size = len(notes)
        if size == 1:
            ((low, velocity),) = notes
            high, classes = low, frozenset((low % 12,))
        else:
            low, high = min(notes)[0], max(notes)[0]
            velocity = max(velocity for _, velocity in notes)
            classes = frozenset(pitch % 12 for pitch, _ in notes)
        found = [SIZE + min(4, size) - 1]
        if self._begun:
            step = high - self._top
            new = len(classes.difference(*self._harmony))
            found += [
                LOWNESS + _between(low - self._low, (-9, -3, 4)),
                LEAP + _leap(step),
                ACCENT + _between(velocity - self._velocity, (-4, 4.001)),
                NEW + min(2, new),
                BASS + _against(low, min(self._lows), -1),
                TOP + _against(high, max(self._tops), 1),
                THICKER + _between(size - self._size, (-1, 2)),
            ]
            self._low += AGING * (low - self._low)
            self._velocity += AGING * (velocity - self._velocity)
        else:
            self._begun, self._low, self._velocity = True, low, velocity
        self._top, self._size = high, size
        self._lows.append(low)
        self._tops.append(high)
        self._harmony.append(classes)
        return found


def _leap(step: int) -> int:
    """Return the kind of a melodic step in semitones: none, a step up, down, a third, a leap up, down."""
    if abs(step) <= 2:
        return 0 if step == 0 else 1 if step > 0 else 2
    return 3 if abs(step) <= 4 else 4 if step > 0 else 5


def _between(value: float, bounds: Sequence[float]) -> int:
    """Return how many bounds a value has reached."""
    return bisect_right(bounds, value)


def _against(pitch: int, extreme: int, sign: int) -> int:
    """Return 0 for a pitch beyond the extreme, in the sign's direction, 1 for the extreme, 2 within."""
    return 0 if sign * (pitch - extreme) > 0 else 1 if pitch == extreme else 2
