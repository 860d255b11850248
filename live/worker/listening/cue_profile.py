"""How likely each place of a bar is for the first onset, and given the cues of an onset, beside the rhythm.

The cues are those of `model.music.metre_profile`; these tables count them beside `rhythm`.  Pure.
Tested in tests/live/worker/listening/test_beat_follower.py.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from live.worker.listening.metrical_positions import (
    METRES,
    PARTS,
    PARTS_PER_SIXTEENTH,
    in_nearest,
    nearest,
    quarters,
)
from live.worker.listening.weights_file import FILE, read
from model.music.metre import Metre

TABLES = Path(__file__).with_name("cue_tables.json")
"""By metre: how much each cue of an onset speaks for each sixteenth, in hundredths of a natural logarithm; by
logistic regression on songs that the shipped models learned from too (see NOTICE).  Of 6/8 there is none:
rhythm and network do better without."""

OFF = -6.0  # logarithm of how likely a first onset stands on no sixteenth


class CueProfile:
    """The evidence for one metre.

    Attributes:
        parts: in a bar.
        first: by part, the logarithm of how likely the first onset stands there.
        cues: [cue][part], logarithms up to a constant.
    """

    def __init__(self, metre: Metre) -> None:
        """Read the tables; a metre that is not known borrows the bars of the nearest.

        Raises:
            CheckpointError: the weights that came along are damaged.
        """
        self.parts = PARTS * quarters(metre)
        known = nearest(metre)
        sixteenths = PARTS // PARTS_PER_SIXTEENTH * quarters(known)
        tables = msgspec.json.decode(TABLES.read_bytes(), type=dict[str, list[list[int]]])
        silent = [[0] * sixteenths] * len(tables["four"])
        rows = [[number / 100 for number in row] for row in tables.get(METRES[known], silent)]
        ((first,),) = read(FILE, {f"{METRES[known]} first": (1, sixteenths)}).values()
        like = [in_nearest(part, metre) for part in range(self.parts)]
        self.first = _by_part(first.tolist(), like, OFF)
        self.cues = [_by_part(row, like, 0.0) for row in rows]


def _by_part(row: Sequence[float], like: Iterable[int], off: float) -> list[float]:
    """Return the numbers of sixteenths by part, where no sixteenth is `off`."""
    return [off if part % PARTS_PER_SIXTEENTH else row[part // PARTS_PER_SIXTEENTH] for part in like]


@lru_cache(maxsize=4)
def profile_of(metre: Metre) -> CueProfile:
    """Return the profile of a metre, read once."""
    return CueProfile(metre)
