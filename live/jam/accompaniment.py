"""The accompaniment: parts that the performer does not play, written ahead by a model that accompanies.

A part takes a while to write, so the model is asked two beats before a phrase closes, with what has been
played by then; it gives others their turn between two notes, and what it wrote joins the phrase when that is
encoded.
Owns: for which phrase the model was asked last.  Threads: engine only.
"""

from collections.abc import Callable

from live.ipc.messages import Accompany
from live.jam.capture import Capture
from live.jam.plan import Plan
from live.jam.requests import Requests
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT

BEATS = 2


class Accompaniment:
    """Asks for an accompaniment once for each phrase of the performer.

    Args:
        plan: tells the cells.
        capture: what was played.
        requests: writes what is asked of the model.
        ask: sends a request to the model; False when there is none.
        listens: tells whether what is played before a cell will be its base.

    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        requests: Requests,
        *,
        ask: Callable[[Accompany], bool],
        listens: Callable[[int], bool],
    ) -> None:
        """Start with nothing asked."""
        self._plan, self._capture, self._requests = plan, capture, requests
        self._ask, self._listens = ask, listens
        self._asked = 0

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
        self._asked = cell
        if not self._requests.parts or not self._listens(cell):
            return
        played = self._capture.phrase(self._plan.grid, self._plan.lines.tick_of_cell(cell - 1), present)
        if len(played):
            self._ask(self._requests.accompany(cell, played))

    def next_tick(self, now: Tick, *, present: Tick) -> Tick | None:
        """Return the tick, on the scale of `now`, at which it asks next; None if it does not."""
        if not self._requests.parts:
            return None
        return Tick(self._plan.lines.tick_of_cell(self._asked + 1) - self._ahead() + now - present)

    def _ahead(self) -> int:
        """Ticks before a cell: half a step, for its phrase closes then, and what writing may take."""
        return self._plan.grid.ticks_per_step // 2 + BEATS * TICKS_PER_BEAT
