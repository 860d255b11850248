"""The accompaniment: parts that the performer does not play, written ahead by a model that accompanies.

It gives others their turn between two notes, and what it wrote joins the phrase when that is encoded.
Threads: engine only.
"""

from live.jam.asking.answers_ahead import SHORT_NANOS
from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.requests import Requests
from live.jam.input.capture import Capture
from live.jam.protocols import Output
from live.jam.sequencing.periods import Periods
from live.jam.sequencing.plan import Plan
from live.jam.turn_taking import TurnTaking
from model.music.grid import TICKS_PER_BEAT
from model.music.phrase import Phrase

MORE_BEATS = 2


class Accompaniment(AskedAhead):
    """Asks for an accompaniment once for each phrase of the performer."""

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        periods: Periods,
        requests: Requests,
        turns: TurnTaking,
        *,
        output: Output,
    ) -> None:
        super().__init__(plan)
        self._periods = periods
        self._capture, self._requests, self._turns, self._output = capture, requests, turns, output

    @property
    def wanted(self) -> bool:
        """Whether the model writes parts."""
        return bool(self._requests.parts)

    def _ahead(self) -> int:
        """As far again at a fast tempo: the answer itself is asked for a beat before the phrase closes."""
        ahead = super()._ahead()
        fast = self._plan.half_step * self._requests.tick_nanos < SHORT_NANOS
        return ahead + MORE_BEATS * TICKS_PER_BEAT if fast else ahead

    def ask_for(self, cell: int) -> None:
        """Ask for the parts that join what was played before a cell, or sounds on in it with new ones."""
        lines, base = self._plan.lines, self._periods.base_of(cell)
        played: Phrase | None = None
        if self._turns.listens_before(lines, cell):
            played = self._capture.phrase(self._plan.grid, lines.tick_of_cell(cell - 1))
        elif self._turns.rejoins(lines, cell) and base is not None:
            played = base.phrase
        if played:
            self._output.ask(self._requests.accompany(cell, played))
