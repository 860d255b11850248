"""How likely each place of a bar is for the first onset, and given the cues of an onset, beside the rhythm.

The cues are those of `model.music.metre_profile`; these tables count them beside `rhythm`.  Pure.
Tested in tests/live/worker/listening/test_beat_follower.py.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from live.worker.listening.metrical_positions import PARTS, PARTS_PER_SIXTEENTH, in_four
from live.worker.listening.weights_file import FILE, METRES, read

TABLES = Path(__file__).with_name("cue_tables.json")
"""By quarters in a bar: how much each cue of an onset speaks for each sixteenth, in hundredths of a natural
logarithm; by logistic regression on songs that the shipped models learned from too (see NOTICE)."""

OFF = -6.0  # logarithm of how likely a first onset stands on no sixteenth


class CueProfile:
    """The evidence for one metre.

    Attributes:
        parts: in a bar.
        first: by part, the logarithm of how likely the first onset stands there.
        cues: [cue][part], logarithms up to a constant.
    """

    def __init__(self, beats_per_bar: int) -> None:
        """Read the tables; metres other than three and four quarters borrow the bars of four.

        Raises:
            CheckpointError: the weights that came along are damaged.
        """
        self.parts = PARTS * beats_per_bar
        name = METRES.get(beats_per_bar, METRES[4])
        tables = msgspec.json.decode(TABLES.read_bytes(), type=dict[str, list[list[int]]])
        rows = [[number / 100 for number in row] for row in tables["3" if beats_per_bar == 3 else "4"]]
        ((first,),) = read(FILE, {f"{name} first": (1, len(rows[0]))}).values()
        parts = range(self.parts)
        like = parts if beats_per_bar in METRES else [in_four(part, beats_per_bar) for part in parts]
        self.first = _by_part(first.tolist(), like, OFF)
        self.cues = [_by_part(row, like, 0.0) for row in rows]


def _by_part(row: Sequence[float], like: Iterable[int], off: float) -> list[float]:
    """Return the numbers of sixteenths by part, where no sixteenth is `off`."""
    return [off if part % PARTS_PER_SIXTEENTH else row[part // PARTS_PER_SIXTEENTH] for part in like]


@lru_cache(maxsize=4)
def profile_of(beats_per_bar: int) -> CueProfile:
    """Return the profile of a metre, read once."""
    return CueProfile(beats_per_bar)
