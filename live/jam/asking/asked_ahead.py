"""What is asked of the model some beats before a phrase closes, since it takes longer than is left then.

Owns: for which phrase it asked last.  Threads: engine only.
Tested in tests/live/jam/asking/test_accompaniment.py, tests/live/jam/asking/test_variations_ahead.py.
"""

from abc import ABC, abstractmethod

from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT


class AskedAhead(ABC):
    """Asks once for each phrase of the performer.  `beats`: so many quarters before it closes."""

    def __init__(self, plan: Plan, beats: int = 2) -> None:
        self._plan, self._beats = plan, beats
        self._asked, self._present = 0, Tick(0)

    @property
    @abstractmethod
    def wanted(self) -> bool:
        """Whether there is anything to ask."""

    @abstractmethod
    def ask_for(self, cell: int) -> None:
        """Ask for what a cell is to sound, with what has been played by now."""

    def restart(self, cell: int = 0) -> None:
        """Start again in a cell: at bar 0, or where cells have another length from now on."""
        self._asked = cell

    def advance(self, present: Tick) -> None:
        """Ask when the last beats before the next cell begin.

        Args:
            present: the tick that the performer hears and plays at.
        """
        cell = self._plan.cell_of(Tick(present + self._ahead()))
        if cell <= self._asked:
            return
        self._asked, self._present = cell, present
        if self.wanted:
            self.ask_for(cell)

    def next_tick(self, now: Tick, *, present: Tick) -> Tick | None:
        """Return the tick, on the scale of `now`, at which it asks next; None if it does not."""
        if not self.wanted:
            return None
        return Tick(self._plan.lines.tick_of_cell(self._asked + 1) - self._ahead() + now - present)

    def _ahead(self) -> int:
        """Ticks before a cell: half a step, for its phrase closes then, and what writing may take."""
        return self._plan.half_step + self._beats * TICKS_PER_BEAT
