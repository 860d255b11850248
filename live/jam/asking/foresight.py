"""Foresight: a variation that is asked for before the phrase that it varies has closed.

Threads: engine only.
"""

from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.played import Played
from live.jam.asking.requests import Requests
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick


class Foresight(AskedAhead):
    """Asks for a variation once for each phrase of the performer.

    Args:
        plan: tells the cells.
        requests: writes what is asked of the model.
        played: cuts out what was played.
        output: takes the requests.

    """

    def __init__(self, plan: Plan, requests: Requests, played: Played, *, output: Output) -> None:
        """Start with nothing asked."""
        super().__init__(plan)
        self._requests, self._played, self._output = requests, played, output

    @property
    def wanted(self) -> bool:
        """Whether a knob varies what is played."""
        return self._requests.varies

    def ask_for(self, cell: int, present: Tick) -> None:
        """Ask for the variation that a cell is to sound, if its phrase will be taken up."""
        search = self._played.before(self._plan.lines, cell, present)
        if search is not None:
            closes = self._plan.lines.tick_of_cell(cell) - self._plan.half_step
            self._output.ask(self._requests.foresee(search, closes_ticks=closes - present))
