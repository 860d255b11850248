"""The mean tempo of the last beats, where a timeline is bent to a beat that is followed.

The tempo of a moment is a guess from a few onsets and sways by some percent; that of some bars is known.
Threads: one at a time.
"""

from collections import deque

from live.timing.timeline import NANOS_PER_MINUTE, Nanos, Tick, Timeline
from model.music.grid import TICKS_PER_BEAT
from model.music.metre import Metre

STEADY_QUARTERS = 16  # at least, whose mean is shown: bars of two quarters must be more for as calm a number
MOST_BENDS = 256  # that are remembered: more than anyone plays chords in so many


def steady_bars(metre: Metre) -> int:
    """Return over how many bars of a metre the tempo that is shown is a mean."""
    return -(-STEADY_QUARTERS * TICKS_PER_BEAT // (metre.beats_per_bar * metre.ticks_per_beat))


class SteadyTempo:
    """Knows how a timeline has run.

    Args:
        timeline: that it runs on first, and ran on before, as far as is known.
        beats: quarters whose mean is taken.
    """

    def __init__(self, timeline: Timeline, beats: int) -> None:
        self._lines = deque([timeline], maxlen=MOST_BENDS)
        self._beats = beats

    def bend(self, timeline: Timeline) -> None:
        """Go on on another timeline, from its origin on."""
        self._lines.append(timeline)

    def bpm(self, tick: Tick) -> float:
        """Return the mean tempo of the beats before the one that a tick lies in: a beat long the same."""
        last = Tick(tick - tick % TICKS_PER_BEAT)
        first = Tick(last - self._beats * TICKS_PER_BEAT)
        return self._beats * NANOS_PER_MINUTE / (self._nanos(last) - self._nanos(first))

    def _nanos(self, tick: Tick) -> Nanos:
        """Return when a tick was."""
        known = (line for line in reversed(self._lines) if line.origin_tick <= tick)
        return next(known, self._lines[0]).nanos(tick)
