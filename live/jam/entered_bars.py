"""Bars as they begin: what each plays, and whether that was there in time.

Owns: the bar that was entered last, and the counts.  Threads: engine only.
Tested in tests/live/jam/test_trouble.py, tests/live/jam/asking/test_answers_ahead.py.
"""

from live.jam.asking.searches import Searches
from live.jam.notices import Notices
from live.jam.protocols import Output
from live.jam.sequencing.cell import Cell
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick


class EnteredBars:
    """Looks at each bar of the plan as it begins.

    Attributes:
        missed: bars that began without what they were to play.
        begun: bars that began with the answer to what was played until shortly before their phrase closed.
    """

    def __init__(self, plan: Plan, searches: Searches, *, output: Output, notices: Notices) -> None:
        self.missed = self.begun = 0
        self._plan, self._searches, self._output, self._notices = plan, searches, output, notices
        self._bar = -1
        self._amid: int | None = None  # bar that is gone on in, before whose beginning nobody could ask

    def restart(self, bar: int = 0, *, amid: bool = False) -> None:
        """Enter this bar next, or go on amid it."""
        self._bar, self._amid = bar - 1, bar if amid else None

    def enter(self, now: Tick) -> Cell | None:
        """Return the cell of a bar that begins; None while the last one lasts."""
        bar = self._plan.lines.bar_of(now)
        if bar == self._bar:
            return None
        self._bar = bar
        cell = self._plan.cells[self._plan.cell_of(now)]
        origin = cell.origin if cell.sounds != "nothing" and cell.phrase is not None else "silent"
        self._output.log("plan", bar=bar, origin=origin)
        return cell

    def late(self, cell: Cell) -> bool:
        """Tell whether the bar that was entered lacks something that its cell was to play, and count it."""
        if self._bar == self._amid or not cell.speaks or not self._lacks(cell):
            return False
        if cell.origin == "decoded" and cell.source is not None and cell.source.origin == "begun":
            self.begun += 1
        else:
            self.missed += 1
            if cell.phrase is not None:
                text = f"bar {self._bar + 1} was not there in time: the last good one again"
                self._notices.add("warning", text)
        return True

    def _lacks(self, cell: Cell) -> bool:
        if self._searches.owes(cell.index):
            return True
        base, source = cell.base, cell.source
        if base is None:
            return False
        # of the same number: all but how long the last keys were held, or a new band
        same = source is not None and source.number == base.number
        return cell.origin != "decoded" or (base.origin == "played" and not same)
