"""What a rhythm is likely to do next: how likely an onset stands on a sixteenth, after those before it.

What is looked at: the sixteenth's place in the bar, how long the last onset is ago, the distance before that
one, and whether an onset stood half a bar, a bar and two bars ago, as rhythms are made to come again.  Pure.
Tested in tests/live/timing/listening/test_rhythm.py.
"""

from functools import lru_cache
from math import exp, log1p

from live.timing.listening import rhythm_tables

LONGEST = 17  # sixteenths since the last onset from which on they count alike
# kinds of a distance in sixteenths
KINDS = 6
FIRST, SIXTEENTH, EIGHTH, QUARTER, DOTTED, OTHER = range(KINDS)
KIND = {0: FIRST, 1: SIXTEENTH, 2: EIGHTH, 3: DOTTED, 4: QUARTER}
ECHOES = 15  # of what was half a bar, a bar and two bars ago: 1 while nothing is known, 2, 4 and 8
LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
LEVEL, MIDDLE = 0.15, 32  # logits between two letters of the tables, and the letter of an even chance
WEIGHT = 0.7  # onsets depend on each other in more ways than these


def kind_of(distance: int) -> int:
    """Return the kind of a distance in sixteenths."""
    return KIND.get(distance, OTHER)


class RhythmProfile:
    """The likelihood of rhythms in one metre.

    Attributes:
        steps: sixteenths in a bar.
        lags: of half a bar, a bar and two bars; of three quarters, instead of the half, a beat.
    """

    def __init__(self, beats_per_bar: int) -> None:
        """Read the tables; metres other than three and four quarters borrow the bars of four."""
        three = beats_per_bar == 3
        table = "".join((rhythm_tables.THREE if three else rhythm_tables.FOUR).split())
        logits = [(LEVELS.index(letter) - MIDDLE) * LEVEL for letter in table]
        self.steps = 4 * beats_per_bar
        self.lags = (4 if three else 8, self.steps, 2 * self.steps)
        self.kept = (1 << self.lags[2]) - 1  # bits of the past that count
        self._sounds = [-WEIGHT * log1p(exp(-logit)) for logit in logits]
        self._silent = [-WEIGHT * log1p(exp(logit)) for logit in logits]
        places = 12 if three else 16
        self._bases = [
            ECHOES * (place if three else place_in_four(place, beats_per_bar)) for place in range(self.steps)
        ]
        self._since = ECHOES * places
        self._kind = LONGEST * self._since

    def distances(self, place: int, kind: int, past: int, age: int, most: int) -> list[float]:
        """Return how likely the next onset comes so many sixteenths later, as logarithms from 1 to `most`.

        Args:
            place: of the last onset in its bar.
            kind: of the distance before it.
            past: bits: where onsets stood, the lowest the last one's, each other one sixteenth earlier.
            age: sixteenths from the first onset to the last.
            most: distances.
        """
        half, bar, two = self.lags
        steps, bases, sounds, silent = self.steps, self._bases, self._sounds, self._silent
        of_kind, by_since = kind * self._kind, self._since
        quiet, found = 0.0, []
        for distance in range(1, most + 1):
            known = age + distance
            if known < half:
                echo = 0
            elif known < bar:
                echo = 1 + (past >> (half - distance) & 1 if half >= distance else 0)
            else:
                echo = (past >> (half - distance) & 1 if half >= distance else 0) + 2 * (
                    past >> (bar - distance) & 1 if bar >= distance else 0
                )
                echo += 3
                if known >= two:
                    echo += 4 + 4 * (past >> (two - distance) & 1 if two >= distance else 0)
            index = (
                of_kind
                + (distance if distance < LONGEST else LONGEST - 1) * by_since
                + bases[(place + distance) % steps]
                + echo
            )
            found.append(quiet + sounds[index])
            quiet += silent[index]
        return found


@lru_cache(maxsize=4)
def rhythm_of(beats_per_bar: int) -> RhythmProfile:
    """Return the rhythm of a metre, its tables read once."""
    return RhythmProfile(beats_per_bar)


def place_in_four(place: int, beats_per_bar: int) -> int:
    """Return the place of a bar of four quarters that a place of another bar is most like."""
    beat, within = divmod(place, 4)
    if beats_per_bar == 4 or beat == 0:
        return place
    middle = beats_per_bar % 2 == 0 and beat == beats_per_bar // 2
    return (8 if middle else 4 if beat < beats_per_bar - 1 else 12) + within
