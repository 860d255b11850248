"""Which second is which bar, beat and tick: one tempo and the metre's bar lines, laid on seconds.

Pure.
"""

import math
from typing import NamedTuple

from live.timing.bar_lines import BarLines
from model.music.grid import TICKS_PER_BEAT
from model.music.metre import signature

SECONDS_PER_MINUTE = 60


class BarBeatTick(NamedTuple):
    """A place as programs tell each other, counted in the metre's written beats: eighths in 6/8.

    Attributes:
        bar, beat: from 1.
        tick: 0..ticks_per_beat-1.
        bar_start_tick: ticks from the beginning to the bar line, counted in bars as long as this one.
        beats_per_bar, beat_type: of the time signature, 6 and 8.
        ticks_per_beat: of a written beat.
    """

    bar: int
    beat: int
    tick: int
    bar_start_tick: float
    beats_per_bar: int
    beat_type: int
    ticks_per_beat: int


class TempoMap(NamedTuple):
    """A line through a second and its quarter, at a tempo.

    Attributes:
        second, quarter: what lies on what.
        tempo_bpm: quarters a minute.
        lines: where the bars lie.
    """

    second: float
    quarter: float
    tempo_bpm: float
    lines: BarLines

    def quarters(self, second: float) -> float:
        """Return the quarter of a second."""
        return self.quarter + (second - self.second) * self.tempo_bpm / SECONDS_PER_MINUTE

    def bar_beat_tick(self, second: float) -> BarBeatTick:
        """Return the place of a second; before the beginning it is the beginning."""
        lines = self.lines
        above, below = signature(lines.grid)
        size = TICKS_PER_BEAT * 4 // below
        tick = max(0, math.floor(self.quarters(second) * TICKS_PER_BEAT + 1e-6))
        bar = lines.bar_of(tick)
        beat, rest = divmod(tick - lines.tick_of_bar(bar), size)
        return BarBeatTick(bar + 1, beat + 1, rest, float(bar * above * size), above, below, size)
