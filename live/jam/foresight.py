"""Foresight: a variation that is asked for before the phrase that it varies has closed.

Writing takes longer than is left between the last note of a phrase and the bar line on which its answer
begins, so the model process is asked two beats ahead, with what has been played by then.
Owns: for which phrase it asked last.  Threads: engine only.
Tested in tests/live/jam/test_foresight.py.
"""

from collections.abc import Callable

from live.ipc.messages import Foresee
from live.jam.capture import Capture
from live.jam.plan import Plan
from live.jam.requests import Requests, Search
from live.timing.timeline import Tick
from model.music.grid import TICKS_PER_BEAT

BEATS = 2


class Foresight:
    """Asks once for each phrase of the performer.

    Args:
        plan: tells the cells.
        capture: what was played.
        requests: writes what is asked of the model.
        ask: sends a request to the model; False when there is none.
        search: what was played in the phrase before a cell, up to a tick; None for nothing.

    """

    def __init__(
        self,
        plan: Plan,
        capture: Capture,
        requests: Requests,
        *,
        ask: Callable[[Foresee], bool],
        search: Callable[[int, Tick], Search | None],
    ) -> None:
        """Start with nothing asked."""
        self._plan, self._capture, self._requests = plan, capture, requests
        self._ask, self._search = ask, search
        self._asked = 0

    def restart(self, cell: int = 0) -> None:
        """Start again in a cell."""
        self._asked = cell

    def advance(self, present: Tick) -> None:
        """Ask when the last beats before the next cell begin, if it is to sound a variation.

        Args:
            present: the tick that the performer hears and plays at.

        """
        cell = self._plan.cell_of(Tick(present + self._ahead()))
        if cell <= self._asked:
            return
        self._asked = cell
        search = self._search(cell, present) if self._requests.varies else None
        if search is not None:
            self._ask(self._requests.foresee(search))

    def next_tick(self, now: Tick, *, present: Tick) -> Tick | None:
        """Return the tick, on the scale of `now`, at which it asks next; None if it does not."""
        if not self._requests.varies:
            return None
        return Tick(self._plan.lines.tick_of_cell(self._asked + 1) - self._ahead() + now - present)

    def _ahead(self) -> int:
        """Ticks before a cell: half a step, for its phrase closes then, and what writing may take."""
        return self._plan.grid.ticks_per_step // 2 + BEATS * TICKS_PER_BEAT
