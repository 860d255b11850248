"""The accompaniment: parts that the performer does not play, written ahead by a model that accompanies.

It gives others their turn between two notes, and what it wrote joins the phrase when that is encoded.
Threads: engine only.
"""

from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.requests import Requests
from live.jam.input.capture import Capture
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.jam.turns import Turns


class Accompaniment(AskedAhead):
    """Asks for an accompaniment once for each phrase of the performer."""

    def __init__(
        self, plan: Plan, capture: Capture, requests: Requests, turns: Turns, *, output: Output
    ) -> None:
        super().__init__(plan)
        self._capture, self._requests, self._turns, self._output = capture, requests, turns, output

    @property
    def wanted(self) -> bool:
        """Whether the model writes parts."""
        return bool(self._requests.parts)

    def ask_for(self, cell: int) -> None:
        """Ask for the parts that join what was played before a cell, where there was anything."""
        if not self._turns.listens_before(self._plan.lines, cell):
            return
        played = self._capture.phrase(self._plan.grid, self._plan.lines.tick_of_cell(cell - 1))
        if len(played):
            self._output.ask(self._requests.accompany(cell, played))
