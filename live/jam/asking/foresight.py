"""Foresight: a variation that is asked for before the phrase that it varies has closed.

Threads: engine only.
"""

from collections.abc import Callable

from live.ipc.messages import Foresee
from live.jam.asking.asked_ahead import AskedAhead
from live.jam.asking.requests import Requests, Search
from live.jam.sequencing.plan import Plan
from live.timing.timeline import Tick


class Foresight(AskedAhead):
    """Asks for a variation once for each phrase of the performer.

    Args:
        plan: tells the cells.
        requests: writes what is asked of the model.
        ask: sends a request to the model; False when there is none.
        search: what was played in the phrase before a cell, up to a tick; None for nothing.

    """

    def __init__(
        self,
        plan: Plan,
        requests: Requests,
        *,
        ask: Callable[[Foresee], bool],
        search: Callable[[int, Tick], Search | None],
    ) -> None:
        """Start with nothing asked."""
        super().__init__(plan)
        self._requests, self._ask, self._search = requests, ask, search

    @property
    def wanted(self) -> bool:
        """Whether a knob varies what is played."""
        return self._requests.varies

    def ask_for(self, cell: int, present: Tick) -> None:
        """Ask for the variation that a cell is to sound, if its phrase will be taken up."""
        search = self._search(cell, present)
        if search is not None:
            self._ask(self._requests.foresee(search))
