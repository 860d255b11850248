"""How likely each place of a bar is for the first onset, and given the cues of an onset, beside the rhythm.

The cues are those of `model.music.metre_profile`; these tables count them beside `rhythm`.  Pure.
Tested in tests/live/timing/listening/test_beat_follower.py.
"""

from functools import lru_cache

from live.timing.listening import place_tables
from live.timing.listening.rhythm import place_in_four
from model.music.metre_profile import STEPS_PER_BEAT


class PlaceProfile:
    """The evidence for one metre.

    Attributes:
        steps: sixteenths in a bar.
        first: by place, the logarithm of how likely the first onset stands there.
        cues: [cue][place], logarithms up to a constant.
    """

    def __init__(self, beats_per_bar: int) -> None:
        """Read the tables; metres other than three and four quarters borrow the bars of four."""
        self.steps = beats_per_bar * STEPS_PER_BEAT
        three = beats_per_bar == 3
        tables = (
            (place_tables.THREE_FIRST, place_tables.THREE_CUES)
            if three
            else (place_tables.FOUR_FIRST, place_tables.FOUR_CUES)
        )
        places = [place if three else place_in_four(place, beats_per_bar) for place in range(self.steps)]
        first, cues = map(_numbers, tables)
        self.first = [first[0][place] / 100 for place in places]
        self.cues = [[row[place] / 100 for place in places] for row in cues]


@lru_cache(maxsize=4)
def profile_of(beats_per_bar: int) -> PlaceProfile:
    """Return the profile of a metre, read once."""
    return PlaceProfile(beats_per_bar)


def _numbers(table: str) -> list[list[int]]:
    return [[int(number) for number in line.split()] for line in table.split("\n") if line]
