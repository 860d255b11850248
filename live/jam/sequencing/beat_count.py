"""Beats and bar lines, told to whoever subscribed by OSC as they are heard.

Owns: the beat and the metre that were told last.  Threads: engine only.
Tested in tests/live/jam/test_jam.py.
"""

from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.metre import name_of


class BeatCount:
    """Tells of each beat once."""

    def __init__(self, plan: Plan, output: Output) -> None:
        self._plan, self._output = plan, output
        self._beat = (-1, 0)
        self._grid: Grid | None = None

    def restart(self) -> None:
        """Start before the first beat again."""
        self._beat = (-1, 0)

    def advance(self, tick: Tick) -> None:
        """Tell of the beat of a tick, a bar's number and a metre where they begin with it."""
        lines = self._plan.lines
        beat = lines.beat_of(tick)
        if beat == self._beat or tick < lines.start:
            return
        self._beat = bar, within = beat
        if within == 0 and lines.grid != self._grid:
            self._grid = lines.grid
            self._output.publish("metre", name_of(lines.grid))
        self._output.publish("beat", within + 1)
        if within == 0:
            self._output.publish("bar", bar + 1)
