"""The model process is told that a phrase is about to close, and begins on the variation of it.

Threads: engine only.
"""

from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.played_phrases import PlayedPhrases
from live.jam.asking.requests import Requests
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan


class VariationsAhead(AskedAhead):
    """Looks ahead once for each phrase of the performer."""

    def __init__(self, plan: Plan, requests: Requests, played: PlayedPhrases, *, output: Output) -> None:
        super().__init__(plan)
        self._requests, self._played, self._output = requests, played, output

    @property
    def wanted(self) -> bool:
        """Always: what is written ahead may not stand before the answer to any phrase."""
        return True

    def ask_for(self, cell: int) -> None:
        """Tell when the phrase before a cell closes, and ask for the cell's variation, if it is taken up."""
        search = self._played.before(self._plan.lines, cell)
        if search is None:
            return
        closes = self._plan.lines.tick_of_cell(cell) - self._plan.half_step
        self._output.ask(self._requests.closing(closes - self._present))
        if self._requests.varies:
            self._output.ask(self._requests.vary_ahead(search))
